"""How WebSockets of the API are closed and refused."""

import contextlib
from typing import Final

from fastapi import WebSocket, WebSocketDisconnect

from api.refusals import handshake_refusal

GONE: Final = (WebSocketDisconnect, RuntimeError)
"""What sending raises where the other side has gone, or where the server has closed the connection."""

_CLOSE_REASON_BYTES: Final = 123  # RFC 6455, section 5.5


async def close_quietly(socket: WebSocket, code: int, reason: str | None = None) -> None:
    """Close a connection, which may have gone."""
    with contextlib.suppress(*GONE):
        await socket.close(code, reason)


async def refuse(socket: WebSocket, code: int, reason: str) -> None:
    """Close a connection with a reason, as much of it as fits."""
    await close_quietly(socket, code, reason.encode()[:_CLOSE_REASON_BYTES].decode(errors="ignore"))


async def refuse_handshake(socket: WebSocket, reason: str) -> None:
    """Answer a handshake for what is not there."""
    await handshake_refusal(socket.scope, 404, reason)(socket.scope, socket.receive, socket.send)
