"""Whether a book is shown as live at an instant, and in words why not. Pure; ms throughout.

Here stands the rule above all others: late, unproven or incomplete is never live.
"""

from typing import Final

from data_ingestion.sink import StreamState, SymbolInfo
from state.frames import Status
from state.freshness import Freshness
from state.health import StreamMonitor

_TRADING: Final = "TRADING"


def book_status(
    freshness: Freshness,
    depth: StreamMonitor,
    why_incomplete: str,
    *,
    stale_after_ms: float,
    steady_ms: float,
    wall_ms: float | None,
    uncertainty_ms: float,
) -> tuple[Status, str]:
    """Return what a book is, and why where it is not live; `why_incomplete` is "" where it is complete.

    It is stale where no proof of it has come for `stale_after_ms`, and where the newest one is older than
    that by the exchange's clock, which is `wall_ms` now to `uncertainty_ms`. Constant time.
    """
    quiet = freshness.quiet_ms(steady_ms, wall_ms)
    if quiet > stale_after_ms:
        trouble = f" ({depth.reason})" if depth.state is StreamState.DOWN and depth.reason else ""
        return Status.STALE, f"no depth event for {quiet / 1000:.1f} s{trouble}"
    lag = freshness.lag_ms(steady_ms, wall_ms)
    if lag - uncertainty_ms > stale_after_ms:
        return Status.STALE, f"the depth stream lags: its newest event is {lag / 1000:.1f} s old"
    return (Status.SYNCING, why_incomplete) if why_incomplete else (Status.LIVE, "")


def with_listing(reason: str, listed: SymbolInfo | None) -> str:
    """Return why a book is not live, with what the exchange lists of a symbol that does not trade."""
    if listed is None or listed.status == _TRADING:
        return reason
    words = "no longer lists it" if listed.status is None else f"lists it as {listed.status}, not as trading"
    return f"the exchange {words}; {reason}"
