"""What one market sends on each of its streams, made from its depth events and trades of 100 ms.

Slower depth streams join events, `depth5` and the like show the best levels, `bookTicker` the touch. A depth
event that a fault has changed or lost is in none of them: what was to be made of it is lost as well, and the
chain of `pu` shows that.
"""

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from data_ingestion.simulated_exchange.crowd import EVENT_MS
from data_ingestion.simulated_exchange.market import (
    BookTickerMessage,
    DepthUpdateMessage,
    Level,
    SimulatedMarket,
)

PUBLIC, MARKET, PRIVATE, RETIRED = "public", "market", "private", "retired"
ALL_TICKERS: Final = "!bookTicker"

SPEEDS: Final = {"@0ms": 100, "@100ms": 100, "": 250, "@250ms": 250, "@500ms": 500}
"""Milliseconds between the events of a depth stream by the end of its name; none here is faster than 100."""
TRADE_ROUTES: Final = (MARKET, PUBLIC)
"""That carry single trades, which the exchange does not document: clients ask for them on either."""
PARTIAL_LEVELS: Final = (5, 10, 20)


def depth_stream(symbol: str) -> str:
    """Return the name of the stream of all depth events."""
    return f"{symbol.lower()}@depth@100ms"


def trade_stream(symbol: str) -> str:
    """Return the name of the stream of aggregate trades."""
    return f"{symbol.lower()}@aggTrade"


def streams_of(symbol: str) -> Iterator[tuple[str, str]]:
    """Yield route and name of each stream of a symbol."""
    name = symbol.lower()
    for speed in SPEEDS:
        yield PUBLIC, f"{name}@depth{speed}"
        for levels in PARTIAL_LEVELS:
            yield PUBLIC, f"{name}@depth{levels}{speed}"
    yield PUBLIC, f"{name}@bookTicker"
    yield MARKET, trade_stream(symbol)
    for route in TRADE_ROUTES:
        yield route, f"{name}@trade"


class BookFeeds:
    """Makes the messages of all streams of one market's book but the plain one of 100 ms."""

    def __init__(self, market: SimulatedMarket) -> None:
        self._market = market
        name = self._name = market.profile.symbol.lower()
        self._shows_best = [
            *(f"{name}@depth{levels}{ending}" for levels in PARTIAL_LEVELS for ending in SPEEDS),
            *(f"{name}@bookTicker", ALL_TICKERS),
        ]
        self._open: dict[int, list[DepthUpdateMessage]] = {speed: [] for speed in set(SPEEDS.values())}
        self._broken: dict[int, bool] = dict.fromkeys(self._open, False)
        self._previous: dict[str, int] = {}  # u of a partial stream's last message
        self._touch: tuple[Level, Level] | None = None

    def prepare(self, wanted: Callable[[str], bool]) -> None:
        """Have the market keep what the streams that are listened to will show of its next events."""
        self._market.best_levels = max(PARTIAL_LEVELS) if any(map(wanted, self._shows_best)) else 0

    def of(
        self, update: DepthUpdateMessage, *, intact: bool, wanted: Callable[[str], bool]
    ) -> Iterator[tuple[str, msgspec.Struct]]:
        """Yield stream and message of each that a depth event brings; `wanted` says which are listened to."""
        joined = {speed: self._joined(speed, update, intact=intact) for speed in self._open}
        best = self._market.take_best(update.final_id)
        if not intact:
            return
        for ending, speed in SPEEDS.items():
            event = joined[speed]
            if event is None:
                continue
            stream = f"{self._name}@depth{ending}"
            if ending != "@100ms" and wanted(stream):
                yield stream, event
            for levels in PARTIAL_LEVELS if best is not None else ():
                stream = f"{self._name}@depth{levels}{ending}"
                if best is not None and wanted(stream):
                    yield stream, self._partial(stream, event, best[0][:levels], best[1][:levels])
        if best is not None and best[0] and best[1]:
            yield from self._ticker(update, best[0][0], best[1][0], wanted)

    def _joined(self, speed: int, update: DepthUpdateMessage, *, intact: bool) -> DepthUpdateMessage | None:
        """Return the event that ends with this one; None where more are to come, or where one is lost."""
        parts = self._open[speed]
        parts.append(update)
        self._broken[speed] = self._broken[speed] or not intact
        at = update.transaction_time
        if (at + EVENT_MS) // speed == at // speed:
            return None
        broken, self._broken[speed], self._open[speed] = self._broken[speed], False, []
        if broken:
            return None
        if len(parts) == 1:
            return update
        bids: dict[str, str] = {}
        asks: dict[str, str] = {}
        for part in parts:
            bids.update(part.bids)
            asks.update(part.asks)
        return msgspec.structs.replace(
            update,
            first_id=parts[0].first_id,
            previous_final_id=parts[0].previous_final_id,
            bids=list(bids.items()),
            asks=list(asks.items()),
        )

    def _partial(
        self, stream: str, event: DepthUpdateMessage, bids: list[Level], asks: list[Level]
    ) -> DepthUpdateMessage:
        previous = self._previous.get(stream, event.previous_final_id)
        self._previous[stream] = event.final_id
        return msgspec.structs.replace(event, previous_final_id=previous, bids=bids, asks=asks)

    def _ticker(
        self, update: DepthUpdateMessage, bid: Level, ask: Level, wanted: Callable[[str], bool]
    ) -> Iterator[tuple[str, msgspec.Struct]]:
        streams = [stream for stream in (f"{self._name}@bookTicker", ALL_TICKERS) if wanted(stream)]
        if streams and self._touch != (bid, ask):
            self._touch = bid, ask
            ticker = BookTickerMessage.of(update, bid, ask)
            for stream in streams:
                yield stream, ticker
