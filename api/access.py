"""Whom the API answers: programs, and pages of this machine or of the web origins that are allowed.

Browsers let any page on the web send requests to this machine. A page is known by its `Origin`, which
programs do not send. A page may also have its own host name resolve to this machine (DNS rebinding), and
then needs no other origin; so the `Host` that was asked for must be one that is known here.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from api.refusals import refusal

_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_FEED: Final = "/feed/"  # engines show a secret, and may know this host by any name


class Access:
    """Knows hosts and origins. `host` is the address that the API listens on.

    Where it listens on every address of the machine, any address will do as a host: rebinding needs a name.
    """

    def __init__(self, host: str = "127.0.0.1", allowed_origins: Iterable[str] = ()) -> None:
        self._origins = frozenset(allowed_origins)
        named = {_hostname(origin) for origin in self._origins}
        self._hosts = _LOOPBACK_NAMES | {host.lower()} | {name for name in named if name}
        address = _address(host)
        self._any_address = address is not None and address.is_unspecified

    def allows_origin(self, origin: str | None) -> bool:
        """Say whether a page of `origin` may ask; None is a program."""
        return origin is None or origin in self._origins or _hostname(origin) in _LOOPBACK_NAMES

    def allows_host(self, host: str | None) -> bool:
        """Say whether a request to `host`, as its header names it, may be answered; None is no browser's."""
        if host is None:
            return True
        name = _hostname(f"//{host}")
        return name in self._hosts or (self._any_address and _address(name) is not None)


class AccessGuard:
    """Answers 403 to what `Access` does not allow, HTTP and WebSocket alike, and passes on the rest."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        why_not = None if scope["type"] == "lifespan" else self._objection(scope)
        if why_not is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocketClose(1008, why_not)(scope, receive, send)  # before accept: HTTP 403
        else:
            await refusal(403, why_not)(scope, receive, send)

    def _objection(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        if not self._access.allows_origin(headers.get("origin")):
            return "this web origin is not allowed"
        if not scope["path"].startswith(_FEED) and not self._access.allows_host(headers.get("host")):
            return "this host name is not the API's"
        return None


class PageHeaders(CORSMiddleware):
    """Tells browsers which pages may read an answer (CORS): those whose origin `Access` allows."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        super().__init__(app)
        self._access = access

    def is_allowed_origin(self, origin: str) -> bool:
        """Say whether a page of `origin` may read answers."""
        return self._access.allows_origin(origin)


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name)
    except ValueError:
        return None
