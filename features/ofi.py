"""Order flow imbalance as the change of ten-level volumes.

This is the project's own definition, `OFI = dB - dA` per update. Positive: bids grew or asks shrank. Summed
over a second it is the change of `B - A` from one frame to the next and says no more than those do, and a
level that leaves the ten best by rank counts as flow. The literature's is in `level_ofi.py`.
"""


class OrderFlowImbalance:
    """Sums `dB - dA` over the updates since the last `drain`. Sizes in base asset."""

    __slots__ = ("_ask_volume", "_bid_volume", "_sum")

    def __init__(self) -> None:
        self._sum = 0.0
        self._bid_volume: float | None = None
        self._ask_volume = 0.0

    def update(self, bid_volume: float, ask_volume: float) -> float:
        """Take the ten-level volumes after an update; return its `dB - dA`. Constant time.

        The first update after the start or a `restart` contributes nothing: what came before is unknown.
        """
        before = self._bid_volume
        change = 0.0 if before is None else (bid_volume - before) - (ask_volume - self._ask_volume)
        self._bid_volume, self._ask_volume = bid_volume, ask_volume
        self._sum += change
        return change

    def restart(self) -> None:
        """Forget the last volumes: the next update follows on a book that was not known."""
        self._bid_volume = None

    def drain(self) -> float:
        """Return the sum since the last call, and begin a new one."""
        total, self._sum = self._sum, 0.0
        return total
