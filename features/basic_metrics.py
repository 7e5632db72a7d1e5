"""Microstructure metrics of one top ten. Plain Python: on ten levels it beats numpy several times over."""

from decimal import Decimal
from typing import Final

from features.metrics import BasicMetrics
from orderbook.book_state import TopOfBook
from orderbook.ladders import UNITS_PER_USDT

__all__ = ["BasicMetrics", "basic_metrics", "mid_and_spread", "ten_level_volumes"]

_EXACT_UNITS: Final = 2**53  # integers below it are floats of their own


def basic_metrics(top: TopOfBook) -> BasicMetrics:
    """Return the metrics of a book that is not crossed and has ten levels a side. Constant time.

    Microprice: Stoikov, "The micro-price" (2018), calls this first-order form the weighted mid. Queue
    imbalance: Gould and Bonart, "Queue imbalance as a one-tick-ahead price predictor in a limit order book"
    (2016, arXiv 1512.03492).
    """
    bids, asks = top.bids, top.asks
    best_bid, bid_size = bids[0]
    best_ask, ask_size = asks[0]
    mid, spread = mid_and_spread(best_bid, best_ask)
    bid_volume, bid_notional, bid_slope, cumulative_bids = _walk(bids, mid)
    ask_volume, ask_notional, ask_slope, cumulative_asks = _walk(asks, mid)
    volume, queues = bid_volume + ask_volume, bid_size + ask_size
    return BasicMetrics(
        best_bid=best_bid,
        best_ask=best_ask,
        mid_price=mid,
        spread=spread,
        microprice=(best_bid * ask_size + best_ask * bid_size) / queues,
        imbalance=(bid_volume - ask_volume) / volume,
        queue_imbalance=(bid_size - ask_size) / queues,
        depth_weighted_price=(bid_notional + ask_notional) / volume,
        bid_slope=bid_slope,
        ask_slope=ask_slope,
        total_bid_volume=bid_volume,
        total_ask_volume=ask_volume,
        cumulative_bids=cumulative_bids,
        cumulative_asks=cumulative_asks,
    )


def ten_level_volumes(top: TopOfBook) -> tuple[float, float]:
    """Return the sizes of all ten bids and of all ten asks, base asset. Constant time."""
    return sum(size for _, size in top.bids), sum(size for _, size in top.asks)


def mid_and_spread(bid: float, ask: float) -> tuple[float, float]:
    """Return the floats nearest to the middle and the distance of two decimal prices. Constant time.

    Adding the floats instead leaves dust: 61886.649999999994 in the middle of 61886.6 and 61886.7.
    """
    bid_units, ask_units = round(bid * UNITS_PER_USDT), round(ask * UNITS_PER_USDT)
    is_exact = bid_units / UNITS_PER_USDT == bid and ask_units / UNITS_PER_USDT == ask
    if is_exact and ask_units < _EXACT_UNITS:
        return (bid_units + ask_units) / (2 * UNITS_PER_USDT), (ask_units - bid_units) / UNITS_PER_USDT
    # More than eight decimals, or a price that no contract has come near: exact, but a few times slower.
    exact_bid, exact_ask = Decimal(repr(bid)), Decimal(repr(ask))
    return float((exact_bid + exact_ask) / 2), float(exact_ask - exact_bid)


def _walk(levels: list[tuple[float, float]], mid: float) -> tuple[float, float, float, list[float]]:
    """Return volume, notional, slope and cumulative sizes of one side.

    The slope is the least-squares line through the origin of cumulative size `C` on distance from mid
    `d`: `sum(d C) / sum(d d)`.
    """
    volume = notional = products = squares = 0.0
    cumulative = []
    for price, size in levels:
        volume += size
        notional += price * size
        distance = price - mid  # below 0 for all bids, and for no ask
        products += distance * volume
        squares += distance * distance
        cumulative.append(volume)
    return volume, notional, abs(products / squares), cumulative
