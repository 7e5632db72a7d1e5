"""What the API says where it does not do what it was asked to: one sentence, under one key, everywhere."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Scope
from starlette.websockets import WebSocketClose

_ECHOED: Final = 40  # characters of what was asked that an answer repeats


@dataclass(frozen=True, slots=True)
class Refusal:
    """Any answer that is an error."""

    reason: Annotated[str, Field(description="What is wrong, in one sentence")]


def refusal(status_code: int, reason: str, **more: str) -> JSONResponse:
    """Return an answer that says why, and `more`."""
    return JSONResponse({**more, "reason": reason}, status_code)


def handshake_refusal(scope: Scope, status_code: int, reason: str) -> ASGIApp:
    """Return what answers a WebSocket's handshake with a `Refusal`, and so with no WebSocket."""
    if "websocket.http.response" in scope.get("extensions", {}):
        return refusal(status_code, reason)
    return WebSocketClose(1008, reason)  # a server that answers all refusals with 403 and nothing else


def shown(text: object) -> str:
    """Return `text` in quotes, cut where it is long, for a sentence about it."""
    quoted = repr(text)
    return quoted if len(quoted) <= _ECHOED else f"{quoted[:_ECHOED]}..."


def add_refusals(app: FastAPI) -> None:
    """Have `app` answer with a `Refusal` where FastAPI has shapes of its own."""

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        _, name, *items = first["loc"]
        if first["type"] == "missing":
            return refusal(422, f"{name} is missing")
        if items:
            name = f"item {items[0] + 1} of {name}"
        given = first["input"]
        if isinstance(given, list):
            given = ",".join(given)
        wanted = first["msg"].replace("Input should", "it must")
        return refusal(422, f"{name} is {shown(given)}: {wanted}")

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> JSONResponse:
        answer = refusal(error.status_code, str(error.detail))
        answer.headers.update(error.headers or {})
        return answer
