"""The API served as main.py serves it, with engines and a clock that a test plays by hand."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import msgspec
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from websockets.asyncio.client import ClientConnection, connect

from api.feed import handshake
from api.feed.messages import (
    ExactBook,
    FeedBook,
    FeedLatencies,
    FeedMessage,
    FeedSecond,
    FeedState,
    NoBook,
    encode_feed,
    feed_second,
)
from api.server import server_of
from api.websocket_server import Api, create_app
from data_ingestion.clock import Clock
from data_ingestion.pacing.latency import LatencyMeter
from features.trade_summary import TradeSummary
from orderbook.book_state import TopOfBook
from orderbook.ladder import Ladder
from state.frames import (
    AuditHealth,
    Flow,
    Frame,
    Health,
    Market,
    Percentiles,
    Status,
    StreamHealth,
    TradeStreamHealth,
    WindowRow,
    live_frame,
    row_of,
)
from state.updates import EncodedNews, WholeBook
from tests.builders import side

SYMBOLS = ("BTCUSDT", "ETHUSDT")
SOURCE = "simulated"
TOKEN = "a-secret-of-the-test"  # noqa: S105
T0 = 1_700_000_000_000
PATIENCE = 30.0
"""Seconds after which waiting for something that must come is given up; never a measure of speed."""

Json = dict[str, Any]

NOT_MARKET_FIELDS = {"symbol", "source", "timestamp", "status", "reason", "detections", "health"}


def a_health() -> Health:
    """Return the health of an engine that has seen some trouble; every number in it is another."""
    return Health(
        depth=StreamHealth("open", None, 12.0, 2, {}, 3, 4),
        trades=TradeStreamHealth("silent", "no trade for 6 s", 6000.0, 5, {}, 6, 7, 21, 22, 23),
        update_rate=9.5,
        update_interval_ms=Percentiles(100.0, 150.0),
        latency_ms=Percentiles(8.0, 21.0),
        lag_ms=25.0,
        clock_offset_ms=None,
        clock_uncertainty_ms=None,
        gaps=11,
        resyncs=12,
        resync_causes={},
        snapshots=13,
        bursts=14,
        audits=AuditHealth(15, 1600, 17),
        detections={"wall": 18, "sweep": 19},
        late_messages=20,
        covered_levels=(900, 800),
        warnings=["the trade stream is silent"],
    )


def a_frame(timestamp: int, *, symbol: str = "BTCUSDT", source: str = SOURCE) -> Frame:
    """Return a live frame whose mid price tells its second."""
    base = 1000.0 + (timestamp - T0) // 1000
    bids = [(base - 1 - level, 1.0 + level) for level in range(10)]
    asks = [(base + 1 + level, 2.0 + level) for level in range(10)]
    top = TopOfBook(bids, asks)
    market = Market(timestamp // 100, timestamp - 50, top)
    trades = TradeSummary(1.0, 2.0, 100.5, 0.25, 3, [])
    return live_frame(
        symbol, source, timestamp, market, Flow(0.25, [0.5, *[0.0] * 9]), trades, a_health(), tick_size=1.0
    )


def a_second(timestamp: int, *, symbol: str = "BTCUSDT", source: str = SOURCE) -> FeedSecond:
    """Return the live second that ends at `timestamp`, as an engine tells it."""
    frame = a_frame(timestamp, symbol=symbol, source=source)
    ladders = [Ladder(0.1, [(99.9, 1.0)], [(100.1, None)])]
    return feed_second(frame, WindowRow(row_of(frame), ladders))


def a_state(*timestamps: int, source: str = SOURCE) -> FeedState:
    """Return what an engine knows that has closed these seconds."""
    seconds = [a_second(timestamp, source=source) for timestamp in timestamps]
    return FeedState(source, [second.row for second in seconds], seconds[-1] if seconds else None)


def a_book(update_id: int, said_at: float = T0, *, levels: int | None = 30) -> FeedBook:
    """Return what an engine says whose book is exact: 1 at each of ten bids from 100 and asks from 102.

    With it comes the whole book, so many levels of 1 a side; None for no news.
    """
    exact = ExactBook(update_id, T0 - 50, TopOfBook(side(100, -1, 10), side(102, 1, 10)), 71, 131)
    if levels is None:
        return FeedBook(said_at, exact)
    bids, asks = side(100, -1, levels), side(102, 1, levels)
    whole = WholeBook(update_id, T0 - 50, bids[-1][0], asks[-1][0], bids, asks)
    return FeedBook(said_at, exact, EncodedNews(book=msgspec.json.encode(whole)))


def latencies(*applied_ms: float) -> FeedLatencies:
    """Return what an engine says that took these times to apply events, and 7 ms to encode one frame."""
    applied, encoded = LatencyMeter(), LatencyMeter()
    encoded.add(7)
    for latency in applied_ms:
        applied.add(latency)
    return FeedLatencies(applied.read(), encoded.read())


def no_book(reason: str, said_at: float = T0) -> FeedBook:
    """Return what an engine says whose book is not exact."""
    return FeedBook(said_at, NoBook(Status.SYNCING, reason))


def at(second: int) -> int:
    """Return the time stamp of the n-th second of a test."""
    return T0 + 1000 * second


async def until(condition: Callable[[], object]) -> None:
    """Wait until `condition` holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - anything may be waited for
            await asyncio.sleep(0.005)


class HandClock(Clock):
    """Seconds pass when a test says so."""

    def __init__(self) -> None:
        now = [T0 / 1000]
        super().__init__(wall=lambda: now[0], steady=lambda: now[0])
        object.__setattr__(self, "_now", now)
        object.__setattr__(self, "_passed", asyncio.Queue())

    _now: list[float]
    _passed: asyncio.Queue[int]

    def set(self, seconds: float) -> None:
        """Put the wall clock at so many seconds after the start."""
        self._now[0] = T0 / 1000 + seconds

    def tick(self, second: int, *, slept: float = 0.0) -> None:
        """Let the n-th second end; the API hears of it `slept` seconds later."""
        self.set(second + slept)
        self._passed.put_nowait(at(second))

    async def seconds(self) -> AsyncIterator[int]:
        """Yield each second that a test let end."""
        while True:
            yield await self._passed.get()


class Watched:
    """An application around another that remembers what escaped it: each would be a traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.escaped: list[BaseException] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""
        try:
            await self._app(scope, receive, send)
        except BaseException as error:
            self.escaped.append(error)
            raise


class Served:
    """A running API, and short ways to use it."""

    def __init__(self, api: Api, clock: HandClock) -> None:
        self.api, self.clock = api, clock
        self.app = Watched(create_app(api))
        self.port = 0
        self.server: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen on a free port of loopback."""
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        self.port = int(listener.getsockname()[1])
        server = self.server = server_of(self.app)
        self._serving = asyncio.create_task(server.serve([listener]))
        await until(lambda: server.started)

    async def stop(self) -> None:
        """Stop, as main.py does."""
        if self.server is not None and self._serving is not None:
            self.server.should_exit = True
            await asyncio.wait_for(self._serving, PATIENCE)

    def client(self, path: str, **options: Any) -> connect:
        """Return a WebSocket connection to `path`, for `async with`."""
        options = {"max_size": None, "proxy": None} | options
        return connect(f"ws://127.0.0.1:{self.port}{path}", **options)

    @contextlib.asynccontextmanager
    async def link(self, symbol: str = "BTCUSDT", token: str = TOKEN) -> AsyncIterator[ClientConnection]:
        """Make the connection that an engine makes, as far as the engine's proof and the API's."""
        async with self.client(f"/feed/{symbol}") as connection:
            challenge = handshake.decode(await connection.recv())
            assert isinstance(challenge, handshake.Challenge)
            answer = handshake.answer(token, symbol, challenge, bytes(handshake.NONCE_BYTES))
            await connection.send(handshake.encode(answer))
            shown = handshake.decode(await connection.recv())
            assert isinstance(shown, handshake.Welcome)
            assert handshake.is_api(token, symbol, challenge, answer, shown)
            yield connection

    async def get(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        """Ask a route."""
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as http:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await http.request(method, f"http://127.0.0.1:{self.port}{path}", headers=named)


async def tell(link: ClientConnection, *messages: FeedMessage) -> None:
    """Send what an engine says."""
    for message in messages:
        await link.send(encode_feed(message))


async def frame_of(client: ClientConnection) -> Json:
    """Return the next frame of a client."""
    async with asyncio.timeout(PATIENCE):
        frame: Json = json.loads(await client.recv())
        return frame


async def frames_until(client: ClientConnection, timestamp: int) -> list[Json]:
    """Return all frames up to the one with `timestamp`."""
    frames = [await frame_of(client)]
    while frames[-1]["timestamp"] != timestamp:
        frames.append(await frame_of(client))
    return frames
