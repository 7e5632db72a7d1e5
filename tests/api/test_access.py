"""Hosts and origins that are answered."""

import pytest

from api.access import Access

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


@pytest.mark.parametrize("origin", ["", "null", "https://evil.example.com", f"{ALLOWED}:444", "http://["])
def test_other_pages_may_not(origin: str) -> None:
    """An origin is scheme, host and port together."""
    assert not Access(allowed_origins=[ALLOWED]).allows_origin(origin)
