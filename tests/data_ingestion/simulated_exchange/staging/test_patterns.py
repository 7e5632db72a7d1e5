"""Each staged pattern against its definition, read naively from the raw depth events and trades.

The definitions are written out here anew, slowly and without state, so that neither the
scripts nor the detectors vouch for themselves.
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import pytest

from data_ingestion.simulated_exchange.market import AggTradeMessage, DepthUpdateMessage, SimulatedMarket
from data_ingestion.simulated_exchange.profiles import calm, profile_of
from data_ingestion.simulated_exchange.staging.patterns import (
    ENDINGS,
    NEAR_MISSES,
    BookSide,
    Ending,
    NearMiss,
    Pattern,
    StagedPattern,
    StageRequest,
)

START_MS = 1_700_000_000_000
WARM_UP_MS = 31_000
NEVER = 1 << 60

Sizes = dict[float, float]
Conditions = dict[str, bool]


@dataclass(frozen=True, slots=True)
class Book:
    """The ten best levels a side after a depth event, best first."""

    time: int
    bids: Sizes
    asks: Sizes

    def side(self, side: BookSide) -> Sizes:
        """Return the levels of a side."""
        return self.bids if side is BookSide.BID else self.asks

    def best(self, side: BookSide) -> float:
        """Return the best price of a side."""
        return next(iter(self.side(side)))

    @property
    def mid(self) -> float:
        """The middle of the best prices."""
        return (next(iter(self.bids)) + next(iter(self.asks))) / 2

    @property
    def spread(self) -> float:
        """Best ask less best bid."""
        return next(iter(self.asks)) - next(iter(self.bids))


@dataclass(frozen=True, slots=True)
class Trade:
    """What the visible book lost to a taker."""

    time: int
    price: float
    size: float
    side: BookSide


class Tape:
    """What a client sees of a market on which one pattern is staged, from 31 s before it on."""

    def __init__(self, request: StageRequest, symbol: str, seed: int) -> None:
        self.market = SimulatedMarket(calm(profile_of(symbol)), seed=seed, start_ms=START_MS)
        self.market.advance(START_MS + 100)
        snapshot = self.market.snapshot(10_000)
        self._levels = tuple(
            {float(price): float(size) for price, size in side} for side in (snapshot.bids, snapshot.asks)
        )
        self.books: list[Book] = []
        self.trades: list[Trade] = []
        self._play(WARM_UP_MS)
        self.market.stage(request)
        while self.market.staging:
            self._play(100)
        self._play(1_500)
        self.market.check()
        self.pattern: StagedPattern = self.market.staged[0]
        self.side = request.side
        self.median = median(
            size for book in self.books if book.time < self.pattern.started_at
            for size in (*book.bids.values(), *book.asks.values())
        )  # fmt: skip

    def _play(self, ms: int) -> None:
        for message in self.market.advance(self.market.now_ms + ms):
            if isinstance(message, AggTradeMessage):
                hit = BookSide.BID if message.buyer_is_maker else BookSide.ASK
                price, size = float(message.price), float(message.normal_quantity)
                self.trades.append(Trade(message.trade_time, price, size, hit))
            else:
                self._apply(message)

    def _apply(self, event: DepthUpdateMessage) -> None:
        for levels, changes in zip(self._levels, (event.bids, event.asks), strict=True):
            for price, size in changes:
                if float(size) == 0:
                    levels.pop(float(price), None)
                else:
                    levels[float(price)] = float(size)
        bids, asks = self._levels
        top = heapq.nlargest(10, bids.items()), heapq.nsmallest(10, asks.items())
        assert top == self.market.truth_at(event.final_id)
        self.books.append(Book(event.transaction_time, dict(top[0]), dict(top[1])))

    def during(self) -> list[Book]:
        """Return the last book before the pattern and those until a second after it."""
        pattern = self.pattern
        first = max(i for i, book in enumerate(self.books) if book.time < pattern.started_at)
        return [book for book in self.books[first:] if book.time < pattern.ended_at + 1_000]

    def hits(self, price: float | None = None) -> list[Trade]:
        """Return the trades of the pattern's takers, at one price or at all."""
        since, until = self.pattern.started_at, self.pattern.ended_at + 100
        return [
            trade
            for trade in self.trades
            if since <= trade.time < until and trade.side is self.side and price in (None, trade.price)
        ]

    def book_before(self, time: int) -> Book:
        """Return the last book before a time."""
        return max((book for book in self.books if book.time < time), key=lambda book: book.time)

    def books_from(self, time: int) -> list[Book]:
        """Return the books at a time and after it."""
        return [book for book in self.books if book.time >= time]


def refills(tape: Tape, price: float) -> int:
    """Count the trades of which at least half is back, one or two books later."""
    count = 0
    for trade in tape.hits(price):
        before = tape.book_before(trade.time).side(tape.side).get(price, 0.0)
        after = [book.side(tape.side).get(price, 0.0) for book in tape.books_from(trade.time)[:2]]
        count += max(after) >= before - trade.size / 2
    return count


def wall(tape: Tape) -> Conditions:
    """One level is large in every book for more than 5 s."""
    longest, since = 0, NEVER
    sizes = [(book.time, book.side(tape.side).get(tape.pattern.price, 0.0)) for book in tape.during()]
    for time, size in sizes:
        since = min(since, time) if size > 3 * tape.median else NEVER
        longest = max(longest, time - since)
    return {"large": max(size for _, size in sizes) > 3 * tape.median, "long": longest > 5_000}


def sweep(tape: Tape) -> Conditions:
    """Three levels that stood are printed within 200 ms, and gone in the next book."""
    hits = tape.hits()
    stood = tape.book_before(tape.pattern.started_at).side(tape.side)
    fast, gone = 0, 0
    for first in hits:
        run = [trade for trade in hits if 0 <= trade.time - first.time < 200]
        prices = {trade.price for trade in run if trade.price in tape.book_before(first.time).side(tape.side)}
        after = tape.books_from(run[-1].time)[0].side(tape.side)
        fast = max(fast, len(prices))
        gone = max(gone, len(prices - after.keys()))
    return {
        "levels": len({trade.price for trade in hits} & stood.keys()) >= 3,
        "fast": fast >= 3,
        "gone": gone >= 3,
    }


def absorption(tape: Tape) -> Conditions:
    """Takers get much more than was visible at the best price within 3 s, and it is refilled and stays."""
    price = tape.pattern.price
    visible = tape.book_before(tape.pattern.started_at).side(tape.side)[price]
    volume = max(
        sum(trade.size for trade in tape.hits(price) if 0 <= trade.time - first.time < 3_000)
        for first in tape.hits(price)
    )
    tick = 1 / tape.market.profile.ticks_per_unit
    moves = [abs(book.best(tape.side) - price) for book in tape.during() if book.time < tape.pattern.ended_at]
    return {
        "volume": volume > 1.5 * visible and volume > 3 * tape.median,
        "held": max(moves) < 1.5 * tick,
        "refilled": refills(tape, price) >= 2,
    }


def layering(tape: Tape) -> Conditions:
    """Three adjacent levels are large and change five times in 5 s, and hardly trade."""
    books = tape.during()
    low, high = sorted((tape.pattern.price, tape.pattern.last_price))
    most, changing, untraded = 0, False, False
    for now in books:
        since = [book for book in books if now.time - 5_000 <= book.time <= now.time]
        runs: list[list[float]] = [[]]
        for price, size in now.side(tape.side).items():
            if low <= price <= high and size > 3 * tape.median:
                runs[-1].append(price)
            else:
                runs.append([])
        row = max(runs, key=len)
        changes = [
            sum(a.side(tape.side).get(p) != b.side(tape.side).get(p) for a, b in pairwise(since)) for p in row
        ]
        most = max(most, len(row))
        if len(row) >= 3 and sorted(changes)[-3] >= 5:
            changing = True
            traded = sum(
                t.size for t in tape.hits() if t.price in row and now.time - 5_000 < t.time <= now.time
            )
            untraded = untraded or traded <= 0.1 * sum(now.side(tape.side)[price] for price in row)
    return {"levels": most >= 3, "changing": changing, "untraded": untraded}


def iceberg(tape: Tape) -> Conditions:
    """Takers get more at one price, in three trades or more, than was ever visible there."""
    price = tape.pattern.price
    hits = tape.hits(price)
    before = tape.book_before(tape.pattern.started_at).side(tape.side)[price]
    seen = [book.side(tape.side).get(price, 0.0) for book in tape.during()]
    last = tape.books_from(tape.pattern.ended_at)[0].side(tape.side).get(price, 0.0)
    volume = sum(trade.size for trade in hits)
    return {
        "trades": len(hits) >= 3,
        "refilled": refills(tape, price) >= 2,
        "hidden": volume >= 2 * (before - last) and volume > max(*seen, 2 * tape.median),
    }


def exhaustion(tape: Tape) -> Conditions:
    """Half of a side is gone within 2 s, the spread opens, and the mid breaks out of 30 s."""
    past = [book for book in tape.books if -30_000 <= book.time - tape.pattern.started_at < 0]
    usual = median(sum(book.side(tape.side).values()) for book in past)
    sign = 1 if tape.side is BookSide.BID else -1
    edge = min(sign * book.mid for book in past)
    emptied = wide = broken = False
    for now in tape.during():
        recent = [sum(b.side(tape.side).values()) for b in tape.books if 0 <= now.time - b.time <= 2_000]
        emptied = emptied or max(recent) - recent[-1] > usual / 2
        wide = wide or now.spread >= 1.999 * median(book.spread for book in past)
        broken = broken or sign * now.mid < edge
    return {"emptied": emptied, "wide": wide, "broken": broken}


CONDITIONS: dict[Pattern, Callable[[Tape], Conditions]] = {
    Pattern.WALL: wall,
    Pattern.SWEEP: sweep,
    Pattern.ABSORPTION: absorption,
    Pattern.LAYERING: layering,
    Pattern.ICEBERG: iceberg,
    Pattern.EXHAUSTION: exhaustion,
}
BROKEN: dict[tuple[Pattern, NearMiss], set[str]] = {
    (Pattern.WALL, NearMiss.SHORT): {"long"},
    (Pattern.WALL, NearMiss.SMALL): {"large", "long"},
    (Pattern.WALL, NearMiss.FLICKER): {"long"},
    (Pattern.SWEEP, NearMiss.TWO_LEVELS): {"levels", "fast", "gone"},
    (Pattern.SWEEP, NearMiss.SLOW): {"fast", "gone"},
    (Pattern.SWEEP, NearMiss.REQUOTED): {"gone"},
    (Pattern.ABSORPTION, NearMiss.NO_REFILL): {"volume", "refilled"},
    (Pattern.ABSORPTION, NearMiss.PRICE_MOVED): {"volume", "held", "refilled"},
    (Pattern.ABSORPTION, NearMiss.THIN): {"volume"},
    (Pattern.LAYERING, NearMiss.TWO_LEVELS): {"levels", "changing", "untraded"},
    (Pattern.LAYERING, NearMiss.STILL): {"changing", "untraded"},
    (Pattern.LAYERING, NearMiss.TRADED): {"untraded"},
    (Pattern.ICEBERG, NearMiss.ONE_REFILL): {"refilled"},
    (Pattern.ICEBERG, NearMiss.SMALL_REFILL): {"refilled", "hidden"},
    (Pattern.ICEBERG, NearMiss.TWO_TRADES): {"trades"},
    (Pattern.EXHAUSTION, NearMiss.HALF_KEPT): {"emptied"},
    (Pattern.EXHAUSTION, NearMiss.SLOW): {"emptied"},
    (Pattern.EXHAUSTION, NearMiss.NO_BREAKOUT): {"wide", "broken"},
}
"""Conditions that a near miss does not meet; it meets the others."""


def tapes(kind: Pattern, near_miss: NearMiss | None, seeds: int) -> Iterator[Tape]:
    """Play a pattern on both sides of both symbols."""
    for seed in range(seeds):
        for symbol in ("BTCUSDT", "ETHUSDT"):
            for side in BookSide:
                yield Tape(StageRequest(kind, side, near_miss), symbol, seed)


def broken(tape: Tape) -> set[str]:
    """Name the conditions of its pattern that a tape does not meet."""
    return {name for name, met in CONDITIONS[tape.pattern.kind](tape).items() if not met}


@pytest.mark.parametrize("kind", Pattern)
def test_a_staged_pattern_meets_its_definition(kind: Pattern) -> None:
    """Whatever the seed, side and symbol, the raw messages meet every condition."""
    for tape in tapes(kind, None, seeds=2):
        assert broken(tape) == set(), tape.pattern


@pytest.mark.parametrize(
    ("kind", "near_miss"), [(kind, near_miss) for kind in Pattern for near_miss in NEAR_MISSES[kind]]
)
def test_a_near_miss_breaks_the_conditions_that_it_is_named_for(kind: Pattern, near_miss: NearMiss) -> None:
    """It breaks these, whatever the seed, side and symbol, and meets the others."""
    for tape in tapes(kind, near_miss, seeds=1):
        assert broken(tape) == BROKEN[kind, near_miss], tape.pattern


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_wall_ends_as_it_was_asked_to(ending: Ending) -> None:
    """Trades at its price explain all of a consumed wall's end, and next to nothing of a pulled one's."""
    for seed in range(3):
        tape = Tape(StageRequest(Pattern.WALL, BookSide.ASK, ending=ending), "BTCUSDT", seed)
        price = tape.pattern.price
        lost = max(book.asks.get(price, 0.0) for book in tape.during())
        traded = sum(trade.size for trade in tape.hits(price))
        assert tape.pattern.ending is ending
        assert traded > 0.8 * lost if ending is Ending.CONSUMED else traded < 0.05 * lost


@pytest.mark.parametrize("kind", Pattern)
def test_the_book_is_an_ordinary_one_again_a_second_after(kind: Pattern) -> None:
    """Ten usual levels a side and a spread of a tick are back."""
    for tape in tapes(kind, None, seeds=1):
        book = tape.books[-1]
        sizes = [*book.bids.values(), *book.asks.values()]
        assert len(sizes) == 20
        assert max(sizes) < 2.2 * tape.median
        assert book.spread < 1.5 / tape.market.profile.ticks_per_unit
        assert sum(sizes) > 0.6 * 20 * tape.median
