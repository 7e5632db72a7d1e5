"""The API: frames out over `/ws/{symbol}`, orders simulated, and how the program is doing over HTTP."""

import asyncio
import contextlib
import gc
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from typing import Final

import msgspec
from fastapi import FastAPI, Request, Response, WebSocket
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from api.access import Access, AccessGuard, PageHeaders
from api.channel import Channel, Client, Wants
from api.docs_page import DOCS_POLICY, docs_routes
from api.feed.receiver import FeedReceiver
from api.health import HealthReport, SymbolHealth, SymbolList
from api.metrics import AnswerCounter, registry_of
from api.processes import ProcessReport, ProgramProcesses
from api.queries import UNKNOWN_QUERY, QueryGuard, wants_of
from api.refusals import refusal
from api.refused_requests import add_refusals
from api.schema import (
    BAD_QUERY,
    NO_ROOM,
    UNKNOWN_SYMBOL,
    asyncapi_document,
    document_answers,
    message_schema_document,
)
from api.simulate import SIMULATE_ANSWERS, Simulator, simulate_routes
from api.sockets import GONE, refuse, refuse_handshake
from api.stream_limit import StreamLimit
from api.supply import Channels, PushedSupply, Supply
from data_ingestion.clock import Clock
from state.frames import Status

log = logging.getLogger(__name__)

GRACE: Final = 0.5
"""Seconds that a connected engine may be late before its second goes out as not live."""

HEALTH_AGE_MS: Final = 3_000
"""A newest frame older than this is no sign of life, whatever it says."""

COLLECT_EVERY_MS: Final = 60_000
"""Between two collections of all garbage, which take 0.15 ms a client: in the middle of a second, so that up
to 5,000 clients no frame waits for one."""

READ_AT_ONCE: Final = 100
"""Messages of a client after which the API pauses. What a server's buffer holds of the shortest ones, some
ten thousand, is then taken before the server misses the answer to a ping that lies behind them."""


class Api:
    """The channels of all symbols and what serves them, to `most_streams` clients at once.

    `supply` hands over what engines say; without one they connect to `/feed/` and prove that they know
    `feed_token`. `public_url` is where others reach it, if not at the host that they ask for.

    `read_pause` is for how many seconds the API reads nothing of a client after each `READ_AT_ONCE` messages.
    """

    def __init__(
        self,
        symbols: Iterable[str],
        source: str,
        *,
        feed_token: str = "",
        supply: Supply | None = None,
        access: Access | None = None,
        public_url: str = "",
        client_queue: int = 8,
        most_streams: int | None = None,
        read_pause: float = 0.1,
        clock: Clock | None = None,
        processes: ProgramProcesses | None = None,
    ) -> None:
        make = Channel if supply is None else supply.channel_of
        self.channels: Channels = {symbol: make(symbol, source) for symbol in symbols}
        self.access = access or Access()
        self.public_url = public_url.rstrip("/")
        self._client_queue = client_queue
        self._read_pause = read_pause
        self._clock = clock or Clock()
        self.stream_limit = StreamLimit(most_streams, self._clock.steady)
        self._feed = FeedReceiver(self.channels, feed_token, self._clock) if supply is None else None
        self.supply: Supply = supply or self._feed or PushedSupply()
        self.supply.attach(self.channels)
        self.simulator = Simulator(self.channels, self._clock, self.supply.want_book)
        self._processes = processes or ProgramProcesses(self._clock)

    # --- WebSockets ---------------------------------------------------------------------------------

    async def serve_client(self, socket: WebSocket, symbol: str) -> None:
        """Send one client its frames until it leaves."""
        await socket.accept()
        channel, wants = self.channels.get(symbol.upper()), wants_of(socket.query_params)
        if channel is None:
            await refuse(socket, UNKNOWN_SYMBOL, f"unknown symbol; there are {', '.join(self.channels)}")
            return
        if isinstance(wants, str):
            await refuse(socket, BAD_QUERY, wants)
            return
        if not self.stream_limit.enter():
            await refuse(socket, NO_ROOM, self.stream_limit.why_not)
            return
        try:
            await self._serve_frames(socket, channel, wants)
        finally:
            self.stream_limit.leave()

    async def _serve_frames(self, socket: WebSocket, channel: Channel, wants: Wants) -> None:
        async with self.supply.following(channel.symbol):
            await self._serve_joined(socket, channel, wants)

    async def _serve_joined(self, socket: WebSocket, channel: Channel, wants: Wants) -> None:
        client = Client(ladders=wants.ladders, updates=wants.updates, queue_size=self._client_queue)
        channel.join(client)
        tasks = {
            asyncio.create_task(_read_until_closed(socket, self._read_pause)),
            asyncio.create_task(self._send_until_closed(socket, channel, client)),
        }
        try:
            # Side by side, so that one who does not read, and so cannot be sent to, is seen to leave.
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            channel.leave(client)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _send_until_closed(self, socket: WebSocket, channel: Channel, client: Client) -> None:
        """Send a client its frames; return when it has gone."""
        with contextlib.suppress(*GONE):
            while True:
                outgoing = await client.queue.get()
                await socket.send_text(outgoing.text)
                if outgoing.second is not None:
                    channel.sent.add(self._clock.wall_ms() - outgoing.second)

    async def serve_feed(self, socket: WebSocket, symbol: str) -> None:
        """Take the seconds of one engine, unless engines are told to use a bus."""
        if self._feed is None:
            await refuse_handshake(socket, "engines deliver over a bus here: give them the same --bus")
            return
        await self._feed.serve(socket, symbol)

    # --- the second -----------------------------------------------------------------------------------

    async def watch_engines(self) -> None:
        """Send out a frame that is not live for each second that no engine delivers, until cancelled."""
        async for timestamp in self._clock.seconds():
            self._fill_in(timestamp, waited=False)
            await asyncio.sleep(GRACE / 2)  # by now the frames are with the clients
            if timestamp % COLLECT_EVERY_MS == 0:
                gc.collect()
            self.supply.settle(timestamp)
            await asyncio.sleep(GRACE / 2)
            self._fill_in(timestamp, waited=True)

    def _fill_in(self, timestamp: int, *, waited: bool) -> None:
        for channel in self.channels.values():
            if channel.idle or self._has_second(channel, timestamp):
                continue
            if not channel.connected:
                channel.fill_in(timestamp, channel.absence)
            elif waited:
                channel.fill_in(timestamp, channel.silence)

    def _has_second(self, channel: Channel, timestamp: int) -> bool:
        """Say whether this second went out. A frame of the future only means that the clock was set back."""
        future = max(timestamp, self._clock.wall_ms() + 1000)
        return channel.head is not None and timestamp <= channel.head.timestamp <= future

    # --- HTTP -------------------------------------------------------------------------------------------

    def health(self) -> HealthReport:
        """Return how each symbol and each process is doing now."""
        now_ms, steady_ms = self._clock.wall_ms(), self._clock.steady_ms()
        symbols = {
            symbol: _health_of(channel, now_ms, steady_ms) for symbol, channel in self.channels.items()
        }
        all_live = all(entry.status is Status.LIVE for entry in symbols.values())
        processes = [report.shown() for report in self.processes()]
        return HealthReport("live" if all_live else "not live", symbols, processes)

    def processes(self) -> list[ProcessReport]:
        """Return what is known of each process of the program."""
        engines = (report for channel in self.channels.values() for report in channel.processes())
        return [*self._processes.read(), *engines]


def _health_of(channel: Channel, now_ms: float, steady_ms: float) -> SymbolHealth:
    head = channel.head
    if head is None:
        return SymbolHealth(Status.SYNCING, "no second has closed yet", None, channel.warnings(), None)
    age_ms = round(now_ms - head.timestamp)
    status, why = head.status, head.reason
    heard_ms = steady_ms if channel.heard_ms is None else channel.heard_ms
    quiet_ms = max(age_ms, steady_ms - heard_ms)  # a clock that is set back makes nothing young
    if status is Status.LIVE and quiet_ms > HEALTH_AGE_MS:
        status, why = Status.STALE, f"no frame for {quiet_ms / 1000:.1f} s"
    return SymbolHealth(status, why, age_ms, channel.warnings(), head.health)


async def _read_until_closed(socket: WebSocket, pause: float) -> None:
    """Read, and throw away, what a client says; return when it has gone.

    With pauses: the server reads no more from a socket before its messages are taken, so that one who floods
    is held up by its own socket and costs the others little. Shut out, it would only come again.
    """
    while True:
        for _ in range(READ_AT_ONCE):
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
        await asyncio.sleep(pause)


def _json(body: object, status_code: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status_code, media_type="application/json")


def create_app(api: Api) -> FastAPI:
    """Return the ASGI application around `api`."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(api.watch_engines()), asyncio.create_task(api.supply.run())]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    app = FastAPI(
        title="Order-book liquidity",
        summary="Exact live order books of Binance USDT-M futures.",
        description="`WS /ws/{symbol}` sends one JSON frame a second: [its messages](schema), "
        "[its queries and close codes](asyncapi.json). What is not known to be exact is null.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        servers=[{"url": api.public_url}] if api.public_url else None,
        responses=UNKNOWN_QUERY,
    )
    simulations = Counter(dict.fromkeys(SIMULATE_ANSWERS, 0))
    registry = registry_of(api.channels.values(), simulations, api.processes, api.stream_limit)
    # The last one added is the first to see a request.
    app.add_middleware(QueryGuard, document=app.openapi)
    app.add_middleware(PageHeaders)
    app.add_middleware(AccessGuard, access=api.access, policies={"/docs": DOCS_POLICY})
    app.add_middleware(AnswerCounter, path="/simulate", answers=simulations)
    add_refusals(app)
    document_answers(app)
    app.include_router(simulate_routes(api.simulator))
    app.include_router(docs_routes())
    _add_reports(app, api, registry)
    _add_streams(app, api)
    return app


def _add_reports(app: FastAPI, api: Api, registry: CollectorRegistry) -> None:
    """Add the routes that say what there is, how it is doing, and what its messages look like."""
    schema_json = msgspec.json.encode(message_schema_document())

    @app.get("/symbols", summary="The symbols that are followed")
    async def symbols() -> Response:
        return _json(SymbolList(list(api.channels)))

    @app.get("/health", summary="How each symbol and each process is doing")
    async def health() -> Response:
        report = api.health()
        return _json(report, 200 if report.status == "live" else 503)

    @app.get("/schema", summary="JSON Schema of a message of /ws/{symbol}")
    async def message_schema() -> Response:
        return Response(schema_json, media_type="application/json")

    @app.get("/asyncapi.json", summary="AsyncAPI document of the streams")
    async def asyncapi(request: Request) -> Response:
        return _json(asyncapi_document(_address_of(api, request), list(api.channels)))

    @app.get("/metrics", summary="Prometheus metrics", response_class=Response)
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


def _add_streams(app: FastAPI, api: Api) -> None:
    """Add the WebSockets, and what is said to those who ask for one as for a page."""

    @app.get("/ws/{symbol}", include_in_schema=False)
    @app.get("/feed/{symbol}", include_in_schema=False)
    async def no_socket(request: Request) -> Response:
        address = f"{_address_of(api, request)}/ws/{next(iter(api.channels))}"
        answer = refusal(426, f"this is a WebSocket: connect with a WebSocket client, as to {address}")
        answer.headers.update({"upgrade": "websocket", "connection": "upgrade"})
        return answer

    @app.websocket("/ws/{symbol}")
    async def frames(socket: WebSocket, symbol: str) -> None:
        await api.serve_client(socket, symbol)

    @app.websocket("/feed/{symbol}")
    async def feed(socket: WebSocket, symbol: str) -> None:
        await api.serve_feed(socket, symbol)

    @app.websocket("/{path:path}")
    async def nothing(socket: WebSocket, path: str) -> None:
        del path
        await refuse_handshake(socket, "there is no such WebSocket: frames are at /ws/{symbol}")


def _address_of(api: Api, request: Request) -> str:
    return (api.public_url or f"http://{request.url.netloc}").replace("http", "ws", 1)
