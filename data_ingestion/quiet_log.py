"""Log lines of one cause, repeated with growing distance: an outage of hours is not told a thousand times."""

import logging
import re
from typing import Final

from data_ingestion.clock import Clock

FIRST_DISTANCE: Final = 5.0  # seconds
LONGEST_DISTANCE: Final = 600.0
MOST_CAUSES: Final = 100
_FIGURES: Final = re.compile(r"[\d.,]+")


class QuietLog:
    """Writes to `log`. Lines that differ in their figures alone have one cause.

    The first is written at once, the next at least five seconds later, then ten, up to ten minutes, with the
    number of those that were left out. After twice the distance without any it begins anew. A log of level
    debug leaves nothing out.
    """

    def __init__(self, log: logging.Logger, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._causes: dict[str, _Cause] = {}

    def write(self, level: int, text: str) -> None:
        """Write a line, unless its cause was told of a moment ago."""
        key, now = _FIGURES.sub("#", text), self._clock.steady()
        cause = self._causes.get(key)
        if cause is None or now - cause.seen > 2 * cause.distance:
            if len(self._causes) >= MOST_CAUSES:
                self._causes.clear()
            cause = self._causes[key] = _Cause()
        cause.seen = now
        if now < cause.next_at and not self._log.isEnabledFor(logging.DEBUG):
            cause.left_out += 1
            return
        more = f" ({cause.left_out} more like it meanwhile)" if cause.left_out else ""
        cause.left_out, cause.next_at = 0, now + cause.distance
        cause.distance = min(LONGEST_DISTANCE, 2 * cause.distance)
        self._log.log(level, "%s%s", text, more)


class _Cause:
    __slots__ = ("distance", "left_out", "next_at", "seen")

    def __init__(self) -> None:
        self.distance = FIRST_DISTANCE
        self.next_at = float("-inf")
        self.seen = 0.0
        self.left_out = 0
