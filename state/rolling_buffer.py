"""The last 180 seconds, one row a second, in memory only."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, Generic, Protocol, TypeVar

WINDOW_SECONDS: Final = 180
"""What the API keeps and sends, too; the page, which imports nothing of the program, has its own two."""
_SECOND_MS: Final = 1000


class Timed(Protocol):
    """Anything with the time of the second that it closes."""

    @property
    def timestamp(self) -> int:
        """End of the second, ms since the epoch."""


T = TypeVar("T", bound=Timed)


class RollingBuffer(Generic[T]):
    """At most `seconds` rows, one for each second up to the newest, oldest first.

    Seconds for which nothing was appended are filled with `missing(timestamp)`, so that a hole in time
    stays a hole. Append is constant time but for such holes.
    """

    __slots__ = ("_missing", "_rows", "seconds")

    def __init__(self, missing: Callable[[int], T], seconds: int = WINDOW_SECONDS) -> None:
        self._missing = missing
        self._rows: deque[T] = deque(maxlen=seconds)
        self.seconds = seconds

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    def __iter__(self) -> Iterator[T]:
        """Iterate over the rows, oldest first."""
        return iter(self._rows)

    def append(self, row: T) -> None:
        """Add the row of a second; its `timestamp` is a multiple of 1000 ms.

        Rows at or after that second (the clock was set back) are replaced by it.
        """
        rows, at = self._rows, row.timestamp
        while rows and rows[-1].timestamp >= at:
            rows.pop()
        if rows:
            first = max(rows[-1].timestamp, at - self.seconds * _SECOND_MS) + _SECOND_MS
            for second in range(first, at, _SECOND_MS):
                rows.append(self._missing(second))
        rows.append(row)
