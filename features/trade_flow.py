"""Taker trades of one second: volumes by side, and the largest prints."""

import heapq
from typing import Final

import msgspec

from data_ingestion.messages import AggTrade

LARGEST_TRADES: Final = 20
_KEPT: Final = 10 * LARGEST_TRADES  # prints held before the small ones are thrown out

Print = tuple[float, float, str, int]
"""Price (USDT), size (base asset), taker side (`buy` or `sell`), trade time (ms since the epoch)."""


class TradeSummary(msgspec.Struct, frozen=True):
    """Taker trades of one second; sizes in base asset, fills against RPI orders included."""

    buy_volume: float
    sell_volume: float
    count: int  # aggregate trades
    largest: list[Print]  # at most twenty, largest first


class TradeFlow:
    """Adds up trades until `take`. Memory is bounded, whatever comes."""

    __slots__ = ("_bought", "_count", "_largest", "_sold")

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._bought = self._sold = 0.0
        self._count = 0
        self._largest: list[Print] = []

    def add(self, trade: AggTrade) -> None:
        """Take one trade. Constant time, amortised."""
        self._count += 1
        if trade.buyer_is_maker:
            self._sold += trade.size
        else:
            self._bought += trade.size
        side = "sell" if trade.buyer_is_maker else "buy"
        self._largest.append((trade.price, trade.size, side, trade.trade_time))
        if len(self._largest) > _KEPT:
            self._largest = self._top()

    def take(self) -> TradeSummary:
        """Return the sums since the last call, and begin anew."""
        # Eight decimals are the exchange's own: what lies beyond is the noise of adding floats.
        summary = TradeSummary(round(self._bought, 8), round(self._sold, 8), self._count, self._top())
        self._clear()
        return summary

    def _top(self) -> list[Print]:
        return heapq.nlargest(LARGEST_TRADES, self._largest, key=lambda trade: trade[1])
