"""Order flow imbalance of the literature, rank by rank of the ten best levels.

Per update, for the level of one rank on each side, primes being the update before:

    e = Qb 1{Pb >= Pb'} - Qb' 1{Pb <= Pb'} - Qa 1{Pa <= Pa'} + Qa' 1{Pa >= Pa'}

A bid that comes, grows or steps up counts up, and so does an ask that goes, shrinks or steps back. The first
rank is the best-level imbalance of Cont, Kukanov and Stoikov, "The price impact of order book events" (2014,
arXiv 1011.6402); all ten are the multi-level one of Xu, Gould and Howison, "Multi-level order-flow imbalance
in a limit order book" (2019, arXiv 1907.06230).
"""

from typing import cast

from orderbook.book_state import TOP_LEVELS, TopOfBook
from orderbook.rounding import rounded

_Held = list[tuple[float, ...]]
"""Levels as the very objects that they are: of pairs compiled code would make others."""


class LevelOrderFlow:
    """Sums `e` of each of the ten ranks over the updates since the last `drain`. Sizes in base asset."""

    __slots__ = ("_asks", "_bids", "_sums")

    def __init__(self) -> None:
        self._bids: _Held | None = None
        self._asks: _Held = []
        self._sums = [0.0] * TOP_LEVELS

    def update(self, top: TopOfBook) -> None:
        """Take the ten best levels after an update. Constant time.

        The first one after the start or a `restart` contributes nothing: what came before is unknown.
        """
        bids, asks = cast("_Held", top.bids), cast("_Held", top.asks)
        sums, bids_before, asks_before = self._sums, self._bids, self._asks
        if bids_before is not None:
            # A loop a side: one for both, with a sign, takes a fifth longer.
            for rank, level in enumerate(bids):
                before = bids_before[rank]
                if level is before or level == before:  # mostly the very same
                    continue
                price, size = level
                price_before, size_before = before
                if price > price_before:
                    sums[rank] += size
                elif price < price_before:
                    sums[rank] -= size_before
                else:
                    sums[rank] += size - size_before
            for rank, level in enumerate(asks):
                before = asks_before[rank]
                if level is before or level == before:
                    continue
                price, size = level
                price_before, size_before = before
                if price < price_before:
                    sums[rank] -= size
                elif price > price_before:
                    sums[rank] += size_before
                else:
                    sums[rank] -= size - size_before
        self._bids, self._asks = bids, asks

    def restart(self) -> None:
        """Forget the last levels: the next update follows on a book that was not known."""
        self._bids = None

    def drain(self) -> list[float]:
        """Return the sums since the last call, best rank first, and begin new ones.

        To eight decimals, the exchange's own: what lies beyond is the noise of adding floats.
        """
        sums, self._sums = self._sums, [0.0] * TOP_LEVELS
        return [rounded(flow) for flow in sums]
