"""What a person should know of an engine's health, in sentences. Pure."""

from typing import Final

from data_ingestion.sink import StreamState
from state.frames import Health

LOW_RATE: Final = 5.0  # depth events a second; the exchange sends ten
SLOW_MS: Final = 1_000  # 99th percentile of the latency
CLOCK_OFF_MS: Final = 250  # beyond what the estimate may be wrong by


def warnings_of(health: Health, *, rate_is_full: bool, thin: bool, trades_missing: bool = False) -> list[str]:
    """Return what is worth a warning in `health`.

    `rate_is_full` says that the depth connection is older than the window of the update rate, `thin` that
    the book runs out of known levels, `trades_missing` that ids of trades were missing a short while ago.
    """
    found = []
    if rate_is_full and health.depth.state == StreamState.OPEN and health.update_rate < LOW_RATE:
        found.append(
            f"low update rate: {health.update_rate:.1f} depth events a second, the exchange sends ten"
        )
    if health.trades.state == StreamState.SILENT:
        found.append(f"the trade stream is silent: {health.trades.reason}")
    if trades_missing:
        found.append(
            f"{health.trades.missing} trades are missing, in {health.trades.gaps} gaps of their ids so far; "
            "`trades` of such a second is null"
        )
    p99 = health.latency_ms.p99
    if p99 is not None and p99 > SLOW_MS:
        found.append(f"falling behind: one in a hundred depth events is more than {p99 / 1000:.1f} s late")
    offset, uncertainty = health.clock_offset_ms, health.clock_uncertainty_ms
    if offset is not None and uncertainty is not None and abs(offset) - uncertainty > CLOCK_OFF_MS:
        word = "behind" if offset > 0 else "ahead of"
        found.append(f"this machine's clock is {abs(offset) / 1000:.1f} s {word} the exchange's")
    if thin and health.covered_levels is not None:
        bids, asks = health.covered_levels
        found.append(f"coverage is thin: {bids} bids and {asks} asks are known; a new snapshot is due")
    return found
