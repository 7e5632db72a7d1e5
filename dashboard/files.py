"""What of Dash's server is served: the files that the page is made of, and nothing else."""

import asyncio
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATHS: Final = frozenset({"/", "/_dash-layout", "/_dash-dependencies", "/_favicon.ico"})
FOLDERS: Final = ("/_dash-component-suites/", "/assets/")
PIECE: Final = 64 * 2**10
"""Bytes that are written at once, and from which on a file is kept: all of Plotly would else be held once for
each who asks for it and does not take it."""


class PageFiles:
    """An application around Dash's. Answers GET and HEAD of what the page loads; all else is not there.

    Nothing of the page calls back to its server, so the routes for that are closed, and no body is ever read.
    Files are sent piece by piece, as the browser takes them.
    """

    def __init__(self, app: ASGIApp, api_port: int, script_hashes: Iterable[str]) -> None:
        self._app = app
        self._api_port = api_port
        self._scripts = " ".join(("'self'", *script_hashes))
        self._kept: dict[bytes, bytes] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["path"] not in PATHS and not scope["path"].startswith(FOLDERS):
            await PlainTextResponse("there is nothing of the page here", 404)(scope, receive, send)
        elif scope["method"] not in ("GET", "HEAD"):
            refused = PlainTextResponse("the page is only read", 405, headers={"allow": "GET, HEAD"})
            await refused(scope, receive, send)
        else:
            await self._serve(scope, send)

    async def _serve(self, scope: Scope, send: Send) -> None:
        start: Message = {}
        body = b""
        asked: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

        async def no_body() -> Message:
            if not asked:
                await asyncio.Event().wait()  # a disconnection, which ends in the server
            return asked.pop()

        async def collect(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
            else:
                body += message.get("body", b"")

        # Dash's routes know no HEAD; the server leaves the body out.
        await self._app({**scope, "method": "GET"}, no_body, collect)
        if scope["path"] == "/":
            MutableHeaders(scope=start)["content-security-policy"] = self._policy(scope)
        await send(start)
        shared = body
        if len(body) > PIECE:
            shared = self._kept.setdefault(body, body)
        del body
        for at in range(0, len(shared), PIECE):
            await send({"type": "http.response.body", "body": shared[at : at + PIECE], "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    def _policy(self, scope: Scope) -> str:
        """Return the page's content security policy. The API is at another port of the host asked for."""
        host = urlsplit("//" + Headers(scope=scope).get("host", "localhost")).hostname or "localhost"
        host = "*" if ":" in host else host  # the policy's grammar has no IPv6 addresses
        return (
            f"default-src 'none'; script-src {self._scripts}; style-src 'self' 'unsafe-inline'; "
            "img-src 'self' data: blob:; font-src 'self' data:; "
            f"connect-src 'self' http://{host}:{self._api_port} ws://{host}:{self._api_port} "
            f"https://{host}:{self._api_port} wss://{host}:{self._api_port}"
        )
