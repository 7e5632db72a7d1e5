"""WebSocket connections to the simulated exchange: who listens to which stream, and what they may ask."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

import msgspec
from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from data_ingestion.simulated_exchange.feeds import ALL_TICKERS, PUBLIC, streams_of

logger = logging.getLogger(__name__)

CLIENT_QUEUE = 2_000  # frames; more than a minute of the liveliest stream
MOST_STREAMS = 1_024  # of one connection, as the exchange documents
MOST_CALLS = 10  # messages of a client in a second; one that sends more is disconnected
CLOSE_SECONDS = 1.0  # to wait for a client's side of a closing handshake


class Subscriber:
    """One WebSocket connection. Its frames wait in a queue of its own, so that it delays nobody else."""

    def __init__(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        route: str,
        *,
        combined: bool,
        most_waiting: int,
    ) -> None:
        self.socket, self.route, self.combined = socket, route, combined
        self.streams: dict[str, None] = {}
        self._transport = request.transport
        self._cut = False
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(most_waiting)
        self._writer = asyncio.create_task(self._write())

    def put(self, frame: bytes) -> None:
        """Queue a frame; a client that has let its queue fill up is cut off."""
        try:
            self._queue.put_nowait(frame)
        except asyncio.QueueFull:
            if not self._cut:
                logger.warning("a client on %s was too slow and is cut off", self.route)
            self.abort()

    def abort(self) -> None:
        """Cut the connection without a closing handshake."""
        self._cut = True
        if self._transport is not None:
            self._transport.abort()

    async def close(self) -> None:
        """Close the connection as the exchange does for maintenance."""
        with suppress(ConnectionError, RuntimeError):
            await self.socket.close(code=WSCloseCode.GOING_AWAY, message=b"maintenance")

    async def stop(self) -> None:
        """End the task that writes."""
        self._writer.cancel()
        await asyncio.gather(self._writer, return_exceptions=True)

    async def _write(self) -> None:
        with suppress(ConnectionError, RuntimeError):  # the reading side sees the end as well
            while True:
                await self.socket.send_frame(await self._queue.get(), WSMsgType.TEXT)


class MethodCall(msgspec.Struct):
    """What a client may send: SUBSCRIBE, UNSUBSCRIBE or LIST_SUBSCRIPTIONS."""

    method: str
    params: list[str] = []
    id: int | str | None = None


class CallMeter:
    """Counts a connection's messages by the second; `clock` is any clock in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = float("-inf")
        self._count = 0

    def is_one_too_many(self) -> bool:
        """Count one, and say whether it goes beyond what a second may have."""
        now = self._clock()
        if now - self._began >= 1:
            self._began, self._count = now, 0
        self._count += 1
        return self._count > MOST_CALLS


class Streams:
    """All streams by route and name, and who listens to each."""

    def __init__(self, symbols: Iterable[str], *, ping_seconds: float, client_queue: int) -> None:
        self._ping_seconds = ping_seconds
        self._client_queue = client_queue
        self.clients: dict[Subscriber, None] = {}
        self._listeners: dict[tuple[str, str], dict[Subscriber, None]] = {(PUBLIC, ALL_TICKERS): {}}
        for symbol in symbols:
            self.add(symbol)

    def add(self, symbol: str) -> None:
        """Have all streams of one more symbol."""
        for stream in streams_of(symbol):
            self._listeners[stream] = {}

    def is_heard(self, route: str, stream: str) -> bool:
        """Say whether anybody listens."""
        return bool(self._listeners[route, stream])

    def listeners_of(self, route: str, symbol: str) -> list[Subscriber]:
        """Return who listens to any stream of a symbol on a route, each once."""
        begins = f"{symbol.lower()}@"
        found = {
            client: None
            for (of, stream), clients in self._listeners.items()
            if of == route and stream.startswith(begins)
            for client in clients
        }
        return list(found)

    def publish(self, route: str, stream: str, frames: list[bytes]) -> None:
        """Send frames to whoever listens."""
        clients = self._listeners[route, stream]
        if not clients:
            return
        for frame in frames:
            wrapped = b'{"stream":"%s","data":%s}' % (stream.encode(), frame)
            for client in clients:
                client.put(wrapped if client.combined else frame)

    async def serve(self, request: web.Request, route: str, names: list[str]) -> web.StreamResponse:
        """Serve one connection until it ends."""
        socket = web.WebSocketResponse(
            heartbeat=self._ping_seconds, compress=False, timeout=CLOSE_SECONDS, max_msg_size=1 << 16
        )
        await socket.prepare(request)
        combined = request.match_info["shape"] == "stream"
        client = Subscriber(request, socket, route, combined=combined, most_waiting=self._client_queue)
        self.clients[client] = None
        try:
            self._join(client, names)
            await self._hear(client)
        finally:
            self._leave(client, list(client.streams))
            del self.clients[client]
            await client.stop()
        return socket

    async def _hear(self, client: Subscriber) -> None:
        meter = CallMeter()
        with suppress(ConnectionError):  # a ping of one who has gone cannot be answered
            async for message in client.socket:
                if meter.is_one_too_many():
                    await client.socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"Too many requests")
                    return
                client.put(msgspec.json.encode(self._answer_to(client, message)))

    def _join(self, client: Subscriber, streams: list[str]) -> bool:
        """Add streams, unless they were too many; one that its route does not carry stays silent."""
        if len(client.streams.keys() | set(streams)) > MOST_STREAMS:
            return False
        for stream in streams:
            client.streams[stream] = None
            if (client.route, stream) in self._listeners:
                self._listeners[client.route, stream][client] = None
        return True

    def _leave(self, client: Subscriber, streams: list[str]) -> None:
        for stream in streams:
            client.streams.pop(stream, None)
            self._listeners.get((client.route, stream), {}).pop(client, None)

    def _answer_to(self, client: Subscriber, message: WSMessage) -> object:
        """Do what a client's frame asks for; returns the answer."""
        try:
            ask = msgspec.json.decode(message.data, type=MethodCall)
        except (msgspec.DecodeError, TypeError):
            return {"error": {"code": 3, "msg": "Invalid JSON or request"}}
        if ask.method == "LIST_SUBSCRIPTIONS":
            return {"result": list(client.streams), "id": ask.id}
        error = None
        if ask.method == "UNSUBSCRIBE":
            self._leave(client, ask.params)
        elif ask.method != "SUBSCRIBE":
            error = f"Invalid request: unknown method {ask.method}"
        elif not self._join(client, ask.params):
            error = f"Invalid request: a connection has {MOST_STREAMS} streams at most"
        if error is not None:
            return {"error": {"code": 2, "msg": error}, "id": ask.id}
        return {"result": None, "id": ask.id}
