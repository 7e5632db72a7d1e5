"""Taker trades of the second in which they arrived: volumes by side, and the largest prints.

A trade arrives up to some 100 ms after its own time `T`, so it may belong to the exchange's second before.
"""

from operator import attrgetter
from typing import Final

from data_ingestion.messages import AggTrade
from features.trade_summary import Print, TradeSummary
from orderbook.rounding import rounded

LARGEST_TRADES: Final = 20
_WAITING: Final = 1_000  # trades that wait to be added up, at most
_size_of: Final = attrgetter("size")


class TradeFlow:
    """Adds up trades until `drain`. Memory is bounded, whatever comes."""

    __slots__ = ("_bought", "_count", "_largest", "_notional", "_rpi", "_sold", "_waiting")

    def __init__(self) -> None:
        self._waiting: list[AggTrade] = []
        self._clear()

    def _clear(self) -> None:
        self._bought = self._sold = self._notional = 0.0
        self._rpi: float | None = 0.0
        self._count = 0
        self._largest: list[AggTrade] = []

    def add(self, trade: AggTrade) -> None:
        """Take one trade. Constant time, amortised."""
        waiting = self._waiting
        waiting.append(trade)
        if len(waiting) == _WAITING:
            self._add_up()

    def _add_up(self) -> None:
        waiting = self._waiting
        for trade in waiting:
            size, visible = trade.size, trade.visible_size
            self._notional += trade.price * size
            if trade.buyer_is_maker:
                self._sold += size
            else:
                self._bought += size
            if visible is None:
                self._rpi = None
            elif self._rpi is not None:
                self._rpi += size - visible
        self._count += len(waiting)
        waiting[:0] = self._largest
        self._largest = sorted(waiting, key=_size_of, reverse=True)[:LARGEST_TRADES]
        waiting.clear()

    def drain(self) -> TradeSummary:
        """Return the sums since the last call, and begin anew."""
        self._add_up()
        largest = [
            Print(trade.price, trade.size, "sell" if trade.buyer_is_maker else "buy", trade.trade_time)
            for trade in self._largest
        ]
        # Eight decimals are the exchange's own: what lies beyond is the noise of adding floats.
        volume = self._bought + self._sold
        summary = TradeSummary(
            buy_volume=rounded(self._bought),
            sell_volume=rounded(self._sold),
            vwap=rounded(self._notional / volume) if volume else None,
            rpi_volume=None if self._rpi is None else rounded(self._rpi),
            count=self._count,
            largest=largest,
        )
        self._clear()
        return summary
