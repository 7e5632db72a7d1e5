"""README and docs say what the program does: what they name, link to and let people run is checked here."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import fields

import httpx
import msgspec
import pytest
import pytest_asyncio

from api.simulate import NotLiveRefusal, SimulatedOrder, SimulatedOrders
from data_ingestion.simulated_exchange.faults import FAULTS
from features.detectors.detection import Detection, Ending, Kind
from processes.command_line import settings_markdown
from state.frames import AuditHealth, Frame, Health, Row, StreamHealth, TradeStreamHealth
from tests.program import (
    PATIENCE,
    ROOT,
    Program,
    environment_of,
    free_port,
    listening,
    next_live,
    order_answered,
)

in_one_loop = pytest.mark.asyncio(loop_scope="module")

PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
)
A_LINK = re.compile(r"\]\(([^)\s]+)\)")
A_PATH = re.compile(r"`((?:[\w.-]+/)*[\w.-]+\.(?:py|mjs|md|ipynb|toml|yaml|css)|(?:[\w-]+/)+)`")
A_MODULE = re.compile(r"python -m (tests[\w.]*)")
A_TARGET = re.compile(r"(?:`|^)make ([a-z]+)", re.MULTILINE)


def text_of(page: str) -> str:
    """Return a page's text."""
    return (ROOT / page).read_text(encoding="utf-8")


def anchors_of(page: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def program() -> AsyncIterator[Program]:
    """Run one program for all that a page says of it as it comes."""
    async with Program(source="simulated", symbols="BTCUSDT") as running:
        async with listening(running.url("BTCUSDT")) as connection:
            await next_live(connection)
        yield running


@pytest.fixture(scope="module")
def readme() -> str:
    """Return the README's text."""
    return text_of("README.md")


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Each file that a page links to is there, and so is the heading."""
    lost = []
    for link in A_LINK.findall(text_of(page)):
        if link.startswith("http"):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        if not target.exists() or (
            anchor and anchor not in anchors_of(str(target.resolve().relative_to(ROOT)))
        ):
            lost.append(link)
    assert lost == []


@pytest.mark.parametrize("page", [page for page in PAGES if page != "CHANGELOG.md"])
def test_what_a_page_names_is_there(page: str) -> None:
    """Files, folders, modules to run and targets of make. Files may be named from tests/ or docs/ too."""
    text = text_of(page)
    roots = (ROOT, ROOT / "tests", ROOT / "docs")
    paths = [path for path in A_PATH.findall(text) if not any((root / path).exists() for root in roots)]
    modules = [
        name
        for name in A_MODULE.findall(text)
        if not any((ROOT / f"{name.replace('.', '/')}{end}").exists() for end in (".py", "/__main__.py"))
    ]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = [name for name in A_TARGET.findall(text) if f"\n{name}:" not in makefile]
    assert (paths, modules, targets) == ([], [], [])


def test_the_readme_is_short(readme: str) -> None:
    """What a newcomer needs; the rest has pages of its own."""
    assert len(readme.splitlines()) <= 150


def test_the_settings_are_documented() -> None:
    """Each flag, variable, default, range and meaning stands there as `settings_markdown` gives it."""
    table = [line for line in text_of("docs/settings.md").splitlines() if line.startswith("|")]
    assert table == settings_markdown().splitlines()


def test_every_fault_is_documented() -> None:
    """Each kind that the simulated exchange can play, how long it acts, and what happens."""
    section = text_of("docs/simulated_exchange.md").split("\n## Faults\n")[1]
    table = [line for line in section.splitlines() if line.startswith("| `")]
    assert table == [f"| `{kind}` | {rule.lasts.value} | {rule.effect} |" for kind, rule in FAULTS.items()]


async def test_what_the_page_on_faults_asks_for_is_done() -> None:
    """Each command is answered as written, but for its port; the book is lost, and live again."""
    text, port = text_of("docs/simulated_exchange.md"), free_port()
    asks = re.findall(r"curl (?:-d '(.+)' )?http://127\.0\.0\.1:9100(/\S+)", text)
    assert len(asks) >= 6
    async with (
        Program(
            source="simulated", symbols="BTCUSDT", simulated_control="true", simulated_port=port
        ) as program,
        listening(program.url("BTCUSDT")) as connection,
        httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{port}") as http,
    ):
        await next_live(connection)
        for body, path in asks:
            reply = await (http.post(path, content=body) if body else http.get(path))
            assert (path, reply.status_code) == (path, 200)
        async with asyncio.timeout(PATIENCE):
            frame = await next_live(connection)
            while not frame["health"]["resyncs"]:
                frame = await next_live(connection)


@pytest.mark.parametrize(
    "kind", [Frame, Row, Health, StreamHealth, TradeStreamHealth, AuditHealth, Detection]
)
def test_every_field_is_documented(kind: type[msgspec.Struct]) -> None:
    """Each key of a frame, of a row of the window and of the health is there, in backticks."""
    text = text_of("docs/frames.md") + text_of("docs/detectors.md")
    assert [name for name in kind.__struct_fields__ if f"`{name}`" not in text] == []


@pytest.mark.parametrize("answer", [SimulatedOrder, SimulatedOrders, NotLiveRefusal])
def test_every_field_of_a_simulated_order_is_documented(
    answer: type[SimulatedOrder | SimulatedOrders | NotLiveRefusal],
) -> None:
    """Each key of an answer of `/simulate` is in the section about it, in backticks."""
    section = text_of("docs/frames.md").split("## A simulated order\n")[1].split("\n## ", maxsplit=1)[0]
    assert [field.name for field in fields(answer) if f"`{field.name}`" not in section] == []


@in_one_loop
async def test_the_readmes_simulated_order_is_answered_as_written(program: Program, readme: str) -> None:
    """The URL that the README gives to curl has an answer; only its port is another."""
    url = readme.split('curl "')[1].split('"', maxsplit=1)[0]
    reply = await order_answered(url.replace("127.0.0.1:8000", f"127.0.0.1:{program.api_port}"))
    assert set(reply) == {field.name for field in fields(SimulatedOrder)}


def test_every_kind_and_ending_of_a_detection_is_documented() -> None:
    """A reader of a frame can look up each word of its detections."""
    text = text_of("docs/detectors.md")
    assert [word.value for word in (*Kind, *Ending) if f"`{word.value}`" not in text] == []


@in_one_loop
async def test_the_readmes_notebook_scripts_run_as_written(program: Program, readme: str) -> None:
    """The scripts under "Read it from a notebook" print prices and a book; only their port is another."""
    section = readme.split("\n## Read it from a notebook\n")[1].split("\n## ", maxsplit=1)[0]
    scripts = [part.split("```", maxsplit=1)[0] for part in section.split("```python\n")[1:]]
    shorter = (("127.0.0.1:8000", f"127.0.0.1:{program.api_port}"), ("wait(10)", "wait(2)"))
    said = [await _said_by(script, *shorter) for script in scripts]
    seconds, updates = said
    assert "seconds, " in seconds
    assert " USDT on average" in seconds
    assert " bids from " in updates


async def _said_by(script: str, *changes: tuple[str, str]) -> str:
    for written, instead in changes:
        assert written in script
        script = script.replace(written, instead)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-W", "error", "-c", script),
        cwd=ROOT,
        env=environment_of(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 0, said.decode()
    return said.decode()
