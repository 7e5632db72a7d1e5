"""Taker trades of the second in which they arrived: volumes by side, and the largest prints.

A trade arrives up to some 100 ms after its own time `T`, so it may belong to the exchange's second before.
"""

import heapq
from typing import Final

import msgspec

from data_ingestion.messages import AggTrade

LARGEST_TRADES: Final = 20
_WAITING: Final = 1_000  # trades that wait to be added up, at most

Print = tuple[float, float, str, int]
"""Price (USDT), size (base asset), taker side (`buy` or `sell`), trade time (ms since the epoch)."""


class TradeSummary(msgspec.Struct, frozen=True):
    """Taker trades that arrived in one second; sizes in base asset, fills against RPI orders included."""

    buy_volume: float
    sell_volume: float
    count: int  # aggregate trades
    largest: list[Print]  # at most twenty, largest first


class TradeFlow:
    """Adds up trades until `take`. Memory is bounded, whatever comes."""

    __slots__ = ("_bought", "_count", "_largest", "_sold", "_waiting")

    def __init__(self) -> None:
        self._waiting: list[AggTrade] = []
        self._clear()

    def _clear(self) -> None:
        self._bought = self._sold = 0.0
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
            if trade.buyer_is_maker:
                self._sold += trade.size
            else:
                self._bought += trade.size
        self._count += len(waiting)
        self._largest = heapq.nlargest(
            LARGEST_TRADES, [*self._largest, *waiting], key=lambda trade: trade.size
        )
        waiting.clear()

    def take(self) -> TradeSummary:
        """Return the sums since the last call, and begin anew."""
        self._add_up()
        largest: list[Print] = [
            (trade.price, trade.size, "sell" if trade.buyer_is_maker else "buy", trade.trade_time)
            for trade in self._largest
        ]
        # Eight decimals are the exchange's own: what lies beyond is the noise of adding floats.
        summary = TradeSummary(round(self._bought, 8), round(self._sold, 8), self._count, largest)
        self._clear()
        return summary
