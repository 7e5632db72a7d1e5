"""The server of API and page: uvicorn with bounds, whose end is left to whoever runs it."""

import asyncio
import contextlib
import logging
import socket
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from api.http_protocol import MOST_HEAD, BoundedHttp
from api.log_throttle import throttle
from api.websocket_protocol import BoundedWebSocket


def server_of(app: ASGIApp, *, client_patience: float = 600.0) -> uvicorn.Server:
    """Return a server for an ASGI application, which leaves all signals alone.

    A WebSocket client may read nothing for `client_patience` seconds before it is closed.
    """
    for server in ("uvicorn.error", "asyncio"):  # what clients can make them say without end
        throttle(logging.getLogger(server))

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Any:
            yield

    return Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            http=BoundedHttp,
            h11_max_incomplete_event_size=2 * MOST_HEAD,  # the bound itself is BoundedHttp's
            ws=BoundedWebSocket,
            ws_per_message_deflate=False,
            ws_ping_timeout=client_patience,
            timeout_graceful_shutdown=1,
        )
    )


async def serve(app: ASGIApp, listener: socket.socket, **limits: float) -> None:
    """Serve an ASGI application until cancelled."""
    server = server_of(app, **limits)
    serving = asyncio.create_task(server.serve([listener]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise
