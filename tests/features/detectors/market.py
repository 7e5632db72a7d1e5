"""A market told by hand, trade by trade and book by book, and detectors run over it one at a time.

Prices lie one USDT apart: the bids are 100, 99, 98 ..., the asks 101, 102, 103 ..., and one unit rests at
each. The median size is one unless told otherwise, so that a level is large above three.
"""

from collections.abc import Iterable, Sequence

from data_ingestion.messages import AggTrade
from features.detectors.baseline import Baseline
from features.detectors.book import Book, book_of
from features.detectors.detection import ASK, BID, SIGNS, Detection, Ending, Event
from features.detectors.detector import Detector, Step, TradeDetector
from features.detectors.taker_trade import taker_trade_of
from orderbook.book_state import TOP_LEVELS, TopOfBook
from tests.builders import START_MS, SYMBOL

TICK = 1.0
DEPTHS = (10.0, 10.0)  # usual volumes of the ten levels
BEST = (100.0, 101.0)
DEPTH = 14  # levels a side at the beginning, four more than anyone sees
Item = AggTrade | Book


def trade_of(
    side: int, price: float, size: float, at: int, number: int = 1, visible: float | None = None
) -> AggTrade:
    """Return a trade that hit `side`; `visible` is its `nq`."""
    return AggTrade(at, SYMBOL, number, price, size, visible, number, number, at, side == BID)


class Market:
    """Resting sizes of both sides, and all that was told of them in `items`, in order of exchange time."""

    def __init__(self, at: int = START_MS) -> None:
        self.now = at
        self.items: list[Item] = []
        self.resting: tuple[dict[float, float], dict[float, float]] = (
            {BEST[BID] - level: 1.0 for level in range(DEPTH)},
            {BEST[ASK] + level: 1.0 for level in range(DEPTH)},
        )
        self._numbers = 0
        self.book(0)

    def rest(self, side: int, *levels: tuple[float, float]) -> None:
        """Let these `(price, size)` rest; a size of 0 takes the level away."""
        for price, size in levels:
            self.resting[side].pop(price, None)
            if size:
                self.resting[side][price] = size

    def trade(
        self, side: int, price: float, size: float, *, after: int = 1, visible: float | None = None
    ) -> AggTrade:
        """Print a trade, and change nothing of what rests."""
        self.now += after
        self._numbers += 1
        made = trade_of(side, price, size, self.now, self._numbers, visible)
        self.items.append(made)
        return made

    def eat(self, side: int, *levels: tuple[float, float], after: int = 1) -> None:
        """Print trades at these `(price, size)`, `after` ms apart, and take them from what rests."""
        for price, size in levels:
            self.trade(side, price, size, after=after)
            left = round(self.resting[side].get(price, 0.0) - size, 8)
            self.rest(side, (price, max(0.0, left)))

    def book(self, after: int = 100) -> Book:
        """Tell the ten best levels, `after` ms later."""
        self.now += after
        self._numbers += 1
        made = book_of(self.now, self._numbers, self.top())
        self.items.append(made)
        return made

    def top(self) -> TopOfBook:
        """Return the ten best levels."""
        bids, asks = (
            sorted(sizes.items(), key=lambda level: -sign * level[0])[:TOP_LEVELS]
            for sizes, sign in zip(self.resting, SIGNS, strict=True)
        )
        return TopOfBook(bids, asks)

    def idle(self, span: int, every: int = 100) -> None:
        """Tell the same book again and again, for `span` ms."""
        for _ in range(span // every):
            self.book(every)

    def books(self) -> list[Book]:
        """Return the books told."""
        return [item for item in self.items if isinstance(item, Book)]

    def trades(self) -> list[AggTrade]:
        """Return the trades told."""
        return [item for item in self.items if isinstance(item, AggTrade)]

    def book_with(self, update_id: object) -> Book:
        """Return the book with this update id."""
        return next(book for book in self.books() if book.update_id == update_id)

    def trades_between(self, first: object, last: object) -> list[AggTrade]:
        """Return the trades that were told between the books with these update ids."""
        ids = (self.items.index(self.book_with(first)), self.items.index(self.book_with(last)))
        return [item for item in self.items[ids[0] : ids[1]] if isinstance(item, AggTrade)]


class Bench:
    """One detector without the door: it takes items in order, and the median is told to it."""

    def __init__(
        self,
        detector: Detector | TradeDetector,
        *,
        median: float = 1.0,
        trades_since: int | None = 0,
        baseline: Baseline | None = None,
    ) -> None:
        self.detector = detector
        self.median = median
        self.trades_since = trades_since
        self.said: list[Detection] = []
        self._baseline = baseline
        self._book: Book | None = None

    def play(self, items: Iterable[Item]) -> list[Detection]:
        """Take items; return all that was said so far."""
        for item in items:
            if isinstance(item, Book):
                self._take_book(item)
            elif self._book is not None and hasattr(self.detector, "on_trade"):
                self.detector.on_trade(taker_trade_of(item, self._book))
        return self.said

    def stop(self) -> list[Detection]:
        """Break the sequence; return all that was said so far."""
        assert self._book is not None
        self.said += self.detector.stop(self._book.time, Ending.INTERRUPTED)
        self._book = None
        return self.said

    def _take_book(self, book: Book) -> None:
        before, self._book = self._book, book
        if self._baseline is not None:
            self._baseline.add(book)
        if before is not None:
            threshold = 3 * self.median
            large, large_before = (
                (
                    [price for price, size in levels[BID].items() if size > threshold],
                    [price for price, size in levels[ASK].items() if size > threshold],
                )
                for levels in (book.levels, before.levels)
            )
            step = Step(
                before, book, large, large_before, self.median, threshold, DEPTHS, TICK, self.trades_since
            )
            self.said += self.detector.on_book(step)


def events(said: Sequence[Detection], *, updates: bool = False) -> list[tuple[str, float, str | None]]:
    """Return event, price and reason of what was said; of updates only if asked."""
    return [
        (entry.event.value, entry.price, None if entry.reason is None else entry.reason.value)
        for entry in said
        if updates or entry.event is not Event.UPDATED
    ]
