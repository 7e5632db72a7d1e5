"""A loopback server that speaks as Binance USDT-M futures does, with simulated markets behind it.

Routes
    GET /fapi/v1/ping   time   exchangeInfo   depth   trades   aggTrades   ticker/bookTicker   ticker/price
    WS  /public/ws/<symbol>@depth@100ms[/...]   /public/stream?streams=a/b
        also @depth (250 ms), @depth@500ms, @depth@0ms, @depth5|10|20 with the same ends, @bookTicker,
        !bookTicker
    WS  /market/ws/<symbol>@aggTrade[/...]      /market/stream?streams=a/b      also @trade, on both
    WS  /private/ws[/...]   /private/stream   accepted, and nothing is ever sent
    WS  /ws/...   /stream   retired: the handshake succeeds and nothing is ever sent
and, with `control`, for tests and experiments
    POST /_fault {"kind": "gap", "symbol": "BTCUSDT", "count": 1, "seconds": 5, "status": 429}
    GET  /_truth/<SYMBOL>   /_truth/<SYMBOL>/<u>
    POST /_stage {"kind": "wall", "symbol": "BTCUSDT", "side": "bid", "near_miss": "short"}
         near_miss and side (bid) may be left out; a wall may name its "ending": consumed or pulled
    GET  /_staged/<SYMBOL>   the patterns that were staged and have ended
"""

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Iterable
from typing import Self

import msgspec
from aiohttp import web

from data_ingestion.simulated_exchange.control import ControlRoutes
from data_ingestion.simulated_exchange.crowd import EVENT_MS
from data_ingestion.simulated_exchange.faults import FaultKind, FaultRequest, FaultState
from data_ingestion.simulated_exchange.feeds import (
    ALL_TICKERS,
    MARKET,
    PUBLIC,
    RETIRED,
    TRADE_ROUTES,
    BookFeeds,
    depth_stream,
    trade_stream,
)
from data_ingestion.simulated_exchange.http_bounds import (
    MOST_BODY,
    RECEIVE_BUFFER,
    Objection,
    bounded_runner,
    guard,
    small_listener,
)
from data_ingestion.simulated_exchange.market import (
    BestLevels,
    DepthUpdateMessage,
    MarketMessage,
    SimulatedMarket,
)
from data_ingestion.simulated_exchange.profiles import SIMULATED_SYMBOLS, profile_of
from data_ingestion.simulated_exchange.rest import RestRoutes, refused_with
from data_ingestion.simulated_exchange.staging.patterns import (
    BookSide,
    Ending,
    NearMiss,
    Pattern,
    StageRequest,
)
from data_ingestion.simulated_exchange.streams import CLIENT_QUEUE, CLOSE_SECONDS, Streams, Subscriber
from data_ingestion.simulated_exchange.timing import LONGEST_CATCH_UP_MS, ForwardClock

__all__ = ["SIMULATED_SYMBOLS", "SimulatedExchange"]

logger = logging.getLogger(__name__)


class SimulatedExchange:
    """The simulated exchange for some symbols, as a server on loopback.

    `clock` gives seconds since the epoch and stamps everything. With `self_paced` a task
    plays the markets on with it; without, nothing is sent before `advance` is called.
    `ping_seconds` is the time between the server's WebSocket pings, `truth_kept` the
    number of depth events whose true book each market remembers, `client_queue` the
    number of frames that may wait for a slow client before it is cut off. `objection` says
    who is not answered.
    """

    def __init__(
        self,
        symbols: Iterable[str],
        *,
        seed: int = 1,
        clock: Callable[[], float] = time.time,
        self_paced: bool = True,
        control: bool = False,
        ping_seconds: float = 180.0,
        truth_kept: int = 20_000,
        client_queue: int = CLIENT_QUEUE,
        objection: Objection = lambda _: None,
    ) -> None:
        self._objection = objection
        self._clock = ForwardClock(clock)
        start_ms = self._clock.now_ms()
        profiles = [profile_of(symbol) for symbol in dict.fromkeys(symbols)]
        if not profiles:
            raise ValueError(f"an exchange needs a symbol; there are {', '.join(SIMULATED_SYMBOLS)}")
        self._markets = {
            p.symbol: SimulatedMarket(p, seed=seed, start_ms=start_ms, truth_kept=truth_kept)
            for p in profiles
        }
        self._faults = {symbol: FaultState(symbol) for symbol in self._markets}
        self._self_paced = self_paced
        self._control = control
        self._streams = Streams(self._markets, ping_seconds=ping_seconds, client_queue=client_queue)
        self._feeds = {symbol: BookFeeds(market) for symbol, market in self._markets.items()}
        self._told_trades = dict.fromkeys(self._markets, 0)  # the id of the last one on each @trade
        self._rest = self._rest_routes()
        self._pacer: asyncio.Task[None] | None = None
        self._runner: web.AppRunner | None = None

    def _rest_routes(self) -> RestRoutes:
        return RestRoutes(self._markets, self._faults, self._clock.now_ms, self.advance)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols it has markets for."""
        return tuple(self._markets)

    @property
    def connections(self) -> int:
        """How many WebSocket connections are open."""
        return len(self._streams.clients)

    @property
    def port(self) -> int:
        """The port it listens on; raises RuntimeError if it is not started."""
        if self._runner is None or not self._runner.addresses:
            raise RuntimeError("the simulated exchange is not started")
        return int(self._runner.addresses[0][1])

    async def start(self, listener: socket.socket | None = None, *, port: int = 0) -> int:
        """Listen and, if self-paced, start playing; returns the port, which `port=0` leaves to the system.

        A `listener` is a bound socket of the caller's to listen on.
        """
        if self._runner is not None:
            raise RuntimeError("the simulated exchange is started already")
        runner = bounded_runner(self._app(), shutdown_timeout=CLOSE_SECONDS)
        await runner.setup()
        try:
            if listener is None:
                listener = small_listener("127.0.0.1", port)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            await web.SockSite(runner, listener).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        if self._self_paced:
            self._pacer = asyncio.create_task(self._pace())
        return self.port

    async def close(self) -> None:
        """Stop playing, close every connection and stop listening; may be called again."""
        if self._pacer is not None:
            self._pacer.cancel()
            await asyncio.gather(self._pacer, return_exceptions=True)
            self._pacer = None
        await asyncio.gather(*(client.close() for client in list(self._streams.clients)))
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def advance(self) -> None:
        """Play the markets on to the clock's present and send what falls due."""
        now_ms = self._clock.now_ms()
        for symbol, market in self._markets.items():
            if now_ms - market.now_ms > LONGEST_CATCH_UP_MS:
                self._send(market, market.skip(now_ms))
            faults = self._faults[symbol]
            self._feeds[symbol].prepare(self._is_heard)
            market.show_asks(faults.most_asks(now_ms))
            still = faults.stands_still(now_ms)
            self._send(market, market.skip(now_ms) if still else market.advance(now_ms))

    def market(self, symbol: str) -> SimulatedMarket:
        """Return the market of a symbol, in any letter case; KeyError if there is none."""
        return self._markets[symbol.upper()]

    def truth_at(self, symbol: str, update_id: int) -> BestLevels | None:
        """Return the ten best levels a side after the depth event with that `u`, if still known."""
        return self.market(symbol).truth_at(update_id)

    async def fault(
        self,
        kind: FaultKind | str,
        symbol: str | None = None,
        *,
        count: int = 1,
        seconds: float = 5.0,
        status: int | None = None,
        delay: float = 5.0,
    ) -> None:
        """Play a fault (see faults.FAULTS for what each kind does) on one symbol or on all."""
        await self._play_fault(FaultRequest(FaultKind(kind), symbol, count, seconds, status, delay))

    def stage(
        self,
        kind: Pattern | str,
        symbol: str,
        *,
        side: BookSide | str = BookSide.BID,
        near_miss: NearMiss | str | None = None,
        ending: Ending | str | None = None,
    ) -> None:
        """Stage a pattern, or a near miss of it, on one symbol as soon as what was asked for before is over.

        Raises ValueError for an unknown word or words that do not fit together, KeyError
        for an unknown symbol.
        """
        request = StageRequest(
            Pattern(kind),
            BookSide(side),
            None if near_miss is None else NearMiss(near_miss),
            None if ending is None else Ending(ending),
        )
        self.market(symbol).stage(request)

    async def _play_fault(self, request: FaultRequest) -> None:
        closing: list[Subscriber] = []
        for symbol in [request.symbol.upper()] if request.symbol else list(self._markets):
            self._faults[symbol].arm(request, self._clock.now_ms())
            if request.kind is FaultKind.CLOSE_TRADES:
                closing += self._streams.listeners_of(MARKET, symbol)
            elif request.kind in (FaultKind.CLOSE, FaultKind.REFUSE, FaultKind.ABORT):
                closing += self._streams.listeners_of(PUBLIC, symbol)
        if request.kind is FaultKind.ABORT:
            for client in closing:
                client.abort()
        else:
            await asyncio.gather(*(client.close() for client in closing))

    async def _pace(self) -> None:
        """Play on at the end of every 100 ms window of the clock."""
        try:
            while True:
                self.advance()
                await asyncio.sleep((EVENT_MS - self._clock.now_ms() % EVENT_MS + 1) / 1_000)
        except Exception:
            logger.exception("the simulated exchange has stopped")
            raise

    def _send(self, market: SimulatedMarket, messages: list[MarketMessage]) -> None:
        symbol, now_ms = market.profile.symbol, self._clock.now_ms()
        faults, publish = self._faults[symbol], self._streams.publish
        for message in messages:
            raw = msgspec.json.encode(message)
            if isinstance(message, DepthUpdateMessage):
                sent = faults.depth_frames(raw, now_ms)
                frames = faults.late(sent, now_ms, trades=False)
                publish(PUBLIC, depth_stream(symbol), frames)
                self._send_book(symbol, message, intact=frames == [raw])
            else:
                frames = faults.late(faults.trade_frames(raw, now_ms), now_ms, trades=True)
                publish(MARKET, trade_stream(symbol), frames)
        for is_trade, frame in faults.due(now_ms):
            route, stream = (MARKET, trade_stream) if is_trade else (PUBLIC, depth_stream)
            publish(route, stream(symbol), [frame])
        self._send_trades(market, intact=not faults.active(FaultKind.TRADE_SILENCE, now_ms))

    def _send_book(self, symbol: str, update: DepthUpdateMessage, *, intact: bool) -> None:
        for stream, message in self._feeds[symbol].of(update, intact=intact, wanted=self._is_heard):
            self._streams.publish(PUBLIC, stream, [msgspec.json.encode(message)])

    def _send_trades(self, market: SimulatedMarket, *, intact: bool) -> None:
        """Send the single fills since the last time."""
        symbol = market.profile.symbol
        told, stream = self._told_trades[symbol], f"{symbol.lower()}@trade"
        if market.recent_trades:
            self._told_trades[symbol] = market.recent_trades[-1].trade_id
        for route in TRADE_ROUTES:
            if intact and self._streams.is_heard(route, stream):
                fills = [trade for trade in market.recent_trades if trade.trade_id > told]
                self._streams.publish(route, stream, [msgspec.json.encode(trade) for trade in fills])

    def _is_heard(self, stream: str) -> bool:
        return self._streams.is_heard(PUBLIC, stream)

    def _app(self) -> web.Application:
        middlewares = [guard(self._objection), self._rest.as_binance_answers]
        app = web.Application(middlewares=middlewares, client_max_size=MOST_BODY)
        self._rest.add_to(app.router)
        for route in ("/{route:public|market|private}", ""):
            for path in ("/{shape:ws}", "/{shape:ws}/{names:.+}", "/{shape:stream}"):
                app.router.add_get(route + path, self._stream)
        if self._control:
            ControlRoutes(self._markets, self._play_fault).add_to(app.router)
        return app

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        route, combined = request.match_info.get("route", RETIRED), request.match_info["shape"] == "stream"
        names = request.query.get("streams", "") if combined else request.match_info.get("names", "")
        streams = [name for name in names.split("/") if name]
        status = self._refusal(streams)
        if status:
            return refused_with(status)
        return await self._streams.serve(request, route, streams)

    def _refusal(self, streams: list[str]) -> int:
        """Return the HTTP status that a handshake for these streams is refused with; 0 if it is not."""
        named = [stream for stream in streams if stream != ALL_TICKERS]
        asked = {stream.partition("@")[0].upper() for stream in named} or set(self._markets)
        for symbol, faults in self._faults.items():
            if symbol in asked and faults.active(FaultKind.REFUSE, self._clock.now_ms()):
                return faults.status(FaultKind.REFUSE)
        return 0
