"""The simulated exchange's time, and the request weight that it counts with it."""

import math
from collections import deque
from collections.abc import Callable
from typing import Final

WEIGHT_LIMIT: Final = 2_400
WEIGHT_WINDOW_MS: Final = 60_000
LONGEST_CATCH_UP_MS: Final = 3_000  # a longer pause, as of a laptop asleep, is skipped


class ForwardClock:
    """Milliseconds of a wall clock that never go back: a step back is made up for from then on."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ahead = 0
        self._last = 0

    def now_ms(self) -> int:
        """Return the exchange's time, in ms since the epoch."""
        wall = int(self._clock() * 1_000)
        if wall + self._ahead < self._last:
            self._ahead = self._last - wall
        elif wall + self._ahead > self._last + LONGEST_CATCH_UP_MS:
            self._ahead = max(0, self._last - wall)  # a step forward makes good for an earlier one back
        self._last = wall + self._ahead
        return self._last


class RequestWeights:
    """The request weight used in the last minute, as Binance counts it."""

    def __init__(self) -> None:
        self._used: deque[tuple[int, int]] = deque()
        self.total = 0

    def charge(self, weight: int, now_ms: int) -> int:
        """Count a request; returns 0, or the seconds to wait if it is over the limit and not answered."""
        while self._used and self._used[0][0] <= now_ms - WEIGHT_WINDOW_MS:
            self.total -= self._used.popleft()[1]
        if self.total + weight > WEIGHT_LIMIT:
            return math.ceil((self._used[0][0] + WEIGHT_WINDOW_MS - now_ms) / 1_000) or 1
        self._used.append((now_ms, weight))
        self.total += weight
        return 0
