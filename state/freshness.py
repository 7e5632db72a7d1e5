"""How old the newest proof of a book is, by every clock that there is. Pure; ms throughout.

A depth event proves that the book was the exchange's own when the exchange sent it. How long ago that is
nobody can read off one clock: the steady one stands still while a machine sleeps, the wall clock can be set,
and an event may have been late when it came. So whichever says more is believed, and a clock that is set back
makes nothing young.
"""

from typing import Final

UNKNOWN: Final = float("-inf")


class Freshness:
    """The newest proof: its `event_time` by the exchange's clock, and when it came by both clocks here."""

    __slots__ = ("_behind", "_steady_ms", "_wall_ms", "event_time")

    def __init__(self) -> None:
        self._steady_ms: float | None = None
        self._wall_ms = 0.0
        self.event_time = 0.0
        self._behind = 0.0  # how late the proof was when it came

    def on_proof(self, event_time: float, wall_ms: float, steady_ms: float) -> None:
        """Note a proof of `event_time`, ms since the epoch, that came at these times. Constant time.

        `wall_ms` is the exchange's clock as far as it is known here.
        """
        self._steady_ms, self._wall_ms = steady_ms, wall_ms
        self._behind = wall_ms - event_time
        self.event_time = event_time

    @property
    def known(self) -> bool:
        """Whether there was any proof yet."""
        return self._steady_ms is not None

    def quiet_ms(self, steady_ms: float, wall_ms: float | None = None) -> float:
        """Return for how long no proof has come; `wall_ms` is the exchange's clock now, if it is to count."""
        if self._steady_ms is None:
            return UNKNOWN
        quiet = steady_ms - self._steady_ms
        return quiet if wall_ms is None else max(quiet, wall_ms - self._wall_ms)

    def lag_ms(self, steady_ms: float, wall_ms: float | None = None) -> float:
        """Return how far the newest proof lies behind the exchange's clock now; it may be below 0."""
        return self._behind + self.quiet_ms(steady_ms, wall_ms)
