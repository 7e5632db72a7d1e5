"""Which engine's second goes out where several follow one symbol. Pure.

All of them are exact, so the simplest rule does: stay with one for as long as it is live each second, wait a
moment for it, and only then take another one's. There is no way back by itself: each change costs work.
"""

from typing import Final

LATE_MS: Final = 10_000
"""A second older than the newest by at most this is late; by more, its engine's clock was set back."""
FORGOTTEN_AFTER: Final = 3
"""Seconds that may pass without a second of an engine before nobody waits for it any more."""
MOST_WAITING: Final = 16  # seconds ahead of the newest that went out


class EngineChoice:
    """Decides second by second. `current` is the engine whose second went out last."""

    def __init__(self) -> None:
        self.current: str | None = None
        self.newest = 0  # the second that was decided last
        self._heard: dict[str, int] = {}  # by engine, how many looks ago it was heard
        self._waiting: dict[int, dict[str, bool]] = {}  # by second and engine, whether it is live

    def hear(self, engine: str, timestamp: int, *, live: bool) -> list[str]:
        """Note an engine's second; return the engines of which it may be taken, best first, if it is time."""
        self._heard[engine] = 0
        if timestamp <= self.newest:
            if engine != self.current or self.newest - timestamp <= LATE_MS:
                return []
            self.newest = timestamp - 1  # its clock was set back, and it is the one that is followed
            self._waiting.clear()
        said = self._waiting.setdefault(timestamp, {})
        said[engine] = live
        while len(self._waiting) > MOST_WAITING:
            del self._waiting[min(self._waiting)]
        if (live and self.current in (engine, None)) or self._heard.keys() <= said.keys():
            return self._order(said)
        return []

    def expect(self, engine: str) -> None:
        """Wait for an engine as for one that was heard just now."""
        self._heard[engine] = 0

    def settle(self, timestamp: int) -> list[str]:
        """Hear that the moment given to `timestamp` is over; return the engines it may be taken of."""
        if timestamp <= self.newest <= timestamp + LATE_MS:
            return []
        return self._order(self._waiting.get(timestamp, {}))

    def look(self) -> None:
        """Hear that a second has passed by this machine's clock: who is silent for long is not waited for."""
        for engine in list(self._heard):
            self._heard[engine] += 1
            if self._heard[engine] > FORGOTTEN_AFTER:
                del self._heard[engine]
        if self.current is not None and self.current not in self._heard:
            self.current = None
            if self._heard and self._waiting and max(self._waiting) < self.newest - LATE_MS:
                self.newest = 0  # it was far ahead of all others

    def decide(self, timestamp: int, engine: str | None) -> None:
        """Note that `timestamp` went out, of an engine or of none."""
        self.newest = timestamp
        if engine is not None:
            self.current = engine
        for second in [second for second in self._waiting if second <= timestamp]:
            del self._waiting[second]

    def _order(self, said: dict[str, bool]) -> list[str]:
        """Live ones first, the current one before others, then by name: all APIs choose alike."""
        return sorted(said, key=lambda engine: (not said[engine], engine != self.current, engine))
