"""Page and API under one path of a proxy, the real nginx, configured as docs/operations.md says."""

import json
import re
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from tests.nginx import NAME, behind_nginx
from tests.program import PATIENCE, next_frame, next_live


async def test_page_and_api_are_reached_as_documented(tmp_path: Path) -> None:
    """The page with all its files, frames, orders, the description of the routes; strangers are refused."""
    async with behind_nginx(tmp_path) as (_, port):
        site, base = f"http://{NAME}:{port}", f"http://127.0.0.1:{port}"
        headers = {"host": f"{NAME}:{port}"}
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE, headers=headers) as http:
            page = await http.get(f"{base}/orderbook/")
            assert page.status_code == 200
            files = [
                urljoin("/orderbook/", found) for found in re.findall(r'(?:src|href)="([^"]+)"', page.text)
            ]
            assert len(files) > 5
            for path in (*files, "/orderbook/assets/app.mjs", "/orderbook/_dash-dependencies"):
                assert path.startswith("/orderbook/")
                assert (await http.get(base + path)).status_code == 200, path
            facts = (await http.get(f"{base}/orderbook/_dash-layout")).json()["props"]
            assert facts["data-api-url"] == f"{site}/orderbook/api"
            assert (await http.head(base + facts["data-plotly"])).status_code == 200
            assert f"ws://{NAME}:{port}" in page.headers["content-security-policy"]
            moved = await http.get(f"{base}/orderbook")
            assert moved.status_code in (301, 307)

            api = f"{base}/orderbook/api"
            assert (await http.get(f"{api}/symbols", headers={"origin": site})).status_code == 200
            assert (await http.head(f"{api}/health")).status_code == 200
            for path in ("docs", "docs/swagger-ui-bundle.js", "docs/start.js", "openapi.json"):
                assert (await http.get(f"{api}/{path}")).status_code == 200
            assert (await http.get(f"{api}/feed/BTCUSDT")).status_code == 404
            refused = await http.get(f"{api}/symbols", headers={"origin": "https://evil.example.com"})
            assert "--allowed-origins" in refused.json()["reason"]
        url = f"ws://{NAME}:{port}/orderbook/api/ws/BTCUSDT?updates=1"

        def stream(origin: str) -> connect:
            return connect(url, host="127.0.0.1", port=port, origin=Origin(origin), proxy=None, max_size=None)

        async with stream(site) as client:
            assert "history" in await next_frame(client)
            assert (await next_live(client))["symbol"] == "BTCUSDT"
        with pytest.raises(InvalidStatus) as answer:
            async with stream("https://evil.example.com"):
                pass
        assert "--allowed-origins" in json.loads(answer.value.response.body)["reason"]
