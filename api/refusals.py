"""What the API says where it does not do what it was asked to: one sentence, under one key, everywhere."""

from typing import Final

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Scope
from starlette.websockets import WebSocketClose

_ECHOED: Final = 40  # characters of what was asked that an answer repeats


def refusal(status_code: int, reason: str, **more: str) -> JSONResponse:
    """Return an answer that says why, and `more`."""
    return JSONResponse({**more, "reason": reason}, status_code)


def handshake_refusal(scope: Scope, status_code: int, reason: str) -> ASGIApp:
    """Return what answers a WebSocket's handshake with a `refusal`, and so with no WebSocket."""
    if "websocket.http.response" in scope.get("extensions", {}):
        return refusal(status_code, reason)
    return WebSocketClose(1008, reason)  # a server that answers all refusals with 403 and nothing else


def shown(text: object) -> str:
    """Return `text` in quotes, cut where it is long, for a sentence about it."""
    quoted = repr(text)
    return quoted if len(quoted) <= _ECHOED else f"{quoted[:_ECHOED]}..."
