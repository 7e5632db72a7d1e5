"""The page held against the rules for accessible pages that axe knows, in each of its states and both themes."""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.dashboard.browser import Watched, chromium, open_page
from tests.dashboard.fake_api import SYMBOLS, FakeApi, live, served_page
from tests.program import ROOT

pytestmark = pytest.mark.asyncio(loop_scope="module")

SYMBOL = SYMBOLS[0]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = """async (tags) => {
  const found = await window.axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] });
  return [found.passes.length, found.violations.flatMap(({ id, help, nodes }) => nodes.map((node) =>
    `${id}: ${help}: ${node.html.slice(0, 160)} ${node.any.concat(node.all).map(({ message }) => message).join("; ")}`))];
}"""
OPEN = {
    "live": "",
    "evidence": "#detections-rows button",
    "scale": "[aria-controls='scale-menu']",
    "detections": "[aria-controls='kinds-menu']",
    "health": "#health",
    "keys": "#keys",
}
"""What is opened, by what is clicked."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api() -> AsyncIterator[FakeApi]:
    """Run one fake API for all tests."""
    async with FakeApi() as running:
        yield running


async def detect(page: Watched, api: FakeApi) -> None:
    """Have a wall in the list."""
    async with api.paused():
        api.second += 1
        entry = {
            "id": "w1", "kind": "wall", "event": "opened", "side": "bid", "price": 59999.0,
            "started_at": (api.second - 5) * 1000, "time": api.second * 1000, "reason": None,
            "evidence": {"size": 12.5},
        }  # fmt: skip
        await api.send(live(SYMBOL, api.second * 1000, mid=600_000, detections=[entry]))
    await page.until("document.querySelectorAll('#detections-rows li').length === 1")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one_page(api: FakeApi) -> AsyncIterator[Watched]:
    """Open the page once, with axe in it, a detection and an order."""
    if not AXE.exists():
        if os.environ.get("CI"):
            pytest.fail("axe-core is not installed: in CI `npm ci` has been run")
        pytest.skip("skipped: axe-core is not installed, which these tests need; `npm ci` does that")
    async with chromium() as browser, served_page(api.port) as port, open_page(browser, port) as watched:
        await watched.live(SYMBOL)
        await detect(watched, api)
        await watched.page.fill("#impact-size", "0.5")
        await watched.until("document.querySelectorAll('#impact-figures dd').length >= 3")
        await watched.until("document.querySelector('#surface canvas') !== null")
        await watched.page.evaluate(AXE.read_text(encoding="utf-8"))
        yield watched


@pytest_asyncio.fixture(loop_scope="module")
async def page(one_page: Watched, api: FakeApi) -> AsyncIterator[Watched]:
    """Return the page while it is live, with nothing open."""
    api.mood = "live"
    await one_page.page.keyboard.press("Escape")
    await one_page.page.keyboard.press("f")
    await one_page.live(SYMBOL)
    await detect(one_page, api)
    yield one_page


async def assert_accessible(page: Watched) -> None:
    """Run all rules."""
    passed, violations = await page.do(RUN, TAGS)
    assert violations == []
    assert passed > 15


async def show_theme(page: Watched, theme: str) -> None:
    """Choose a theme."""
    if await page.do("document.documentElement.dataset.theme") != theme:
        await page.page.click("#theme")
    await page.until("(theme) => window.liquidity.page.map.theme === theme", theme)
    await page.frames(1)


@pytest.mark.parametrize("what", OPEN)
@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_no_rule_is_broken_on_the_live_page(page: Watched, theme: str, what: str) -> None:
    """Nor with anything of it open."""
    await show_theme(page, theme)
    if not OPEN[what]:
        return await assert_accessible(page)
    await page.page.locator(OPEN[what]).first.click()
    await page.until("(what) => document.querySelector(what).ariaExpanded !== 'false'", OPEN[what])
    await assert_accessible(page)
    await page.page.locator(OPEN[what]).first.click()
    return None


@pytest.mark.parametrize("mood", ["stale", "syncing", "silent"])
@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_no_rule_is_broken_while_the_page_is_not_live(
    page: Watched, api: FakeApi, theme: str, mood: str
) -> None:
    """Veil, badge and numbers that went out are as readable."""
    await show_theme(page, theme)
    with page.reconnecting():
        api.mood = mood
        await page.until("document.getElementById('veil').checkVisibility()")
        await assert_accessible(page)
        api.mood = "live"
        await page.live(SYMBOL)
