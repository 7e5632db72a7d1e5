"""What is usual: rolling medians that a book is held against.

Samples are taken at the last book of each exchange second. So a researcher can work them out again from
the rows of the rolling window, and they cost next to nothing per update.
"""

from array import array
from bisect import bisect_left, insort
from collections import deque
from typing import Final

from features.detectors.book import Book
from features.detectors.detection import ASK, BID

_SECOND: Final = 1000


class RollingMedian:
    """Exact median of the samples of a time window, in a sorted list. Memory is bounded by the window."""

    __slots__ = ("_batches", "_sorted", "_span")

    def __init__(self, seconds: int) -> None:
        self._span = seconds
        self._batches: deque[tuple[int, list[float]]] = deque()
        self._sorted = array("d")  # of their numbers: those of a list lie all over the memory

    def add(self, second: int, values: list[float]) -> None:
        """Take the samples of a second, later than any before; forget older ones. O(k n)."""
        batches, ordered = self._batches, self._sorted
        batches.append((second, values))
        for value in values:
            insort(ordered, value)
        while batches[0][0] <= second - self._span:
            for value in batches.popleft()[1]:
                del ordered[bisect_left(ordered, value)]

    def value(self) -> float:
        """Return the median. Raises IndexError before the first sample. Constant time."""
        ordered = self._sorted
        middle = len(ordered) // 2
        return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


class Baseline:
    """Medians of size, spread and depth, and the range of the mid, as of the last full exchange second.

    `size` and `spread` and `depth` are None until the first second is over.
    """

    __slots__ = (
        "_depths",
        "_fall_seconds",
        "_latest",
        "_mids",
        "_range_seconds",
        "_sizes",
        "_spreads",
        "depth",
        "size",
        "spread",
        "started_at",
    )

    def __init__(self, *, median_ms: int, range_ms: int, fall_ms: int) -> None:
        self._sizes = RollingMedian(median_ms // _SECOND)
        self._range_seconds = range_ms // _SECOND
        self._fall_seconds = -(-fall_ms // _SECOND)  # rounded up: the range ends before the fall
        self._spreads = RollingMedian(self._range_seconds)
        self._depths = (RollingMedian(self._range_seconds), RollingMedian(self._range_seconds))
        self._mids: deque[tuple[int, float, float]] = deque()  # second, lowest and highest mid
        self._latest: Book | None = None
        self.started_at: int | None = None
        self.size: float | None = None
        self.spread: float | None = None
        self.depth: tuple[float, float] | None = None

    def add(self, book: Book) -> None:
        """Take the book after a depth event. Constant time, but for the first of a second: O(n)."""
        second, mid, latest = book.time // _SECOND, book.mid, self._latest
        self._latest = book
        if latest is None:
            self.started_at = book.time
            self._mids.append((second, mid, mid))
            return
        last, low, high = self._mids[-1]
        if second > last:
            self._sample(latest)
            self._mids.append((second, mid, mid))
        elif not low <= mid <= high:
            self._mids[-1] = (second, min(low, mid), max(high, mid))

    def _sample(self, book: Book) -> None:
        second = book.time // _SECOND
        bids, asks = book.levels
        self._sizes.add(second, [*bids.values(), *asks.values()])
        self._spreads.add(second, [book.spread])
        for side, median in enumerate(self._depths):
            median.add(second, [book.volumes[side]])
        self.size, self.spread = self._sizes.value(), self._spreads.value()
        self.depth = self._depths[BID].value(), self._depths[ASK].value()
        while self._mids[0][0] < second - self._range_seconds - self._fall_seconds:
            self._mids.popleft()

    def mid_range(self, time: int) -> tuple[float, float] | None:
        """Return lowest and highest mid of the window that ended a fall's time before `time`, or None.

        Whole seconds only. O(seconds of the window).
        """
        last = time // _SECOND - self._fall_seconds
        first = last - self._range_seconds
        spans = [(low, high) for second, low, high in self._mids if first <= second < last]
        if not spans:
            return None
        return min(low for low, _ in spans), max(high for _, high in spans)
