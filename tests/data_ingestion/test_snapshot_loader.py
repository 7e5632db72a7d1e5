"""The snapshot's request, and every way in which its reply can be wrong."""

import contextlib
import gzip
import json
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest

from data_ingestion.errors import ExchangeError, HttpRefusal, MalformedMessage, UnknownSymbol, Unreachable
from data_ingestion.rest import rest_session
from data_ingestion.snapshot_loader import MAX_SNAPSHOT_BYTES, SnapshotLoader
from tests.builders import encode, snapshot_wire
from tests.data_ingestion.fakes import RawServer, Script, http, http_date, says, says_and_hangs
from tests.data_ingestion.virtual_time import in_virtual_time

GOOD = encode(snapshot_wire())
UNKNOWN = b'{"code":-1121,"msg":"Invalid symbol."}'


@contextlib.asynccontextmanager
async def loading(*scripts: Script, timeout: float = 5) -> AsyncIterator[tuple[SnapshotLoader, RawServer]]:
    """Run a loader against a server that follows these scripts."""
    async with RawServer(*scripts) as server, aiohttp.ClientSession() as session:
        yield SnapshotLoader(session, server.url + "/", "BTCUSDT", timeout=timeout), server


async def error_of(*scripts: Script, timeout: float = 5) -> ExchangeError:
    """Return what a fetch raises."""
    async with loading(*scripts, timeout=timeout) as (loader, _):
        with pytest.raises(ExchangeError) as caught:
            await loader.fetch()
        return caught.value


async def refusal_of(reply: bytes) -> HttpRefusal:
    """Return the refusal that a reply makes."""
    error = await error_of(says(reply))
    assert isinstance(error, HttpRefusal)
    return error


@in_virtual_time
async def test_it_asks_as_documented_and_reads_the_reply() -> None:
    """The symbol and the largest limit go to the depth route, and the levels come back as numbers."""
    async with loading(says(http(200, GOOD))) as (loader, server):
        snapshot = await loader.fetch()
        await loader.fetch(limit=5)
    assert [request.split(" HTTP")[0] for request in server.requests] == [
        "GET /fapi/v1/depth?symbol=BTCUSDT&limit=1000",
        "GET /fapi/v1/depth?symbol=BTCUSDT&limit=5",
    ]
    assert snapshot.last_update_id == 103
    assert snapshot.bids == [(61000.10, 1.5), (61000.00, 0.7)]
    assert snapshot.asks == [(61000.20, 2.25)]


@in_virtual_time
async def test_a_reply_without_a_length_is_read_whole() -> None:
    """A chunked reply that comes in pieces is as good as any."""
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (GOOD[:10], GOOD[10:]))
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    async with loading(says(head, chunks, b"0\r\n\r\n")) as (loader, _):
        assert (await loader.fetch()).last_update_id == 103


@pytest.mark.parametrize("status", [401, 403, 404, 418, 429, 451, 500, 502, 503, 504, 204])
@in_virtual_time
async def test_every_status_but_200_is_a_refusal(status: int) -> None:
    """The status is handed on, without a wait where the exchange named none."""
    error = await refusal_of(http(status, b"" if status == 204 else b"<html>no</html>"))
    assert (error.status, error.retry_after) == (status, None)


@pytest.mark.parametrize("status", [418, 429, 503])
@in_virtual_time
async def test_the_wait_that_is_asked_for_is_handed_on(status: int) -> None:
    """`Retry-After` is read on any refusal, to the second."""
    error = await refusal_of(http(status, b"{}", "Retry-After: 73"))
    assert (error.status, error.retry_after) == (status, 73.0)


@in_virtual_time
async def test_the_longest_of_several_waits_counts() -> None:
    """Of two `Retry-After` headers none is retried too soon for."""
    assert (await refusal_of(http(429, b"", "Retry-After: 5", "Retry-After: 60"))).retry_after == 60.0


@in_virtual_time
async def test_a_date_is_held_against_the_senders_clock() -> None:
    """A wait until a date counts from the reply's own date, whatever this machine's clock says."""
    until, now = http_date(1_000_000_090), http_date(1_000_000_000)
    error = await refusal_of(http(429, b"", f"Date: {now}", f"Retry-After: {until}"))
    assert error.retry_after == 90.0


@in_virtual_time
async def test_without_the_senders_clock_ours_must_do() -> None:
    """A wait until a date is obeyed also where the reply has no date."""
    error = await refusal_of(http(429, b"", f"Retry-After: {http_date(time.time() + 5_000)}"))
    assert error.retry_after is not None
    assert error.retry_after > 1_000


@in_virtual_time
async def test_a_wait_does_not_hang_on_the_body() -> None:
    """A refusal whose body never ends is still that refusal, with its wait."""
    head = b"HTTP/1.1 418 Teapot\r\nContent-Length: 1000\r\nRetry-After: 900\r\n\r\n"
    error = await error_of(says_and_hangs(head))
    assert isinstance(error, HttpRefusal)
    assert (error.status, error.retry_after) == (418, 900.0)


@in_virtual_time
async def test_an_unknown_symbol_is_known_by_its_code() -> None:
    """The exchange's error -1121 is a failure that no retry can help, and names the symbol."""
    error = await error_of(says(http(400, UNKNOWN)))
    assert isinstance(error, UnknownSymbol)
    assert error.symbol == "BTCUSDT"


@in_virtual_time
async def test_an_error_that_comes_in_pieces_is_read_whole() -> None:
    """The code counts also where it arrives after the head of the reply."""
    whole = http(400, UNKNOWN)
    assert isinstance(await error_of(says(whole[:-20], whole[-20:])), UnknownSymbol)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>-1121</html>",
        b'{"code":-4021,"msg":"1 is not valid depth limit."}',
        b'{"code":"-1121"}',
        b'{"code":99999999999999999999999999}',
        b"[-1121]",
        b"\xff\xfe",
        b'{"\xff":1}',
        b'{"x":' + b"[" * 9_000,
        b'{"msg":"' + b"x" * 2_000_000 + b'","code":-1121}',
    ],
    ids=lambda body: repr(body[:20]),
)
@in_virtual_time
async def test_other_bad_requests_are_refusals(body: bytes) -> None:
    """Whatever else stands in an error's body, it is an HTTP refusal and nothing worse."""
    error = await refusal_of(http(400, body))
    assert error.status == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"<html>welcome</html>",
        b'{"code":-1121,"msg":"with a 200"}',
        GOOD[:-2],
        b"\xff" + GOOD,
        encode(snapshot_wire(lastUpdateId="103")),
        encode(snapshot_wire(bids=[["1.0"]])),
        encode(snapshot_wire(asks=[["NaN", "1"]])),
        encode(snapshot_wire(asks=[["1.0", "-1"]])),
        b'{"bids":' + b"[" * 100_000,
    ],
    ids=lambda body: repr(body[:20]),
)
@in_virtual_time
async def test_a_reply_that_is_no_snapshot_is_malformed(body: bytes) -> None:
    """A 200 with anything else in it is never taken for a book."""
    assert isinstance(await error_of(says(http(200, body))), MalformedMessage)


def large() -> bytes:
    """Return a valid snapshot that is larger than any real one."""
    return GOOD + b" " * (MAX_SNAPSHOT_BYTES + 500_000)


def chunked(body: bytes) -> bytes:
    """Return a 200 whose head does not tell the length."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    return head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


@pytest.mark.parametrize(
    "reply",
    [
        http(200, large()),
        chunked(large()),
        http(200, gzip.compress(large()), "Content-Encoding: gzip"),
        b"HTTP/1.1 200 OK\r\n\r\n" + large(),
    ],
    ids=["told", "chunked", "inflated", "to the end"],
)
@in_virtual_time
async def test_memory_is_bounded_whatever_the_reply_says_of_its_length(reply: bytes) -> None:
    """A reply above the limit is given up, whether its length is told, left out or hidden in compression."""
    assert isinstance(await error_of(says(reply)), MalformedMessage)


@pytest.mark.parametrize(
    "script",
    [
        says_and_hangs(),
        says_and_hangs(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
        says_and_hangs(b"HTTP/1.1 400 Bad\r\nContent-Length: 100\r\n\r\n{"),
    ],
    ids=["no reply", "half a reply", "half an error"],
)
@in_virtual_time
async def test_a_reply_that_does_not_come_is_not_waited_for(script: Script) -> None:
    """After the time-out the exchange counts as unreachable, and the socket is closed."""
    assert isinstance(await error_of(script, timeout=3), Unreachable)


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + GOOD,
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 100_000 + b"\r\n\r\n",
        http(200, b"not gzip at all", "Content-Encoding: gzip"),
        chunked(GOOD).replace(b"\r\n{", b"\r\nZZ{", 1),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnothing\r\n",
        http(302, b"", "Location: http://[::1"),
        http(302, b"", "Location: gopher://x/"),
        http(302, b"", "Location: /fapi/v1/depth"),
    ],
    ids=lambda reply: repr(reply[:60]),
)
@in_virtual_time
async def test_a_broken_reply_is_no_reply(reply: bytes) -> None:
    """Cut, garbled or endlessly redirected replies are mapped, and none ends the process."""
    assert isinstance(await error_of(says(reply)), Unreachable | MalformedMessage)


@in_virtual_time
async def test_nobody_listening_is_unreachable() -> None:
    """A refused connection is an ordinary failure."""
    async with RawServer(says()) as server:
        url = server.url
    async with aiohttp.ClientSession() as session:
        with pytest.raises(Unreachable):
            await SnapshotLoader(session, url, "BTCUSDT", timeout=5).fetch()


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:99999", "http://:80", "http://[::1", "rubbish"])
def test_a_proxy_that_makes_no_sense_is_said_so(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy variable with a typing error is a failure in words, not a crash."""
    monkeypatch.setenv("http_proxy", proxy)

    @in_virtual_time
    async def fetch() -> None:
        url = "http://exchange.invalid"
        async with rest_session(url) as session:
            with pytest.raises(Unreachable):
                await SnapshotLoader(session, url, "BTCUSDT", timeout=5).fetch()

    fetch()


def test_the_good_reply_is_one() -> None:
    """What these tests call good is JSON with both sides."""
    assert set(json.loads(GOOD)) >= {"lastUpdateId", "bids", "asks"}
