"""Measures how long each way back to a live book took, from the moment that nothing was wrong any more."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Recovery:
    """One symbol's. Times are seconds of any clock that does not go back.

    A recovery begins when the last fault has stopped acting, or when the book went dark, whichever is
    later, and ends when it is live. Time in which a rate limit forbade to ask for the snapshot is not
    the program's own: it is left out, and added up apart.
    """

    times: list[float] = field(default_factory=list)
    waited: float = 0.0
    _last: float | None = None
    _acting: float = float("-inf")
    _dark: float | None = None
    _limited: float = 0.0

    def acts(self, until: float) -> None:
        """Note that a fault acts, or may act, until then."""
        self._acting = max(self._acting, until)

    def look(self, now: float, *, live: bool, limited: bool = False) -> None:
        """Note what is so now; `limited` if a snapshot is wanted and a rate limit forbids it."""
        passed = 0.0 if self._last is None else now - max(self._last, self._acting)
        self._last = now
        if not live:
            if self._dark is None:
                self._dark, self._limited = now, 0.0
            elif limited and passed > 0:
                self._limited += passed
            return
        if self._dark is not None and now >= self._acting:
            self.times.append(max(0.0, now - max(self._dark, self._acting) - self._limited))
            self.waited += self._limited
        self._dark = None

    def quiet(self, now: float) -> bool:
        """Say whether the book is live and nothing acts any more."""
        return self._last is not None and self._dark is None and now > self._acting
