"""Has FastAPI refuse as everything else here does: by one sentence under `reason`."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from api.refusals import refusal, shown


@dataclass(frozen=True, slots=True)
class Refusal:
    """Any answer that is an error."""

    reason: Annotated[str, Field(description="What is wrong, in one sentence")]


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
