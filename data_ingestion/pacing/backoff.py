"""How long to wait before the next try, and how many snapshots may be asked for. Pure; seconds throughout."""

from collections.abc import Callable
from typing import Final

STABLE: Final = 60.0
"""Seconds without a failure after which the first retry is quick again."""

OUTAGE_SHARE: Final = 1 / 15
"""Share of an outage that a wait may last, once that is more than the cap."""


class Backoff:
    """Exponential backoff with jitter and a cap that grows with the outage.

    The n-th delay is `base * 2**n`, at most `cap`; in a long outage the cap grows to a share of the time
    since things last worked, at most `longest`. So the wait after the end of a fault is short in
    proportion to it, and an outage of hours costs the exchange two tries a minute. Each delay is drawn
    from its upper half, so that many clients do not come back in step. The count starts anew once things
    have worked for `stable` seconds.
    """

    def __init__(
        self,
        random: Callable[[], float],
        *,
        base: float = 0.25,
        cap: float = 1.5,
        longest: float = 30.0,
        stable: float = STABLE,
    ) -> None:
        self._random = random
        self._base, self._cap, self._longest, self._stable = base, cap, longest, stable
        self._failures = 0
        self._good_since: float | None = None
        self._good_until: float | None = None

    def worked(self, now: float) -> None:
        """Note that at `now` all is well."""
        if self._good_since is None:
            self._good_since = now
        self._good_until = now

    def failed(self, now: float) -> float:
        """Note a failure at `now`; return the seconds to wait."""
        if self._good_since is not None and now - self._good_since >= self._stable:
            self._failures = 0
        if self._good_until is None:
            self._good_until = now
        self._good_since = None
        cap = min(self._longest, max(self._cap, (now - self._good_until) * OUTAGE_SHARE))
        # The exponent is bounded so that an outage of days cannot overflow a float.
        delay = min(cap, self._base * 2.0 ** min(self._failures, 60))
        self._failures += 1
        return delay * (0.5 + self._random() / 2)


class BanBackoff:
    """How long to keep away from an exchange that wants no request and does not say for how long.

    At least as long as asked for, at first; then twice as long each time, at most `longest`.
    """

    def __init__(self, *, longest: float = 300.0) -> None:
        self._longest = longest
        self._last = 0.0

    def banned(self, least: float) -> float:
        """Note a ban; return the seconds to keep away."""
        self._last = max(least, min(self._longest, 2 * self._last))
        return self._last

    def over(self) -> None:
        """Note that a request was answered."""
        self._last = 0.0


class RateLimit:
    """A token bucket: at most `burst` at once, `per_minute` in the long run."""

    def __init__(self, per_minute: float, burst: float) -> None:
        self._per_second = per_minute / 60
        self._burst = burst
        self._tokens = burst
        self._at: float | None = None

    def wait(self, now: float, tokens: float = 1) -> float:
        """Return the seconds until so many tokens are there; 0 where they are."""
        self._fill(now)
        return max(0.0, (tokens - self._tokens) / self._per_second)

    def spend(self, now: float, tokens: float = 1) -> None:
        """Take tokens; what is not there yet is owed."""
        self._fill(now)
        self._tokens -= tokens

    def _fill(self, now: float) -> None:
        if self._at is not None:
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_second)
        self._at = now
