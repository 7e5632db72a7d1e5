"""How a detection compares with the last hour's of its kind.

The `rank` of a detection is the share of those of the same kind and symbol, of the hour of exchange time
before it, whose magnitude its own exceeds: 0 to 1, None while there are fewer than 20. Like is held against
like: what opens or fires against those that opened or fired, what is updated or closed against those that
closed. The hour goes on where a book is lost and rebuilt.
"""

from collections import deque
from collections.abc import Mapping
from typing import Final

from features.detectors.detection import Detection, Event, Kind

RANK_MS: Final = 3_600_000
LEAST_RANKED: Final = 20
_MOST: Final = 5_000  # of one sort remembered; more in an hour would be a defect

_AGAINST: Final[Mapping[Event, Event]] = {
    Event.OPENED: Event.OPENED,
    Event.FIRED: Event.FIRED,
    Event.UPDATED: Event.CLOSED,
    Event.CLOSED: Event.CLOSED,
}


class Ranks:
    """The magnitudes of the last hour, by kind. `late_ms` is the most that a detection is told late by."""

    __slots__ = ("_kept_ms", "_told")

    def __init__(self, *, late_ms: int) -> None:
        self._kept_ms = RANK_MS + late_ms
        self._told: dict[tuple[Kind, Event], deque[tuple[int, float]]] = {}

    def rank(self, entry: Detection) -> float | None:
        """Return the rank of a detection, and remember it. O(n) for the n of its kind in the last hour."""
        against = _AGAINST[entry.event]
        told = self._told.get((entry.kind, against))
        if told is None:
            told = self._told[entry.kind, against] = deque(maxlen=_MOST)
        since = entry.time - RANK_MS
        earlier = [magnitude for time, magnitude in told if time > since]
        if entry.event is against:
            while told and told[0][0] <= entry.time - self._kept_ms:
                told.popleft()
            told.append((entry.time, entry.magnitude))
        if len(earlier) < LEAST_RANKED:
            return None
        return sum(magnitude < entry.magnitude for magnitude in earlier) / len(earlier)

    def clear(self) -> None:
        """Forget all: the exchange's clock was set back."""
        self._told.clear()
