"""Says for how long the faults of one symbol still act on its book: what was asked for may act much later."""

from typing import Final

from data_ingestion.simulated_exchange.faults import FAULTS, FaultKind, FaultState, Lasts
from data_ingestion.simulated_exchange.rest import FAULT_RETRY_SECONDS

SNAPSHOT_TIMEOUT: Final = 5.0
"""Seconds after which the program asks again: no slow snapshot holds it up for longer."""

HARMLESS: Final = frozenset(
    {
        FaultKind.DUPLICATE, FaultKind.EXTRA_FIELD, FaultKind.MALFORMED,
        FaultKind.CLOSE_TRADES, FaultKind.TRADE_SILENCE, FaultKind.TRADE_GAP, FaultKind.TRADE_DUPLICATE,
    }
)  # fmt: skip
"""Faults that must not darken the book at all, so that no time is given for them."""


class Acting:
    """Looks at what lies ahead of a symbol, over and over, and sees what has just been used up."""

    def __init__(self) -> None:
        self._faults: FaultState | None = None
        self._used: dict[FaultKind, int] = {}

    def seconds(self, faults: FaultState, now_ms: int) -> float | None:
        """Return for how many seconds from now on something acts, 0 if just now, None if nothing does."""
        if faults is not self._faults:  # another exchange, which has not been told to do wrong yet
            self._faults = faults
            self._used.clear()
        acts = [0.0] if faults._swapped is not None or faults._held or faults._late else []
        for kind in FAULTS.keys() - HARMLESS:
            if FAULTS[kind].lasts is Lasts.SECONDS and faults.active(kind, now_ms):
                acts.append(0.0)
            used, before = faults.used[kind], self._used.get(kind, 0)
            self._used[kind] = used
            if used > before:
                acts.append(_lasts(kind, faults))
        return max(acts, default=None)


def _lasts(kind: FaultKind, faults: FaultState) -> float:
    if kind is FaultKind.SNAPSHOT_SLOW:
        return min(faults.seconds(kind), SNAPSHOT_TIMEOUT)
    if kind is FaultKind.SNAPSHOT_STATUS and faults.status(kind) in (418, 429):
        return float(FAULT_RETRY_SECONDS)
    return 0.0
