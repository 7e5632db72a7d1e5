"""What a request may ask: a query parameter that its route does not have is most likely a mistake.

It is refused and named, not ignored; so is one that is given twice where the route takes one. And HEAD is
answered as GET is, without the body.
"""

from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import Any, Final

from starlette.datastructures import QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.channel import Wants
from api.refusals import refusal, shown
from api.refused_requests import Refusal

STREAM_QUERY: Final = ("ladders", "updates", "try")
"""What a stream may be asked with. `try` means nothing: some clients connect anew only to another address."""
UNKNOWN_QUERY: Final[dict[int | str, dict[str, Any]]] = {
    422: {
        "model": Refusal,
        "description": "A query parameter that this route does not have",
        "content": {
            "application/json": {
                "example": {"reason": "no query parameter is called 'x': there are none here"}
            }
        },
    }
}
"""How the OpenAPI document tells of it, for all routes."""
_SWITCH: Final = {"1": True, "true": True, "on": True, "yes": True} | {
    "": False, "0": False, "false": False, "off": False, "no": False,
}  # fmt: skip


def wants_of(query: QueryParams) -> Wants | str:
    """Return what the query of a stream asks for, or what is wrong with it, in one sentence."""
    why_not = objection_to_query(query, STREAM_QUERY)
    if why_not is not None:
        return why_not
    ladders, updates = (_SWITCH.get(query.get(name, "0").lower()) for name in ("ladders", "updates"))
    if ladders is None or updates is None:
        return f"{'ladders' if ladders is None else 'updates'} is 1 or 0"
    return Wants(ladders, updates)


def objection_to_query(
    query: QueryParams, known: Collection[str], repeatable: Collection[str] = ()
) -> str | None:
    """Return what is wrong with the names of a query, in one sentence; None where nothing is."""
    for name in query:
        if name not in known:
            names = f"there are {', '.join(known)}" if known else "there are none here"
            return f"no query parameter is called {shown(name)}: {names}"
        times = len(query.getlist(name))
        if times > 1 and name not in repeatable:
            return f"{name} is given {times} times"
    return None


class QueryGuard:
    """ASGI middleware around the routes of an OpenAPI document, which `document` makes."""

    def __init__(self, app: ASGIApp, document: Callable[[], dict[str, Any]]) -> None:
        self._app = app
        self._document = document

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        route = self._routes.get(scope["path"])
        why_not = objection_to_query(QueryParams(scope["query_string"]), *route) if route else None
        answer = self._app if why_not is None else refusal(422, why_not)
        await answer({**scope, "method": "GET"}, receive, send_head if scope["method"] == "HEAD" else send)

    @cached_property
    def _routes(self) -> Mapping[str, tuple[list[str], list[str]]]:
        """Return the names of each route's query parameters, and which of them may be repeated."""
        return {
            path: _names(route["get"]) for path, route in self._document()["paths"].items() if "get" in route
        }


def _names(operation: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    asked = [one for one in operation.get("parameters", ()) if one["in"] == "query"]
    return [one["name"] for one in asked], [one["name"] for one in asked if _is_list(one["schema"])]


def _is_list(schema: Mapping[str, Any]) -> bool:
    return any(one.get("type") == "array" for one in schema.get("anyOf", (schema,)))
