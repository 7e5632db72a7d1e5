"""What most tests of the page begin with: one browser a module, and one page on its fake API."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser

from tests.dashboard.browser import Watched, chromium, open_page
from tests.dashboard.fake_api import FakeApi, served_page


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Run one browser for all tests."""
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def port(api: FakeApi) -> AsyncIterator[int]:
    """Serve the page."""
    async with served_page(api.port) as served:
        yield served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one_page(browser: Browser, port: int) -> AsyncIterator[Watched]:
    """Open the page once."""
    async with open_page(browser, port) as watched:
        await watched.live()
        yield watched
