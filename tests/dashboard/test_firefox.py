"""The page in Debian's Firefox, which has another engine for all of it."""

import asyncio
import contextlib
import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.dashboard.fake_api import SYMBOLS, FakeApi, served_page
from tests.program import PATIENCE, ROOT

LOOK = Path(__file__).with_name("firefox") / "look.mjs"
SYMBOL = SYMBOLS[1]  # whose ten levels a side fill the surface
NEEDED = {"Firefox": ("firefox-esr", "firefox"), "Xvfb": ("Xvfb",), "Node": ("node",)}


def needed_path(what: str) -> str:
    """Return where a program is; without it the test is skipped, or fails in CI."""
    for name in NEEDED[what]:
        if path := shutil.which(name):
            return path
    if os.environ.get("CI"):
        pytest.fail(f"there is no {what} on the PATH: in CI it is installed and required")
    pytest.skip(f"skipped: there is no {what} on the PATH, which the test of the page in Firefox needs")


@contextlib.asynccontextmanager
async def display() -> AsyncIterator[str]:
    """Run a screen that nobody sees: without one Firefox draws no WebGL."""
    process = await asyncio.create_subprocess_exec(
        needed_path("Xvfb"), "-displayfd", "1", "-screen", "0", "1500x1000x24", "-nolisten", "tcp",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        if process.stdout is None:
            raise RuntimeError("not started")
        number = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
        yield f":{number.decode().strip()}"
    finally:
        process.terminate()
        await process.wait()


async def seen_at(address: str) -> dict[str, Any]:
    """Use the page in Firefox, and return what was seen."""
    firefox, node = needed_path("Firefox"), needed_path("Node")
    if not (ROOT / "node_modules" / "puppeteer-core").is_dir():
        if os.environ.get("CI"):
            pytest.fail("puppeteer-core is not installed: in CI `npm ci` has been run")
        pytest.skip(
            "skipped: puppeteer-core is not installed, with which Firefox is driven; `npm ci` does that"
        )
    async with display() as screen:
        process = await asyncio.create_subprocess_exec(
            node, str(LOOK), firefox, address,
            env={**os.environ, "DISPLAY": screen, "MOZ_ENABLE_WAYLAND": "0"},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            out, said = await asyncio.wait_for(process.communicate(), 6 * PATIENCE)
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()
    assert process.returncode == 0, said.decode()[-2000:]
    seen: dict[str, Any] = json.loads(out)
    return seen


async def test_firefox_draws_the_page_and_hands_move_it() -> None:
    """Map and surface are seen in colour, wheel and drag change the view, and the console is silent."""
    async with FakeApi() as api:
        past = range(api.second - 170, api.second)
        await api.send(*(api.make(SYMBOL, second) for second in past))
        async with served_page(api.port) as port:
            seen = await seen_at(f"http://127.0.0.1:{port}/?symbol={SYMBOL}")
    assert seen["map"] > 50
    assert seen["surface"] > 50
    assert "UTC" in seen["tooltip"]
    start, zoomed, dragged = seen["start"], seen["zoomed"], seen["dragged"]
    assert zoomed["high"] - zoomed["low"] < 0.9 * (start["high"] - start["low"])
    assert zoomed["to"] - zoomed["from"] < 0.9 * (start["to"] - start["from"])
    assert start["following"] is zoomed["following"] is True
    assert dragged["following"] is False
    assert dragged["high"] - dragged["low"] == pytest.approx(zoomed["high"] - zoomed["low"], rel=0.01)
    assert dragged["high"] > zoomed["high"]
    assert seen["complaints"] == []
