"""What of Dash's server is served: the files that the page is made of, and nothing else."""

import asyncio
import gzip
import hashlib
import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATHS: Final = frozenset({"/", "/_dash-layout", "/_dash-dependencies", "/_favicon.ico"})
SUITES: Final = "/_dash-component-suites/"
FOLDERS: Final = (SUITES, "/assets/")
PIECE: Final = 64 * 2**10
"""Bytes that are written at once, and from which on a file is kept: all of Plotly would else be held once for
each who asks for it and does not take it."""
SMALL: Final = 2**10
"""Bytes up to which compressing saves no packet."""
MOST_KEPT: Final = 32 * 2**20
"""Bytes of files kept, several times those of the whole page. Beyond it the oldest are dropped: an asset that
is edited again and again while the program runs leaves a copy each time."""
FINGERPRINTED: Final = re.compile(r"[^.]+\.v[\w-]+m[0-9a-fA-F]+\.")
"""Names that Dash gives its files, with version and time: dash_renderer.v4_4_1m1795679177.min.js."""
FOR_EVER: Final = "public, max-age=31536000, immutable"
ASK_AGAIN: Final = "no-cache"
"""Kept by the browser, but checked against the server's first, so that an update is seen at once."""
MEDIA_TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
}
"""By suffix. Python's table takes in that of the machine, and with a wrong type browsers run no script."""
COMPRESSIBLE: Final = ("text/", "application/json", "application/javascript", "image/svg+xml")
OF_THE_FILE_SERVER: Final = frozenset(
    {b"accept-encoding", b"if-none-match", b"if-modified-since", b"if-range", b"range"}
)
"""Headers of a request that would have Dash's server answer with less than a whole file."""


def accepts_gzip(header: str) -> bool:
    """Return whether an Accept-Encoding header allows gzip; a weight of zero forbids it."""
    weights: dict[str, float] = {}
    for part in header.split(","):
        coding, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weights[coding] = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                weights[coding] = _weight(value)
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def names_tag(header: str, tag: str) -> bool:
    """Return whether an If-None-Match header names an entity tag, compared weakly as that header is."""
    named = {part.strip().removeprefix("W/") for part in header.split(",")}
    return tag in named or named == {"*"}


def caching(path: str) -> str:
    """Return the Cache-Control of a file: for ever where its name holds the version that it is of."""
    fingerprinted = path.startswith(SUITES) and FINGERPRINTED.match(path.rsplit("/", 1)[-1])
    return FOR_EVER if fingerprinted else ASK_AGAIN


class PageFiles:
    """An application around Dash's. Answers GET and HEAD of what the page loads; all else is not there.

    Nothing of the page calls back to its server, so the routes for that are closed, and no body is ever read.
    The API is at a URL or at a port of the page's host. Paths may begin with `prefix` or not. Files are sent
    piece by piece, as the browser takes them, compressed where it accepts that, and not at all
    where it has them already.
    """

    def __init__(
        self, app: ASGIApp, api: int | str, script_hashes: Iterable[str], *, prefix: str = "/"
    ) -> None:
        self._app = app
        self._api = api
        self._prefix = prefix
        self._scripts = " ".join(("'self'", *script_hashes))
        self._kept: dict[str, bytes] = {}  # by entity tag, the oldest first
        self._compressing = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            refused = PlainTextResponse("the page's server has no WebSocket: frames are at the API", 404)
            await refused(scope, receive, send)
        elif scope["path"] + "/" == self._prefix:
            await RedirectResponse(self._prefix)(scope, receive, send)
        elif self._prefix != "/" and scope["path"].startswith(self._prefix):
            path = scope["path"].removeprefix(self._prefix.rstrip("/"))
            await self({**scope, "path": path, "raw_path": path.encode()}, receive, send)
        elif scope["path"] not in PATHS and not scope["path"].startswith(FOLDERS):
            await PlainTextResponse("there is nothing of the page here", 404)(scope, receive, send)
        elif scope["method"] not in ("GET", "HEAD"):
            refused = PlainTextResponse("the page is only read", 405, headers={"allow": "GET, HEAD"})
            await refused(scope, receive, send)
        else:
            await self._serve(scope, send)

    async def _serve(self, scope: Scope, send: Send) -> None:
        start, body = await self._asked_of_dash(scope)
        if start["status"] == 200:
            body = await self._represented(scope, start, body)
        else:
            MutableHeaders(scope=start)["cache-control"] = ASK_AGAIN
        await send(start)
        if scope["method"] == "HEAD":
            body = b""
        for at in range(0, len(body), PIECE):
            await send({"type": "http.response.body", "body": body[at : at + PIECE], "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _asked_of_dash(self, scope: Scope) -> tuple[Message, bytes]:
        """Return the head and the whole body that Dash's server answers a plain GET with."""
        start: Message = {}
        pieces: list[bytes] = []
        asked: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

        async def no_body() -> Message:
            if not asked:
                await asyncio.Event().wait()  # a disconnection, which ends in the server
            return asked.pop()

        async def collect(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
            else:
                pieces.append(message.get("body", b""))

        headers = [(name, value) for name, value in scope["headers"] if name not in OF_THE_FILE_SERVER]
        await self._app({**scope, "method": "GET", "headers": headers}, no_body, collect)
        return start, b"".join(pieces)

    async def _represented(self, scope: Scope, start: Message, body: bytes) -> bytes:
        """Fill in the head of a file's answer, and return the body of it as this browser is to have it."""
        path, asked, headers = scope["path"], Headers(scope=scope), MutableHeaders(scope=start)
        for name in ("last-modified", "accept-ranges", "etag"):  # Dash's, of parts and of what is not a tag
            del headers[name]
        suffix = PurePosixPath(path).suffix
        if suffix in MEDIA_TYPES:
            headers["content-type"] = MEDIA_TYPES[suffix]
        headers["cache-control"] = caching(path)
        if path == "/":
            headers["content-security-policy"] = self._policy(asked)
        compressible = headers.get("content-type", "").startswith(COMPRESSIBLE)
        if compressible:
            headers.add_vary_header("Accept-Encoding")
        zipped = compressible and len(body) > SMALL
        zipped = zipped and accepts_gzip(",".join(asked.getlist("accept-encoding")))
        digest = await asyncio.to_thread(_digest, body)
        headers["etag"] = tag = f'"{digest}-gzip"' if zipped else f'"{digest}"'
        if names_tag(",".join(asked.getlist("if-none-match")), tag):
            start["status"] = 304
            for name in ("content-type", "content-length"):
                del headers[name]
            return b""
        if zipped:
            headers["content-encoding"] = "gzip"
            # The page itself is another one for each who loads it: Dash numbers them.
            body = await (_compressed(body) if path == "/" else self._compressed_once(tag, body))
        elif len(body) > PIECE:
            body = self._keep(tag, body)
        headers["content-length"] = str(len(body))
        return body

    async def _compressed_once(self, tag: str, body: bytes) -> bytes:
        """Return a file compressed. One is compressed at a time, for whoever asks for it then and later."""
        async with self._compressing:
            found = self._kept.get(tag)
            return found if found is not None else self._keep(tag, await _compressed(body))

    def _keep(self, tag: str, body: bytes) -> bytes:
        """Return the copy that is kept of what has this entity tag: this body, if there was none."""
        shared = self._kept.setdefault(tag, body)
        while sum(map(len, self._kept.values())) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        return shared

    def _policy(self, asked: Headers) -> str:
        """Return the page's content security policy, with the address of the API."""
        if isinstance(self._api, str):
            secure, plain = urlsplit(self._api).scheme == "https", urlsplit(self._api).netloc
            origins = (
                [f"https://{plain}", f"wss://{plain}"] if secure else [f"http://{plain}", f"ws://{plain}"]
            )
        else:
            host = urlsplit("//" + asked.get("host", "localhost")).hostname or "localhost"
            host = "*" if ":" in host else host  # the policy's grammar has no IPv6 addresses
            origins = [f"{scheme}://{host}:{self._api}" for scheme in ("http", "ws", "https", "wss")]
        return (
            f"default-src 'none'; script-src {self._scripts}; style-src 'self' 'unsafe-inline'; "
            "img-src 'self' data: blob:; font-src 'self' data:; "
            f"connect-src 'self' {' '.join(origins)}"
        )


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:32]


async def _compressed(body: bytes) -> bytes:
    return await asyncio.to_thread(gzip.compress, body, 9, mtime=0)
