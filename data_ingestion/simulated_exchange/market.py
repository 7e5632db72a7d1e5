"""The market of one simulated symbol: a matching book and those who trade on it.

Nothing here is painted. Makers add, change and cancel levels, takers eat what they
reach, and every depth event and every trade follows from these operations; those of
a staged pattern are no others. The market has no clock and does no I/O: time is
passed in, and the same seed, start time and patterns give the same messages, however
`advance` is cut up.
"""

from array import array
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import nlargest, nsmallest
from random import Random
from typing import Final

import msgspec

from data_ingestion.simulated_exchange.crowd import DEPTH_STAMP_MS, EVENT_MS, STEP_MS, Crowd
from data_ingestion.simulated_exchange.matching_book import ASK, BID, Side
from data_ingestion.simulated_exchange.profiles import MarketProfile
from data_ingestion.simulated_exchange.staging.hands import SIZES_EVENTS
from data_ingestion.simulated_exchange.staging.patterns import StagedPattern, StageRequest
from data_ingestion.simulated_exchange.staging.stage import Stage

TOP_LEVELS: Final = 10
TRUTH_KEPT: Final = 20_000
PAST_SECONDS: Final = 30
IDS_PER_MS: Final = 12  # more than the market ever uses, so that a later start has later ids

USDS_M: Final = 1
"""`st` of all messages: the service that they are of."""
KEPT_TRADES: Final = 1_000

Level = tuple[str, str]
BestLevels = tuple[list[tuple[float, float]], list[tuple[float, float]]]


class DepthUpdateMessage(msgspec.Struct, frozen=True):
    """A `depthUpdate` as the exchange writes it: absolute sizes, size 0 removes; times in ms."""

    event: str = msgspec.field(name="e")
    event_time: int = msgspec.field(name="E")
    transaction_time: int = msgspec.field(name="T")
    symbol: str = msgspec.field(name="s")
    first_id: int = msgspec.field(name="U")
    final_id: int = msgspec.field(name="u")
    previous_final_id: int = msgspec.field(name="pu")
    bids: list[Level] = msgspec.field(name="b")
    asks: list[Level] = msgspec.field(name="a")
    pair: str = msgspec.field(name="ps")
    service: int = msgspec.field(name="st", default=USDS_M)


class AggTradeMessage(msgspec.Struct, frozen=True):
    """An `aggTrade` as the exchange writes it; `quantity` includes fills against RPI orders."""

    event: str = msgspec.field(name="e")
    event_time: int = msgspec.field(name="E")
    symbol: str = msgspec.field(name="s")
    aggregate_id: int = msgspec.field(name="a")
    price: str = msgspec.field(name="p")
    quantity: str = msgspec.field(name="q")
    normal_quantity: str = msgspec.field(name="nq")
    first_trade_id: int = msgspec.field(name="f")
    last_trade_id: int = msgspec.field(name="l")
    trade_time: int = msgspec.field(name="T")
    buyer_is_maker: bool = msgspec.field(name="m")
    service: int = msgspec.field(name="st", default=USDS_M)


class TradeMessage(msgspec.Struct, frozen=True):
    """A `trade` as the exchange writes it: one fill."""

    event: str = msgspec.field(name="e")
    event_time: int = msgspec.field(name="E")
    trade_time: int = msgspec.field(name="T")
    symbol: str = msgspec.field(name="s")
    trade_id: int = msgspec.field(name="t")
    price: str = msgspec.field(name="p")
    quantity: str = msgspec.field(name="q")
    kind: str = msgspec.field(name="X")
    buyer_is_maker: bool = msgspec.field(name="m")
    service: int = msgspec.field(name="st", default=USDS_M)


class BookTickerMessage(msgspec.Struct, frozen=True):
    """A `bookTicker` as the exchange writes it: the touch after an update."""

    event: str = msgspec.field(name="e")
    update_id: int = msgspec.field(name="u")
    event_time: int = msgspec.field(name="E")
    transaction_time: int = msgspec.field(name="T")
    symbol: str = msgspec.field(name="s")
    bid_price: str = msgspec.field(name="b")
    bid_quantity: str = msgspec.field(name="B")
    ask_price: str = msgspec.field(name="a")
    ask_quantity: str = msgspec.field(name="A")
    pair: str = msgspec.field(name="ps")
    service: int = msgspec.field(name="st", default=USDS_M)

    @classmethod
    def of(cls, update: DepthUpdateMessage, bid: Level, ask: Level) -> "BookTickerMessage":
        """Return the touch that stands after a depth event."""
        times = update.event_time, update.transaction_time
        return cls("bookTicker", update.final_id, *times, update.symbol, *bid, *ask, update.pair)


class DepthSnapshot(msgspec.Struct, frozen=True):
    """The answer of `GET /fapi/v1/depth`, best levels first; times in ms."""

    last_update_id: int = msgspec.field(name="lastUpdateId")
    event_time: int = msgspec.field(name="E")
    transaction_time: int = msgspec.field(name="T")
    bids: list[Level]
    asks: list[Level]


MarketMessage = DepthUpdateMessage | AggTradeMessage


@dataclass(slots=True)
class _Fills:
    """Those of one window, price and taker side, on their way to be one trade."""

    first_id: int
    at_ms: int  # of the first
    last_id: int = 0
    lots: int = 0
    hidden: int = 0


class SimulatedMarket:
    """One symbol's market, played in micro steps of 25 ms from its start time.

    `start_ms` is in milliseconds since the epoch and is cut down to the 100 ms grid.
    The tops of the last `truth_kept` depth events can be looked up by update id, and
    a copy of the book is kept for each of the last `PAST_SECONDS` seconds.
    """

    def __init__(
        self,
        profile: MarketProfile,
        *,
        seed: int,
        start_ms: int,
        truth_kept: int = TRUTH_KEPT,
    ) -> None:
        self.profile = profile
        self.now_ms = start_ms - start_ms % EVENT_MS
        self._random = Random(f"{seed}:{profile.symbol}")
        self._crowd = Crowd(profile, self._random, start_ms=self.now_ms, update_id=self.now_ms * IDS_PER_MS)
        self.book = self._crowd.book
        self._price_format = f"%.{profile.price_decimals}f"
        self._size_format = f"%.{profile.size_decimals}f"
        self._last_final_id = self.book.update_id
        self._trade_id = self.now_ms
        self._aggregate_id = self.now_ms // 10
        self.best_levels = 0  # that are kept of each depth event from now on, until they are taken
        self._best: dict[int, tuple[list[Level], list[Level]]] = {}
        self.recent_trades: deque[TradeMessage] = deque(maxlen=KEPT_TRADES)
        self.recent_aggregates: deque[AggTradeMessage] = deque(maxlen=KEPT_TRADES)
        self._truth_kept = truth_kept
        self._truth: dict[int, array[int]] = {}
        self._most_asks: int | None = None  # of the best ones, that the exchange shows; None shows all
        self._glimpsed: set[int] = set()  # asks that a snapshot has shown since, and no event has told of
        self._shown_asks: dict[int, int] | None = None  # after the last depth event, while not all are shown
        self._past: deque[tuple[int, int, dict[int, int], dict[int, int]]] = deque(maxlen=PAST_SECONDS)
        # With a random source of its own, so that a market without patterns stays as it is.
        self._stage = Stage(self._crowd, Random(f"{seed}:{profile.symbol}:stage"), self._recent_tops)

    def advance(self, to_ms: int) -> list[MarketMessage]:
        """Play on to `to_ms` (an earlier time does nothing); returns what the exchange sends, in order."""
        out: list[MarketMessage] = []
        while self.now_ms + STEP_MS <= to_ms:
            self._crowd.step(self.now_ms)
            if self._stage.busy:
                self._stage.step(self.now_ms)
            self.now_ms += STEP_MS
            if self.now_ms % EVENT_MS == 0:
                out += self._trades()
                out.append(self._depth_update())
                if self.now_ms % 1_000 == 0:
                    self._keep_past()
        return out

    def skip(self, to_ms: int) -> list[MarketMessage]:
        """Let time jump to `to_ms` with nothing happening in between; finishes the open event first.

        A time before the end of the open event only finishes that event.
        """
        out = self.advance(self.now_ms + (-self.now_ms) % EVENT_MS)
        self.now_ms = max(self.now_ms, to_ms - to_ms % EVENT_MS)
        return out

    def show_asks(self, most: int | None) -> None:
        """From now on show so many of the best asks, and no others; None shows all."""
        if most != self._most_asks:
            self._most_asks = most
            update_id = self.book.next_id()  # what is shown is another book
            self.book.first_touched_id = self.book.first_touched_id or update_id

    def stage(self, request: StageRequest) -> None:
        """Stage a pattern from the next micro step on, or once those asked for before it are over."""
        self._stage.ask(request)

    @property
    def staging(self) -> bool:
        """Whether a pattern is being staged or waits for it."""
        return self._stage.busy

    @property
    def staged(self) -> list[StagedPattern]:
        """The patterns that were staged and have ended, oldest first."""
        return list(self._stage.staged)

    @property
    def last_update_id(self) -> int:
        """The id of the last book operation, mostly inside a depth event still open."""
        return self.book.update_id

    @property
    def last_final_id(self) -> int:
        """`u` of the newest depth event."""
        return self._last_final_id

    @property
    def truth_count(self) -> int:
        """How many depth events `truth_at` knows."""
        return len(self._truth)

    def snapshot(self, limit: int, age_ms: int = 0) -> DepthSnapshot:
        """Return the best `limit` levels a side, now or (to the second, as far as kept) `age_ms` ago."""
        if age_ms > 0 and self._past:
            past = [entry for entry in self._past if entry[0] <= self.now_ms - age_ms]
            at_ms, update_id, bids, asks = past[-1] if past else self._past[0]
        else:
            at_ms, update_id, bids, asks = self.now_ms, self.book.update_id, *self._shown()
            if self._most_asks is not None:
                self._glimpsed.update(asks)
        return DepthSnapshot(
            update_id,
            at_ms,
            at_ms,
            [self._level(tick, bids[tick]) for tick in sorted(bids, reverse=True)[:limit]],
            [self._level(tick, asks[tick]) for tick in sorted(asks)[:limit]],
        )

    def top(self, levels: int = TOP_LEVELS) -> BestLevels:
        """Return the best bids and asks as (price, size), best first."""
        flat = [number for level in self.book.top(levels) for number in level]
        return self._unpacked(flat, min(levels, len(self.book.levels[BID])))

    def best(self, levels: int) -> tuple[list[Level], list[Level]]:
        """Return the best bids and asks that the exchange shows, as it writes them."""
        bids, asks = self._shown()
        return (
            [self._level(tick, bids[tick]) for tick in nlargest(levels, bids)],
            [self._level(tick, asks[tick]) for tick in nsmallest(levels, asks)],
        )

    def take_best(self, update_id: int) -> tuple[list[Level], list[Level]] | None:
        """Return the best levels as they were after a depth event, if they were kept; once."""
        return self._best.pop(update_id, None)

    def truth_at(self, update_id: int) -> BestLevels | None:
        """Return the ten best levels a side after the depth event with that `u`; None if not known."""
        flat = self._truth.get(update_id)
        return None if flat is None else self._unpacked(flat, TOP_LEVELS)

    def check(self) -> None:
        """Raise AssertionError if the market breaks one of its promises."""
        self.book.check()
        if self._crowd.printed_lots != self.book.taken_lots:
            raise AssertionError(f"printed {self._crowd.printed_lots} lots, eaten {self.book.taken_lots}")

    def _unpacked(self, flat: "list[int] | array[int]", bids: int) -> BestLevels:
        price, size = self.profile.price, self.profile.size
        pairs = [(price(flat[i]), size(flat[i + 1])) for i in range(0, len(flat), 2)]
        return pairs[:bids], pairs[bids:]

    def _level(self, tick: int, lots: int) -> Level:
        return self._price_text(tick), self._size_text(lots)

    def _price_text(self, tick: int) -> str:
        return self._price_format % (tick / self.profile.ticks_per_unit)

    def _size_text(self, lots: int) -> str:
        return self._size_format % (lots / self.profile.lots_per_unit)

    def _depth_update(self) -> DepthUpdateMessage:
        book = self.book
        first_id = book.first_touched_id or book.next_id()
        touched = self._touched()
        bids, asks = (
            [self._level(tick, levels.get(tick, 0)) for tick in sorted(ticks)]
            for levels, ticks in zip(self._shown(), touched, strict=True)
        )
        stamp = self.now_ms - DEPTH_STAMP_MS
        delay = int(self._random.random() * DEPTH_STAMP_MS)
        previous, self._last_final_id = self._last_final_id, book.update_id
        self._keep_truth()
        if self.best_levels:
            self._best[book.update_id] = self.best(self.best_levels)
        return DepthUpdateMessage(
            "depthUpdate",
            stamp + delay,
            stamp,
            self.profile.symbol,
            first_id,
            book.update_id,
            previous,
            bids,
            asks,
            self.profile.symbol,
        )

    def _trades(self) -> Iterator[AggTradeMessage]:
        """Yield the window's fills, those of one price and taker side as one trade."""
        groups: dict[tuple[int, Side], _Fills] = {}
        for at_ms, side, tick, lots, hidden in self._crowd.drain_prints():
            self._trade_id += 1
            fills = groups.setdefault((tick, side), _Fills(self._trade_id, at_ms))
            fills.lots += lots
            fills.hidden += hidden
            fills.last_id = self._trade_id
            price, size = self._price_text(tick), self._size_text(lots + hidden)
            ids = self.profile.symbol, self._trade_id
            self.recent_trades.append(
                TradeMessage("trade", self.now_ms, at_ms, *ids, price, size, "MARKET", side == BID)
            )
        for (tick, side), fills in groups.items():
            self._aggregate_id += 1
            trade = AggTradeMessage(
                "aggTrade", self.now_ms, self.profile.symbol, self._aggregate_id, self._price_text(tick),
                self._size_text(fills.lots + fills.hidden), self._size_text(fills.lots),
                fills.first_id, fills.last_id, fills.at_ms, side == BID,
            )  # fmt: skip
            self.recent_aggregates.append(trade)
            yield trade

    def _shown(self) -> tuple[dict[int, int], dict[int, int]]:
        """Return the levels that the exchange shows."""
        bids, asks = self.book.levels
        if self._most_asks is None:
            return bids, asks
        return bids, {tick: asks[tick] for tick in sorted(asks)[: self._most_asks]}

    def _touched(self) -> tuple[list[int], list[int]]:
        """Return the ticks that the depth event now due tells of."""
        bids, asks = self.book.drain_touched()
        if self._most_asks is None and self._shown_asks is None:
            return bids, asks
        before, after = self._shown_asks, self._shown()[ASK]
        glimpsed, self._glimpsed = self._glimpsed, set()
        if before is None:  # from this event on not all are shown
            before = {**self.book.levels[ASK], **dict.fromkeys(asks, -1)}
        self._shown_asks = None if self._most_asks is None else after
        changed = {tick for tick in before.keys() | after.keys() if before.get(tick) != after.get(tick)}
        return bids, sorted(changed | glimpsed | set(asks))

    def _top(self) -> list[tuple[int, int]]:
        top = self.book.top(TOP_LEVELS)
        return top if self._most_asks is None else top[: TOP_LEVELS + self._most_asks]

    def _keep_truth(self) -> None:
        flat = [number for level in self._top() for number in level]
        self._truth[self._last_final_id] = array("q", flat)
        while len(self._truth) > self._truth_kept:
            del self._truth[next(iter(self._truth))]

    def _recent_tops(self) -> "list[array[int]]":
        return list(self._truth.values())[-SIZES_EVENTS:]

    def _keep_past(self) -> None:
        bids, asks = self._shown()
        self._past.append((self.now_ms, self.book.update_id, dict(bids), dict(asks)))
