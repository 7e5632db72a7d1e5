"""Log lines that clients can cause without end, said once in a while and with a count."""

import logging
import time
from collections.abc import Callable
from typing import Final

SAID_EVERY: Final = 60.0  # seconds between two lines of one kind
MOST_KINDS: Final = 100


class LogThrottle(logging.Filter):
    """Lets a line of each kind pass at most once a minute; the next one says how many were left out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._said: dict[object, tuple[float, int]] = {}  # kind to when it was said, and how often not since

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a line is let through."""
        kind, now = (record.msg, type(record.exc_info[1]) if record.exc_info else None), self._clock()
        at, left_out = self._said.get(kind, (-SAID_EVERY, 0))
        if now - at < SAID_EVERY:
            self._said[kind] = at, left_out + 1
            return False
        if len(self._said) >= MOST_KINDS:
            self._said.clear()
        self._said[kind] = now, 0
        if left_out:
            record.msg = f"{record.getMessage()} ({left_out:,} more since the last time)"
            record.args = None
        return True


def throttle(logger: logging.Logger) -> None:
    """Throttle the lines of a logger; may be called again."""
    if not any(isinstance(one, LogThrottle) for one in logger.filters):
        logger.addFilter(LogThrottle())
