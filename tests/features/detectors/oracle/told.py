"""All that was told of a market, kept whole, and the few notions that the definitions have in common.

Nothing here is updated as time passes: each figure is worked out from the stored sequence when asked for.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from functools import cache
from statistics import median

from data_ingestion.messages import AggTrade
from features.detectors.book import Book
from features.detectors.detection import SIDES, Detection, Ending, Event, Evidence, Fill, Kind
from features.detectors.settings import DetectorSettings

SIGN = (1, -1)
SHOWN = 10  # trades that an evidence names
REPORT_MS = 1_000  # between two reports of one life


def eight(number: float) -> float:
    """Return a figure to the exchange's eight decimals."""
    return round(number * 1e8) / 1e8


class Taken:
    """A trade, on the side that it hit; `book` is the index of the last book before it."""

    def __init__(self, trade: AggTrade, book: int) -> None:
        size = trade.size if trade.visible_size is None else trade.visible_size
        self.side = 0 if trade.buyer_is_maker else 1
        self.price, self.size, self.time, self.book = trade.price, size, trade.trade_time, book
        self.fill: Fill = (trade.trade_id, trade.price, size, trade.trade_time)


class Told:
    """Books and trades in order of exchange time, trades before a book of the same instant.

    `first` is the index of the first book at which anything may be said.
    """

    def __init__(
        self, books: Iterable[Book], trades: Iterable[AggTrade], settings: DetectorSettings, tick: float
    ) -> None:
        self.settings, self.tick = settings, tick
        self.books = sorted(books, key=lambda book: (book.time, book.update_id))
        ordered = sorted(trades, key=lambda trade: (trade.trade_time, trade.trade_id))
        self.trades_since = ordered[0].trade_time if ordered else None
        self.first = self._first()
        self._last_of = {book.time // 1000: book for book in self.books}
        self._seconds = sorted(self._last_of)
        self.trades: list[Taken] = []
        book = -1
        for trade in ordered:
            while book + 1 < len(self.books) and self.books[book + 1].time < trade.trade_time:
                book += 1
            taken = Taken(trade, book)
            if taken.size and book >= self.first - 1:
                self.trades.append(taken)
        self._between: dict[tuple[int, int], list[Taken]] = {}
        for taken in self.trades:
            self._between.setdefault((taken.book, taken.side), []).append(taken)
        self.depth_median = cache(self._depth_median)
        self.size_median = cache(self._size_median)
        self._samples = cache(self._last_books)

    def _first(self) -> int:
        """Return the book after the one by which the start-up and the first full second are over."""
        start = self.books[0].time
        for number, book in enumerate(self.books):
            if book.time - start >= self.settings.warm_up_ms and book.time // 1000 > start // 1000:
                return number + 1
        return len(self.books)

    def steps(self, start: int = 0) -> range:
        """Return the indices of the books at which something may be said, from `start` on."""
        return range(max(start, self.first), len(self.books))

    def time(self, book: int) -> int:
        """Exchange time of a book."""
        return self.books[book].time

    # --- what is usual ------------------------------------------------------------------------------------

    def _last_books(self, second: int, seconds: int) -> list[Book]:
        """Return the last book of each of so many seconds, up to the latest before `second` that has any."""
        until = bisect_left(self._seconds, second)
        latest = self._seconds[until - 1]
        since = bisect_right(self._seconds, latest - seconds)
        return [self._last_of[at] for at in self._seconds[since:until]]

    def median(self, book: int) -> float:
        """Return the median size of all levels of the last minute, as of a book."""
        return self.size_median(self.time(book) // 1000)

    def _size_median(self, second: int) -> float:
        books = self._samples(second, self.settings.median_ms // 1000)
        return median(size for book in books for side in book.levels for size in side.values())

    def threshold(self, book: int) -> float:
        """Return the size above which a level is large, as of a book."""
        return eight(self.settings.large_ratio * self.median(book))

    def spread_median(self, book: int) -> float:
        """Return the median spread of the last half minute, as of a book."""
        books = self._samples(self.time(book) // 1000, self.settings.exhaustion_median_ms // 1000)
        return median(sample.best[1] - sample.best[0] for sample in books)

    def depth_medians(self, book: int) -> tuple[float, float]:
        """Return the median ten-level volumes of the last half minute, as of a book."""
        second = self.time(book) // 1000
        return self.depth_median(second, 0), self.depth_median(second, 1)

    def _depth_median(self, second: int, side: int) -> float:
        books = self._samples(second, self.settings.exhaustion_median_ms // 1000)
        return median(eight(sum(sample.levels[side].values())) for sample in books)

    # --- at a price ---------------------------------------------------------------------------------------

    def large(self, book: int, side: int, by: int) -> list[float]:
        """Return the prices of the large levels of a book, by what is large as of another."""
        threshold = self.threshold(by)
        return [price for price, size in self.books[book].levels[side].items() if size > threshold]

    def size(self, book: int, side: int, price: float) -> float | None:
        """Return the size that rests at a price, None where it is beyond the ten levels."""
        levels = self.books[book].levels[side]
        if price in levels:
            return levels[price]
        worst = list(levels)[-1]
        return None if SIGN[side] * price < SIGN[side] * worst else 0.0

    def between(self, after: int, until: int, side: int, price: float | None = None) -> list[Taken]:
        """Return the trades that hit a side after one book and before or with another."""
        return [
            taken
            for book in range(after, until)
            for taken in self._between.get((book, side), ())
            if price is None or taken.price == price
        ]

    def ahead(self, book: int, side: int, price: float) -> float:
        """Return how far the best price lies ahead of a price: above 0 where the price is behind it."""
        return SIGN[side] * (self.books[book].best[side] - price)

    def distance(self, book: int, side: int, price: float) -> Evidence:
        """Return how far a price lies from the touch."""
        ahead = self.ahead(book, side, price)
        bids, asks = self.books[book].best
        return {
            "distance_ticks": round(ahead / self.tick),
            "distance_bps": eight(10_000 * ahead / round((bids + asks) / 2, 9)),
        }

    def entry(
        self,
        kind: Kind,
        event: Event,
        side: int,
        price: float,
        started_at: int,
        book: int,
        magnitude: float,
        evidence: Evidence,
        reason: Ending | None = None,
    ) -> Detection:
        """Return what is to be said with a book."""
        name = f"{kind}-{SIDES[side]}-{price:.10g}-{started_at}"
        time = self.time(book)
        return Detection(
            name, kind, event, SIDES[side], price, started_at, time, reason, eight(magnitude), None, evidence
        )


def at_open(distance: Evidence) -> Evidence:
    """Return a distance under the names by which a closing tells that of its opening."""
    return {f"{name}_at_open": figure for name, figure in distance.items()}


def fills_of(trades: Sequence[Taken]) -> list[Fill]:
    """Return the newest trades as an evidence names them."""
    return [taken.fill for taken in trades[-SHOWN:]]
