"""The API over real sockets, as clients, browsers and engines meet it."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from api.access import Access
from api.channel import Client
from api.feed import handshake
from api.feed.messages import FeedSecond, FeedState, encode_feed
from api.feed.receiver import FEED_REFUSED
from api.websocket_server import READ_AT_ONCE, Api, create_app
from tests.api.serving import (
    NOT_MARKET_FIELDS,
    SOURCE,
    SYMBOLS,
    TOKEN,
    HandClock,
    Served,
    a_second,
    a_state,
    at,
    frame_of,
    frames_until,
    latencies,
    tell,
    until,
)

ALLOWED = "https://lab.example.org"


@pytest_asyncio.fixture
async def served() -> AsyncIterator[Served]:
    """Run an API of two symbols. Nothing may escape its routes in any test."""
    clock = HandClock()
    api = Api(
        SYMBOLS,
        SOURCE,
        feed_token=TOKEN,
        access=Access(allowed_origins=[ALLOWED]),
        client_queue=4,
        clock=clock,
    )
    running = Served(api, clock)
    await running.start()
    yield running
    await running.stop()
    assert running.app.escaped == []


def waiting(served: Served, symbol: str = "BTCUSDT") -> set[Client]:
    """Return who listens to a symbol."""
    return served.api.channels[symbol].clients


# --- who may listen, and to what --------------------------------------------------------------------------


@pytest.mark.parametrize("symbol", ["BTCUSDT", "btcusdt", "BtcUsdt"])
async def test_a_symbol_may_be_asked_for_in_any_letter_case(served: Served, symbol: str) -> None:
    """The frames are those of the symbol, which has one spelling."""
    served.api.channels["BTCUSDT"].add(a_second(at(1)))
    async with served.client(f"/ws/{symbol}") as client:
        frame = await frame_of(client)
    assert (frame["symbol"], frame["timestamp"]) == ("BTCUSDT", at(1))


@pytest.mark.parametrize("symbol", ["DOGEUSDT", "BTC", "%F0%9F%A6%A9"])
async def test_an_unknown_symbol_is_closed_with_a_list_of_the_known_ones(served: Served, symbol: str) -> None:
    """The close code is the documented one, the reason names all symbols."""
    async with served.client(f"/ws/{symbol}") as client:
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4404
    assert all(known in closed.value.rcvd.reason for known in SYMBOLS)


async def test_many_symbols_do_not_overflow_the_reason() -> None:
    """A close frame holds 123 bytes of reason; a longer list is cut, and the code is still there."""
    symbols = [f"COIN{number}USDT" for number in range(40)]
    running = Served(Api(symbols, SOURCE, feed_token=TOKEN), HandClock())
    await running.start()
    async with running.client("/ws/nothing") as client:
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
    await running.stop()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4404
    assert "COIN0USDT, COIN1USDT" in closed.value.rcvd.reason
    assert running.app.escaped == []


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example.com",
        "http://localhost.evil.example.com",
        "http://127.0.0.1@evil.example.com",
        "https://lab.example.org.evil.example.com",
        "http://lab.example.org",
        "null",
        "http://[",
    ],
)
async def test_a_page_from_elsewhere_is_refused(served: Served, origin: str) -> None:
    """A foreign web origin does not get as far as a WebSocket."""
    with pytest.raises(InvalidStatus) as refused:
        async with served.client("/ws/BTCUSDT", origin=origin):
            pass
    assert refused.value.response.status_code == 403
    assert "not allowed" in json.loads(refused.value.response.body)["reason"]
    assert not waiting(served)


@pytest.mark.parametrize("path", ["/ws", "/ws/", "/ws/BTCUSDT/more", "/", "/health", "/simulate"])
async def test_a_websocket_to_what_is_none_is_told_where_one_is(served: Served, path: str) -> None:
    """As HTTP is: one sentence under one key."""
    with pytest.raises(InvalidStatus) as refused:
        async with served.client(path):
            pass
    assert refused.value.response.status_code == 404
    assert "/ws/{symbol}" in json.loads(refused.value.response.body)["reason"]


@pytest.mark.parametrize("path", ["/ws/BTCUSDT", "/ws/nothing", "/feed/BTCUSDT"])
async def test_a_plain_request_for_a_stream_is_told_what_to_do(served: Served, path: str) -> None:
    """426, the protocol to change to, and an address that works."""
    reply = await served.get(path)
    assert (reply.status_code, reply.headers["upgrade"]) == (426, "websocket")
    assert f"ws://127.0.0.1:{served.port}/ws/BTCUSDT" in reply.json()["reason"]


async def test_who_names_the_server_itself_as_origin_may_listen() -> None:
    """As the package websocket-client does, also where the API is not on loopback by name."""
    access = Access("10.0.0.1")
    running = Served(Api(SYMBOLS, SOURCE, feed_token=TOKEN, access=access), HandClock())
    await running.start()
    running.api.channels["BTCUSDT"].add(a_second(at(1)))
    host = f"10.0.0.1:{running.port}"
    for origin in (f"http://{host}", f"https://{host}"):
        async with connect(
            f"ws://{host}/ws/BTCUSDT",
            host="127.0.0.1",
            port=running.port,
            origin=Origin(origin),
            proxy=None,
        ) as client:
            assert (await frame_of(client))["timestamp"] == at(1)
    await running.stop()


@pytest.mark.parametrize(
    "origin", [None, "http://127.0.0.1:8050", "http://localhost:8050", "http://[::1]:8050", ALLOWED]
)
async def test_a_page_of_ours_and_a_script_may_listen(served: Served, origin: str | None) -> None:
    """Pages from this machine, from allowed origins, and programs, which name none."""
    served.api.channels["BTCUSDT"].add(a_second(at(1)))
    async with served.client("/ws/BTCUSDT", origin=origin) as client:
        assert (await frame_of(client))["timestamp"] == at(1)


async def test_ladders_are_for_those_who_ask(served: Served) -> None:
    """A query parameter asks for them; without it neither frame nor history has any."""
    served.api.channels["BTCUSDT"].add(a_second(at(1)))
    async with served.client("/ws/BTCUSDT?ladders=1") as client:
        frame = await frame_of(client)
    assert frame["ladders"][0]["step"] == 0.1
    assert frame["ladders"] == frame["history"][0]["ladders"]
    async with served.client("/ws/BTCUSDT") as client:
        frame = await frame_of(client)
    assert "ladders" not in frame
    assert "ladders" not in frame["history"][0]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("ladders=perhaps", "ladders is 1 or 0"),
        ("updates=1&updates=0", "updates is given 2 times"),
        ("update=1", "no query parameter is called 'update': there are ladders, updates, try"),
        ("ladders=1&%F0%9F%A6%A9" + "x" * 500, "no query parameter is called"),
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(served: Served, query: str, reason: str) -> None:
    """A client that asked for something else gets no frames, and is told why."""
    async with served.client(f"/ws/BTCUSDT?{query}") as client:
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4422
    assert closed.value.rcvd.reason.startswith(reason)


async def test_what_makes_an_address_another_means_nothing(served: Served) -> None:
    """As the page needs it to connect again."""
    served.api.channels["BTCUSDT"].add(a_second(at(1)))
    async with served.client("/ws/BTCUSDT?updates=1&try=7") as client:
        assert "updates" in await frame_of(client)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/symbols?symbol=BTCUSDT", "no query parameter is called 'symbol': there are none here"),
        ("/health?x", "no query parameter is called 'x'"),
        ("/metrics?name[]=up", "no query parameter is called 'name[]'"),
        ("/schema?v=1", "no query parameter is called 'v'"),
        ("/asyncapi.json?v=1", "no query parameter is called 'v'"),
        (
            "/simulate?symbol=BTCUSDT&side=buy&sise=1",
            "no query parameter is called 'sise': there are symbol, side",
        ),
        ("/simulate?symbol=BTCUSDT&symbol=ETHUSDT&side=buy&size=1", "symbol is given 2 times"),
    ],
)
async def test_a_query_that_a_route_does_not_have_is_refused_and_named(
    served: Served, path: str, reason: str
) -> None:
    """A misspelt name must not be taken for one that was left out."""
    reply = await served.get(path)
    assert reply.status_code == 422
    assert reply.json()["reason"].startswith(reason)


@pytest.mark.parametrize(
    "path",
    ["/symbols", "/health", "/metrics", "/schema", "/asyncapi.json", "/docs", "/openapi.json", "/ws/BTCUSDT"],
)
async def test_head_is_answered_as_get_is_without_the_body(served: Served, path: str) -> None:
    """Status and headers are what monitors ask for."""
    asked, got = await served.get(path, "HEAD"), await served.get(path)
    assert asked.status_code == got.status_code
    assert asked.headers["content-type"] == got.headers["content-type"]
    assert (asked.content, bool(got.content)) == (b"", True)


async def test_streams_for_which_there_is_no_room_are_refused_and_operators_are_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With a code that means later, a reason, one line in the log and a count; whoever leaves makes room."""
    running = Served(Api(SYMBOLS, SOURCE, feed_token=TOKEN, most_streams=2), HandClock())
    await running.start()
    channel = running.api.channels["BTCUSDT"]
    channel.add(a_second(at(1)))
    async with running.client("/ws/BTCUSDT") as one, running.client("/ws/ETHUSDT"):
        await frame_of(one)
        await until(lambda: running.api.stream_limit.taken == 2)
        for _ in range(3):
            async with running.client("/ws/BTCUSDT") as refused:
                with pytest.raises(ConnectionClosed) as closed:
                    await refused.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1013
            assert "open files" in closed.value.rcvd.reason
        assert (await running.get("/health")).status_code == 503
        metrics = (await running.get("/metrics")).text
        assert "orderbook_streams_refused_total 3.0" in metrics
        channel.add(a_second(at(2)))
        while (await frame_of(one))["timestamp"] != at(2):
            pass  # frames of the API's own, while no engine delivers
    await until(lambda: running.api.stream_limit.taken == 0)
    async with running.client("/ws/BTCUSDT") as client:
        await frame_of(client)
    await running.stop()
    (line,) = [message for message in caplog.messages if "1013" in message]
    assert "open files" in line


# --- clients that behave badly ----------------------------------------------------------------------------


async def test_a_client_that_leaves_is_forgotten(served: Served) -> None:
    """Whether it says goodbye or just vanishes, before its first frame or after."""
    for vanish in (False, True):
        for seconds in (0, 1):
            async with served.client("/ws/BTCUSDT") as client:
                await until(lambda: len(waiting(served)) == 1)
                if seconds:
                    served.api.channels["BTCUSDT"].add(a_second(at(1)))
                    await frame_of(client)
                if vanish:
                    client.transport.abort()
            await until(lambda: not waiting(served))


@pytest.mark.parametrize("rubbish", ["hello", b"\x00\xff", "x" * 65_536, '{"method": "SUBSCRIBE"}'])
async def test_what_a_client_says_is_ignored(served: Served, rubbish: str | bytes) -> None:
    """It goes on getting its frames."""
    async with served.client("/ws/BTCUSDT") as client:
        for _ in range(3):
            await client.send(rubbish)
        await until(lambda: waiting(served))
        for second in (1, 2):
            served.api.channels["BTCUSDT"].add(a_second(at(second)))
            assert (await frame_of(client))["timestamp"] == at(second)


async def test_a_client_that_breaks_the_protocol_loses_only_its_own_connection(served: Served) -> None:
    """Text that is no UTF-8, a message too large: closed; the client beside it gets every frame."""
    async with served.client("/ws/BTCUSDT") as bystander:
        await until(lambda: len(waiting(served)) == 1)
        async with served.client("/ws/BTCUSDT") as one, served.client("/ws/BTCUSDT") as other:
            await until(lambda: len(waiting(served)) == 3)
            for client, rubbish in ((one, b"\xff\xfe"), (other, b"x" * (2**16 + 1))):
                with contextlib.suppress(ConnectionClosed):  # before all is sent, if it is much
                    await client.send(rubbish, text=True)
                with pytest.raises(ConnectionClosed):
                    await client.recv()
        await until(lambda: len(waiting(served)) == 1)
        served.api.channels["BTCUSDT"].add(a_second(at(1)))
        assert (await frame_of(bystander))["timestamp"] == at(1)


def heavy_second(timestamp: int) -> FeedSecond:
    """Return a second whose frame is too large for any socket's buffer to hold many of them."""
    second = a_second(timestamp)
    frame = json.loads(second.frame) | {"padding": "x" * 1_000_000}
    return msgspec.structs.replace(second, frame=msgspec.json.encode(frame))


async def test_a_client_that_does_not_read_costs_only_itself(served: Served) -> None:
    """It loses frames, which are counted, and its neighbour none; once it vanishes it is forgotten."""
    channel = served.api.channels["BTCUSDT"]
    async with served.client("/ws/BTCUSDT", max_queue=1) as stuck:
        await until(lambda: len(channel.clients) == 1)
        async with served.client("/ws/BTCUSDT") as reader:
            await until(lambda: len(channel.clients) == 2)
            for second in range(1, 41):
                channel.add(heavy_second(at(second)))
                assert (await frame_of(reader))["timestamp"] == at(second)
        assert channel.frames_dropped > 0
        await until(lambda: len(channel.clients) == 1)
        (slow,) = channel.clients
        assert len(slow.queue) <= 4
        stuck.transport.abort()
        await until(lambda: not channel.clients)


async def test_the_end_of_the_program_waits_for_no_client(served: Served) -> None:
    """Stopping with a client that reads, one that does not and an engine ends all of their tasks."""
    channel = served.api.channels["BTCUSDT"]
    async with served.client("/ws/BTCUSDT", max_queue=1) as stuck, served.client("/ws/BTCUSDT") as reader:
        await until(lambda: len(channel.clients) == 2)
        async with served.link() as link:
            await tell(link, a_state())
            for second in range(1, 31):
                channel.add(heavy_second(at(second)))
                assert (await frame_of(reader))["timestamp"] == at(second)
            await served.stop()
            for connection in (reader, link):
                with pytest.raises(ConnectionClosed):
                    await connection.recv()
        stuck.transport.abort()
    await until(lambda: not channel.clients)
    assert not channel.connected


CLIENT_SCOPE = {
    "type": "websocket",
    "path": "/ws/BTCUSDT",
    "query_string": b"",
    "headers": [],
    "subprotocols": [],
    "scheme": "ws",
}


async def test_a_client_that_floods_is_read_slowly_and_gets_its_frames() -> None:
    """What it says waits in its own socket, and the API has no work with it."""
    api = Api(SYMBOLS, SOURCE, feed_token=TOKEN, read_pause=3_600)
    channel = api.channels["BTCUSDT"]
    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    for message in ({"type": "websocket.connect"}, *[{"type": "websocket.receive", "text": "flood"}] * 250):
        incoming.put_nowait(message)
    sent: list[str] = []

    async def send(message: Any) -> None:
        sent.append(message["type"])

    serving = asyncio.create_task(create_app(api)(CLIENT_SCOPE, incoming.get, send))
    await until(lambda: bool(channel.clients))
    for second in (1, 2, 3):
        channel.add(a_second(at(second)))
    await until(lambda: sent.count("websocket.send") == 3)
    assert incoming.qsize() == 250 - READ_AT_ONCE
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    assert not channel.clients


@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError("after sending 'websocket.close'")])
async def test_a_frame_that_cannot_be_sent_ends_the_client_quietly(error: Exception) -> None:
    """A server refuses to send once a connection is closing; that is how clients go, and no failure."""
    api = Api(SYMBOLS, SOURCE, feed_token=TOKEN)
    api.channels["BTCUSDT"].add(a_second(at(1)))
    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    incoming.put_nowait({"type": "websocket.connect"})
    said: list[str] = []

    async def send(message: Any) -> None:
        said.append(message["type"])
        if message["type"] == "websocket.send":
            raise error

    await asyncio.wait_for(create_app(api)(CLIENT_SCOPE, incoming.get, send), 30)
    assert said == ["websocket.accept", "websocket.send"]
    assert not api.channels["BTCUSDT"].clients


# --- engines ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "x", TOKEN[:-1], "\u00e9"])
async def test_an_engine_with_a_wrong_secret_is_refused(served: Served, token: str) -> None:
    """The API proves nothing to it, and hears nothing of it."""
    with pytest.raises(ConnectionClosed) as refused:
        async with served.link(token=token):
            pass
    assert refused.value.rcvd is not None
    assert refused.value.rcvd.code == FEED_REFUSED
    assert not served.api.channels["BTCUSDT"].connected


@pytest.mark.parametrize(
    "said", [b"", b"garbage", b"\xff" * 300, "text", encode_feed(a_state(at(1))), bytes(100_000)]
)
async def test_who_says_something_else_than_a_proof_is_refused(served: Served, said: bytes | str) -> None:
    """A frame too: none is heard before the proof."""
    async with served.client("/feed/BTCUSDT") as connection:
        await connection.recv()
        await connection.send(said)
        with pytest.raises(ConnectionClosed):
            await connection.recv()
    assert served.api.channels["BTCUSDT"].head is None


async def test_a_proof_that_was_heard_proves_nothing_again(served: Served) -> None:
    """Each connection has a challenge of its own; nor does sending the challenge back."""
    async with served.client("/feed/BTCUSDT") as connection:
        challenge = handshake.decode(await connection.recv())
        assert isinstance(challenge, handshake.Challenge)
        answer = handshake.answer(TOKEN, "BTCUSDT", challenge, bytes(handshake.NONCE_BYTES))
        await connection.send(handshake.encode(answer))
        await connection.recv()
    for replayed in (answer, challenge, handshake.Welcome(answer.proof)):
        async with served.client("/feed/BTCUSDT") as connection:
            await connection.recv()
            await connection.send(handshake.encode(replayed))
            with pytest.raises(ConnectionClosed):
                await connection.recv()


async def test_a_feed_of_an_unknown_symbol_is_refused(served: Served) -> None:
    """Nobody may feed what is not followed."""
    with pytest.raises(InvalidStatus) as refused:
        async with served.link("DOGEUSDT"):
            pass
    assert "BTCUSDT" in json.loads(refused.value.response.body)["reason"]


@pytest.mark.parametrize(
    "message",
    [a_state(at(1), source="binance"), a_second(at(1), source="binance"), a_second(at(1), symbol="ETHUSDT")],
)
async def test_frames_of_another_source_or_symbol_are_refused(
    served: Served, message: FeedState | FeedSecond
) -> None:
    """An engine that follows something else must not be shown as what this API says it shows."""
    async with served.link() as link:
        await tell(link, message)
        with pytest.raises(ConnectionClosed):
            await link.recv()
    head = served.api.channels["BTCUSDT"].head
    assert head is None or head.status != "live"


async def test_what_an_engine_delivers_reaches_the_clients_of_its_symbol(served: Served) -> None:
    """Window first, then each second; clients of another symbol get nothing of it."""
    async with (
        served.client("/ws/BTCUSDT") as client,
        served.client("/ws/ETHUSDT") as other,
        served.link() as link,
    ):
        await until(lambda: waiting(served) and waiting(served, "ETHUSDT"))
        await tell(link, a_state(at(1), at(2)), a_second(at(3)))
        first, second = await frame_of(client), await frame_of(client)
        assert [row["timestamp"] for row in first["history"]] == [at(1), at(2)]
        assert (first["status"], second["timestamp"], second["status"]) == ("live", at(3), "live")
        served.clock.tick(3)
        frame = await frame_of(other)
    assert (frame["symbol"], frame["timestamp"], frame["status"]) == ("ETHUSDT", at(3), "syncing")


async def test_a_newer_engine_takes_the_place_of_an_older(served: Served) -> None:
    """The older is closed, its end does not darken the newer, and what it still says is not heard."""
    channel = served.api.channels["BTCUSDT"]
    async with served.link() as older, served.client("/ws/BTCUSDT") as client:
        await tell(older, a_state(at(1)))
        await frame_of(client)
        async with served.link() as newer:
            await tell(newer, a_state(at(1), at(2)))
            assert (await frame_of(client))["timestamp"] == at(2)
            with pytest.raises(ConnectionClosed) as closed:
                await older.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4409
            assert channel.connected
            await tell(newer, a_second(at(3)))
            assert (await frame_of(client))["status"] == "live"
        await until(lambda: not channel.connected)


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\xc1garbage",
        "a text",
        encode_feed(FeedSecond(b"no frame", a_second(at(2)).row)),
        encode_feed(FeedSecond(b'{"symbol": "BTCUSDT"}', a_second(at(2)).row)),
    ],
)
async def test_garbage_on_the_feed_ends_the_feed_and_nothing_else(
    served: Served, garbage: bytes | str
) -> None:
    """The engine is closed; its clients stay, get no part of it, and go on once it is back."""
    async with served.client("/ws/BTCUSDT") as client:
        async with served.link() as link:
            await tell(link, a_state(at(1)))
            await frame_of(client)
            await link.send(garbage)
            with pytest.raises(ConnectionClosed):
                await link.recv()
        await until(lambda: not served.api.channels["BTCUSDT"].connected)
        async with served.link() as link:
            await tell(link, a_state(at(2)))
            frame = await frame_of(client)
            assert (frame["timestamp"], frame["status"]) == (at(2), "live")
        async with served.client("/ws/BTCUSDT") as newcomer:
            rows = (await frame_of(newcomer))["history"]
    assert [row["timestamp"] for row in rows] == [at(1), at(2)]


# --- seconds without an engine ------------------------------------------------------------------------------


async def test_without_engines_each_second_is_dark(served: Served) -> None:
    """From the start: one frame a second that says why, with every market field null."""
    async with served.client("/ws/BTCUSDT") as client:
        await until(lambda: waiting(served))
        frames = []
        for second in (1, 2, 3):
            served.clock.tick(second)
            frames.append(await frame_of(client))
    assert [frame["timestamp"] for frame in frames] == [at(1), at(2), at(3)]
    for frame in frames:
        assert frame["status"] == "syncing"
        assert frame["reason"]
        frame.pop("history", None)
        assert all(value is None for key, value in frame.items() if key not in NOT_MARKET_FIELDS)


async def test_an_engine_that_goes_and_comes_back_leaves_no_second_out(served: Served) -> None:
    """Live, then dark from the API itself, then live again, a frame each second, the window kept."""
    async with served.client("/ws/BTCUSDT") as client:
        async with served.link() as link:
            await tell(link, a_state(at(1)), a_second(at(2)))
            frames = await frames_until(client, at(2))
        await until(lambda: not served.api.channels["BTCUSDT"].connected)
        for second in (3, 4):
            served.clock.tick(second)
            frames.append(await frame_of(client))
        async with served.link() as link:
            await tell(link, a_state(at(5)))
            frames.append(await frame_of(client))
        async with served.client("/ws/BTCUSDT") as newcomer:
            rows = (await frame_of(newcomer))["history"]
    assert [frame["timestamp"] for frame in frames] == [at(second) for second in range(1, 6)]
    statuses = ["live", "live", "syncing", "syncing", "live"]
    assert [frame["status"] for frame in frames] == statuses
    assert [row["status"] for row in rows] == statuses


async def test_an_engine_that_is_connected_and_says_nothing_is_dark(served: Served) -> None:
    """Its second goes out without it, and comes too late afterwards."""
    async with served.client("/ws/BTCUSDT") as client, served.link() as link:
        await tell(link, a_state(at(1)))
        await frame_of(client)
        served.clock.tick(2)
        dark = await frame_of(client)
        await tell(link, a_second(at(2)), a_second(at(3)))
        after = await frame_of(client)
    assert (dark["timestamp"], dark["status"], dark["mid_price"]) == (at(2), "syncing", None)
    assert (after["timestamp"], after["status"]) == (at(3), "live")


async def test_an_engine_that_dies_just_after_a_second_leaves_no_hole(served: Served) -> None:
    """Connected when the second ended and gone before it delivered it: the API sends that second itself."""
    async with served.client("/ws/BTCUSDT") as client, served.client("/ws/ETHUSDT") as other:
        async with served.link() as link:
            await tell(link, a_state(at(1)))
            await frame_of(client)
            served.clock.tick(2)
            await frame_of(other)  # so the API has seen the end of the second
        frame = await frame_of(client)
    assert (frame["timestamp"], frame["status"]) == (at(2), "syncing")


async def test_an_api_that_falls_behind_does_not_go_back_in_time(served: Served) -> None:
    """A second that it hears of late, when a newer one has gone out, is not sent as dark after it."""
    async with served.client("/ws/BTCUSDT") as client, served.client("/ws/ETHUSDT") as other:
        async with served.link() as link:
            await tell(link, a_state(at(1)), a_second(at(2)), a_second(at(3)))
            frames = await frames_until(client, at(3))
            served.clock.tick(2, slept=1.6)
            served.clock.tick(3)
            await frames_until(other, at(3))  # so the API has done with the second before
        await until(lambda: not served.api.channels["BTCUSDT"].connected)
        served.clock.tick(4)
        frames += await frames_until(client, at(4))
    assert [frame["timestamp"] for frame in frames] == [at(1), at(2), at(3), at(4)]
    assert [frame["status"] for frame in frames] == ["live", "live", "live", "syncing"]


@pytest.mark.parametrize("back", [5, 60])
async def test_a_clock_that_is_set_back_stops_no_frames(served: Served, back: int) -> None:
    """Little or much: frames go on from the earlier time."""
    async with served.client("/ws/BTCUSDT") as client:
        await until(lambda: waiting(served))
        for second in (100, 101):
            served.clock.tick(second)
            await frame_of(client)
        for second in (101 - back, 102 - back):
            served.clock.tick(second)
            assert (await frame_of(client))["timestamp"] == at(second)


# --- HTTP ---------------------------------------------------------------------------------------------------


async def test_health_is_200_only_if_all_symbols_are_live(served: Served) -> None:
    """Else 503, with each symbol's status and reason."""
    reply = await served.get("/health")
    assert reply.status_code == 503
    assert {entry["status"] for entry in reply.json()["symbols"].values()} == {"syncing"}
    assert all(entry["reason"] for entry in reply.json()["symbols"].values())
    served.clock.set(2)
    served.api.channels["BTCUSDT"].add(a_second(at(1)))
    reply = await served.get("/health")
    assert reply.status_code == 503
    assert reply.json()["symbols"]["BTCUSDT"]["status"] == "live"
    served.api.channels["ETHUSDT"].add(a_second(at(1), symbol="ETHUSDT"))
    reply = await served.get("/health")
    assert reply.status_code == 200
    report = reply.json()
    assert report["status"] == "live"
    assert list(report["symbols"]) == list(SYMBOLS)
    assert report["symbols"]["BTCUSDT"]["age_ms"] == 1000
    assert report["symbols"]["BTCUSDT"]["health"]["gaps"] == 11
    served.api.channels["ETHUSDT"].fill_in(at(2), "the engine has gone")
    reply = await served.get("/health")
    assert (reply.status_code, reply.json()["symbols"]["ETHUSDT"]["reason"]) == (503, "the engine has gone")


async def test_an_old_frame_is_no_sign_of_health(served: Served) -> None:
    """A live frame that nothing has followed for a minute counts as stale."""
    for symbol, channel in served.api.channels.items():
        channel.add(a_second(at(1), symbol=symbol))
    served.clock.set(61)
    reply = await served.get("/health")
    assert reply.status_code == 503
    assert {entry["status"] for entry in reply.json()["symbols"].values()} == {"stale"}
    assert all(entry["reason"] for entry in reply.json()["symbols"].values())


async def test_symbols_lists_what_is_followed(served: Served) -> None:
    """In the order given."""
    reply = await served.get("/symbols")
    assert (reply.status_code, reply.json()) == (200, {"symbols": list(SYMBOLS)})


async def test_metrics_count_clients_as_they_come_and_go(served: Served) -> None:
    """The text is what Prometheus reads, and says what is so at the scrape."""

    async def clients() -> float:
        reply = await served.get("/metrics")
        assert reply.status_code == 200
        assert reply.headers["content-type"].startswith("text/plain")
        families = {family.name: family for family in text_string_to_metric_families(reply.text)}
        samples = families["orderbook_clients"].samples
        return next(sample.value for sample in samples if sample.labels["symbol"] == "BTCUSDT")

    assert await clients() == 0
    async with served.client("/ws/BTCUSDT"):
        await until(lambda: waiting(served))
        assert await clients() == 1
    await until(lambda: not waiting(served))
    assert await clients() == 0


async def test_a_live_second_is_counted_with_its_latency_when_it_goes_out(served: Served) -> None:
    """From its last depth event to the API; one that comes too late or is dark is not."""
    channel = served.api.channels["BTCUSDT"]
    async with served.client("/ws/BTCUSDT") as client, served.link() as link:
        served.clock.set(2.01)
        await tell(link, a_state(at(1)), latencies(3), a_second(at(2)), a_second(at(2)), a_second(at(3)))
        await frames_until(client, at(3))
    counts = channel.delivered.read()
    assert sum(counts.buckets) == 2
    assert counts.sum_ms == pytest.approx(60 + 60 - 1000)
    assert channel.latencies == latencies(3)


async def test_the_api_documents_itself(served: Served) -> None:
    """The page answers, all that it loads is here, and the schema names the HTTP routes."""
    page = await served.get("/docs")
    assert page.status_code == 200
    loaded = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert len(loaded) == 4
    for address in loaded:
        file = await served.get(f"/{address}")
        assert (file.status_code, len(file.content) > 50) == (200, True)
    assert "//" not in "".join(loaded)
    assert "https:" not in page.headers["content-security-policy"]
    assert (await served.get("/docs/passwd")).status_code == 404
    schema = (await served.get("/openapi.json")).json()
    assert {"/symbols", "/health", "/metrics"} <= set(schema["paths"])
    assert "servers" not in schema


async def test_behind_a_proxy_the_documents_name_the_public_address() -> None:
    """Host, path and scheme are those by which others reach the API."""
    api = Api(SYMBOLS, SOURCE, feed_token=TOKEN, public_url="https://lab.example.org/api/")
    running = Served(api, HandClock())
    await running.start()
    server = (await running.get("/asyncapi.json")).json()["servers"]["api"]
    assert server == {"host": "lab.example.org", "pathname": "/api", "protocol": "wss"}
    assert (await running.get("/openapi.json")).json()["servers"] == [{"url": "https://lab.example.org/api"}]
    told = (await running.get("/ws/BTCUSDT")).json()["reason"]
    assert told.endswith(" wss://lab.example.org/api/ws/BTCUSDT")
    await running.stop()


async def test_each_client_counts_the_time_from_a_second_to_its_socket(served: Served) -> None:
    """Every live frame that was written counts once a client, by the API's clock."""
    channel = served.api.channels["BTCUSDT"]
    async with (
        served.client("/ws/BTCUSDT") as one,
        served.client("/ws/BTCUSDT") as other,
        served.link() as link,
    ):
        await until(lambda: len(waiting(served)) == 2)
        served.clock.set(3.03)
        await tell(link, a_state(at(1)), a_second(at(2)), a_second(at(3)))
        for client in (one, other):
            await frames_until(client, at(3))
        await until(lambda: sum(channel.sent.read().buckets) == 4)
    assert channel.sent.read().sum_ms == pytest.approx(2 * (1_030 + 30))
