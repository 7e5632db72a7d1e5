"""Events, snapshots and wire messages made by hand, and an exchange and a book too simple to be wrong."""

import itertools
import json
import os
from collections.abc import Iterable, Sequence

import msgspec
from hypothesis import settings
from hypothesis import strategies as st

from data_ingestion.messages import AggTrade, DepthUpdate, Levels, Snapshot
from orderbook.book_state import TopOfBook

_trade_ids = itertools.count(1)
SYMBOL = "BTCUSDT"
START_MS = 1_700_000_000_000

Op = tuple[bool, int, int]
"""One update of the naive exchange: bid or ask, ticks away from the other side's best, new size in lots."""


EXAMPLES_SHARE = "EXAMPLES_SHARE"
"""Variable of the environment: the part of all examples that is tried, where the same tests run twice."""


def property_settings(max_examples: int, steps: int = 50) -> settings:
    """Return settings under which every run tries the same examples; some of them where that is asked for."""
    examples = max(1, round(max_examples * float(os.environ.get(EXAMPLES_SHARE, "1"))))
    return settings(
        deadline=None, derandomize=True, database=None, max_examples=examples, stateful_step_count=steps
    )


def price(ticks: int) -> float:
    """Return a price of so many ticks of 0.1 USDT."""
    return ticks / 10


def size(lots: int) -> float:
    """Return a size of so many lots of 0.001."""
    return lots / 1000


def depth(
    first: int,
    final: int,
    previous: int,
    bids: Iterable[tuple[float, float]] = (),
    asks: Iterable[tuple[float, float]] = (),
    *,
    symbol: str = SYMBOL,
    at: int = START_MS,
) -> DepthUpdate:
    """Return a depth event with `U`, `u`, `pu` in that order."""
    return DepthUpdate(at, at, symbol, first, final, previous, list(bids), list(asks))


def snapshot(
    last_update_id: int,
    bids: Iterable[tuple[float, float]] = (),
    asks: Iterable[tuple[float, float]] = (),
) -> Snapshot:
    """Return a snapshot that is true at `last_update_id`."""
    return Snapshot(last_update_id, START_MS, START_MS, list(bids), list(asks))


def trade(
    at_price: float = 100.0,
    traded: float = 1.0,
    *,
    sold: bool = False,
    symbol: str = SYMBOL,
    at: int = START_MS,
    number: int | None = None,
    visible: float | None = -1.0,
) -> AggTrade:
    """Return an aggregate trade; `sold` says that the taker sold. Unless given, its id is the next one.

    All of it hit visible orders, unless `visible` says how much did; None: the exchange left that out.
    """
    number = next(_trade_ids) if number is None else number
    visible = traded if visible == -1.0 else visible
    return AggTrade(at, symbol, number, at_price, traded, visible, 1, 1, at, sold)


def side(best: float, step: float, count: int, level_size: float = 1.0) -> Levels:
    """Return `count` levels from `best` on, `step` apart (negative for bids), all of one size."""
    return [(round(best + step * index, 8), level_size) for index in range(count)]


def top_of(bids: Iterable[tuple[float, float]], asks: Iterable[tuple[float, float]]) -> TopOfBook:
    """Return a top of book of these levels."""
    return TopOfBook(list(bids), list(asks))


def lose_trades(count: int = 1) -> None:
    """Let so many trades exist that nobody is told of: their ids are missing."""
    for _ in range(count):
        next(_trade_ids)


def depth_wire(**fields: object) -> dict[str, object]:
    """Return the fields of a valid `depthUpdate`, with `fields` in place of some."""
    valid: dict[str, object] = {
        "e": "depthUpdate",
        "E": 1_723_075_200_123,
        "T": 1_723_075_200_120,
        "s": SYMBOL,
        "U": 101,
        "u": 105,
        "pu": 98,
        "b": [["61000.10", "1.500"], ["61000.00", "0.000"]],
        "a": [["61000.20", "2.250"]],
    }
    return valid | fields


def snapshot_wire(**fields: object) -> dict[str, object]:
    """Return the fields of a valid snapshot reply, with `fields` in place of some."""
    valid: dict[str, object] = {
        "lastUpdateId": 103,
        "E": 1_723_075_200_123,
        "T": 1_723_075_200_120,
        "bids": [["61000.10", "1.500"], ["61000.00", "0.700"]],
        "asks": [["61000.20", "2.250"]],
    }
    return valid | fields


def trade_wire(**fields: object) -> dict[str, object]:
    """Return the fields of a valid `aggTrade`, with `fields` in place of some."""
    valid: dict[str, object] = {
        "e": "aggTrade",
        "E": 1_723_075_200_123,
        "s": SYMBOL,
        "a": 5_933_014,
        "p": "61000.10",
        "q": "0.150",
        "nq": "0.100",
        "f": 100,
        "l": 105,
        "T": 1_723_075_200_120,
        "m": True,
    }
    return valid | fields


def encode(fields: object) -> bytes:
    """Return `fields` as JSON bytes, without blanks, as the exchange writes it."""
    return json.dumps(fields, separators=(",", ":")).encode()


def json_of(value: object) -> bytes:
    """Return the bytes a client would get of `value`."""
    return msgspec.json.encode(value)


class NaiveExchange:
    """A full order book of two dicts, in which each single update has a number.

    It emits depth events of all that changed since the last one, takes snapshots at any update, and
    remembers the whole book as it was after each event.
    """

    def __init__(self, levels: int = 40) -> None:
        self.bids = {1_000 - tick: 1 + tick % 4 for tick in range(levels)}
        self.asks = {1_001 + tick: 1 + tick % 3 for tick in range(levels)}
        self.update_id = 50_000
        self.events: list[DepthUpdate] = []
        self.books: list[tuple[Levels, Levels]] = []
        self._previous = self.update_id
        self._eras = [90_000, 10_000, 70_000, 30_000, 80_000, 20_000]
        self._first: int | None = None
        self._changed: tuple[set[int], set[int]] = (set(), set())

    def update(self, op: Op) -> None:
        """Set one level; an order that crosses takes away all that it crosses."""
        is_bid, distance, lots = op
        mine, theirs = (self.bids, self.asks) if is_bid else (self.asks, self.bids)
        sign = 1 if is_bid else -1
        best = (min(theirs) if is_bid else max(theirs)) if theirs else 1_000
        tick = best - sign * distance
        # Ids are shared with what this stream does not show: an event's U is mostly not pu + 1.
        self.update_id += 3 if self._first is None else 1
        self._first = self._first or self.update_id
        if lots:
            mine[tick] = lots
            for crossed in [other for other in theirs if sign * other <= sign * tick]:
                del theirs[crossed]
                self._changed[1 if is_bid else 0].add(crossed)
        else:
            mine.pop(tick, None)
        self._changed[0 if is_bid else 1].add(tick)

    def emit(self, ops: Iterable[Op] = ()) -> DepthUpdate:
        """Make `ops` and return the event of all updates since the last one; without any it is empty."""
        for op in ops:
            self.update(op)
        if self._first is None:
            self.update_id += 2
        event = depth(
            self._first or self.update_id,
            self.update_id,
            self._previous,
            [(price(tick), size(self.bids.get(tick, 0))) for tick in sorted(self._changed[0])],
            [(price(tick), size(self.asks.get(tick, 0))) for tick in sorted(self._changed[1])],
            at=START_MS + len(self.events) * 100,
        )
        self._previous, self._first, self._changed = self.update_id, None, (set(), set())
        self.events.append(event)
        self.books.append(self.book())
        return event

    def book(self) -> tuple[Levels, Levels]:
        """Return all levels, best first."""
        return (
            [(price(tick), size(self.bids[tick])) for tick in sorted(self.bids, reverse=True)],
            [(price(tick), size(self.asks[tick])) for tick in sorted(self.asks)],
        )

    def book_at(self, event: DepthUpdate) -> tuple[Levels, Levels]:
        """Return all levels as they were after `event`."""
        return self.books[next(at for at, known in enumerate(self.events) if known is event)]

    def snapshot(self, limit: int = 1_000) -> Snapshot:
        """Return the `limit` best levels a side as of now, mostly in the middle of an event."""
        bids, asks = self.book()
        return snapshot(self.update_id, bids[:limit], asks[:limit])

    def refill(self, levels: int = 30) -> None:
        """Put levels back on both sides, so that ten are there again."""
        for distance in range(1, levels + 1):
            self.update((True, distance, 1 + distance % 3))
            self.update((False, distance, 1 + distance % 4))

    def restart_counter(self) -> None:
        """Lose what was not emitted and count anew from elsewhere; no id is ever used twice."""
        self.emit()
        if self._eras:
            self.update_id = self._previous = self._eras.pop()


OPS = st.tuples(st.booleans(), st.integers(-3, 25), st.sampled_from((0, 0, 1, 2, 3)))
"""Updates that add, change, remove, cross, and remove what is not there; mostly near the touch."""


def within(levels: Sequence[tuple[float, float]], low: float, high: float) -> Levels:
    """Return the levels whose price lies in `[low, high]`."""
    return [level for level in levels if low <= level[0] <= high]
