"""A price at which takers trade: how much was taken in a window of time, and how often it came back."""

from typing import Final

from features.detectors.book import Book
from features.detectors.detection import FILLS_SHOWN, Evidence, Fill
from features.detectors.settings import DetectorSettings
from orderbook.rounding import above, at_least, rounded

_MOST_FILLS: Final = 2_000  # trades of one window; more have never been seen


Interval = tuple[int, float, float, float | None, int]
"""What happened between two books: time and visible size of the later one, what trades took, what came back,
and the later one's update id.

One without a trade that left the size as it was is not kept. A plain tuple, as books bring several each.
"""

_Debt = tuple[int, float, int]
"""What a trade took, until it is back or too old to be: its time, size, and the number of the book before."""


class TradedLevel:
    """Trades, visible sizes and refills at one price over a sliding window.

    What a trade takes is owed for `refill_ms`. A book that shows more than trades left of the one before it
    is a refill if what has come back makes up at least `refill_share` of what is owed; then nothing is owed
    any more. What has come back is the most that the size, trades apart, has risen since the book before the
    first trade that is owed. So a book that shows what was to be expected changes nothing, and how often
    books come does not matter.

    The window is of whole intervals between books; `first_size` is what was visible when it began, as of the
    update `first_update_id`, `last_taken` what trades took between the last two books. Sizes in base asset,
    times in exchange ms. `volume` is a plain sum: it is to be held against limits with `above` and
    `at_least`, which look past the noise of floats.
    """

    __slots__ = (
        "_book", "_debts", "_largest", "_lows", "_owed", "_owed_for", "_refill_share", "_span", "_taken",
        "_taken_in_all", "fills", "first_size", "first_update_id", "intervals", "last_hit", "last_taken",
        "refills", "size", "volume",
    )  # fmt: skip

    def __init__(self, book: Book, size: float, span_ms: int, settings: DetectorSettings) -> None:
        self._span = span_ms
        self._refill_share = settings.refill_share
        self._owed_for = settings.refill_ms
        self._taken = self.last_taken = 0.0
        self._debts: list[_Debt] = []  # these four are short: a deque takes up half a kilobyte from the start
        self._owed = self._taken_in_all = 0.0  # of the debts; since there are any
        self._book = 0  # numbers of books, since there are any debts
        # Sizes plus all that was taken until then, with the books' numbers, that no later one undercuts.
        self._lows: list[tuple[int, float]] = []
        self.intervals: list[Interval] = []
        self.fills: list[Fill] = []
        self.size = self.first_size = size
        self._largest: float | None = size  # None: to be looked for anew
        self.volume = 0.0
        self.refills = 0
        self.first_update_id = book.update_id
        self.last_hit = book.time

    def on_trade(self, fill: Fill) -> None:
        """Take a trade at this price. Constant time."""
        volume, time = fill[2], fill[3]
        debts = self._debts
        if not debts:
            self._lows.append((self._book, self.size))
        debts.append((time, volume, self._book))
        self._owed += volume
        fills = self.fills
        fills.append(fill)
        if len(fills) > _MOST_FILLS:
            del fills[0]
        self.volume += volume
        self._taken += volume
        self.last_hit = time

    def on_book(self, size: float, time: int, update_id: int) -> None:
        """Take the visible size at the next book. Constant time, amortised."""
        if self._taken or (self._debts and size != self.size):
            self._settle(size, time, update_id)
        else:  # mostly nobody has hit the price, and there is nothing to refill or nothing came back
            self.last_taken = 0.0
            if size != self.size:
                self.size = size
                self._keep((time, size, 0.0, None, update_id))
        intervals = self.intervals
        if intervals and intervals[0][0] <= time - self._span:
            self._forget(time - self._span)

    def _settle(self, size: float, time: int, update_id: int) -> None:
        """Tell what came back of what is owed."""
        taken, debts, before, came_back = self._taken, self._debts, self.size, None
        in_all = self._taken_in_all + taken
        since = time - self._owed_for
        if debts[0][0] < since:
            self._forgive(since)
        if debts:
            lows, reached = self._lows, rounded(size + in_all)
            left = size + taken
            if left > before and above(left, before):  # the call is dear, and mostly it is not even so
                back = rounded(reached - lows[0][1])
                if at_least(back, self._refill_share * self._owed):
                    came_back = back
                    self.refills += 1
        if came_back is not None or not debts:
            debts.clear()
            self._lows.clear()
            self._owed = self._taken_in_all = 0.0
            self._book = 0
        else:
            self._taken_in_all = in_all
            while lows and lows[-1][1] >= reached:
                lows.pop()
            self._book += 1
            lows.append((self._book, reached))
        if taken or size != before or came_back is not None:
            self._keep((time, size, taken, came_back, update_id))
        self.size, self.last_taken, self._taken = size, taken, 0.0

    def _forgive(self, before: int) -> None:
        """Let go of what trades took earlier than that."""
        debts, lows, count = self._debts, self._lows, 0
        for time, volume, _ in debts:
            if time >= before:
                break
            self._owed = rounded(self._owed - volume)
            count += 1
        del debts[:count]
        if debts:
            first, count = debts[0][2], 0
            for book, _ in lows:
                if book >= first:
                    break
                count += 1
            del lows[:count]

    def _keep(self, interval: Interval) -> None:
        self.intervals.append(interval)
        if self._largest is not None and interval[1] > self._largest:
            self._largest = interval[1]

    def _forget(self, until: int) -> None:
        intervals, fills, count, ended = self.intervals, self.fills, 0, 0
        for time, size, taken, came_back, update_id in intervals:
            if time > until:
                break
            if self.first_size == self._largest:
                self._largest = None
            ended, self.first_size, self.first_update_id = time, size, update_id
            self.volume = rounded(self.volume - taken)
            self.refills -= came_back is not None
            count += 1
        del intervals[:count]
        count = 0
        for fill in fills:
            if fill[3] > ended:
                break
            count += 1
        del fills[:count]

    def largest_size(self) -> float:
        """Return the largest size visible in the window. O(intervals) once the one before has left it."""
        if self._largest is None:
            self._largest = max([self.first_size, *[size for _, size, _, _, _ in self.intervals]])
        return self._largest

    def volume_over_largest(self) -> float:
        """Return the volume taken over the largest size that was visible, 0 where none was."""
        largest = self.largest_size()
        return self.volume / largest if largest else 0.0

    def evidence(self, step_median: float, book: Book, visible: float | None) -> Evidence:
        """Return the figures of the window; `visible` is None where the price is out of sight by now."""
        return {
            "volume": rounded(self.volume),
            "trade_count": len(self.fills),
            "trades": self.fills[-FILLS_SHOWN:],
            "refills": self.refills,
            "refilled": rounded(sum(came_back or 0 for _, _, _, came_back, _ in self.intervals)),
            "size_before": self.first_size,
            "size_after": visible,
            "largest_size": self.largest_size(),
            "median_size": step_median,
            "first_update_id": self.first_update_id,
            "last_update_id": book.update_id,
        }
