"""Clients that send what the server answers or collects by itself."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from websockets.frames import Frame, Opcode

from api.websocket_protocol import MOST_FRAGMENTS, WORK_AT_ONCE
from api.websocket_server import Api
from tests.api.serving import SOURCE, SYMBOLS, TOKEN, HandClock, Served, a_second, at, until

HANDSHAKE = (
    "GET /ws/BTCUSDT HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
PING = Frame(Opcode.PING, b"").serialize(mask=True)


@pytest_asyncio.fixture
async def served() -> AsyncIterator[Served]:
    """Return a running API."""
    running = Served(Api(SYMBOLS, SOURCE, feed_token=TOKEN), HandClock())
    await running.start()
    yield running
    await running.stop()


async def client_of(served: Served) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a client that has shaken hands, and from then on says bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(HANDSHAKE.format(port=served.port).encode())
    await reader.readuntil(b"\r\n\r\n")
    await until(lambda: bool(served.api.channels["BTCUSDT"].clients))
    return reader, writer


async def next_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Return opcode and data of the next frame that the server sends."""
    first, length = await reader.readexactly(2)
    if length >= 126:
        length = int.from_bytes(await reader.readexactly(2 if length == 126 else 8))
    return first & 0x0F, await reader.readexactly(length)


async def read_pongs(reader: asyncio.StreamReader, count: int) -> None:
    """Read until so many pings are answered; frames of seconds may come between."""
    while count:
        opcode, _ = await next_frame(reader)
        count -= opcode == Opcode.PONG


async def test_a_message_of_endless_empty_fragments_ends_its_client(served: Served) -> None:
    """Empty ones count for nothing in the size of a message, so their number is bounded."""
    reader, writer = await client_of(served)
    empty = Frame(Opcode.CONT, b"", fin=False).serialize(mask=True)
    writer.write(Frame(Opcode.TEXT, b"", fin=False).serialize(mask=True) + empty * (MOST_FRAGMENTS - 1))
    writer.write(PING)
    await read_pongs(reader, 1)
    assert served.api.channels["BTCUSDT"].clients
    writer.write(empty)
    await until(lambda: not served.api.channels["BTCUSDT"].clients)
    writer.close()


async def test_after_so_many_pings_the_server_reads_no_more_for_a_while(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred are answered; those behind them wait in the client's own socket, and its frames come."""
    monkeypatch.setattr("api.websocket_protocol.WORK_PAUSE", 3_600)
    reader, writer = await client_of(served)
    writer.write(PING * WORK_AT_ONCE)
    await read_pongs(reader, WORK_AT_ONCE)
    writer.write(PING * WORK_AT_ONCE)
    second = a_second(at(1))
    served.api.channels["BTCUSDT"].take(second)
    heard = [await next_frame(reader)]
    while str(second.row.timestamp).encode() not in heard[-1][1]:
        heard.append(await next_frame(reader))
    assert {opcode for opcode, _ in heard} == {Opcode.TEXT}
    writer.close()


async def test_pings_are_all_answered_in_the_end(served: Served) -> None:
    """A pause ends by itself."""
    reader, writer = await client_of(served)
    for _ in range(3):
        writer.write(PING * WORK_AT_ONCE)
        await read_pongs(reader, WORK_AT_ONCE)
    writer.close()


async def test_a_client_that_reads_no_answer_to_its_pings_is_cut_off(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for it to read is bounded; without pauses that is soon."""
    monkeypatch.setattr("api.websocket_protocol.WORK_PAUSE", 0)
    reader, writer = await client_of(served)
    reader._transport.pause_reading()  # type: ignore[attr-defined]
    ping = Frame(Opcode.PING, b"x" * 125).serialize(mask=True)
    flood = asyncio.create_task(_flood(writer, ping * 1_000))
    await until(lambda: not served.api.channels["BTCUSDT"].clients)
    flood.cancel()
    await asyncio.gather(flood, return_exceptions=True)
    writer.close()


async def _flood(writer: asyncio.StreamWriter, data: bytes) -> None:
    while True:
        writer.write(data)
        await writer.drain()
