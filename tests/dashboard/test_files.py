"""The page's server, asked as a browser does not ask it."""

import asyncio
import contextlib
import gzip
import mimetypes
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from dash import Dash, html
from starlette.types import Message

from api.access import Access, AccessGuard
from dashboard.app import IMPORTED, PLOTLY, create_dashboard
from dashboard.files import MOST_KEPT, PIECE, SMALL, PageFiles, accepts_gzip

ORIGIN = "http://127.0.0.1:8050"
CSS = "/assets/page.css"
PLAIN = {"accept-encoding": "identity"}
FIRST_LOAD = 2_000_000
"""Bytes over the wire that the first load may take."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page() -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the page's application, as main.py puts it together."""
    app = AccessGuard(create_dashboard(8000, ["BTCUSDT"]), Access())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as http:
        yield http


in_one_loop = pytest.mark.asyncio(loop_scope="module")


@in_one_loop
@pytest.mark.parametrize("path", ["/", "/_dash-layout", "/_dash-dependencies", "/_favicon.ico", PLOTLY, CSS])
async def test_what_the_page_is_made_of_is_served(page: httpx.AsyncClient, path: str) -> None:
    """To read only, and to be taken for what it is."""
    reply = await page.get(path)
    assert reply.status_code == 200
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
    assert int(reply.headers["content-length"]) == reply.num_bytes_downloaded
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


@pytest.mark.parametrize("headers", [[], [(b"accept-encoding", b"gzip")]], ids=["plain", "gzip"])
async def test_who_does_not_take_a_file_holds_no_copy_of_it(headers: list[tuple[bytes, bytes]]) -> None:
    """It is sent piece by piece, all of one file that is kept once."""
    app = create_dashboard(8000, ["BTCUSDT"])
    scope = {"type": "http", "method": "GET", "path": PLOTLY, "query_string": b"", "headers": headers}
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


# --- compressed and kept ----------------------------------------------------------------------------------


def loaded_by(page: str) -> list[str]:
    """Return the addresses of what a page loads as scripts and styles."""
    return re.findall(r'<(?:script|link)[^>]* (?:src|href)="([^"]+)"', page)


@in_one_loop
async def test_the_first_load_fits_and_the_second_takes_nothing_again(page: httpx.AsyncClient) -> None:
    """All that the page's tags name: what is not kept for ever is asked for again, and is not sent again."""
    first = await page.get("/")
    replies = [await page.get(path) for path in loaded_by(first.text)]
    assert sum(reply.num_bytes_downloaded for reply in (first, *replies)) < FIRST_LOAD
    for reply in replies:
        path = reply.request.url.path
        if "immutable" in reply.headers["cache-control"]:
            assert re.search(r"\.v[0-9_]+m[0-9]+\.", path)
        else:
            assert reply.headers["cache-control"] == "no-cache"
            again = await page.get(path, headers={"if-none-match": reply.headers["etag"]})
            assert again.status_code == 304


@in_one_loop
@pytest.mark.parametrize("path", ["/", "/_dash-layout", "/_dash-dependencies", "/_favicon.ico", PLOTLY, CSS])
async def test_what_has_no_version_in_its_name_is_asked_for_again(page: httpx.AsyncClient, path: str) -> None:
    """So that an update of the program is seen at once, whatever else the address carries."""
    assert (await page.get(path, params={"v": "1", "m": "2"})).headers["cache-control"] == "no-cache"


@in_one_loop
@pytest.mark.parametrize("path", ["/assets/nothing.v1m2.js", "/assets/page.v1m2.css"])
async def test_what_is_not_there_is_not_missing_for_ever(page: httpx.AsyncClient, path: str) -> None:
    """Nor does a name make an asset last."""
    reply = await page.get(path)
    assert reply.status_code == 404
    assert reply.headers["cache-control"] == "no-cache"
    assert "etag" not in reply.headers


@in_one_loop
@pytest.mark.parametrize("path", ["/_dash-layout", PLOTLY, CSS])
async def test_a_file_is_the_same_compressed(page: httpx.AsyncClient, path: str) -> None:
    """With a tag of its own, and caches are told what it depends on."""
    plain, zipped = await page.get(path, headers=PLAIN), await page.get(path)
    assert zipped.content == plain.content
    assert "content-encoding" not in plain.headers
    assert zipped.headers["content-encoding"] == "gzip"
    assert zipped.num_bytes_downloaded < plain.num_bytes_downloaded == len(plain.content)
    assert plain.headers["vary"] == zipped.headers["vary"] == "Accept-Encoding"
    assert plain.headers["content-type"] == zipped.headers["content-type"]
    assert plain.headers["etag"] != zipped.headers["etag"]


@in_one_loop
async def test_pictures_are_sent_as_they_are(page: httpx.AsyncClient) -> None:
    """They are compressed already."""
    reply = await page.get("/_favicon.ico")
    assert "content-encoding" not in reply.headers
    assert "vary" not in reply.headers


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip, deflate, br", True),
        ("GZIP;Q=0.5", True),
        ("x-gzip", True),
        ("*", True),
        ("br;q=1, *;q=0.1", True),
        ("gzip;q=0, *", False),
        ("gzip;q=0.000", False),
        ("*;q=0", False),
        ("gzip;q=high", False),
        ("identity", False),
        ("br", False),
        ("", False),
        (";,;q", False),
    ],
)
def test_compression_is_as_the_browser_accepts_it(header: str, *, accepted: bool) -> None:
    """A weight of zero forbids a coding, a star stands for those not named."""
    assert accepts_gzip(header) is accepted


@in_one_loop
@pytest.mark.parametrize("path", ["/", "/_dash-layout", PLOTLY, CSS])
@pytest.mark.parametrize("headers", [{}, PLAIN], ids=["gzip", "plain"])
async def test_a_head_is_that_of_the_whole_answer(
    page: httpx.AsyncClient, path: str, headers: dict[str, str]
) -> None:
    """Without the body. The page itself is another one each time, by a number that Dash gives it."""
    head, whole = await page.head(path, headers=headers), await page.get(path, headers=headers)
    assert head.status_code == 200
    assert head.content == b""
    others = {"etag", "content-length"} if path == "/" else set()
    assert {name: value for name, value in head.headers.items() if name not in others} == {
        name: value for name, value in whole.headers.items() if name not in others
    }


@in_one_loop
@pytest.mark.parametrize("named", ["{tag}", "W/{tag}", '"other", {tag}', "*"])
async def test_what_the_browser_has_is_not_sent(page: httpx.AsyncClient, named: str) -> None:
    """Its head says so, with the same rules for the copy."""
    whole = await page.get(CSS)
    for ask in (page.get, page.head):
        reply = await ask(CSS, headers={"if-none-match": named.format(tag=whole.headers["etag"])})
        assert reply.status_code == 304
        assert reply.content == b""
        for name in ("etag", "cache-control", "vary", "content-security-policy"):
            assert reply.headers[name] == whole.headers[name]


@in_one_loop
@pytest.mark.parametrize(
    "headers",
    [
        {"if-none-match": '"other"'},
        {"if-none-match": ""},
        {"if-modified-since": "Fri, 01 Jan 2100 00:00:00 GMT"},
        {"range": "bytes=0-9"},
        {"range": "bytes=0-9", "if-range": '"other"'},
    ],
)
@pytest.mark.parametrize("path", [PLOTLY, CSS])
async def test_all_else_gets_the_whole_file(
    page: httpx.AsyncClient, path: str, headers: dict[str, str]
) -> None:
    """By its content alone: times of files are set anew by whoever installs them, and no part is cut out."""
    reply = await page.get(path, headers=headers)
    assert reply.status_code == 200
    assert reply.content == (await page.get(path, headers=PLAIN)).content
    assert "last-modified" not in reply.headers
    assert "accept-ranges" not in reply.headers


@in_one_loop
async def test_a_tag_is_of_one_representation(page: httpx.AsyncClient) -> None:
    """The compressed file's is no answer to who wants it plain."""
    tag = (await page.get(CSS)).headers["etag"]
    assert (await page.get(CSS, headers={**PLAIN, "if-none-match": tag})).status_code == 200


async def test_a_file_is_compressed_once_and_the_page_itself_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However many ask at the same time, and however often the page is loaded."""
    levels: list[int] = []
    compress = gzip.compress

    def counted(data: bytes, level: int, *, mtime: int) -> bytes:
        levels.append(level)
        return compress(data, level, mtime=mtime)

    monkeypatch.setattr(gzip, "compress", counted)
    app = create_dashboard(8000, ["BTCUSDT"])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as http:
        replies = await asyncio.gather(*(http.get(PLOTLY, params={"x": str(at)}) for at in range(8)))
        assert len({reply.headers["etag"] for reply in replies}) == 1
        assert levels == [9]
        for _ in range(3):
            assert (await http.get("/")).headers["content-encoding"] == "gzip"
    assert len(app._kept) == 1


# --- modules ----------------------------------------------------------------------------------------------

MODULE = "export const here = import.meta.url;\n"


@pytest_asyncio.fixture
async def assets(tmp_path: Path) -> AsyncIterator[tuple[Path, httpx.AsyncClient, PageFiles]]:
    """Return a folder of assets with modules, a client of a page that has it, and the page."""
    for name in ("page.mjs", "other.mjs", "book/rows.mjs", "map/deep/axis.mjs", "old.js"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(MODULE, encoding="utf-8")
    dash = Dash(__name__, backend="fastapi", assets_folder=str(tmp_path), assets_ignore=IMPORTED)
    dash.layout = html.Div()
    app = PageFiles(dash.server, 8000, [])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as http:
        yield tmp_path, http, app


async def test_one_module_has_a_tag_and_the_rest_are_imported_from_it(
    assets: tuple[Path, httpx.AsyncClient, PageFiles],
) -> None:
    """In folders too; scripts that are no modules have tags as ever."""
    _, http, _ = assets
    page = (await http.get("/")).text
    tags = [tag for tag in re.findall(r"<script[^>]*>", page) if "/assets/" in tag]
    assert [re.findall(r"/assets/([\w./]+)\?m=", tag) for tag in tags] == [["old.js"], ["page.mjs"]]
    assert ['type="module"' in tag for tag in tags] == [False, True]
    for name in ("other.mjs", "book/rows.mjs", "map/deep/axis.mjs"):
        assert (await http.get(f"/assets/{name}")).text == MODULE


async def test_modules_run_on_machines_that_know_no_such_type(
    assets: tuple[Path, httpx.AsyncClient, PageFiles], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or another for scripts, as registries of Windows may have."""
    for suffix in (".mjs", ".js", ".css"):
        monkeypatch.setitem(mimetypes.types_map, suffix, "text/plain")
    _, http, _ = assets
    for name in ("page.mjs", "book/rows.mjs", "old.js"):
        reply = await http.get(f"/assets/{name}")
        assert reply.headers["content-type"] == "text/javascript; charset=utf-8"


async def test_an_edited_asset_is_seen_at_once_and_old_copies_go(
    assets: tuple[Path, httpx.AsyncClient, PageFiles], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept is bounded, and small files are not compressed."""
    folder, http, app = assets
    small = await http.get("/assets/page.mjs")
    assert "content-encoding" not in small.headers
    monkeypatch.setattr("dashboard.files.MOST_KEPT", MOST_KEPT // 2**14)
    tag = small.headers["etag"]
    for edit in range(200):
        text = f"// {edit}\n".rjust(SMALL + 1, "/")
        (folder / "page.mjs").write_text(text, encoding="utf-8")
        reply = await http.get("/assets/page.mjs", headers={"if-none-match": tag})
        assert (reply.status_code, reply.text) == (200, text)
        assert reply.headers["content-encoding"] == "gzip"
        tag = reply.headers["etag"]
        assert sum(map(len, app._kept.values())) <= MOST_KEPT // 2**14
    assert len(app._kept) > 1
