"""The microstructure metrics of one top ten: values."""

import msgspec


class BasicMetrics(msgspec.Struct, frozen=True, gc=False):
    """Prices and distances in USDT, sizes in base asset. All values are finite."""

    best_bid: float
    best_ask: float
    mid_price: float  # (best_bid + best_ask) / 2, on the grid of half ticks
    spread: float  # best_ask - best_bid, above 0, on the grid of ticks
    microprice: float  # the weighted mid: each best price weighted with the other side's size
    imbalance: float  # (B - A) / (B + A) of the ten-level volumes, in [-1, 1]
    queue_imbalance: float  # (Qb - Qa) / (Qb + Qa) of the best levels, in [-1, 1]
    depth_weighted_price: float  # mean price of all twenty levels, weighted with size
    bid_slope: float  # base asset per USDT, see `slope`
    ask_slope: float
    total_bid_volume: float  # B, ten levels
    total_ask_volume: float  # A, ten levels
    cumulative_bids: list[float]  # ten sums, best level first
    cumulative_asks: list[float]
