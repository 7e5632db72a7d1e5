"""Whom the servers answer: programs, and pages of this machine or of the web origins that are allowed.

Browsers let any page on the web send requests to this machine. A page is known by its `Origin`, which
programs do not send, and where a browser leaves that out, by what it says of the page that asks
(`Sec-Fetch-Site`). A page may also have its own host name resolve to this machine (DNS rebinding), and then
needs no other origin; so the `Host` that was asked for must be one that is known here.
"""

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, NamedTuple

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.refusals import handshake_refusal, refusal

log = logging.getLogger(__name__)

_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_FEED: Final = "/feed/"  # engines show a secret, and may know this host by any name

_AUTHORITY: Final = (
    r"(?:\[(?P<v6>[0-9a-f:.]{2,45})\]|(?P<name>[a-z0-9_](?:[a-z0-9_.-]{0,252}[a-z0-9_])?))"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
_HOST: Final = re.compile(_AUTHORITY, re.IGNORECASE | re.ASCII)
_ORIGIN: Final = re.compile(rf"(?P<scheme>[a-z][a-z0-9+.-]*)://{_AUTHORITY}", re.IGNORECASE | re.ASCII)
_OPAQUE: Final = re.compile(r"null|(?!https?:|wss?:)[a-z][a-z0-9+.-]*://", re.IGNORECASE | re.ASCII)
"""Origins without a host: of a page from a file or in a sandbox, and of programs that are made of pages."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_MOST_SAID: Final = 20
"""Different refusals that are logged; anybody can cause more."""

Values = Callable[[str], Sequence[str]]
"""Gives all values of a request's header, by its name in lower case."""


class _Place(NamedTuple):
    """What a host or an origin says, in one spelling."""

    scheme: str  # empty for a host
    name: str
    port: int  # 0 where none is said and the scheme has none


class Access:
    """Knows hosts and origins. `host` is the address that is listened on.

    Where it listens on every address of the machine, any address will do as a host: rebinding needs a name.
    A page may ask the very host and port that it is from, and with `page_port` a page of that port may ask
    the same host. Without `pages` no browser is answered at all.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        allowed_origins: Iterable[str] = (),
        *,
        page_port: int = 0,
        pages: bool = True,
    ) -> None:
        allowed = list(allowed_origins)
        self._origins = {place for place in map(_place_of_origin, allowed) if place is not None}
        self._opaque_origins = {origin.lower() for origin in allowed if _OPAQUE.fullmatch(origin)}
        self._page_port = page_port
        address = _address(host)
        of_origins = {place.name for place in self._origins}
        self._hosts = _LOOPBACK_NAMES | {str(address or host).lower()} | of_origins
        self._any_address = address is not None and address.is_unspecified
        self._pages = pages

    def allows_origin(self, origin: str | None, host: str | None = None) -> bool:
        """Say whether a page of `origin` may ask `host`, as the request names it; None is a program."""
        if origin is None:
            return True
        if not self._pages:
            return False
        place = _place_of_origin(origin)
        if place is None:
            return origin.lower() in self._opaque_origins
        of_this_machine = place.scheme in _DEFAULT_PORTS and place.name in _LOOPBACK_NAMES
        return of_this_machine or place in self._origins or self._is_of_that_host(place, host)

    def _is_of_that_host(self, origin: _Place, host: str | None) -> bool:
        """Say whether a page is of the host that it asks: programs name that as their origin as well."""
        asked = _place(_HOST.fullmatch(host)) if host is not None else None
        if asked is None or origin.scheme not in _DEFAULT_PORTS or not self.allows_host(host):
            return False
        port = asked.port or _DEFAULT_PORTS[origin.scheme]
        return origin.name == asked.name and origin.port in {port, self._page_port} - {0}

    def allows_host(self, host: str | None) -> bool:
        """Say whether a request to `host`, as its header names it, may be answered; None is no browser's."""
        if host is None:
            return True
        place = _place(_HOST.fullmatch(host))
        if place is None:
            return False
        return place.name in self._hosts or (self._any_address and _address(place.name) is not None)

    def objection(self, values: Values, *, any_host: bool = False) -> str | None:
        """Return why a request with these headers is not answered, and what allows it; None where it is."""
        origins, hosts = values("origin"), values("host")
        host = hosts[0] if len(hosts) == 1 else None
        if len(origins) > 1:
            return "a request has one web origin at most"
        if not all(self.allows_origin(origin, host) for origin in origins):
            return self._refused_origin(origins[0])
        if not origins and self._comes_from_elsewhere(values):
            return "requests of pages from elsewhere are not allowed"
        if len(hosts) > 1:
            return "a request has one host at most"
        if not any_host and not self.allows_host(host):
            return _refused_host(host or "")
        return None

    def _refused_origin(self, origin: str) -> str:
        if not self._pages:
            return "web pages are not answered here"
        if _place_of_origin(origin) is None and not _OPAQUE.fullmatch(origin):
            return "this web origin is not allowed"
        return f"the web origin {origin} is not allowed here: if you trust it, name it in --allowed-origins"

    def _comes_from_elsewhere(self, values: Values) -> bool:
        """Say whether a page from elsewhere has its browser ask, other than by a link to follow."""
        site = set(values("sec-fetch-site"))
        if not self._pages:
            return bool(site - {"none"})  # what a person types
        return bool(site - {"none", "same-origin", "same-site"}) and values("sec-fetch-mode") != ["navigate"]


class AccessGuard:
    """Answers 403 to what `Access` does not allow, HTTP and WebSocket alike, and passes on the rest.

    What is answered says how a browser is to treat it: by its declared type only, in no other page's frame,
    and with the rights that `policies` names for its path (a content security policy), else with those that
    the application names, else with none.
    """

    def __init__(self, app: ASGIApp, access: Access, policies: Mapping[str, str] | None = None) -> None:
        self._app = app
        self._access = access
        self._policies = policies or {}
        self._said: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        why_not = self._objection(scope)
        if scope["type"] == "websocket":
            answer = self._app if why_not is None else handshake_refusal(scope, 403, why_not)
            await answer(scope, receive, send)
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["x-content-type-options"] = "nosniff"
                headers["x-frame-options"] = "DENY"
                policy = headers.get("content-security-policy", _NO_RIGHTS)
                policy = self._policies.get(scope["path"], policy)
                headers["content-security-policy"] = f"{policy}; {_FOR_ALL}"
            await send(message)

        answer = self._app if why_not is None else self._readable(refusal(403, why_not), scope)
        await answer(scope, receive, send_safely)

    def _objection(self, scope: Scope) -> str | None:
        if not scope["path"].startswith("/"):  # an absolute URL, as proxies are asked for
            return "this is no proxy"
        any_host = scope["path"].startswith(_FEED)
        why_not = self._access.objection(Headers(scope=scope).getlist, any_host=any_host)
        if why_not is not None and why_not not in self._said and len(self._said) < _MOST_SAID:
            self._said.add(why_not)
            log.warning("a request was refused: %s", why_not)
        return why_not

    @staticmethod
    def _readable(answer: Response, scope: Scope) -> Response:
        """Let a refused page read the sentence, so that it can show it; of data it reads nothing."""
        origin = Headers(scope=scope).get("origin", "")
        if _place_of_origin(origin) is not None or _OPAQUE.fullmatch(origin):
            answer.headers["access-control-allow-origin"] = origin
            answer.headers["vary"] = "Origin"
        return answer


_NO_RIGHTS: Final = "default-src 'none'"
_FOR_ALL: Final = "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


class PageHeaders(CORSMiddleware):
    """Tells browsers that a page may read an answer (CORS). Stands behind `AccessGuard`, which refuses."""

    def is_allowed_origin(self, origin: str) -> bool:
        """Say that a page may read answers: no other one gets as far."""
        del origin
        return True


def _refused_host(host: str) -> str:
    if _place(_HOST.fullmatch(host)) is None:
        return "this host name is not known here"
    return f"the host name {host} is not known here: if it is yours, name http://{host} in --allowed-origins"


def _place_of_origin(origin: str) -> _Place | None:
    return _place(_ORIGIN.fullmatch(origin))


def _place(found: re.Match[str] | None) -> _Place | None:
    """Return what a host or an origin says; None where that is nothing that a browser would send."""
    if found is None:
        return None
    parts = found.groupdict()
    scheme = (parts.get("scheme") or "").lower()
    port = _DEFAULT_PORTS.get(scheme, 0) if parts["port"] is None else int(parts["port"])
    if parts["port"] is not None and not 0 < port < 2**16:
        return None
    if parts["v6"] is None:
        return _Place(scheme, parts["name"].lower(), port)
    address = _address(parts["v6"])
    return None if address is None else _Place(scheme, str(address), port)


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name)
    except ValueError:
        return None
