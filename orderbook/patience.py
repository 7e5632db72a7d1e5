"""When to ask again for what was of no use: at first soon, then ever more rarely. Pure; ms throughout."""

from typing import Final

LONGEST_MS: Final = 30_000.0
_HINTED_SHARE: Final = 1 / 8


class Patience:
    """Waits that double from `first_ms` with each answer of no use, up to `LONGEST_MS`, until one is of use.

    A hint that the next answer may be of use shortens a wait to an eighth.
    """

    __slots__ = ("_first_ms", "_since", "_wait_ms")

    def __init__(self, first_ms: float = 250.0) -> None:
        self._first_ms = first_ms
        self._wait_ms = 0.0
        self._since = 0.0

    def failed(self, now: float) -> None:
        """Note an answer of no use."""
        self._wait_ms = min(LONGEST_MS, 2 * self._wait_ms or self._first_ms)
        self._since = now

    def worked(self) -> None:
        """Note one that was of use."""
        self._wait_ms = 0.0

    def calm_for(self, now: float) -> float:
        """Return for how long nothing has failed."""
        return now - self._since

    def is_due(self, now: float, *, hinted: bool = False) -> bool:
        """Say whether to ask now."""
        return now - self._since >= self._wait_ms * (_HINTED_SHARE if hinted else 1.0)
