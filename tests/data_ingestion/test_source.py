"""The choice of the exchange: the ping, the symbols, and the proxies on the way."""

import pytest

from data_ingestion.errors import ExchangeError, HttpRefusal, MalformedMessage, Unreachable
from data_ingestion.rest import rest_session
from data_ingestion.source import unknown_symbols, why_unreachable
from tests.builders import encode, snapshot_wire
from tests.data_ingestion.fakes import RawServer, Script, http, says, says_and_hangs
from tests.data_ingestion.virtual_time import in_virtual_time

GOOD = http(200, encode(snapshot_wire()))
PONG, TIME = http(200, b"{}"), http(200, b'{"serverTime":1700000000000}')
UNKNOWN = http(400, b'{"code":-1121,"msg":"Invalid symbol."}')
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy", "ws_proxy", "wss_proxy", "socks_proxy")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the proxies of whoever runs the tests."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def trouble(*scripts: Script) -> ExchangeError | None:
    """Return what is wrong with an exchange that follows these in turn."""
    async with RawServer(*scripts) as server:
        found = await why_unreachable(server.url + "/", timeout=2)
        assert server.requests[0].startswith("GET /fapi/v1/ping HTTP")
        return found


@in_virtual_time
async def test_an_exchange_that_answers_is_reachable() -> None:
    """The ping and the time, as they are documented."""
    assert await trouble(says(PONG), says(TIME)) is None


@pytest.mark.parametrize("status", [403, 418, 429, 451, 503])
@in_virtual_time
async def test_a_refused_ping_says_by_what(status: int) -> None:
    """The status is handed on."""
    found = await trouble(says(http(status)))
    assert isinstance(found, HttpRefusal)
    assert found.status == status


@pytest.mark.parametrize(
    "body",
    [b"{}", b"<html><h1>Log in to Hotel WLAN</h1></html>", b" \n<!DOCTYPE html>", b"[]", b"OK", b"", b"42"],
)
@in_virtual_time
async def test_a_page_that_is_no_exchange_is_none(body: bytes) -> None:
    """A login or block page answers everything with 200; the ping is documented to be an empty object."""
    assert isinstance(await trouble(says(http(200, body))), MalformedMessage)


@pytest.mark.parametrize("script", [says(), says_and_hangs(), says(b"hello\r\n\r\n")])
@in_virtual_time
async def test_no_answer_is_unreachable(script: Script) -> None:
    """Silence, a hung-up line and something that is no HTTP are all the same."""
    assert isinstance(await trouble(script), Unreachable)


@in_virtual_time
async def test_nobody_there_is_unreachable() -> None:
    """A refused connection is an answer, not an exception."""
    async with RawServer(says()) as server:
        url = server.url
    assert isinstance(await why_unreachable(url, timeout=2), Unreachable)


@in_virtual_time
async def test_only_symbols_that_the_exchange_does_not_know_are_named() -> None:
    """Each symbol is asked for once, and only the exchange's own word makes it unknown."""
    async with RawServer(says(GOOD), says(UNKNOWN), says(GOOD)) as server:
        symbols = ("BTCUSDT", "NOSUCH", "ETHUSDT")
        assert await unknown_symbols(server.url, symbols, timeout=2) == (["NOSUCH"], 0)
        assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("script", "hold"), [(says(http(429, b"", "Retry-After: 60")), 60), (says_and_hangs(), 0), (says(), 0)]
)
@in_virtual_time
async def test_other_trouble_makes_no_symbol_unknown(script: Script, hold: float) -> None:
    """An exchange that cannot say is not asked further; for how long it wants no request is handed on."""
    async with RawServer(script) as server:
        assert await unknown_symbols(server.url, ("BTCUSDT", "ETHUSDT"), timeout=2) == ([], hold)
        assert not any("ETHUSDT" in request for request in server.requests)


def test_the_environments_proxy_is_used_for_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exchange elsewhere is asked through the proxy, which resolves its name."""

    @in_virtual_time
    async def ping() -> None:
        async with RawServer(says(PONG), says(TIME)) as proxy:
            monkeypatch.setenv("http_proxy", proxy.url)
            assert await why_unreachable("http://exchange.invalid", timeout=2) is None
            assert proxy.requests[0].startswith("GET http://exchange.invalid/fapi/v1/ping HTTP")

    ping()


def test_no_proxy_is_used_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exchange on loopback is asked directly, whatever the environment says."""

    @in_virtual_time
    async def ping() -> None:
        async with RawServer(says(http(502))) as proxy, RawServer(says(PONG), says(TIME)) as server:
            monkeypatch.setenv("http_proxy", proxy.url)
            assert await why_unreachable(server.url, timeout=2) is None
            assert proxy.requests == []

    ping()


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:99999", "http://:80", "http://[::1", "rubbish"])
def test_a_proxy_that_makes_no_sense_is_an_answer(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A typing error in a proxy variable makes the exchange unreachable, and nothing worse."""
    monkeypatch.setenv("http_proxy", proxy)

    @in_virtual_time
    async def ping() -> None:
        assert isinstance(await why_unreachable("http://exchange.invalid", timeout=2), Unreachable)

    ping()


@in_virtual_time
async def test_the_session_belongs_to_the_caller() -> None:
    """A session is open until its caller closes it."""
    async with rest_session("http://127.0.0.1:1") as session:
        assert not session.closed
    assert session.closed
