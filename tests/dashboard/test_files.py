"""The page's server, asked as a browser does not ask it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from starlette.types import Message

from api.access import Access, AccessGuard
from dashboard.app import PLOTLY, create_dashboard
from dashboard.files import PIECE

ORIGIN = "http://127.0.0.1:8050"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page() -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the page's application, as main.py puts it together."""
    app = AccessGuard(create_dashboard(8000, ["BTCUSDT"]), Access())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as http:
        yield http


in_one_loop = pytest.mark.asyncio(loop_scope="module")


@in_one_loop
@pytest.mark.parametrize(
    "path", ["/", "/_dash-layout", "/_dash-dependencies", "/_favicon.ico", PLOTLY, "/assets/page.js"]
)
async def test_what_the_page_is_made_of_is_served(page: httpx.AsyncClient, path: str) -> None:
    """To read only, and to be taken for what it is."""
    reply = await page.get(path)
    assert reply.status_code == 200
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
    assert int(reply.headers["content-length"]) == len(reply.content)
    assert (await page.post(path)).status_code == 405


@in_one_loop
@pytest.mark.parametrize(
    "path",
    [
        "/_dash-update-component",
        "/_reload-hash",
        "/_alive_x",
        "/docs",
        "/docs/oauth2-redirect",
        "/redoc",
        "/openapi.json",
        "/anything",
        "/_dash-layout/",
        "/index.html",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
async def test_what_the_page_does_not_use_is_closed(page: httpx.AsyncClient, path: str, method: str) -> None:
    """Dash's routes for callbacks and reloading, and its server's documentation."""
    assert (await page.request(method, path)).status_code in (404, 405)


@in_one_loop
@pytest.mark.parametrize(
    "path",
    [
        "/assets/../app.py",
        "/assets/%2e%2e/app.py",
        "/assets/nothing.js",
        "/_dash-component-suites/os/path.py",
        "/_dash-component-suites/plotly/../../main.py",
    ],
)
async def test_no_other_file_is_served(page: httpx.AsyncClient, path: str) -> None:
    """Nor is there a traceback."""
    reply = await page.get(path)
    assert reply.status_code in (404, 500)
    assert "Traceback" not in reply.text


@in_one_loop
@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example.com"},
        {"origin": "https://evil.example.com"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
    ],
)
async def test_foreign_names_and_pages_are_refused(page: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """As at the API."""
    assert (await page.get("/", headers=headers)).status_code == 403


@in_one_loop
@pytest.mark.parametrize(
    ("host", "named"),
    [("127.0.0.1:8050", "127.0.0.1:8000"), ("LOCALHOST:8050", "localhost:8000"), ("[::1]:8050", "*:8000")],
)
async def test_the_page_may_ask_the_api_of_its_own_host_only(
    page: httpx.AsyncClient, host: str, named: str
) -> None:
    """And run only the scripts that it came with."""
    policy = (await page.get("/", headers={"host": host})).headers["content-security-policy"]
    rights = dict(right.strip().split(" ", 1) for right in policy.split(";"))
    assert rights["connect-src"].split() == [
        "'self'", *(f"{scheme}://{named}" for scheme in ("http", "ws", "https", "wss"))
    ]  # fmt: skip
    assert "unsafe" not in rights["script-src"]
    assert rights["default-src"] == "'none'"


async def test_who_does_not_take_a_file_holds_no_copy_of_it() -> None:
    """It is sent piece by piece, all of one file that is kept once."""
    app = create_dashboard(8000, ["BTCUSDT"])
    scope = {"type": "http", "method": "GET", "path": PLOTLY, "query_string": b"", "headers": []}
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async with asyncio.timeout(30):
        asking = [asyncio.create_task(app(dict(scope), receive, send)) for _ in range(5)]
        while len(sent) < 10:  # noqa: ASYNC110 - a head and a piece for each
            await asyncio.sleep(0.01)
    assert len(app._kept) == 1
    assert all(len(message.get("body", b"")) <= PIECE for message in sent)
    for task in asking:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
