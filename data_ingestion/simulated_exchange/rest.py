"""The REST routes of the simulated exchange, with the weights, codes and headers that Binance documents."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from aiohttp import web

from data_ingestion.simulated_exchange.faults import FaultKind, FaultState
from data_ingestion.simulated_exchange.market import AggTradeMessage, SimulatedMarket, TradeMessage
from data_ingestion.simulated_exchange.timing import WEIGHT_LIMIT, RequestWeights

DEPTH_WEIGHTS: Final = {5: 2, 10: 2, 20: 2, 50: 2, 100: 5, 500: 10, 1000: 20}
DEFAULT_DEPTH_LIMIT: Final = 500
MOST_TRADES: Final = 1_000
FAULT_RETRY_SECONDS: Final = 1
WEIGHT_HEADER: Final = "X-MBX-USED-WEIGHT-1M"

_UNKNOWN_SYMBOL: Final = -1121
_BAD_LIMIT: Final = -1130
_TOO_MANY: Final = -1003
_CODES: Final = {403: 0, 418: _TOO_MANY, 429: _TOO_MANY, 451: 0, 500: -1000, 503: -1008}
"""What the body of a refusal says, by its status; 0 where it is not the exchange itself that refuses."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def error(status: int, code: int, text: str, retry_after: int = 0) -> web.Response:
    """Return an error as the exchange writes it."""
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    return web.json_response({"code": code, "msg": text}, status=status, headers=headers)


def refused_with(status: int) -> web.Response:
    """Return the answer of a fault that refuses with a status."""
    limited = _CODES.get(status) == _TOO_MANY
    return error(status, _CODES.get(status, -1000), "simulated fault", FAULT_RETRY_SECONDS if limited else 0)


class RestRoutes:
    """What is answered over REST. `advance` plays the markets on to `now_ms`, the exchange's time."""

    def __init__(
        self,
        markets: Mapping[str, SimulatedMarket],
        faults: Mapping[str, FaultState],
        now_ms: Callable[[], int],
        advance: Callable[[], None],
    ) -> None:
        self._markets = markets
        self._faults = faults
        self._now_ms = now_ms
        self._advance = advance
        self._weights = RequestWeights()

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add all routes."""
        for path, handler in (
            ("v1/ping", self._ping),
            ("v1/time", self._time),
            ("v1/exchangeInfo", self._exchange_info),
            ("v1/depth", self._depth),
            ("v1/trades", self._trades),
            ("v1/aggTrades", self._agg_trades),
            ("v1/ticker/bookTicker", self._book_ticker),
            ("v1/ticker/price", self._price),
            ("v2/ticker/price", self._price),
        ):
            router.add_get(f"/fapi/{path}", handler)

    @web.middleware
    async def as_binance_answers(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer what there is not as the exchange does, and tell the used weight with every reply."""
        if not request.path.startswith("/fapi/"):
            return await handler(request)
        try:
            answer = await handler(request)
        except web.HTTPException as refusal:
            text = f"Path {request.path}, Method {request.method} is invalid"
            answer = error(refusal.status, -5000, text)
        answer.headers[WEIGHT_HEADER] = str(self._weights.total)
        return answer

    def _answer(self, body: object, *, weight: int) -> web.Response:
        wait = self._weights.charge(weight, self._now_ms())
        if wait:
            text = f"Too many requests; current limit is {WEIGHT_LIMIT} a minute."
            return error(429, _TOO_MANY, text, wait)
        return web.Response(body=msgspec.json.encode(body), content_type="application/json")

    async def _ping(self, _: web.Request) -> web.Response:
        return self._answer({}, weight=1)

    async def _time(self, _: web.Request) -> web.Response:
        return self._answer({"serverTime": self._now_ms()}, weight=1)

    async def _exchange_info(self, _: web.Request) -> web.Response:
        now_ms = self._now_ms()
        listed = [
            market.profile.listing(self._faults[symbol].listed_as(now_ms))
            for symbol, market in self._markets.items()
        ]
        limits = [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": WEIGHT_LIMIT}
        ]
        assets = [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "0"}]
        body = {
            "timezone": "UTC",
            "serverTime": now_ms,
            "futuresType": "U_MARGINED",
            "rateLimits": limits,
            "exchangeFilters": [],
            "assets": assets,
            "symbols": listed,
        }
        return self._answer(body, weight=1)

    async def _depth(self, request: web.Request) -> web.Response:
        limit = request.query.get("limit", str(DEFAULT_DEPTH_LIMIT))
        symbol = request.query.get("symbol", "")
        market = self._markets.get(symbol)
        if market is None:
            return error(400, _UNKNOWN_SYMBOL, "Invalid symbol.")
        if not limit.isdecimal() or int(limit) not in DEPTH_WEIGHTS:
            return error(400, -4021, f"{limit} is not valid depth limit.")
        faults = self._faults[symbol]
        if faults.use(FaultKind.SNAPSHOT_STATUS):
            return refused_with(faults.status(FaultKind.SNAPSHOT_STATUS))
        self._advance()  # so that a snapshot mostly falls inside a depth event, as the exchange's do
        stale = faults.use(FaultKind.SNAPSHOT_STALE)
        age_ms = int(faults.seconds(FaultKind.SNAPSHOT_STALE) * 1_000) if stale else 0
        snapshot = market.snapshot(int(limit), age_ms)
        if faults.use(FaultKind.SNAPSHOT_SLOW):
            await asyncio.sleep(faults.seconds(FaultKind.SNAPSHOT_SLOW))
        return self._answer(snapshot, weight=DEPTH_WEIGHTS[int(limit)])

    # --- trades and tickers ------------------------------------------------------------------------------

    async def _trades(self, request: web.Request) -> web.Response:
        market = self._markets.get(request.query.get("symbol", ""))
        limit = _limit(request)
        if market is None:
            return error(400, _UNKNOWN_SYMBOL, "Invalid symbol.")
        if limit is None:
            return error(400, _BAD_LIMIT, "Data sent for parameter 'limit' is not valid.")
        self._advance()
        return self._answer([_trade(trade) for trade in list(market.recent_trades)[-limit:]], weight=5)

    async def _agg_trades(self, request: web.Request) -> web.Response:
        """Answer those from an id or a time on, else the newest."""
        market = self._markets.get(request.query.get("symbol", ""))
        limit, bounds = _limit(request), _bounds(request)
        if market is None:
            return error(400, _UNKNOWN_SYMBOL, "Invalid symbol.")
        if limit is None or bounds is None:
            return error(400, _BAD_LIMIT, "Data sent for parameter 'limit', 'fromId' or a time is not valid.")
        self._advance()
        first, since, until = bounds
        found = [
            trade
            for trade in market.recent_aggregates
            if trade.aggregate_id >= first and since <= trade.trade_time <= until
        ]
        from_the_start = bounds[:2] != (0, 0)
        chosen = found[:limit] if from_the_start else found[-limit:]
        return self._answer([_aggregate(trade) for trade in chosen], weight=20)

    async def _book_ticker(self, request: web.Request) -> web.Response:
        def ticker(symbol: str, market: SimulatedMarket) -> dict[str, Any]:
            bids, asks = market.best(1)
            (bid, bid_size), (ask, ask_size) = (bids or [("0", "0")])[0], (asks or [("0", "0")])[0]
            prices = {"bidPrice": bid, "bidQty": bid_size, "askPrice": ask, "askQty": ask_size}
            return {"symbol": symbol, **prices, "time": market.now_ms, "lastUpdateId": market.last_update_id}

        return self._of_one_or_all(request, ticker, weights=(2, 5))

    async def _price(self, request: web.Request) -> web.Response:
        def price(symbol: str, market: SimulatedMarket) -> dict[str, Any]:
            trades, (bids, _) = market.recent_trades, market.best(1)
            last = trades[-1].price if trades else (bids or [("0", "0")])[0][0]
            return {"symbol": symbol, "price": last, "time": market.now_ms}

        return self._of_one_or_all(request, price, weights=(1, 2))

    def _of_one_or_all(
        self,
        request: web.Request,
        make: Callable[[str, SimulatedMarket], dict[str, Any]],
        *,
        weights: tuple[int, int],
    ) -> web.Response:
        self._advance()
        symbol = request.query.get("symbol")
        if symbol is None:
            return self._answer([make(*entry) for entry in self._markets.items()], weight=weights[1])
        if symbol not in self._markets:
            return error(400, _UNKNOWN_SYMBOL, "Invalid symbol.")
        return self._answer(make(symbol, self._markets[symbol]), weight=weights[0])


def _limit(request: web.Request) -> int | None:
    text = request.query.get("limit", "500")
    return int(text) if text.isdecimal() and 1 <= int(text) <= MOST_TRADES else None


def _bounds(request: web.Request) -> tuple[int, int, int] | None:
    """Return the least id, the earliest and the latest time (ms) that were asked for."""
    texts = [request.query.get(name, default) for name, default in _BOUNDS]
    if not all(text.isdecimal() and len(text) < 20 for text in texts):
        return None
    first, since, until = map(int, texts)
    return first, since, until


_BOUNDS: Final = (("fromId", "0"), ("startTime", "0"), ("endTime", str(2**62)))


def _trade(trade: TradeMessage) -> dict[str, object]:
    worth = f"{float(trade.price) * float(trade.quantity):.2f}"
    figures = {"id": trade.trade_id, "price": trade.price, "qty": trade.quantity, "quoteQty": worth}
    return {**figures, "time": trade.trade_time, "isBuyerMaker": trade.buyer_is_maker}


def _aggregate(trade: AggTradeMessage) -> dict[str, object]:
    fields = msgspec.to_builtins(trade)
    return {key: fields[key] for key in ("a", "p", "q", "nq", "f", "l", "T", "m")}
