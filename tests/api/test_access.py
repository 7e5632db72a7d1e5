"""Hosts and origins that are answered."""

from collections.abc import Sequence

import httpx
import pytest
from starlette.responses import PlainTextResponse

from api.access import Access, AccessGuard, Values

ALLOWED = "https://lab.example.org"


@pytest.mark.parametrize(
    "host",
    [
        None,
        "127.0.0.1",
        "127.0.0.1:8000",
        "localhost:8000",
        "LOCALHOST",
        "[::1]:8000",
        "lab.example.org",
        "10.0.0.1:8000",
        "[0:0:0:0:0:0:0:1]:8000",
    ],
)
def test_hosts_that_are_known_here_may_be_asked_for(host: str | None) -> None:
    """Loopback, the address that is listened on, and the hosts of allowed origins; with any port."""
    assert Access("10.0.0.1", [ALLOWED]).allows_host(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example.com",
        "evil.example.com:8000",
        "127.0.0.1.evil.example.com",
        "127.0.0.1@evil.example.com",
        "localhost.evil.example.com:8000",
        "localhost.",
        "10.0.0.2",
        "[::1",
        "sub.lab.example.org",
        "0.0.0.0",  # noqa: S104
        "*",
        "evil.example.com@localhost",
        "evil.example.com@localhost:8000",
        "localhost:",
        "localhost:0",
        "localhost:abc",
        "localhost:80x",
        "localhost:65536",
        "localhost:8000:8000",
        "localhost:\u0661",
        "localhost:8000/evil",
        "localhost?evil.example.com",
        "localhost#evil.example.com",
        "localhost\\evil.example.com",
        " localhost",
        "localhost\n",
        "l\u043ecalhost",
        "\uff4cocalhost",
        "localho\u017ft",
        "127.1",
        "0x7f.0.0.1",
        "2130706433",
        "127.0.0.1.",
        "127.0.0.1:8000.evil.example.com",
        "::1",
        "[::1]evil",
        "[::1%lo]",
        "[::1%25lo]:8000",
        "[localhost]",
        "http://localhost",
        "-localhost",
    ],
)
def test_any_other_host_may_not(host: str) -> None:
    """Whatever name an attacker lets resolve to this machine."""
    assert not Access("10.0.0.1", [ALLOWED]).allows_host(host)


@pytest.mark.parametrize("wildcard", ["0.0.0.0", "::"])  # noqa: S104
def test_where_every_address_is_listened_on_any_address_may_be_asked_for_but_no_name(wildcard: str) -> None:
    """Rebinding needs a name."""
    access = Access(wildcard)
    assert access.allows_host("192.168.1.5:8000")
    assert access.allows_host("[fe80::1]:8000")
    assert not access.allows_host("evil.example.com:8000")


@pytest.mark.parametrize("origin", [None, "http://127.0.0.1:8050", "https://[::1]", ALLOWED])
def test_programs_and_pages_of_ours_may_ask(origin: str | None) -> None:
    """From any port of this machine, and from allowed origins."""
    assert Access(allowed_origins=[ALLOWED]).allows_origin(origin)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "https://evil.example.com",
        f"{ALLOWED}:444",
        f"{ALLOWED}.",
        f"{ALLOWED}/",
        "http://[",
        "http://localhost:8050.evil.example.com",
        "http://localhost:8050@evil.example.com",
        "http://evil.example.com@localhost",
        "http://localhost:abc",
        "http://localhost:",
        "http://localhost:0",
        "http://localhost:99999",
        "http://localhost.",
        "http://localhost/",
        "http://localhost/evil",
        "http://localhost\\.evil.example.com",
        "http://localhost#.evil.example.com",
        "http:localhost",
        "//localhost",
        "localhost",
        "file://localhost",
        "ftp://localhost",
        "http://l\u043ecalhost",
        "http://localho\u017ft",
        "http://[::1%25lo]",
        "http://[::1].evil.example.com",
        "http://localhost http://localhost",
        "http://localhost,http://evil.example.com",
    ],
)
def test_other_pages_may_not(origin: str) -> None:
    """An origin is scheme, host and port together."""
    assert not Access(allowed_origins=[ALLOWED]).allows_origin(origin)


@pytest.mark.parametrize("origin", [f"{ALLOWED}:443", "HTTP://LOCALHOST:8050", "http://[0:0::1]:8050"])
def test_an_origin_may_be_spelt_otherwise(origin: str) -> None:
    """What it says is what counts."""
    assert Access(allowed_origins=[ALLOWED]).allows_origin(origin)


def headers(**values: str | Sequence[str]) -> Values:
    """Return a request's headers."""
    named = {name.replace("_", "-"): value for name, value in values.items()}

    def get(name: str) -> Sequence[str]:
        value = named.get(name, [])
        return [value] if isinstance(value, str) else value

    return get


@pytest.mark.parametrize(
    "values",
    [
        headers(),
        headers(host="localhost"),
        headers(host="localhost", origin="http://127.0.0.1:8050", sec_fetch_site="cross-site"),
        headers(host="localhost", sec_fetch_site="same-site"),
        headers(host="localhost", sec_fetch_site="same-origin"),
        headers(host="localhost", sec_fetch_site="none", sec_fetch_mode="navigate"),
        headers(host="localhost", sec_fetch_site="cross-site", sec_fetch_mode="navigate"),
    ],
)
def test_who_is_answered(values: Values) -> None:
    """Programs, our own pages, a person who follows a link."""
    assert Access().objection(values) is None


@pytest.mark.parametrize(
    "values",
    [
        headers(host=["localhost", "evil.example.com"]),
        headers(host=["localhost", "localhost"]),
        headers(host="localhost", origin=["http://localhost", "http://evil.example.com"]),
        headers(host="localhost", origin="null"),
        headers(host="localhost", sec_fetch_site="cross-site", sec_fetch_mode="no-cors"),
        headers(host="localhost", sec_fetch_site="cross-site"),
        headers(host="localhost", sec_fetch_site=["same-origin", "cross-site"]),
        headers(host="evil.example.com", sec_fetch_site="none"),
    ],
)
def test_who_is_not_answered(values: Values) -> None:
    """Ambiguous hosts, foreign origins, and pages that embed an address as an image: that sends no origin."""
    assert Access().objection(values)


def test_where_no_pages_are_answered_programs_are() -> None:
    """A browser always says something of the page that asks, even where that is one of this machine."""
    access = Access(pages=False)
    assert access.objection(headers(host="127.0.0.1:9000")) is None
    assert access.objection(headers(host="localhost", origin="http://localhost:8050"))
    assert access.objection(headers(host="localhost", sec_fetch_site="same-site"))
    assert access.objection(headers(host="localhost", sec_fetch_site="cross-site", sec_fetch_mode="navigate"))


@pytest.mark.parametrize("host", ["127.0.0.1", "evil.example.com"])
async def test_every_answer_says_how_a_browser_is_to_treat_it(host: str) -> None:
    """Refusals too: its declared type, no frames, no rights."""
    app = AccessGuard(PlainTextResponse("hello"), Access(), {"/docs": "img-src *"})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as http:
        for path, policy in (("/", "default-src 'none'"), ("/docs", "img-src *")):
            reply = await http.get(path, headers={"host": host})
            assert reply.headers["x-content-type-options"] == "nosniff"
            assert reply.headers["x-frame-options"] == "DENY"
            assert policy in reply.headers["content-security-policy"]
            assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
