"""Clients that send what the server answers or collects by itself."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from websockets.frames import Frame, Opcode

from api import websocket_protocol
from api.websocket_protocol import (
    ENGINE_PATIENCE,
    MOST_FRAGMENTS,
    MOST_OF_A_CLIENT,
    PIECE,
    WORK_AT_ONCE,
    BoundedWebSocket,
)
from api.websocket_server import Api
from tests.api.serving import (
    PATIENCE,
    SOURCE,
    SYMBOLS,
    TOKEN,
    HandClock,
    Served,
    a_second,
    a_state,
    at,
    frame_of,
    tell,
    until,
)

HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
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


async def opened(served: Served, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a connection to `path` after the handshake."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(HANDSHAKE.format(port=served.port, path=path).encode())
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def client_of(served: Served) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a client that has shaken hands, and from then on says bytes."""
    reader, writer = await opened(served, "/ws/BTCUSDT")
    await until(lambda: bool(served.api.channels["BTCUSDT"].clients))
    return reader, writer


def connections_of(served: Served) -> list[BoundedWebSocket]:
    """Return the server's ends of all WebSockets."""
    assert served.server is not None
    return [one for one in served.server.server_state.connections if isinstance(one, BoundedWebSocket)]


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
    served.api.channels["BTCUSDT"].add(second)
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


def masked(opcode: Opcode, data: bytes = b"", *, fin: bool = True) -> bytes:
    """Return a frame as a client sends it."""
    return Frame(opcode, data, fin).serialize(mask=True)


@pytest.mark.parametrize(
    "flood",
    [
        pytest.param(masked(Opcode.PONG), id="pongs"),
        pytest.param(masked(Opcode.PONG, b"x" * 125), id="long pongs"),
        pytest.param(masked(Opcode.PING), id="pings"),
        pytest.param(masked(Opcode.TEXT), id="messages"),
        pytest.param(masked(Opcode.BINARY, bytes(MOST_OF_A_CLIENT)), id="the longest messages"),
        pytest.param(
            masked(Opcode.TEXT, fin=False) + masked(Opcode.PONG) + masked(Opcode.CONT),
            id="pongs between fragments",
        ),
    ],
)
async def test_of_a_flood_little_is_parsed_and_little_is_kept(
    served: Served, flood: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a certain amount of work nothing more is taken for a while, and the sockets hold the flood up."""
    monkeypatch.setattr(websocket_protocol, "WORK_PAUSE", 3_600)
    parsed = 0
    handle_events = BoundedWebSocket.handle_events

    def count(self: BoundedWebSocket) -> None:
        nonlocal parsed
        parsed += max(1, len(self.conn.events))
        handle_events(self)

    monkeypatch.setattr(BoundedWebSocket, "handle_events", count)
    reader, writer = await client_of(served)
    pour = asyncio.create_task(_flood(writer, flood * (1 + 10_000 // len(flood))))
    (connection,) = connections_of(served)
    await until(lambda: len(connection._unread) and not connection.transport.is_reading())
    second = a_second(at(1))
    served.api.channels["BTCUSDT"].add(second)
    while str(second.row.timestamp).encode() not in (await next_frame(reader))[1]:
        pass
    assert parsed <= 2 * WORK_AT_ONCE + 1  # and the handshake
    assert len(connection._unread) <= 2**18
    assert connection.queue.qsize() <= 2 * WORK_AT_ONCE
    pour.cancel()
    writer.transport.abort()


@pytest.mark.parametrize("path", ["/ws/NOTHING", "/ws/BTCUSDT?ladders=perhaps"])
@pytest.mark.parametrize("opcode", [Opcode.PONG, Opcode.PING, Opcode.TEXT])
async def test_after_a_close_nobody_is_listened_to_for_long(
    served: Served, path: str, opcode: Opcode
) -> None:
    """A client that goes on writing, and never answers the close, is cut off all the same."""
    _, writer = await opened(served, path)
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(ConnectionError):
            await _flood(writer, masked(opcode) * 1_000)
    await until(lambda: not connections_of(served))


async def test_after_a_close_a_silent_client_is_not_waited_for(served: Served) -> None:
    """It reads the close, and the end of the connection soon after."""
    reader, writer = await opened(served, "/ws/NOTHING")
    async with asyncio.timeout(PATIENCE):
        assert (await next_frame(reader))[0] == Opcode.CLOSE
        assert await reader.read() == b""
    writer.close()


async def test_a_flood_of_closes_is_one(served: Served) -> None:
    """The first is answered, and ends the connection."""
    _, writer = await client_of(served)
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(ConnectionError):
            await _flood(writer, masked(Opcode.CLOSE, b"\x03\xe8") * 1_000)
    await until(lambda: not served.api.channels["BTCUSDT"].clients)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(masked(Opcode.BINARY, bytes(MOST_OF_A_CLIENT + 1)), id="a message"),
        pytest.param(masked(Opcode.BINARY, bytes(7 * 2**20))[:100], id="the head of a message"),
        pytest.param(
            masked(Opcode.TEXT, b"x" * MOST_OF_A_CLIENT, fin=False) + masked(Opcode.CONT, b"x"),
            id="fragments",
        ),
        pytest.param(
            masked(Opcode.TEXT, b"x" * 40_000, fin=False)
            + masked(Opcode.PING)
            + masked(Opcode.CONT, b"x" * 40_000, fin=False),
            id="fragments with a ping between",
        ),
    ],
)
@pytest.mark.parametrize("path", ["/ws/BTCUSDT", "/ws/ETHUSDT?ladders=1"])
async def test_a_message_above_the_bound_ends_its_client(served: Served, path: str, said: bytes) -> None:
    """With 1009, before it is all there."""
    reader, writer = await opened(served, path)
    writer.write(said)
    async with asyncio.timeout(PATIENCE):
        opcode, body = await next_frame(reader)
        while opcode != Opcode.CLOSE:
            opcode, body = await next_frame(reader)
    assert int.from_bytes(body[:2]) == 1009
    writer.close()


@pytest.mark.parametrize(
    "half",
    [
        masked(Opcode.BINARY, bytes(60_000))[:-1],
        masked(Opcode.TEXT, b"x", fin=False),
        masked(Opcode.TEXT, b"x" * 60_000, fin=False),
        masked(Opcode.TEXT, b"x")[:1],
    ],
    ids=["a frame but for its last byte", "a short fragment", "a long fragment", "one byte"],
)
async def test_half_a_message_is_not_kept(
    served: Served, half: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not whole in time ends its client."""
    monkeypatch.setattr(websocket_protocol, "WHOLE_WITHIN", 0.05)
    _, writer = await client_of(served)
    writer.write(half)
    await until(lambda: not served.api.channels["BTCUSDT"].clients)
    writer.close()


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(b"\x8a\x00", id="no mask"),
        pytest.param(b"\xc1\x80\0\0\0\0", id="a reserved bit"),
        pytest.param(b"\x83\x80\0\0\0\0", id="a reserved opcode"),
        pytest.param(b"\x89\xfe\x00\x7e" + bytes(130), id="a long ping"),
        pytest.param(b"\x09\x80\0\0\0\0", id="a fragmented ping"),
        pytest.param(masked(Opcode.CONT), id="a continuation of nothing"),
        pytest.param(masked(Opcode.TEXT, b"\xff"), id="no UTF-8"),
        pytest.param(masked(Opcode.CLOSE, b"\x00"), id="half a close code"),
        pytest.param(masked(Opcode.CLOSE, b"\x03\xe8\xff"), id="a reason that is no UTF-8"),
        pytest.param(b"\x82\xff" + b"\xff" * 12, id="a length that is none"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="HTTP"),
    ],
)
@pytest.mark.parametrize("path", ["/ws/BTCUSDT", "/feed/BTCUSDT"])
async def test_what_breaks_the_protocol_ends_its_connection_without_a_traceback(
    served: Served, path: str, broken: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """On an engine's connection as on a client's."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    request = HANDSHAKE.format(port=served.port, path=path)
    writer.write(request.encode())
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    writer.write(broken)
    async with asyncio.timeout(PATIENCE):
        await reader.read()
    await until(lambda: not connections_of(served))
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.exc_info]
    writer.close()


async def test_what_follows_the_handshake_too_soon_is_taken_after_it(served: Served) -> None:
    """A client may not wait for the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(HANDSHAKE.format(port=served.port, path="/ws/BTCUSDT").encode())
    await asyncio.sleep(0)
    writer.write(PING)
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    writer.write(PING)
    await read_pongs(reader, 1)
    writer.close()


async def test_an_engine_may_say_more(served: Served) -> None:
    """Once it has shown who it is: longer messages, and many at once."""
    async with served.link() as link, served.client("/ws/BTCUSDT") as client:
        await until(lambda: bool(served.api.channels["BTCUSDT"].clients))
        await tell(link, a_state(*(at(second) for second in range(1, 180))))
        await frame_of(client)
        for second in range(180, 180 + 3 * WORK_AT_ONCE):
            await tell(link, a_second(at(second)))
            frame = await frame_of(client)
            while frame["health"] is None:  # of a second of the real clock, which the API fills in
                frame = await frame_of(client)
            assert frame["timestamp"] == at(second)


async def test_a_frame_with_a_long_window_goes_out_in_pieces(served: Served) -> None:
    """So that for one who does not take it little waits; a client puts them together again."""
    channel = served.api.channels["BTCUSDT"]
    channel.restore(a_state(*(at(second) for second in range(1, 181))))
    reader, writer = await opened(served, "/ws/BTCUSDT?ladders=1")
    opcode, data = await next_frame(reader)
    assert (opcode, len(data)) == (Opcode.TEXT, PIECE)
    writer.close()
    async with served.client("/ws/BTCUSDT?ladders=1") as client:
        assert len((await frame_of(client))["history"]) == 180


async def test_a_client_has_more_patience_shown_to_than_an_engine(served: Served) -> None:
    """A client that reads nothing loses frames, for minutes; an engine that answers no ping is gone."""
    async with served.client("/ws/BTCUSDT") as client, served.link():
        await until(lambda: len(connections_of(served)) == 2)
        by_path = {one.request.path: one for one in connections_of(served)}
        assert by_path["/ws/BTCUSDT"].ping_timeout == 600
        assert by_path["/feed/BTCUSDT"].ping_timeout == ENGINE_PATIENCE
        by_path["/ws/BTCUSDT"].keepalive_timeout()
        await client.wait_closed()
        assert client.close_code == 1011
