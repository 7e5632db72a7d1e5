"""Where a recording leaves room for a pattern: quiet prices, and moments without one of its own."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final

from tests.tools.detection.injection.loom import BID, SIGN, Loom, Top, messages
from tests.tools.detection.injection.recording import Recording

_SWEEP_ROOM_MS: Final = 700


class Ahead:
    """The top tens of a recording before anything is woven in, and its own sweeps by time and side."""

    def __init__(self, recording: Recording, sweeps: Sequence[tuple[int, int]]) -> None:
        self.tops: list[tuple[int, Top]] = []
        self.tick = recording.tick
        self._sweeps = sweeps
        loom, last = Loom(recording), 0
        for _, is_trade, message in messages(recording):
            (loom.follow_trade if is_trade else loom.follow_diff)(message)
            if loom.published_at != last:
                last = loom.published_at
                self.tops.append((last, loom.published))
        self._times = [at for at, _ in self.tops]

    def window(self, time: int, span: int) -> list[Top]:
        """Return the books of a span of time; nothing where the recording ends before."""
        if self.tops[-1][0] < time + span:
            return []
        return [top for _, top in self._between(time - 200, time + span)]

    def _between(self, first: int, last: int) -> list[tuple[int, Top]]:
        return self.tops[bisect_left(self._times, first) : bisect_right(self._times, last)]

    def seen_throughout(self, side: int, time: int, span: int, rank: int) -> tuple[float, float] | None:
        """Return the prices, best first, that stay behind the touch and before that rank for so long."""
        window = self.window(time, span)
        if not window or any(len(top[side]) <= rank for top in window):
            return None
        sign = SIGN[side]
        best = min(sign * top[side][0][0] for top in window)
        worst = max(sign * top[side][rank][0] for top in window)
        return None if best - worst < 2 * self.tick else (sign * best, sign * worst)

    def touch_throughout(self, side: int, time: int, span: int) -> float | None:
        """Return the best price of a side over a span of time, where the other side never comes so far."""
        window = self.window(time, span)
        if not window:
            return None
        sign = SIGN[side]
        best = max(sign * top[side][0][0] for top in window)
        other = min(sign * top[1 - side][0][0] for top in window)
        return sign * best if best < other - self.tick / 2 else None

    def no_sweep(self, side: int, time: int) -> bool:
        """Whether the recording has no sweep of its own there."""
        return self.window(time, 1_000) != [] and not any(
            other == side and abs(at - time) < _SWEEP_ROOM_MS for at, other in self._sweeps
        )

    def nearer_edge(self, time: int) -> int | None:
        """Return the side through which the price is nearer to breaking out."""
        window = self.window(time, 4_000)
        if not window:
            return None
        before = [(top[0][0][0] + top[1][0][0]) / 2 for _, top in self._between(time - 32_000, time)]
        now = (window[0][0][0][0] + window[0][1][0][0]) / 2
        return BID if now - min(before) < max(before) - now else 1 - BID
