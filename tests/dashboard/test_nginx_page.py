"""The page in a real browser, through the real nginx as docs/operations.md configures it."""

import re
from pathlib import Path

from tests.dashboard.browser import Watched, chromium
from tests.nginx import behind_nginx

STATE = "document.getElementById('state')?.textContent"


async def test_the_page_is_live_behind_a_proxy(tmp_path: Path) -> None:
    """Under a path, with the API under another of the same host; nothing complains."""
    async with behind_nginx(tmp_path, "localhost") as (_, port), chromium() as browser:
        context = await browser.new_context(viewport={"width": 1366, "height": 768})
        page = Watched(context, await context.new_page())
        asked: list[str] = []
        page.page.on("request", lambda request: asked.append(request.url))
        await page.page.goto(f"http://localhost:{port}/orderbook/")
        await page.until(f"{STATE} === 'LIVE'")
        await page.until("window.Plotly !== undefined")
        assert page.complaints == []
        own = re.compile(rf"(http://localhost:{port}/orderbook/|data:|blob:)")
        assert [url for url in asked if not own.match(url)] == []
        await context.close()
