"""Market orders walked through a top ten, against figures worked by hand and a naive walk in decimals."""

from decimal import Decimal
from fractions import Fraction
from itertools import accumulate

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_ingestion.messages import Levels
from features.market_impact import BadSize, MarketImpact, Side, market_impact
from orderbook.book_state import TopOfBook
from tests.builders import property_settings, side, top_of

BOOK = top_of(side(100, -1, 10, 2), side(102, 1, 10, 1))
"""Bids 100..91 of size 2, asks 102..111 of size 1; mid 101."""


def test_a_buy_worked_by_hand() -> None:
    """2.5 cost 102 + 103 + 0.5 * 104 = 257, so 102.8 each: 1.8 above mid, 1.8 / 101 of it."""
    assert market_impact(BOOK, 2.5, Side.BUY) == MarketImpact(
        avg_price=102.8,
        worst_price=104.0,
        mid_price=101.0,
        slippage=1.8,
        slippage_bps=178.21782178,
        levels_consumed=3,
        filled=2.5,
        unfilled=0.0,
        complete=True,
    )


def test_a_sell_worked_by_hand() -> None:
    """3 bring 2 * 100 + 99 = 299, so 99 2/3 each: 1 1/3 below mid, which is a cost and so positive."""
    assert market_impact(BOOK, 3, Side.SELL) == MarketImpact(
        avg_price=99.66666667,
        worst_price=99.0,
        mid_price=101.0,
        slippage=1.33333333,
        slippage_bps=132.01320132,
        levels_consumed=2,
        filled=3.0,
        unfilled=0.0,
        complete=True,
    )


@pytest.mark.parametrize(("order", "held"), [(Side.BUY, 10.0), (Side.SELL, 20.0)])
def test_more_than_ten_levels_hold_is_filled_in_part(order: Side, held: float) -> None:
    """All ten levels are taken, the mean is theirs, and the rest is said to be unfilled."""
    impact = market_impact(BOOK, held + 0.5, order)
    assert (impact.filled, impact.unfilled, impact.complete) == (held, 0.5, False)
    assert impact.levels_consumed == 10
    assert impact.avg_price == (106.5 if order is Side.BUY else 95.5)


@pytest.mark.parametrize(
    ("size", "levels"),
    [(0.1, 1), (0.10000001, 2), (0.3, 2), (0.1 + 0.2, 2), (0.30000001, 3), (0.6, 3), (0.1 + 0.2 + 0.3, 3)],
)
def test_a_level_that_is_just_used_up_is_the_last(size: float, levels: int) -> None:
    """Noise of floats, in the order or in sums of levels, takes nothing from the level behind."""
    asks = [(102.0, 0.1), (103.0, 0.2), (104.0, 0.3), *side(105, 1, 7)]
    impact = market_impact(top_of(BOOK.bids, asks), size, Side.BUY)
    assert (impact.levels_consumed, impact.complete, impact.unfilled) == (levels, True, 0)
    assert impact.filled == round(size, 8)


def test_just_the_whole_side_is_complete() -> None:
    """Ten levels of 0.1 hold an order of 1, which ten floats of 0.1 do not add up to."""
    impact = market_impact(top_of(BOOK.bids, side(102, 1, 10, 0.1)), 1.0, Side.BUY)
    assert (impact.levels_consumed, impact.filled, impact.unfilled, impact.complete) == (10, 1, 0, True)


@pytest.mark.parametrize("size", [0.0, -0.0, -1.0, 4e-9, float("nan"), float("inf"), float("-inf")])
def test_a_size_that_no_order_can_have_is_refused(size: float) -> None:
    """The error carries the size and says it."""
    with pytest.raises(BadSize, match=f"size is {size}") as refused:
        market_impact(BOOK, size, Side.BUY)
    assert str(refused.value.size) == str(size)


@pytest.mark.parametrize("order", Side)
@pytest.mark.parametrize("size", [1e-8, 1.7e308])
def test_extreme_sizes_are_walked(order: Side, size: float) -> None:
    """The smallest order takes from one level; the largest float takes all and is not complete."""
    impact = market_impact(BOOK, size, order)
    assert impact.filled + impact.unfilled == size
    assert (impact.levels_consumed, impact.complete) == ((1, True) if size < 1 else (10, False))


def naive_impact(top: TopOfBook, size: float, order: Side) -> MarketImpact:
    """Return the figures from where the order ends in the cumulative depth, in exact arithmetic."""
    levels = [(Decimal(str(p)), Decimal(str(q))) for p, q in (top.asks if order is Side.BUY else top.bids)]
    wanted = Decimal(str(round(size, 8)))
    ends = list(accumulate(quantity for _, quantity in levels))
    parts = [max(Decimal(0), min(wanted, end) - (end - q)) for end, (_, q) in zip(ends, levels, strict=True)]
    filled = min(wanted, ends[-1])
    notional = sum(Fraction(p) * Fraction(part) for (p, _), part in zip(levels, parts, strict=True))
    mid = Fraction(Decimal(str(top.bids[0][0])) + Decimal(str(top.asks[0][0]))) / 2
    slippage = (notional / Fraction(filled) - mid) * (1 if order is Side.BUY else -1)
    touched = [p for (p, _), part in zip(levels, parts, strict=True) if part]
    return MarketImpact(
        avg_price=float(round(notional / Fraction(filled), 8)),
        worst_price=float(touched[-1]),
        mid_price=float(round(mid, 8)),
        slippage=float(round(slippage, 8)),
        slippage_bps=float(round(slippage / mid * 10_000, 8)),
        levels_consumed=len(touched),
        filled=float(filled),
        unfilled=float(wanted - filled),
        complete=filled == wanted,
    )


STEPS = st.lists(st.tuples(st.integers(1, 500), st.integers(1, 10**7)), min_size=10, max_size=10)


def levels_of(steps: list[tuple[int, int]], best: int, sign: int) -> Levels:
    """Return levels `steps` apart, 0.01 USDT a tick and 0.001 a lot."""
    ticks = accumulate((sign * step for step, _ in steps[1:]), initial=best)
    return [(tick / 100, lots / 1000) for tick, (_, lots) in zip(ticks, steps, strict=True)]


@given(
    bids=STEPS,
    asks=STEPS,
    best=st.integers(10_000, 10**7),
    lots=st.integers(1, 2 * 10**8),
    whole=st.integers(0, 10),
    order=st.sampled_from(Side),
)
@property_settings(300)
def test_any_order_equals_the_naive_walk(
    bids: list[tuple[int, int]],
    asks: list[tuple[int, int]],
    best: int,
    lots: int,
    whole: int,
    order: Side,
) -> None:
    """Any size, or the first levels' own sum in noisy floats, gives the naive figures to the digit."""
    top = TopOfBook(levels_of(bids, best, -1), levels_of(asks, best + asks[0][0], 1))
    taken = top.asks if order is Side.BUY else top.bids
    size = sum(quantity for _, quantity in taken[:whole]) if whole else lots / 1000
    impact = market_impact(top, size, order)
    assert impact == naive_impact(top, size, order)
    assert impact.slippage > 0
    assert Decimal(repr(impact.filled)) + Decimal(repr(impact.unfilled)) == Decimal(repr(round(size, 8)))
    if whole:
        assert (impact.levels_consumed, impact.complete) == (whole, True)


@given(small=st.integers(1, 12_000), more=st.integers(1, 12_000), order=st.sampled_from(Side))
@property_settings(100)
def test_a_larger_order_is_never_cheaper(small: int, more: int, order: Side) -> None:
    """Mean price, levels and what is filled only ever grow worse, or stay."""
    one, other = (market_impact(BOOK, lots / 1000, order) for lots in (small, small + more))
    assert one.slippage <= other.slippage
    assert one.levels_consumed <= other.levels_consumed
    assert one.filled <= other.filled


@pytest.mark.parametrize("size", [1e-8, 1.0, 1e15])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e12])
def test_extreme_books_have_finite_figures(size: float, scale: float) -> None:
    """The smallest and the largest prices and sizes of the wire give no NaN and no infinity."""
    bids = [((100 - index) * scale, size) for index in range(10)]
    asks = [((101 + index) * scale, size) for index in range(10)]
    impact = market_impact(top_of(bids, asks), 3.5, Side.SELL)
    assert all(abs(value) < 1e17 for value in msgspec.structs.astuple(impact))
