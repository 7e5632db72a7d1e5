"""When to ask again after an answer of no use: soon at first, then ever more rarely. Pure; ms throughout."""

from typing import Final

LONGEST_MS: Final = 30_000.0
_HINTED_SHARE: Final = 1 / 8


class RetryTimer:
    """Waits that double from `first_ms` with each failure, up to `LONGEST_MS`, until a success ends them.

    A hint that the next try may succeed shortens a wait to an eighth.
    """

    __slots__ = ("_first_ms", "_since", "_wait_ms")

    def __init__(self, first_ms: float = 250.0) -> None:
        self._first_ms = first_ms
        self._wait_ms = 0.0
        self._since = 0.0

    def on_failure(self, now: float) -> None:
        """Note an answer of no use."""
        self._wait_ms = min(LONGEST_MS, 2 * self._wait_ms or self._first_ms)
        self._since = now

    def on_success(self) -> None:
        """Note one that was of use: the next failure waits `first_ms` again."""
        self._wait_ms = 0.0

    def ms_since_failure(self, now: float) -> float:
        """Return the time since the last failure."""
        return now - self._since

    def is_due(self, now: float, *, hinted: bool = False) -> bool:
        """Say whether to ask now."""
        return now - self._since >= self._wait_ms * (_HINTED_SHARE if hinted else 1.0)
