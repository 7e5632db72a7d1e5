"""Metrics of one top ten, against figures worked by hand and against exact fractions."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate
from math import isfinite

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.basic_metrics import BasicMetrics, basic_metrics, mid_and_spread
from tests.builders import property_settings, side, top_of


def test_figures_worked_by_hand() -> None:
    """Bids 100..91 of size 2 and asks 102..111 of size 1 give the figures of the contract's formulas.

    Mid 101; distances 1..10 on both sides. B = 20, A = 10. Microprice (100 * 1 + 102 * 2) / 3. Slope of the
    bids: cumulative 2 i at distance i is the line 2 d, of the asks the line d.
    """
    metrics = basic_metrics(top_of(side(100, -1, 10, 2), side(102, 1, 10, 1)))
    assert metrics.best_bid == 100
    assert metrics.best_ask == 102
    assert metrics.mid_price == 101
    assert metrics.spread == 2
    assert metrics.microprice == pytest.approx(304 / 3)
    assert metrics.imbalance == pytest.approx(1 / 3)
    assert metrics.depth_weighted_price == pytest.approx((2 * 955 + 1065) / 30)
    assert metrics.bid_slope == pytest.approx(2)
    assert metrics.ask_slope == pytest.approx(1)
    assert metrics.total_bid_volume == 20
    assert metrics.total_ask_volume == 10
    assert metrics.cumulative_bids == [2, 4, 6, 8, 10, 12, 14, 16, 18, 20]
    assert metrics.cumulative_asks == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]


def test_the_slope_is_the_least_squares_line_through_the_origin() -> None:
    """With all size on the best level the slope is `C * sum(d) / sum(d * d)`.

    Nine levels of (almost) nothing behind 5 at the best bid: distances 0.5, 1.5, ..., 9.5 sum to 50, their
    squares to 332.5.
    """
    bids = [(100.0, 5.0), *side(99, -1, 9, 1e-12)]
    metrics = basic_metrics(top_of(bids, side(101, 1, 10)))
    assert metrics.bid_slope == pytest.approx(5 * 50 / 332.5)


def test_a_balanced_book_is_in_balance() -> None:
    """Mirrored sides have no imbalance, equal slopes, and all prices in the middle."""
    metrics = basic_metrics(top_of(side(100, -1, 10, 3), side(101, 1, 10, 3)))
    assert metrics.imbalance == 0
    assert metrics.bid_slope == metrics.ask_slope
    assert metrics.microprice == metrics.mid_price == metrics.depth_weighted_price == 100.5


def test_the_microprice_leans_to_the_thinner_side() -> None:
    """Much size at the bid pulls the microprice up to the ask, and the other way round."""
    heavy = [(100.0, 99.0), *side(99, -1, 9)]
    metrics = basic_metrics(top_of(heavy, side(101, 1, 10)))
    assert metrics.microprice == pytest.approx(100.99)
    heavy = [(101.0, 99.0), *side(102, 1, 9)]
    metrics = basic_metrics(top_of(side(100, -1, 10), heavy))
    assert metrics.microprice == pytest.approx(100.01)


def test_the_imbalance_counts_all_ten_levels() -> None:
    """Size at the tenth level weighs as much as at the first."""
    far = [*side(100, -1, 9), (91.0, 11.0)]
    assert basic_metrics(top_of(far, side(101, 1, 10))).imbalance == pytest.approx((20 - 10) / 30)


Side = list[tuple[int, int]]
"""`(ticks away from the level before it, lots)` of ten levels."""

SIDES = st.lists(st.tuples(st.integers(1, 500), st.integers(1, 10**9)), min_size=10, max_size=10)


def exact_levels(levels: Side, best: int, sign: int) -> list[tuple[Fraction, Fraction]]:
    """Return levels in exact arithmetic, 0.01 USDT a tick and 0.001 a lot."""
    ticks = accumulate((sign * step for step, _ in levels[1:]), initial=best)
    return [
        (Fraction(tick, 100), Fraction(lots, 1000)) for tick, (_, lots) in zip(ticks, levels, strict=True)
    ]


def exact_slope(levels: Sequence[tuple[Fraction, Fraction]], mid: Fraction) -> Fraction:
    """Return `sum(d C) / sum(d d)`."""
    distances = [abs(price - mid) for price, _ in levels]
    cumulative = accumulate(size for _, size in levels)
    products = sum((d * c for d, c in zip(distances, cumulative, strict=True)), Fraction(0))
    return products / sum((d * d for d in distances), Fraction(0))


def exact_metrics(
    bids: Sequence[tuple[Fraction, Fraction]], asks: Sequence[tuple[Fraction, Fraction]]
) -> BasicMetrics:
    """Return the metrics by the contract's formulas in exact arithmetic."""
    (best_bid, bid_size), (best_ask, ask_size) = bids[0], asks[0]
    mid = (best_bid + best_ask) / 2
    bid_volume = sum((size for _, size in bids), Fraction(0))
    ask_volume = sum((size for _, size in asks), Fraction(0))
    notional = sum((price * size for price, size in [*bids, *asks]), Fraction(0))
    return BasicMetrics(
        best_bid=float(best_bid),
        best_ask=float(best_ask),
        mid_price=float(mid),
        spread=float(best_ask - best_bid),
        microprice=float((best_bid * ask_size + best_ask * bid_size) / (bid_size + ask_size)),
        imbalance=float((bid_volume - ask_volume) / (bid_volume + ask_volume)),
        queue_imbalance=float((bid_size - ask_size) / (bid_size + ask_size)),
        depth_weighted_price=float(notional / (bid_volume + ask_volume)),
        bid_slope=float(exact_slope(bids, mid)),
        ask_slope=float(exact_slope(asks, mid)),
        total_bid_volume=float(bid_volume),
        total_ask_volume=float(ask_volume),
        cumulative_bids=[float(total) for total in accumulate(size for _, size in bids)],
        cumulative_asks=[float(total) for total in accumulate(size for _, size in asks)],
    )


@given(bids=SIDES, asks=SIDES, best=st.integers(10_000, 10**7))
@property_settings(200)
def test_metrics_equal_exact_arithmetic(bids: Side, asks: Side, best: int) -> None:
    """On any book the metrics are those of exact arithmetic, finite and within their bounds."""
    exact_bids = exact_levels(bids, best, -1)
    exact_asks = exact_levels(asks, best + asks[0][0], 1)
    metrics = basic_metrics(
        top_of(
            [(float(price), float(size)) for price, size in exact_bids],
            [(float(price), float(size)) for price, size in exact_asks],
        )
    )
    expected = exact_metrics(exact_bids, exact_asks)
    for name in BasicMetrics.__struct_fields__:
        # Prices cancel in the spread, the imbalance and the distances: what is left is absolute.
        assert getattr(metrics, name) == pytest.approx(getattr(expected, name), rel=1e-7, abs=1e-8), name
    assert metrics.spread > 0
    assert -1 <= metrics.imbalance <= 1
    assert metrics.best_bid <= metrics.microprice <= metrics.best_ask
    assert metrics.cumulative_bids == sorted(metrics.cumulative_bids)
    assert metrics.cumulative_bids[-1] == metrics.total_bid_volume
    assert metrics.cumulative_asks[-1] == metrics.total_ask_volume


@given(st.integers(1, 10**14), st.integers(1, 10**6), st.integers(0, 10))
@property_settings(500)
def test_mid_and_spread_are_the_floats_nearest_to_the_exact_figures(bid: int, step: int, digits: int) -> None:
    """However many decimals the prices have, nothing of the floats' own noise is left."""
    exact_bid, exact_ask = Fraction(bid, 10**digits), Fraction(bid + step, 10**digits)
    mid, spread = mid_and_spread(float(exact_bid), float(exact_ask))
    assert (mid, spread) == (float((exact_bid + exact_ask) / 2), float(exact_ask - exact_bid))


def test_a_mid_between_two_ticks_has_no_dust() -> None:
    """Halves of ticks that adding the floats gets wrong."""
    assert (61886.6 + 61886.7) / 2 == 61886.649999999994
    assert mid_and_spread(61886.6, 61886.7) == (61886.65, 0.1)
    assert mid_and_spread(0.00000001, 0.00000002) == (0.000000015, 0.00000001)


@pytest.mark.parametrize("size", [1e-8, 1.0, 1e15])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e12])
def test_extreme_books_have_finite_metrics(size: float, scale: float) -> None:
    """The smallest and the largest prices and sizes that the wire may carry give no NaN and no infinity."""
    bids = [((100 - index) * scale, size) for index in range(10)]
    asks = [((101 + index) * scale, size) for index in range(10)]
    for value in msgspec.structs.astuple(basic_metrics(top_of(bids, asks))):
        assert all(isfinite(number) for number in (value if isinstance(value, list) else [value]))
