"""A loopback server that speaks as Binance USDT-M futures does, with simulated markets behind it.

Routes
    GET /fapi/v1/ping   /fapi/v1/time   /fapi/v1/depth?symbol=BTCUSDT&limit=1000
    WS  /public/ws/<symbol>@depth@100ms[/...]   /public/stream?streams=a/b
    WS  /market/ws/<symbol>@aggTrade[/...]      /market/stream?streams=a/b
    WS  /ws/...   /stream   retired: the handshake succeeds and nothing is ever sent
and, only if asked for, test doors
    POST /_fault {"kind": "gap", "symbol": "BTCUSDT", "count": 1, "seconds": 5, "status": 429}
    GET  /_truth/<SYMBOL>   /_truth/<SYMBOL>/<u>
    POST /_stage {"kind": "wall", "symbol": "BTCUSDT", "side": "bid", "near_miss": "short"}
         near_miss and side (bid) may be left out; a wall may name its "ending": consumed or pulled
    GET  /_staged/<SYMBOL>   the patterns that were staged and have ended
"""

import asyncio
import logging
import math
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Self

import msgspec
from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from data_ingestion.simulated_exchange.crowd import EVENT_MS
from data_ingestion.simulated_exchange.doors import (
    MOST_BODY,
    RECEIVE_BUFFER,
    Objection,
    bounded_runner,
    guard,
    small_listener,
)
from data_ingestion.simulated_exchange.faults import FaultKind, FaultRequest, FaultState, parse_fault
from data_ingestion.simulated_exchange.market import DepthUpdate, MarketMessage, SimulatedMarket, TopOfBook
from data_ingestion.simulated_exchange.profiles import SIMULATED_SYMBOLS, profile_of
from data_ingestion.simulated_exchange.staging.patterns import (
    BookSide,
    Ending,
    NearMiss,
    Pattern,
    StageRequest,
    parse_stage,
)

__all__ = ["SIMULATED_SYMBOLS", "SimulatedExchange"]

logger = logging.getLogger(__name__)

DEPTH_WEIGHTS = {5: 2, 10: 2, 20: 2, 50: 2, 100: 5, 500: 10, 1000: 20}
DEFAULT_DEPTH_LIMIT = 500
WEIGHT_LIMIT = 2_400
WEIGHT_WINDOW_MS = 60_000
LONGEST_CATCH_UP_MS = 3_000  # a longer pause, as of a laptop asleep, is skipped
CLIENT_QUEUE = 2_000  # frames; more than a minute of the liveliest stream
MOST_STREAMS = 200  # of one connection
CLOSE_SECONDS = 1.0  # to wait for a client's side of a closing handshake
CALLS_AT_ONCE, CALLS_PAUSE = 100, 0.1  # messages of a client, and the seconds for which it then waits
FAULT_RETRY_SECONDS = 1

PUBLIC, MARKET, RETIRED = "public", "market", "retired"


class ExchangeClock:
    """Milliseconds of a wall clock that never go back: a step back is made up for from then on."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ahead = 0
        self._last = 0

    def now_ms(self) -> int:
        """Return the exchange's time, in ms since the epoch."""
        wall = int(self._clock() * 1_000)
        if wall + self._ahead < self._last:
            self._ahead = self._last - wall
        elif wall + self._ahead > self._last + LONGEST_CATCH_UP_MS:
            self._ahead = max(0, self._last - wall)  # a step forward makes good for an earlier one back
        self._last = wall + self._ahead
        return self._last


class RequestWeights:
    """The request weight used in the last minute, as Binance counts it."""

    def __init__(self) -> None:
        self._used: deque[tuple[int, int]] = deque()
        self.total = 0

    def charge(self, weight: int, now_ms: int) -> int:
        """Count a request; returns 0, or the seconds to wait if it is over the limit and not answered."""
        while self._used and self._used[0][0] <= now_ms - WEIGHT_WINDOW_MS:
            self.total -= self._used.popleft()[1]
        if self.total + weight > WEIGHT_LIMIT:
            return math.ceil((self._used[0][0] + WEIGHT_WINDOW_MS - now_ms) / 1_000) or 1
        self._used.append((now_ms, weight))
        self.total += weight
        return 0


class Client:
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
        test_doors: bool = False,
        ping_seconds: float = 180.0,
        truth_kept: int = 20_000,
        client_queue: int = CLIENT_QUEUE,
        objection: Objection = lambda _: None,
    ) -> None:
        self._objection = objection
        self._clock = ExchangeClock(clock)
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
        self._test_doors = test_doors
        self._ping_seconds = ping_seconds
        self._client_queue = client_queue
        self._weights = RequestWeights()
        self._clients: dict[Client, None] = {}
        self._listeners: dict[tuple[str, str], dict[Client, None]] = {}
        for symbol in self._markets:
            self._listeners[PUBLIC, _depth_stream(symbol)] = {}
            self._listeners[MARKET, _trade_stream(symbol)] = {}
        self._pacer: asyncio.Task[None] | None = None
        self._runner: web.AppRunner | None = None

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
        return len(self._clients)

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
        await asyncio.gather(*(client.close() for client in list(self._clients)))
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
            market.show_asks(faults.most_asks(now_ms))
            still = faults.stands_still(now_ms)
            self._send(market, market.skip(now_ms) if still else market.advance(now_ms))

    def market(self, symbol: str) -> SimulatedMarket:
        """Return the market of a symbol, in any letter case; KeyError if there is none."""
        return self._markets[symbol.upper()]

    def truth_at(self, symbol: str, update_id: int) -> TopOfBook | None:
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
        """Play a fault (see simulated_faults.FAULTS for what each kind does) on one symbol or on all."""
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
        closing: list[Client] = []
        for symbol in [request.symbol.upper()] if request.symbol else list(self._markets):
            self._faults[symbol].arm(request, self._clock.now_ms())
            if request.kind is FaultKind.CLOSE_TRADES:
                closing += self._listeners[MARKET, _trade_stream(symbol)]
            elif request.kind in (FaultKind.CLOSE, FaultKind.REFUSE, FaultKind.ABORT):
                closing += self._listeners[PUBLIC, _depth_stream(symbol)]
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
        faults = self._faults[symbol]
        for message in messages:
            raw = msgspec.json.encode(message)
            if isinstance(message, DepthUpdate):
                frames = faults.late(faults.depth_frames(raw, now_ms), now_ms, trades=False)
                self._publish(PUBLIC, _depth_stream(symbol), frames)
            else:
                frames = faults.late(faults.trade_frames(raw, now_ms), now_ms, trades=True)
                self._publish(MARKET, _trade_stream(symbol), frames)
        for is_trade, frame in faults.due(now_ms):
            route, stream = (MARKET, _trade_stream) if is_trade else (PUBLIC, _depth_stream)
            self._publish(route, stream(symbol), [frame])

    def _publish(self, route: str, stream: str, frames: list[bytes]) -> None:
        clients = self._listeners[route, stream]
        if not clients:
            return
        for frame in frames:
            wrapped = b'{"stream":"%s","data":%s}' % (stream.encode(), frame)
            for client in clients:
                client.put(wrapped if client.combined else frame)

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[guard(self._objection)], client_max_size=MOST_BODY)
        app.router.add_get("/fapi/v1/ping", self._ping)
        app.router.add_get("/fapi/v1/time", self._time)
        app.router.add_get("/fapi/v1/exchangeInfo", self._exchange_info)
        app.router.add_get("/fapi/v1/depth", self._depth)
        for route in ("/{route:public|market}", ""):
            for path in ("/{shape:ws}", "/{shape:ws}/{names:.+}", "/{shape:stream}"):
                app.router.add_get(route + path, self._stream)
        if self._test_doors:
            app.router.add_post("/_fault", self._fault_door)
            app.router.add_post("/_stage", self._stage_door)
            app.router.add_get("/_staged/{symbol}", self._staged_door)
            app.router.add_get("/_truth/{symbol}", self._truth_door)
            app.router.add_get(r"/_truth/{symbol}/{u:\d+}", self._truth_door)
        return app

    async def _ping(self, _: web.Request) -> web.Response:
        return self._answer({}, weight=1)

    async def _time(self, _: web.Request) -> web.Response:
        return self._answer({"serverTime": self._clock.now_ms()}, weight=1)

    async def _exchange_info(self, _: web.Request) -> web.Response:
        now_ms = self._clock.now_ms()
        listed = [
            market.profile.listing(self._faults[symbol].listed_as(now_ms))
            for symbol, market in self._markets.items()
        ]
        limits = [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": WEIGHT_LIMIT}
        ]
        body = {"timezone": "UTC", "serverTime": now_ms, "rateLimits": limits, "symbols": listed}
        return self._answer(body, weight=1)

    async def _depth(self, request: web.Request) -> web.Response:
        symbol, limit = request.query.get("symbol", ""), request.query.get("limit", str(DEFAULT_DEPTH_LIMIT))
        market = self._markets.get(symbol)
        if market is None:
            return _error(400, -1121, "Invalid symbol.")
        if not limit.isdecimal() or int(limit) not in DEPTH_WEIGHTS:
            return _error(400, -4021, f"{limit} is not valid depth limit.")
        faults = self._faults[symbol]
        if faults.use(FaultKind.SNAPSHOT_STATUS):
            status = faults.status(FaultKind.SNAPSHOT_STATUS)
            limited = status in (418, 429)
            return _error(
                status, -1003 if limited else -1000, "simulated fault", FAULT_RETRY_SECONDS if limited else 0
            )
        self.advance()  # so that a snapshot mostly falls inside a depth event, as the exchange's do
        stale = faults.use(FaultKind.SNAPSHOT_STALE)
        age_ms = int(faults.seconds(FaultKind.SNAPSHOT_STALE) * 1_000) if stale else 0
        snapshot = market.snapshot(int(limit), age_ms)
        if faults.use(FaultKind.SNAPSHOT_SLOW):
            await asyncio.sleep(faults.seconds(FaultKind.SNAPSHOT_SLOW))
        return self._answer(snapshot, weight=DEPTH_WEIGHTS[int(limit)])

    def _answer(self, body: object, *, weight: int) -> web.Response:
        wait = self._weights.charge(weight, self._clock.now_ms())
        if wait:
            return _error(429, -1003, f"Too many requests; current limit is {WEIGHT_LIMIT} a minute.", wait)
        headers = {"X-MBX-USED-WEIGHT-1M": str(self._weights.total)}
        return web.Response(body=msgspec.json.encode(body), content_type="application/json", headers=headers)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        route, combined = request.match_info.get("route", RETIRED), request.match_info["shape"] == "stream"
        names = request.query.get("streams", "") if combined else request.match_info.get("names", "")
        streams = [name for name in names.split("/") if name]
        refusal = self._refusal(streams)
        if refusal:
            return _error(refusal, 0, "simulated fault")
        socket = web.WebSocketResponse(
            heartbeat=self._ping_seconds, compress=False, timeout=CLOSE_SECONDS, max_msg_size=1 << 16
        )
        await socket.prepare(request)
        client = Client(request, socket, route, combined=combined, most_waiting=self._client_queue)
        self._clients[client] = None
        try:
            self._join(client, streams)
            calls = 0
            with suppress(ConnectionError):  # a ping of one who has gone cannot be answered
                async for message in socket:
                    client.put(msgspec.json.encode(self._answer_method(client, message)))
                    calls += 1
                    if calls % CALLS_AT_ONCE == 0:  # what more is said waits in the client's own socket
                        await asyncio.sleep(CALLS_PAUSE)
        finally:
            self._leave(client, list(client.streams))
            del self._clients[client]
            await client.stop()
        return socket

    def _refusal(self, streams: list[str]) -> int:
        """Return the HTTP status that a handshake for these streams is refused with; 0 if it is not."""
        asked = {stream.partition("@")[0].upper() for stream in streams} or set(self._markets)
        for symbol, faults in self._faults.items():
            if symbol in asked and faults.active(FaultKind.REFUSE, self._clock.now_ms()):
                return faults.status(FaultKind.REFUSE)
        return 0

    def _join(self, client: Client, streams: list[str]) -> None:
        """Add streams; one that its route does not carry is accepted and stays silent."""
        for stream in streams[: MOST_STREAMS - len(client.streams)]:
            client.streams[stream] = None
            if (client.route, stream) in self._listeners:
                self._listeners[client.route, stream][client] = None

    def _leave(self, client: Client, streams: list[str]) -> None:
        for stream in streams:
            client.streams.pop(stream, None)
            self._listeners.get((client.route, stream), {}).pop(client, None)

    def _answer_method(self, client: Client, message: WSMessage) -> object:
        """Do what a client's frame asks for; returns the answer."""
        try:
            ask = msgspec.json.decode(message.data, type=MethodCall)
        except (msgspec.DecodeError, TypeError):
            return {"error": {"code": 3, "msg": "Invalid JSON or request"}}
        if ask.method == "SUBSCRIBE":
            self._join(client, ask.params)
        elif ask.method == "UNSUBSCRIBE":
            self._leave(client, ask.params)
        elif ask.method == "LIST_SUBSCRIPTIONS":
            return {"result": list(client.streams), "id": ask.id}
        else:
            return {
                "error": {"code": 2, "msg": f"Invalid request: unknown method {ask.method}"},
                "id": ask.id,
            }
        return {"result": None, "id": ask.id}

    async def _fault_door(self, request: web.Request) -> web.Response:
        try:
            fault = parse_fault(msgspec.json.decode(await request.read()), self.symbols)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return web.json_response({"error": "the body of a fault must be JSON"}, status=400)
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        await self._play_fault(fault)
        return web.json_response({"ok": True})

    async def _stage_door(self, request: web.Request) -> web.Response:
        try:
            symbol, pattern = parse_stage(msgspec.json.decode(await request.read()), self.symbols)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return web.json_response({"error": "the body of a pattern must be JSON"}, status=400)
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        self.market(symbol).stage(pattern)
        return web.json_response({"ok": True})

    async def _staged_door(self, request: web.Request) -> web.Response:
        staged = self._market_asked_for(request).staged
        return web.Response(body=msgspec.json.encode(staged), content_type="application/json")

    def _market_asked_for(self, request: web.Request) -> SimulatedMarket:
        market = self._markets.get(request.match_info["symbol"].upper())
        if market is None:
            raise web.HTTPNotFound(text=f"there is no such market; there are {', '.join(self.symbols)}")
        return market

    async def _truth_door(self, request: web.Request) -> web.Response:
        market = self._market_asked_for(request)
        if "u" not in request.match_info:
            return web.json_response({"newest": market.last_final_id, "kept": market.truth_count})
        truth = market.truth_at(int(request.match_info["u"]))
        if truth is None:
            raise web.HTTPNotFound(text="no depth event with that id, or one too old")
        return web.json_response({"bids": truth[0], "asks": truth[1]})


class MethodCall(msgspec.Struct):
    """What a client may send: SUBSCRIBE, UNSUBSCRIBE or LIST_SUBSCRIPTIONS."""

    method: str
    params: list[str] = []
    id: int | str | None = None


def _depth_stream(symbol: str) -> str:
    return f"{symbol.lower()}@depth@100ms"


def _trade_stream(symbol: str) -> str:
    return f"{symbol.lower()}@aggTrade"


def _error(status: int, code: int, text: str, retry_after: int = 0) -> web.Response:
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    return web.json_response({"code": code, "msg": text}, status=status, headers=headers)
