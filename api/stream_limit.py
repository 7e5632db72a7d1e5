"""How many streams are served at once: so many that files are left for the routes that operators need."""

import logging
from collections.abc import Callable
from typing import Final

log = logging.getLogger(__name__)

SAID_EVERY: Final = 60.0  # seconds


class StreamLimit:
    """Counts streams, `most` at once; None is no bound. `steady` is a clock in seconds."""

    def __init__(self, most: int | None, steady: Callable[[], float]) -> None:
        self.most = most
        self._steady = steady
        self._said_at = float("-inf")
        self._untold = 0
        self.taken = 0
        self.refused = 0

    def enter(self) -> bool:
        """Count one more stream, unless there is no room for it; say so in the log, once a minute at most."""
        if self.most is None or self.taken < self.most:
            self.taken += 1
            return True
        self.refused += 1
        self._untold += 1
        now = self._steady()
        if now - self._said_at >= SAID_EVERY:
            log.warning("%d streams refused with code 1013: %s", self._untold, self.why_not)
            self._said_at, self._untold = now, 0
        return False

    def leave(self) -> None:
        """Count one stream less."""
        self.taken -= 1

    @property
    def why_not(self) -> str:
        """Why no further stream is served, and what to do, in a sentence that fits a close frame."""
        return f"{self.most} streams are open, all that the limit of open files allows: raise it (ulimit -n)"
