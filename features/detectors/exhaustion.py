"""Exhaustion: a side empties, the spread opens, and the price breaks out through it.

Fires when the ten-level depth of a side has fallen by more than `exhaustion_share` (half) of its 30 s
median within `exhaustion_fall_ms` (2 s), the spread has since then been at least
`exhaustion_spread_ratio` (2) times its 30 s median, and within `exhaustion_break_ms` (3 s) of the fall the
mid has left the range of the 30 s before the fall, on the emptied side: below it for bids, above it for
asks.

Instant. `price` is the side's best price before the fall, `magnitude` the depth lost over the median
depth. Medians are of samples taken once a second (see baseline.py). Sizes in base asset, times in exchange
ms. Source: the project's own definition.
"""

from collections import deque
from collections.abc import Sequence

from features.detectors.baseline import Baseline
from features.detectors.book import Book
from features.detectors.cooldown import ANY_PRICE, Cooldown
from features.detectors.detection import BID, Detection, Ending, Event, Kind
from features.detectors.detector import NOTHING, Step
from features.detectors.settings import DetectorSettings
from features.detectors.subject import Subject
from orderbook.rounding import above, rounded

_Depth = tuple[Book, float]
"""A book, and the depth of a side in it."""


class _Fall:
    """A side that has emptied."""

    __slots__ = ("after", "before", "high", "low", "median", "widest")

    def __init__(self, before: _Depth, after: _Depth, median: float, low: float, high: float) -> None:
        self.before = before
        self.after = after
        self.median = median
        self.low = low
        self.high = high
        self.widest = after[0].spread


class ExhaustionDetector:
    """Finds exhaustion. Constant work per book, amortised."""

    def __init__(self, settings: DetectorSettings, baseline: Baseline) -> None:
        self._settings = settings
        self._fall_ms = settings.exhaustion_fall_ms
        self._share = settings.exhaustion_share
        self._baseline = baseline
        self._cooldown = Cooldown(settings.cooldown_ms)
        # Depths of the last two seconds that no later one exceeds: the first is the largest.
        self._peaks: tuple[deque[_Depth], deque[_Depth]] = (deque(), deque())
        self._falls: list[_Fall | None] = [None, None]

    def on_book(self, step: Step) -> Sequence[Detection]:
        """Take the next book."""
        found: Sequence[Detection] = NOTHING
        book, depths, spread = step.after, self._baseline.depth, self._baseline.spread
        if depths is None or spread is None:
            return NOTHING
        since = book.time - self._fall_ms
        for side, peaks in enumerate(self._peaks):
            volume = book.volumes[side]
            while peaks and peaks[-1][1] <= volume:
                peaks.pop()
            peaks.append((book, volume))
            peak = peaks[0]
            while peak[0].time < since:
                peaks.popleft()
                peak = peaks[0]
            lost, limit = peak[1] - volume, self._share * depths[side]
            if lost > limit and above(lost, limit):
                self._fell(side, peak, (book, volume), depths[side])
            fall = self._falls[side]
            if fall is not None:
                said = self._follow(side, fall, book, spread)
                if said:
                    found = [*found, *said]
        return found

    def _fell(self, side: int, before: _Depth, after: _Depth, median: float) -> None:
        """Note a fall, or that one goes on."""
        fall = self._falls[side]
        if fall is not None:
            if after[1] < fall.after[1]:
                fall.before, fall.after, fall.median = before, after, median
            return
        span = self._baseline.mid_range(after[0].time)
        if span is not None:
            self._falls[side] = _Fall(before, after, median, *span)

    def _follow(self, side: int, fall: _Fall, book: Book, median_spread: float) -> Sequence[Detection]:
        if book.time - fall.after[0].time > self._settings.exhaustion_break_ms:
            self._falls[side] = None
            return NOTHING
        spread = book.spread
        if spread > fall.widest:  # noqa: PLR1730 - a call takes far longer, and this is done at each book
            fall.widest = spread
        broken = book.mid < fall.low if side == BID else book.mid > fall.high
        if broken and fall.widest >= self._settings.exhaustion_spread_ratio * median_spread * _ALMOST:
            self._falls[side] = None
            self._peaks[side].clear()
            place = (side, ANY_PRICE)  # the price runs
            if self._cooldown.over(place, book.time):
                self._cooldown.start(place, book.time)
                return [self._breakout(side, fall, book)]
        return NOTHING

    def _breakout(self, side: int, fall: _Fall, book: Book) -> Detection:
        before, after = fall.before[0], fall.after[0]
        return Subject(Kind.EXHAUSTION, side, before.best[side], before.time).detection(
            Event.FIRED,
            book.time,
            (fall.before[1] - fall.after[1]) / fall.median,
            {
                "depth_before": fall.before[1],
                "depth_after": fall.after[1],
                "fall_ms": after.time - before.time,
                "median_depth": rounded(fall.median),
                "spread": rounded(fall.widest),
                "median_spread": rounded(self._baseline.spread or 0.0),
                "mid": book.mid,
                "range_low": fall.low,
                "range_high": fall.high,
                "direction": "down" if side == BID else "up",
                "first_update_id": before.update_id,
                "last_update_id": book.update_id,
            },
        )

    def stop(self, time: int, reason: Ending) -> Sequence[Detection]:
        """Forget the depths; an exhaustion is instant, so nothing is open."""
        for peaks in self._peaks:
            peaks.clear()
        self._falls = [None, None]
        self._cooldown.clear()
        return NOTHING


_ALMOST = 1 - 1e-9  # of twice the median spread, whatever floats make of it
