"""A price at which takers trade: how much was taken in a window of time, and how often it came back."""

from collections import deque
from typing import Final

from features.detectors.book import Book
from features.detectors.detection import FILLS_SHOWN, Evidence, Fill, at_least, rounded
from features.detectors.interval import Interval
from features.detectors.settings import DetectorSettings

_MOST_FILLS: Final = 2_000  # trades of one window; more have never been seen


class HitLevel:
    """Trades, visible sizes and refills at one price over a sliding window.

    A refill is size that is visible in a book beyond what trades left of the one before it, if it makes
    up at least `refill_share` of what they took, since that book or in the interval before. The window
    is of whole intervals between books; `first_size` is what was visible when it began, `last_taken` what
    trades took between the last two books. Sizes in base asset, times in exchange ms. `volume` is a plain
    sum: it is to be held against limits with `above` and `at_least`, which look past the noise of floats.
    """

    __slots__ = (
        "_owed", "_refill_share", "_span", "_taken", "fills", "first_size", "first_update_id", "intervals",
        "last_hit", "last_taken", "refills", "size", "volume",
    )  # fmt: skip

    def __init__(self, book: Book, size: float, span_ms: int, settings: DetectorSettings) -> None:
        self._span = span_ms
        self._refill_share = settings.refill_share
        self._taken = self._owed = self.last_taken = 0.0
        self.intervals: deque[Interval] = deque()
        self.fills: deque[Fill] = deque(maxlen=_MOST_FILLS)
        self.size = self.first_size = size
        self.volume = 0.0
        self.refills = 0
        self.first_update_id = book.update_id
        self.last_hit = book.time

    def hit(self, fill: Fill) -> None:
        """Take a trade at this price. Constant time."""
        volume = fill[2]
        self.fills.append(fill)
        self.volume += volume
        self._taken += volume
        self.last_hit = fill[3]

    def move(self, size: float, time: int) -> None:
        """Take the visible size at the next book. Constant time, amortised."""
        if self._taken or self._owed:
            self._settle(size, time)
        else:  # mostly nobody has hit the price since the last book, and there is nothing to refill
            self.last_taken = 0.0
            if size != self.size:
                self.size = size
                self.intervals.append(Interval(time, size, 0.0, None))
        intervals = self.intervals
        if intervals and intervals[0].time <= time - self._span:
            self._forget(time - self._span)

    def _settle(self, size: float, time: int) -> None:
        """Tell what came back of what was taken since the last book, or in the interval before."""
        taken, came_back = self._taken, None
        added = size - self.size + taken
        if at_least(added, self._refill_share * (taken + self._owed)):
            came_back = added
            self.refills += 1
        self._owed = taken if came_back is None else 0.0
        if taken or size != self.size or came_back is not None:
            self.intervals.append(Interval(time, size, taken, came_back))
        self.size, self.last_taken, self._taken = size, taken, 0.0

    def _forget(self, until: int) -> None:
        intervals, fills = self.intervals, self.fills
        while intervals and intervals[0].time <= until:
            gone = intervals.popleft()
            self.first_size = gone.size
            self.volume = rounded(self.volume - gone.taken)
            self.refills -= gone.came_back is not None
            while fills and fills[0][3] <= gone.time:
                fills.popleft()

    def largest_size(self) -> float:
        """Return the largest size that was visible in the window. O(intervals)."""
        return max([self.first_size, *[interval.size for interval in self.intervals]])

    def evidence(self, step_median: float, book: Book) -> Evidence:
        """Return the figures of the window."""
        return {
            "volume": rounded(self.volume),
            "trade_count": len(self.fills),
            "trades": list(self.fills)[-FILLS_SHOWN:],
            "refills": self.refills,
            "refilled": rounded(sum(interval.came_back or 0 for interval in self.intervals)),
            "size_before": self.first_size,
            "size_after": self.size,
            "largest_size": self.largest_size(),
            "median_size": step_median,
            "first_update_id": self.first_update_id,
            "last_update_id": book.update_id,
        }
