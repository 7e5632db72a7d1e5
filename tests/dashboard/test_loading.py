"""The page while it loads: what comes first, what may come late or never, and what it takes on the wire."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route

from dashboard.app import PLOTLY
from tests.dashboard.browser import SURFACE_DRAWN, Watched, Wire, open_page, until_numbers_are_shown
from tests.dashboard.fake_api import SYMBOLS, FakeApi, served_page

pytestmark = pytest.mark.asyncio(loop_scope="module")

SYMBOL = SYMBOLS[0]
FIRST_LOAD = 2_000_000
"""Bytes over the wire that the first load may take."""
SECOND_LOAD = 100_000
COLOURS = """() => {
  const { map } = window.liquidity.page;
  map.paint();
  const { gl, element: { width, height } } = map.canvas;
  const pixels = new Uint32Array(width * height);
  gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(pixels.buffer));
  return new Set(pixels).size;
}"""
"""How many different colours the map has."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def port() -> AsyncIterator[int]:
    """Serve the page and an API that is live, with a window."""
    async with FakeApi() as api:
        await api.send(*(api.make(SYMBOL, second) for second in range(api.second - 170, api.second)))
        async with served_page(api.port) as served:
            yield served


async def test_the_page_is_live_before_the_surfaces_script_has_come(browser: Browser, port: int) -> None:
    """Map and numbers wait for nothing; and the surface is there once its script is."""
    asked, let_go = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        asked.set()
        await let_go.wait()
        await route.continue_()

    async def prepare(page: Watched) -> None:
        await page.page.route(f"**{PLOTLY}*", hold)

    async with open_page(browser, port, prepare=prepare) as page:
        await page.live(SYMBOL)
        await page.until("document.getElementById('surface-missing').textContent === 'loading …'")
        assert asked.is_set()
        await page.frames(2)
        assert await page.do("window.Plotly === undefined")
        assert await page.do(COLOURS) > 20
        await until_numbers_are_shown(page)
        let_go.set()
        await page.until(SURFACE_DRAWN)
        await page.until("document.querySelector('#surface canvas')?.checkVisibility()")
        assert await page.text("surface-missing") == ""
        assert page.complaints == []


async def test_without_the_surfaces_script_the_rest_goes_on(browser: Browser, port: int) -> None:
    """One sentence stands in its place."""

    async def prepare(page: Watched) -> None:
        await page.page.route(f"**{PLOTLY}*", lambda route: route.abort())

    async with open_page(browser, port, prepare=prepare) as page:
        with page.refused():
            await page.live(SYMBOL)
            await page.until(
                "document.getElementById('surface-missing').textContent.includes('did not come')"
            )
            await page.frames(2)
            assert await page.do(COLOURS) > 20
            await until_numbers_are_shown(page)
        assert page.complaints == []


async def test_a_browser_loads_little_at_first_and_next_to_nothing_again(browser: Browser, port: int) -> None:
    """All that the page asks for until the surface is drawn, as the browser itself counted it."""
    wire = Wire()
    async with open_page(browser, port, prepare=wire.watch) as page:
        await page.until(SURFACE_DRAWN)
        first = wire.take()
        await page.page.reload()
        await page.until(SURFACE_DRAWN)
        second = wire.take()
    assert 500_000 < first < FIRST_LOAD  # less would be no page with Plotly in it
    assert 0 < second < SECOND_LOAD
