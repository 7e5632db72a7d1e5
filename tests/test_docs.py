"""The README says what the program does: its settings and the fields of its frames are checked here."""

import asyncio
import sys
from dataclasses import fields

import msgspec
import pytest

from api.simulate import NotLiveRefusal, SimulatedOrder, SimulatedOrders
from config import settings_markdown
from features.detectors.detection import Detection, Ending, Kind
from state.frames import AuditHealth, Frame, Health, Row, StreamHealth, TradeStreamHealth
from tests.program import PATIENCE, ROOT, Program, environment_of, listening, next_live, order_answered


@pytest.fixture(scope="module")
def readme() -> str:
    """Return the README's text."""
    return (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_has_the_table_of_settings(readme: str) -> None:
    """Each flag, variable, default, range and meaning stands there as `config.settings_markdown` gives it."""
    section = readme.split("\n## Settings\n")[1].split("\n## ", maxsplit=1)[0]
    table = [line for line in section.splitlines() if line.startswith("|")]
    assert table == settings_markdown().splitlines()


@pytest.mark.parametrize(
    "kind", [Frame, Row, Health, StreamHealth, TradeStreamHealth, AuditHealth, Detection]
)
def test_the_readme_names_every_field(readme: str, kind: type[msgspec.Struct]) -> None:
    """Each key of a frame, of a row of the window and of the health is there, in backticks."""
    section = readme.split("\n## What comes out\n")[1].split("\n## ", maxsplit=1)[0]
    assert [name for name in kind.__struct_fields__ if f"`{name}`" not in section] == []


@pytest.mark.parametrize("answer", [SimulatedOrder, SimulatedOrders, NotLiveRefusal])
def test_the_readme_names_every_field_of_a_simulated_order(
    readme: str, answer: type[SimulatedOrder | SimulatedOrders | NotLiveRefusal]
) -> None:
    """Each key of an answer of `/simulate` is in the section about it, in backticks."""
    section = readme.split("### A simulated order\n")[1].split("\n## ", maxsplit=1)[0]
    assert [field.name for field in fields(answer) if f"`{field.name}`" not in section] == []


async def test_the_readmes_simulated_order_is_answered_as_written(readme: str) -> None:
    """The URL that the README gives to curl has an answer; only its port is another."""
    url = readme.split('curl "')[1].split('"', maxsplit=1)[0]
    async with Program(source="simulated", symbols="BTCUSDT") as program:
        async with listening(program.url("BTCUSDT")) as connection:
            await next_live(connection)
        reply = await order_answered(url.replace("127.0.0.1:8000", f"127.0.0.1:{program.api_port}"))
    assert set(reply) == {field.name for field in fields(SimulatedOrder)}


def test_the_readme_names_every_kind_and_ending_of_a_detection(readme: str) -> None:
    """A reader of a frame can look up each word of its detections."""
    assert [word.value for word in (*Kind, *Ending) if f"`{word.value}`" not in readme] == []


async def test_the_readmes_notebook_script_runs_as_written(readme: str) -> None:
    """The script under "Read it from a notebook" prints a live mid price; only its port is another."""
    script = readme.split("```python\n")[1].split("```", maxsplit=1)[0]
    async with Program(source="simulated") as program:
        async with listening(program.url("BTCUSDT")) as connection:
            await next_live(connection)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", script.replace("127.0.0.1:8000", f"127.0.0.1:{program.api_port}")),
            env=environment_of(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 0, said.decode()
    assert "seconds so far" in said.decode()
