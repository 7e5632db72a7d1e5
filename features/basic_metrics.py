"""Microstructure metrics of one top ten. Plain Python: on ten levels it beats numpy several times over."""

import msgspec

from orderbook.book_state import TopOfBook


class BasicMetrics(msgspec.Struct, frozen=True, gc=False):
    """Prices and distances in USDT, sizes in base asset. All values are finite."""

    best_bid: float
    best_ask: float
    mid_price: float  # (best_bid + best_ask) / 2
    spread: float  # best_ask - best_bid, above 0
    microprice: float  # the weighted mid: each best price weighted with the other side's size
    imbalance: float  # (B - A) / (B + A) of the ten-level volumes, in [-1, 1]
    depth_weighted_price: float  # mean price of all twenty levels, weighted with size
    bid_slope: float  # base asset per USDT, see `slope`
    ask_slope: float
    total_bid_volume: float  # B, ten levels
    total_ask_volume: float  # A, ten levels
    cumulative_bids: list[float]  # ten sums, best level first
    cumulative_asks: list[float]


def basic_metrics(top: TopOfBook) -> BasicMetrics:
    """Return the metrics of a book that is not crossed and has ten levels a side. Constant time.

    Microprice: Stoikov, "The micro-price" (2018), calls this first-order form the weighted mid.
    """
    bids, asks = top.bids, top.asks
    best_bid, bid_size = bids[0]
    best_ask, ask_size = asks[0]
    mid = (best_bid + best_ask) / 2
    bid_volume, bid_notional, bid_slope, cumulative_bids = _walk(bids, mid)
    ask_volume, ask_notional, ask_slope, cumulative_asks = _walk(asks, mid)
    volume = bid_volume + ask_volume
    return BasicMetrics(
        best_bid=best_bid,
        best_ask=best_ask,
        mid_price=mid,
        spread=best_ask - best_bid,
        microprice=(best_bid * ask_size + best_ask * bid_size) / (bid_size + ask_size),
        imbalance=(bid_volume - ask_volume) / volume,
        depth_weighted_price=(bid_notional + ask_notional) / volume,
        bid_slope=bid_slope,
        ask_slope=ask_slope,
        total_bid_volume=bid_volume,
        total_ask_volume=ask_volume,
        cumulative_bids=cumulative_bids,
        cumulative_asks=cumulative_asks,
    )


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
