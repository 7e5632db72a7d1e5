"""Clients whose requests never end, come too slowly, or are none."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from api import http_protocol
from api.http_protocol import MOST_HEAD
from api.websocket_server import Api
from tests.api.serving import PATIENCE, SOURCE, SYMBOLS, TOKEN, HandClock, Served, until

LINE = b"GET /symbols HTTP/1.1\r\nHost: 127.0.0.1\r\n"
ASK = LINE + b"\r\n"


@pytest_asyncio.fixture
async def served() -> AsyncIterator[Served]:
    """Run an API. Nothing may escape its routes in any test."""
    running = Served(Api(SYMBOLS, SOURCE, feed_token=TOKEN), HandClock())
    await running.start()
    yield running
    await running.stop()
    assert running.app.escaped == []


async def answer(served: Served, *parts: bytes) -> bytes:
    """Return all that the server answers to these bytes until it ends the connection."""
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()


async def poured(served: Served, begin: bytes, more: bytes) -> int:
    """Send `begin`, then `more` over and over until the server ends it; return how many bytes went."""
    sent = 0
    async with asyncio.timeout(PATIENCE):
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        try:
            writer.write(begin)
            while True:
                writer.write(more)
                await writer.drain()
                sent += len(more)
        except ConnectionError:
            return sent


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        pytest.param(b"GET /", b"a" * 10_000, id="a request line"),
        pytest.param(LINE + b"x: ", b"a" * 10_000, id="a header"),
        pytest.param(LINE + b"x", b"a" * 10_000, id="a header's name"),
        pytest.param(LINE, b"a: b\r\n" * 1_000, id="headers"),
        pytest.param(LINE, b" \r\n" * 1_000, id="folded lines"),
        pytest.param(b"", b"\r\n" * 1_000, id="empty lines"),
        pytest.param(b"", b"\x16\x03\x01\x02\x00\x01\x00\x01" * 1_000, id="a TLS hello"),
        pytest.param(b"", b"\0" * 10_000, id="zeros"),
        pytest.param(
            b"GET /ws/BTCUSDT HTTP/1.1\r\nUpgrade: websocket\r\n", b"a: b\r\n" * 99, id="an upgrade"
        ),
        pytest.param(
            LINE.replace(b"GET", b"POST") + b"Transfer-Encoding: chunked\r\n\r\n",
            b"1\r\na\r\n" * 1_000,
            id="chunks",
        ),
        pytest.param(LINE + b"Content-Length: 99999999\r\n\r\n", b"a" * 10_000, id="a body"),
        pytest.param(b"", ASK * 500, id="requests ahead of their answers"),
    ],
)
async def test_whatever_is_sent_without_end_is_cut_off(served: Served, begin: bytes, more: bytes) -> None:
    """Soon: what the sockets' own buffers hold goes on top of the bound. The next client is answered."""
    assert await poured(served, begin, more) < 16 * 2**20
    assert (await served.get("/symbols")).status_code == 200


async def test_a_long_head_is_taken_up_to_the_bound(served: Served) -> None:
    """One line of it or many: 64 KiB are taken, more is refused."""
    fits = b"Connection: close\r\nx: " + b"a" * (MOST_HEAD - len(ASK) - 100) + b"\r\n\r\n"
    assert (await answer(served, LINE + fits)).startswith(b"HTTP/1.1 200 ")
    assert (await answer(served, LINE + b"x: " + b"a" * MOST_HEAD)).startswith(b"HTTP/1.1 431 ")
    assert (await answer(served, LINE + b"a: b\r\n" * 300)).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("said", [b"", b"GET", LINE, ASK + LINE, LINE + b"Content-Length: 10\r\n\r\nabc"])
async def test_a_request_that_does_not_come_is_not_waited_for(
    served: Served, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that says nothing, half a head, half a second head, half a body: each ends by itself."""
    monkeypatch.setattr(http_protocol, "WHOLE_WITHIN", 0.05)
    await answer(served, said)


async def test_a_head_that_trickles_is_not_waited_for(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte is a sign of life, and proves nothing."""
    monkeypatch.setattr(http_protocol, "WHOLE_WITHIN", 0.2)
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        ended = asyncio.ensure_future(reader.read())
        while not ended.done():
            writer.write(b"a")
            await asyncio.sleep(0.02)
    await asyncio.gather(ended, return_exceptions=True)
    writer.close()


@pytest.mark.parametrize(
    "bad",
    [
        b"GET /symbols HTTP/1.1\r\n\r\n",  # no host
        ASK.replace(b"\r\n\r\n", b"\r\nHost: 127.0.0.1\r\n\r\n"),  # two of them
        b"GET /symbols\x00 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        LINE + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        LINE + b"Transfer-Encoding: gzip\r\n\r\n",
        LINE + b"Content-Length: -1\r\n\r\n",
        LINE + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
)
async def test_what_is_no_request_is_refused_once(
    served: Served, bad: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """With an error, an end of the connection and no traceback."""
    said = await answer(served, bad)
    assert said.split(b" ")[1] in (b"400", b"413", b"501")
    assert said.count(b"HTTP/1.1") == 1
    assert "Traceback" not in caplog.text


async def test_answers_that_nobody_reads_are_not_kept(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that asks on and reads nothing is cut off when nothing of an answer was taken for a while."""
    monkeypatch.setattr(http_protocol, "STALLED_AFTER", 0.05)
    monkeypatch.setattr(http_protocol, "MOST_HEAD", 10**9)
    _, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=1)
    ask = ASK.replace(b"/symbols", b"/openapi.json")

    async def pour() -> None:
        while True:
            writer.write(ask * 100)
            await writer.drain()

    async with asyncio.timeout(PATIENCE):
        with pytest.raises(ConnectionError):
            await pour()


async def test_requests_over_one_connection_are_answered_in_order(served: Served) -> None:
    """Also some that are sent ahead."""
    said = await answer(served, ASK * 20 + LINE + b"Connection: close\r\n\r\n")
    assert said.count(b"HTTP/1.1 200 OK") == 21


async def test_an_upgrade_to_something_else_is_answered_as_if_it_were_none(served: Served) -> None:
    """And the connection goes on."""
    other = LINE + b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\n"
    said = await answer(served, other, LINE + b"Connection: close\r\n\r\n")
    assert said.count(b"HTTP/1.1 200 OK") == 2


async def test_a_handshake_that_is_none_ends(served: Served) -> None:
    """Headers too long for a WebSocket, no key, no version: an error each, and nothing is left."""
    upgrade = b"GET /ws/BTCUSDT HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    for more in (b"", b"Sec-WebSocket-Version: 12\r\n", b"Cookie: " + b"a" * 20_000 + b"\r\n"):
        said = await answer(served, upgrade + more + b"\r\n")
        assert said.split(b" ")[1] in (b"400", b"426", b"431")
    await until(lambda: not served.api.channels["BTCUSDT"].clients)
