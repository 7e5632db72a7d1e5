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


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("10.0.0.1:8000", "http://10.0.0.1:8000"),
        ("10.0.0.1:8000", "https://10.0.0.1:8000"),
        ("10.0.0.1", "http://10.0.0.1"),
        ("10.0.0.1:80", "http://10.0.0.1"),
        ("lab.example.org", "http://lab.example.org"),
        ("LAB.example.org:8000", "http://lab.example.org:8000"),
        ("10.0.0.1:8000", "http://10.0.0.1:8050"),
    ],
)
def test_a_page_may_ask_the_host_that_it_is_from(host: str, origin: str) -> None:
    """At the same port, as programs say that send an origin of their own accord, and from the page's port."""
    access = Access("10.0.0.1", [ALLOWED], page_port=8050)
    assert access.objection(headers(host=host, origin=origin)) is None


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("10.0.0.1:8000", "http://10.0.0.1:8001"),
        ("10.0.0.1:8000", "http://10.0.0.1"),
        ("10.0.0.1:8000", "http://10.0.0.2:8000"),
        ("10.0.0.1:8000", "ftp://10.0.0.1:8000"),
        ("evil.example.com:8000", "http://evil.example.com:8000"),
        ("evil.example.com:8050", "http://evil.example.com:8050"),
        ("10.0.0.1", "http://10.0.0.1:0"),
    ],
)
def test_a_page_of_another_port_or_of_a_rebound_name_may_not(host: str, origin: str) -> None:
    """Equal is not enough where the host itself is none of ours."""
    assert Access("10.0.0.1", [ALLOWED], page_port=8050).objection(headers(host=host, origin=origin))
    assert Access("10.0.0.1").objection(headers(host=host, origin=origin))


@pytest.mark.parametrize("origin", ["null", "file://", "app://", "chrome-extension://abcdefgh"])
def test_origins_without_a_host_may_be_named(origin: str) -> None:
    """Each alone: a page from a file says another one than one in a sandbox."""
    assert Access(allowed_origins=[origin]).allows_origin(origin)
    assert not Access().allows_origin(origin)
    others = {"null", "file://", "app://", "http://", "http://localhost.evil.example.com"} - {origin}
    assert not any(map(Access(allowed_origins=[origin]).allows_origin, others))


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"host": "localhost", "origin": "https://evil.example.com"}, "https://evil.example.com"),
        ({"host": "localhost", "origin": "null"}, "null"),
        ({"host": "lab.example.org:8000"}, "http://lab.example.org:8000"),
    ],
)
async def test_a_refusal_names_the_setting_is_logged_once_and_can_be_read(
    values: dict[str, str], names: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The operator sees it, and so may the page: of nothing but this sentence."""
    app = AccessGuard(PlainTextResponse("hello"), Access())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as http:
        for _ in range(3):
            reply = await http.get("/", headers=values)
    assert reply.status_code == 403
    assert names in reply.json()["reason"]
    assert "--allowed-origins" in reply.json()["reason"]
    assert reply.headers.get("access-control-allow-origin") == values.get("origin")
    (line,) = caplog.messages
    assert reply.json()["reason"] in line
    allowed = names if names != "http://lab.example.org:8000" else names.removesuffix(":8000")
    assert Access(allowed_origins=[allowed]).objection(headers(**values)) is None


async def test_whoever_invents_names_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Each is refused; what is said of it is bounded."""
    app = AccessGuard(PlainTextResponse("hello"), Access())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as http:
        for number in range(100):
            reply = await http.get("/", headers={"origin": f"https://{number}.example.com"})
            assert reply.status_code == 403
    assert 0 < len(caplog.messages) < 50


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
