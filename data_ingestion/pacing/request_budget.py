"""The request weight that one symbol may use at the exchange, shared by all that ask. Pure; seconds."""

from collections.abc import Callable
from typing import Final

from data_ingestion.errors import ExchangeError, is_ban, least_ban, names_wait, retry_after
from data_ingestion.pacing.backoff import BanBackoff, RateLimit

_HAIR: Final = 1e-6
"""Seconds. A shorter wait is the noise of floats, and a timer that short may not move a clock on."""


class RequestBudget:
    """Says when the next request may be made. `per_minute` and `burst` are in the exchange's weight.

    No minute has more than `per_minute`, however it begins: a burst is taken out of it. A request that is
    heavier than the burst waits for a full one, and then for what it owes. A ban is told to `tell`, in
    seconds: the exchange counts by address, and others may ask from it.
    """

    def __init__(
        self, per_minute: float, burst: int, tell: Callable[[float], None] = lambda seconds: None
    ) -> None:
        self._tell = tell
        self._ban = BanBackoff()
        self._burst = min(burst, per_minute / 2)
        self._limit = RateLimit(per_minute - self._burst, self._burst)
        self._not_before = float("-inf")

    def wait(self, now: float, weight: int) -> float:
        """Return the seconds until a request of `weight` may be made; 0 where it may be now."""
        wait = max(self._not_before - now, self._limit.wait(now, min(weight, self._burst)))
        return wait if wait > _HAIR else 0.0

    def spend(self, now: float, weight: int) -> None:
        """Note that a request of `weight` is made."""
        self._limit.spend(now, weight)

    def obey(self, now: float, error: ExchangeError) -> float:
        """Hold for as long as a failed request asks, or a ban without an end calls for; return seconds."""
        seconds = retry_after(error)
        if is_ban(error) and not names_wait(error):
            seconds = self._ban.banned(least_ban(error))
        if seconds:
            self.hold(now, seconds)
            if is_ban(error):
                self._tell(seconds)
        return seconds

    def answered(self) -> None:
        """Note that a request was answered: a ban, if there was one, is over."""
        self._ban.over()

    def held(self, now: float) -> float:
        """Return the seconds for which the exchange still wants no request."""
        return max(0.0, self._not_before - now)

    def hold(self, now: float, seconds: float) -> None:
        """Let no request be made for so long, for the exchange wants none."""
        self._not_before = max(self._not_before, now + seconds)
