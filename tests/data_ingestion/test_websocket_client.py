"""One stream, kept open through everything that a server or a network can do to it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from data_ingestion.clock import Clock
from data_ingestion.errors import ExchangeError, HttpRefusal, MalformedMessage, StreamSilent, Unreachable
from data_ingestion.messages import DepthUpdate, decode_depth_update
from data_ingestion.pacing.backoff import Backoff
from data_ingestion.websocket_client import MAX_MESSAGE_BYTES, StreamClient
from tests.data_ingestion.fakes import RawServer, Script, http, says, says_and_hangs, update
from tests.data_ingestion.virtual_time import EPOCH, in_virtual_time, until, virtual_clock

SILENCE = 10.0
PATH = "/public/ws/btcusdt@depth@100ms"
Handler = Callable[[ServerConnection], Awaitable[None]]


class Listener:
    """Remembers what it hears, in order and with the time."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.at: list[float] = []
        self.messages: list[DepthUpdate] = []
        self.errors: list[ExchangeError] = []
        self.bad: list[MalformedMessage] = []

    def _note(self, what: str) -> None:
        self.heard.append(what)
        self.at.append(asyncio.get_running_loop().time())

    def connecting(self) -> None:
        """Note it."""
        self._note("connecting")

    def opened(self) -> None:
        """Note it."""
        self._note("opened")

    def received(self, message: DepthUpdate) -> None:
        """Note it."""
        self._note("received")
        self.messages.append(message)

    def malformed(self, error: MalformedMessage) -> None:
        """Note it."""
        self._note("malformed")
        self.bad.append(error)

    def lost(self, error: ExchangeError) -> None:
        """Note it."""
        self._note("lost")
        self.errors.append(error)

    def times(self, what: str) -> list[float]:
        """Return when it was heard."""
        return [at for heard, at in zip(self.heard, self.at, strict=True) if heard == what]


@contextlib.asynccontextmanager
async def listening(url: str, clock: Clock | None = None) -> AsyncIterator[Listener]:
    """Run a client of `url`; it must run until it is cancelled, and then end."""
    listener, clock = Listener(), clock or virtual_clock()
    client = StreamClient(
        "depth",
        url,
        decode_depth_update,
        listener,
        silence=SILENCE,
        backoff=Backoff(lambda: 1.0),
        clock=clock,
    )
    task = asyncio.create_task(client.run())
    try:
        yield listener
        assert not task.done(), "the client ended by itself"
    finally:
        task.cancel()
        await asyncio.wait([task])
    with contextlib.suppress(asyncio.CancelledError):
        await task


class Server:
    """A WebSocket server whose connections are handled by these in turn, the last one for ever."""

    def __init__(self, *handlers: Handler) -> None:
        self._handlers = list(handlers)
        self.paths: list[str] = []
        self.open = 0

    async def __aenter__(self) -> "Server":
        self._server = await serve(self._handle, "127.0.0.1", 0, ping_interval=None, close_timeout=1)
        self.url = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _handle(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.paths.append(connection.request.path)
        self.open += 1
        handler = self._handlers.pop(0) if len(self._handlers) > 1 else self._handlers[0]
        try:
            await handler(connection)
        except ConnectionClosed:
            pass
        finally:
            self.open -= 1


def sends(*frames: str | bytes, every: float = 0.0) -> Handler:
    """Send frames, then keep the connection open and silent."""

    async def handler(connection: ServerConnection) -> None:
        for frame in frames:
            await connection.send(frame)
            await asyncio.sleep(every)
        await connection.wait_closed()

    return handler


def closes(code: int = 1000, after: int = 1) -> Handler:
    """Send some updates and close."""

    async def handler(connection: ServerConnection) -> None:
        for number in range(after):
            await connection.send(update(number).decode())
        await connection.close(code)

    return handler


async def aborts(connection: ServerConnection) -> None:
    """Send an update and cut the line."""
    await connection.send(update(0).decode())
    connection.transport.abort()


async def breaks_utf8(connection: ServerConnection) -> None:
    """Send a text frame that is no text."""
    await _send_raw(connection, Frame(Opcode.TEXT, b"\xff\xfe"))


async def breaks_the_protocol(connection: ServerConnection) -> None:
    """Send the continuation of nothing."""
    await _send_raw(connection, Frame(Opcode.CONT, b"more"))


async def talks_without_end(connection: ServerConnection) -> None:
    """Send a message that is larger than any."""
    await connection.send("x" * (MAX_MESSAGE_BYTES + 1))
    await connection.wait_closed()


async def _send_raw(connection: ServerConnection, frame: Frame) -> None:
    connection.transport.write(frame.serialize(mask=False, extensions=()))
    await connection.wait_closed()


GOOD = sends(*(update(number).decode() for number in range(3)))


@in_virtual_time
async def test_it_asks_for_the_route_and_decodes() -> None:
    """The path asked for is the one given, and each message arrives typed and in order."""
    async with Server(GOOD) as server, listening(server.url + PATH) as heard:
        await until(lambda: len(heard.messages) == 3)
        assert server.paths == [PATH]
    assert heard.heard == ["connecting", "opened", *["received"] * 3]
    assert [message.final_update_id for message in heard.messages] == [10, 20, 30]


@in_virtual_time
async def test_binary_frames_are_read_as_well() -> None:
    """A message in a binary frame is a message."""
    async with Server(sends(update(1))) as server, listening(server.url) as heard:
        await until(lambda: heard.messages)


@in_virtual_time
async def test_malformed_messages_are_told_and_survived() -> None:
    """Garbage between two messages costs neither of them, nor the connection."""
    frames = ("{", update(1).decode(), b"\xff\xff", "[]", "null", "", update(2).decode())
    async with Server(sends(*frames)) as server, listening(server.url) as heard:
        await until(lambda: len(heard.messages) == 2)
    assert len(heard.bad) == 5
    assert "lost" not in heard.heard


@in_virtual_time
async def test_a_silent_connection_is_given_up_and_made_again() -> None:
    """An open connection that delivers nothing any more ends as such, and the next one delivers."""
    async with Server(sends(update(0).decode()), GOOD) as server, listening(server.url) as heard:
        await until(lambda: len(heard.messages) == 4)
        assert server.open == 1
    assert isinstance(heard.errors[0], StreamSilent)
    assert heard.errors[0].seconds == SILENCE


@in_virtual_time
async def test_a_connection_silent_from_the_start_is_given_up() -> None:
    """The handshake alone is no sign of life."""
    async with Server(sends(), GOOD) as server, listening(server.url) as heard:
        await until(lambda: heard.messages)
    assert [type(error) for error in heard.errors] == [StreamSilent]


@in_virtual_time
async def test_garbage_is_silence() -> None:
    """A connection that delivers nothing readable is given up, however much it delivers."""
    async with Server(sends(*["{"] * 100, every=1.0), GOOD) as server, listening(server.url) as heard:
        await until(lambda: heard.messages)
    assert [type(error) for error in heard.errors] == [StreamSilent]
    assert 0 < len(heard.bad) <= SILENCE + 1


async def is_deaf(connection: ServerConnection) -> None:
    """Send nothing, and read nothing either, as a machine that has gone."""
    connection.transport.pause_reading()
    await asyncio.sleep(3 * SILENCE)
    connection.transport.abort()


@in_virtual_time
async def test_a_peer_that_has_gone_is_not_asked_to_say_goodbye() -> None:
    """A silent connection is told to be lost when its patience is over, not after a closing handshake."""
    async with Server(is_deaf, GOOD) as server, listening(server.url) as heard:
        await until(lambda: heard.messages)
    assert heard.times("lost")[0] - heard.times("opened")[0] == pytest.approx(SILENCE, abs=0.01)


@in_virtual_time
async def test_a_slow_stream_is_not_silent() -> None:
    """Each readable message starts the patience anew."""
    slow = sends(*(update(number).decode() for number in range(10)), every=SILENCE - 1)
    async with Server(slow) as server, listening(server.url) as heard:
        await until(lambda: len(heard.messages) == 10)
    assert heard.errors == []


@pytest.mark.parametrize(
    "end",
    [
        *(closes(1000), closes(1001), closes(1008), closes(1011), closes(1012, after=0)),
        *(aborts, breaks_utf8, breaks_the_protocol, talks_without_end),
    ],
)
@in_virtual_time
async def test_a_connection_that_ends_is_made_again(end: Handler) -> None:
    """Closed for whatever reason, cut or broken: it is told in words, and the stream goes on."""
    async with Server(end, end, GOOD) as server, listening(server.url) as heard:
        await until(lambda: len(heard.messages) >= 3 and heard.heard.count("opened") == 3)
        assert server.open == 1
    assert [type(error) for error in heard.errors] == [Unreachable, Unreachable]
    assert all(str(error) for error in heard.errors)


@in_virtual_time
async def test_messages_before_the_end_are_not_lost() -> None:
    """What arrived before the close is delivered before it is told."""
    async with Server(closes(after=10), sends()) as server, listening(server.url) as heard:
        await until(lambda: heard.errors)
    assert heard.heard[:13] == ["connecting", "opened", *["received"] * 10, "lost"]


@pytest.mark.parametrize(
    "script",
    [
        says(),
        says(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
        says(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
        says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
        says(b"HTTP/1.1 101 Switching Protocols\r\n" + b"X: y\r\n" * 1_000 + b"\r\n"),
        says(http(302, b"", "Location: ws://[::1")),
        says(http(302, b"", "Location: ftp://127.0.0.1/")),
        says(http(302, b"", "Location: ws://127.0.0.1:99999/")),
        says(http(302, b"", "Location: ws://127.0.0.1:1/", "Location: ws://127.0.0.1:2/")),
        says(http(302, b"", "Location: /again")),
        says_and_hangs(),
        says_and_hangs(b"HTTP/1.1 101 Switching"),
    ],
)
@in_virtual_time
async def test_a_handshake_that_fails_is_tried_again(script: Script) -> None:
    """Whatever stands in the place of a handshake's answer, the next try comes and the process lives."""
    async with RawServer(script) as server, listening(server.ws_url) as heard:
        await until(lambda: len(heard.errors) >= 3)
    assert {type(error) for error in heard.errors} == {Unreachable}


@in_virtual_time
async def test_nobody_listening_is_tried_again() -> None:
    """A refused connection is an ordinary failure."""
    async with RawServer(says()) as server:
        url = server.ws_url
    async with listening(url) as heard:
        await until(lambda: len(heard.errors) >= 3)
    assert {type(error) for error in heard.errors} == {Unreachable}


@pytest.mark.parametrize("status", [200, 400, 403, 404, 418, 429, 451, 500, 503])
@in_virtual_time
async def test_a_refused_handshake_names_its_status(status: int) -> None:
    """An HTTP answer is told as such, without a wait where it names none, and the next try follows."""
    async with RawServer(says(http(status, b"no"))) as server, listening(server.ws_url) as heard:
        await until(lambda: len(heard.errors) == 3)
    for error in heard.errors:
        assert isinstance(error, HttpRefusal)
        assert (error.status, error.retry_after) == (status, None)


@pytest.mark.parametrize(
    "headers",
    [
        ("Retry-After: 60",),
        ("Retry-After: 60", "Retry-After: 5"),
        ("Date: Mon, 13 Nov 2023 22:13:20 GMT", "Retry-After: Mon, 13 Nov 2023 22:14:20 GMT"),  # a day behind
    ],
)
@in_virtual_time
async def test_a_wait_that_is_asked_for_is_kept(headers: tuple[str, ...]) -> None:
    """The next try comes no sooner than the exchange allows, and soon after."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    clock = Clock(wall=lambda: EPOCH + loop.time() - start, steady=loop.time)  # 22:13:20 at the start
    refusal = says(http(429, b"", *headers))
    async with RawServer(refusal, says(http(503))) as server, listening(server.ws_url, clock) as heard:
        await until(lambda: len(heard.errors) == 2)
    assert 59.999 <= server.times[1] - server.times[0] <= 60.001


@pytest.mark.parametrize("headers", [("Retry-After: soon",), ("Retry-After: \xb2",), ("Retry-After: ",)])
@in_virtual_time
async def test_rubbish_in_retry_after_is_survived(headers: tuple[str, ...]) -> None:
    """A wait that cannot be read is none."""
    async with RawServer(says(http(429, b"", *headers))) as server, listening(server.ws_url) as heard:
        await until(lambda: len(heard.errors) == 3)
    assert {type(error) for error in heard.errors} == {HttpRefusal}


@pytest.mark.parametrize("end", [closes(after=0), closes(after=1), aborts])
@in_virtual_time
async def test_a_server_that_always_hangs_up_is_not_hammered(end: Handler) -> None:
    """Connections that end at once, with or without a message, follow one another at the capped backoff."""
    async with Server(end) as server, listening(server.url):
        await asyncio.sleep(150)
        assert 10 <= len(server.paths) <= 104


@in_virtual_time
async def test_a_long_outage_is_tried_ever_more_rarely() -> None:
    """In an hour without an exchange the tries are some dozens, not thousands."""
    async with RawServer(says()) as server, listening(server.ws_url):
        await asyncio.sleep(3_600)
        assert 60 <= len(server.requests) <= 250


@in_virtual_time
async def test_a_stable_connection_makes_the_next_retry_quick() -> None:
    """After minutes of messages the first retry comes at once, in spite of failures before."""
    stable = sends(*(update(number).decode() for number in range(30)), every=5)
    ends = [closes(after=0)] * 6
    async with Server(*ends, stable, sends()) as server, listening(server.url) as heard:
        await until(lambda: len(heard.messages) == 30)
        await until(lambda: len(server.paths) == 8)
    tries, losses = heard.times("connecting"), heard.times("lost")
    assert tries[7] - losses[6] < 0.3 < tries[6] - losses[5]


@pytest.mark.parametrize("script", [says_and_hangs(), says(http(429, b"", "Retry-After: 9000"))])
@in_virtual_time
async def test_cancelling_while_not_connected_leaves_nothing(script: Script) -> None:
    """In a handshake and in a wait alike, a cancelled client is gone with its socket."""
    async with RawServer(script) as server:
        async with listening(server.ws_url):
            await until(lambda: server.requests)
        await until(lambda: server.open == 0)
        assert len(server.requests) == 1


@in_virtual_time
async def test_cancelling_while_connected_closes_the_connection() -> None:
    """The server sees a closed connection, and no other is made."""
    async with Server(GOOD) as server:
        async with listening(server.url) as heard:
            await until(lambda: len(heard.messages) == 3)
            assert server.open == 1
        await until(lambda: server.open == 0)
        assert len(server.paths) == 1


PROXIES = ["http://127.0.0.1:99999", "http://:80", "http://[::1", "rubbish", "socks5://127.0.0.1:1"]


@pytest.mark.parametrize("proxy", PROXIES)
def test_a_proxy_that_cannot_be_used_is_a_failure_in_words(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A typing error in a proxy variable, or a kind of proxy without support for it, ends nothing."""
    for name in ("https_proxy", "socks_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", proxy)

    @in_virtual_time
    async def listen() -> None:
        async with listening("ws://exchange.invalid/x") as heard:
            await until(lambda: len(heard.errors) >= 2)
        assert {type(error) for error in heard.errors} == {Unreachable}

    listen()


def test_a_proxy_is_asked_for_the_world_and_not_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's proxy makes connections to other hosts, and none to loopback."""
    for name in ("https_proxy", "socks_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)

    @in_virtual_time
    async def listen() -> None:
        async with RawServer(says(http(502))) as proxy, Server(GOOD) as server:
            monkeypatch.setenv("http_proxy", proxy.url)
            async with listening(server.url) as heard:
                await until(lambda: len(heard.messages) == 3)
            assert proxy.requests == []
            async with listening("ws://exchange.invalid/x") as heard:
                await until(lambda: heard.errors)
            assert proxy.requests[0].startswith("CONNECT exchange.invalid:80 HTTP")

    listen()
