"""The notebooks of `docs/notebooks/` run against the program as they stand, only shorter."""

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import nbformat
import pytest
import pytest_asyncio
from nbclient import NotebookClient

from tests.program import PATIENCE, ROOT, Program, listening, next_live

FOLDER = ROOT / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
MOST_BYTES = 300_000
A_PATH = re.compile(r"""(?<![\w./:])/(?:[\w.-]+/)+[\w-]+\.(?:py|ipynb)\b""")
"""What an error or a warning says of where a file lies."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def program() -> AsyncIterator[Program]:
    """Run one program for all notebooks."""
    async with Program(source="simulated", symbols="BTCUSDT") as running:
        async with listening(running.url("BTCUSDT")) as connection:
            for _ in range(6):  # an order flow takes more than one second to have a slope
                await next_live(connection)
        yield running


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
async def test_a_notebook_runs_and_draws(program: Program, path: Path) -> None:
    """No cell fails or warns, and there is at least one picture."""
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    client = NotebookClient(notebook, timeout=int(PATIENCE), resources={"metadata": {"path": FOLDER}})
    settings = {"ORDERBOOK_URL": f"ws://127.0.0.1:{program.api_port}", "ORDERBOOK_SECONDS": "4"}
    await client.async_execute(env=os.environ | settings)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert [output for output in outputs if output.get("name") == "stderr"] == []
    assert any("image/png" in output.get("data", {}) for output in outputs)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_a_notebook_is_small_and_tells_of_no_machine(path: Path) -> None:
    """As it is kept: its pictures are, paths of whoever ran it are not."""
    text = path.read_text(encoding="utf-8")
    assert len(text) < MOST_BYTES
    assert "Traceback" not in text
    assert not A_PATH.search(text)


def test_there_are_notebooks() -> None:
    """So that the tests above are of something."""
    assert len(NOTEBOOKS) == 4
