"""Market orders walked through a book, against figures worked by hand and a literal walk in fractions."""

from decimal import Decimal
from fractions import Fraction
from itertools import accumulate

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_ingestion.messages import Levels
from features.market_impact import (
    BadSize,
    BookSides,
    Impacts,
    MarketImpact,
    OrderSide,
    Unit,
    market_impact,
    market_impacts,
)
from orderbook.book_state import TopOfBook
from tests.builders import property_settings, side, top_of

BOOK = top_of(side(100, -1, 10, 2), side(102, 1, 10, 1))
"""Bids 100..91 of size 2, asks 102..111 of size 1; mid 101."""


def test_a_buy_worked_by_hand() -> None:
    """2.5 cost 102 + 103 + 0.5 * 104 = 257, so 102.8 each: 1.8 above mid, 1.8 / 101 of it."""
    assert market_impact(BOOK, 2.5, OrderSide.BUY) == MarketImpact(
        avg_price=102.8,
        worst_price=104.0,
        mid_price=101.0,
        slippage=1.8,
        slippage_bps=178.21782178,
        levels_consumed=3,
        filled=2.5,
        unfilled=0.0,
        filled_quote=257.0,
        unfilled_quote=None,
        complete=True,
    )


def test_a_sell_worked_by_hand() -> None:
    """3 bring 2 * 100 + 99 = 299, so 99 2/3 each: 1 1/3 below mid, which is a cost and so positive."""
    assert market_impact(BOOK, 3, OrderSide.SELL) == MarketImpact(
        avg_price=99.66666667,
        worst_price=99.0,
        mid_price=101.0,
        slippage=1.33333333,
        slippage_bps=132.01320132,
        levels_consumed=2,
        filled=3.0,
        unfilled=0.0,
        filled_quote=299.0,
        unfilled_quote=None,
        complete=True,
    )


@pytest.mark.parametrize(("order", "held"), [(OrderSide.BUY, 10.0), (OrderSide.SELL, 20.0)])
def test_more_than_ten_levels_hold_is_filled_in_part(order: OrderSide, held: float) -> None:
    """All ten levels are taken, the mean is theirs, and the rest is said to be unfilled."""
    impact = market_impact(BOOK, held + 0.5, order)
    assert (impact.filled, impact.unfilled, impact.complete) == (held, 0.5, False)
    assert impact.levels_consumed == 10
    assert impact.avg_price == (106.5 if order is OrderSide.BUY else 95.5)


@pytest.mark.parametrize(
    ("size", "levels"),
    [(0.1, 1), (0.10000001, 2), (0.3, 2), (0.1 + 0.2, 2), (0.30000001, 3), (0.6, 3), (0.1 + 0.2 + 0.3, 3)],
)
def test_a_level_that_is_just_used_up_is_the_last(size: float, levels: int) -> None:
    """Noise of floats, in the order or in sums of levels, takes nothing from the level behind."""
    asks = [(102.0, 0.1), (103.0, 0.2), (104.0, 0.3), *side(105, 1, 7)]
    impact = market_impact(top_of(BOOK.bids, asks), size, OrderSide.BUY)
    assert (impact.levels_consumed, impact.complete, impact.unfilled) == (levels, True, 0)
    assert impact.filled == round(size, 8)


def test_just_the_whole_side_is_complete() -> None:
    """Ten levels of 0.1 hold an order of 1, which ten floats of 0.1 do not add up to."""
    impact = market_impact(top_of(BOOK.bids, side(102, 1, 10, 0.1)), 1.0, OrderSide.BUY)
    assert (impact.levels_consumed, impact.filled, impact.unfilled, impact.complete) == (10, 1, 0, True)


@pytest.mark.parametrize("size", [0.0, -0.0, -1.0, 4e-9, float("nan"), float("inf"), float("-inf")])
def test_a_size_that_no_order_can_have_is_refused(size: float) -> None:
    """The error carries the size and says it."""
    with pytest.raises(BadSize, match=f"size is {size}") as refused:
        market_impact(BOOK, size, OrderSide.BUY)
    assert str(refused.value.size) == str(size)


@pytest.mark.parametrize("order", OrderSide)
@pytest.mark.parametrize("size", [1e-8, 1.7e308])
def test_extreme_sizes_are_walked(order: OrderSide, size: float) -> None:
    """The smallest order takes from one level; the largest float takes all and is not complete."""
    impact = market_impact(BOOK, size, order)
    assert impact.unfilled is not None
    assert impact.filled + impact.unfilled == size
    assert (impact.levels_consumed, impact.complete) == ((1, True) if size < 1 else (10, False))


def exact(number: float) -> Fraction:
    """Return the decimal that the exchange wrote."""
    return Fraction(Decimal(str(number)))


def paid_for(levels: list[tuple[Fraction, Fraction]], money: Fraction) -> Fraction | None:
    """Return how much of the base asset, in whole steps, this pays for; None where the levels hold less."""
    step, filled = Fraction(1, 10**8), Fraction(0)
    for price, quantity in levels:
        if money < quantity * price:
            return (filled + money / price) // step * step
        filled, money = filled + quantity, money - quantity * price
    return filled if money == 0 else None


def literal_impact(
    book: BookSides, size: float, order: OrderSide, unit: Unit = Unit.BASE, *, whole: bool = False
) -> MarketImpact | None:
    """Return the figures of an order filled level by level in fractions; None where it pays for nothing."""
    asked = exact(round(size, 8))
    levels = [(exact(p), exact(q)) for p, q in (book.asks if order is OrderSide.BUY else book.bids)]
    there = sum((quantity for _, quantity in levels), Fraction(0))
    wanted = asked if unit is Unit.BASE else paid_for(levels, asked)
    complete = wanted is not None and wanted <= there
    filled = there if wanted is None else min(wanted, there)
    left, paid, touched = filled, Fraction(0), list[Fraction]()
    for price, quantity in levels:
        if left > 0:
            touched.append(price)
            paid += min(quantity, left) * price
            left -= min(quantity, left)
    if not filled:
        return None
    mid = (exact(book.bids[0][0]) + exact(book.asks[0][0])) / 2
    slippage = (paid / filled - mid) * (1 if order is OrderSide.BUY else -1)
    is_base, is_known = unit is Unit.BASE, complete or not whole
    return MarketImpact(
        avg_price=float(round(paid / filled, 8)),
        worst_price=float(touched[-1]),
        mid_price=float(round(mid, 8)),
        slippage=float(round(slippage, 8)) if is_known else None,
        slippage_bps=float(round(slippage / mid * 10_000, 8)) if is_known else None,
        levels_consumed=len(touched),
        filled=float(filled),
        unfilled=float(asked - filled) if is_base else None,
        filled_quote=float(round(paid, 8)),
        unfilled_quote=None if is_base else float(asked - round(paid, 8)),
        complete=complete,
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
    order=st.sampled_from(OrderSide),
)
@property_settings(300)
def test_any_order_equals_the_literal_walk(
    bids: list[tuple[int, int]],
    asks: list[tuple[int, int]],
    best: int,
    lots: int,
    whole: int,
    order: OrderSide,
) -> None:
    """Any size, or the first levels' own sum in noisy floats, gives the literal figures to the digit."""
    top = TopOfBook(levels_of(bids, best, -1), levels_of(asks, best + asks[0][0], 1))
    taken = top.asks if order is OrderSide.BUY else top.bids
    size = sum(quantity for _, quantity in taken[:whole]) if whole else lots / 1000
    impact = market_impact(top, size, order)
    assert impact == literal_impact(top, size, order)
    assert impact.slippage is not None
    assert impact.slippage > 0
    assert impact.unfilled is not None
    assert Decimal(repr(impact.filled)) + Decimal(repr(impact.unfilled)) == Decimal(repr(round(size, 8)))
    if whole:
        assert (impact.levels_consumed, impact.complete) == (whole, True)


@given(small=st.integers(1, 12_000), more=st.integers(1, 12_000), order=st.sampled_from(OrderSide))
@property_settings(100)
def test_a_larger_order_is_never_cheaper(small: int, more: int, order: OrderSide) -> None:
    """Mean price, levels and what is filled only ever grow worse, or stay."""
    one, other = (market_impact(BOOK, lots / 1000, order) for lots in (small, small + more))
    assert one.slippage is not None
    assert other.slippage is not None
    assert one.slippage <= other.slippage
    assert one.levels_consumed <= other.levels_consumed
    assert one.filled <= other.filled


@pytest.mark.parametrize("size", [1e-8, 1.0, 1e15])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e12])
def test_extreme_books_have_finite_figures(size: float, scale: float) -> None:
    """The smallest and the largest prices and sizes of the wire give no NaN and no infinity."""
    bids = [((100 - index) * scale, size) for index in range(10)]
    asks = [((101 + index) * scale, size) for index in range(10)]
    impact = market_impact(top_of(bids, asks), 3.5, OrderSide.SELL)
    assert all(abs(value) < 1e30 for value in msgspec.structs.astuple(impact) if value is not None)


# --- many orders, whole books, sizes in USDT ---------------------------------------------------------------


def test_many_sizes_are_each_walked_for_themselves() -> None:
    """In the order asked, the same size twice too, as each alone."""
    sizes = [2.5, 0.1, 40.0, 2.5]
    for unit in Unit:
        assert market_impacts(BOOK, sizes, OrderSide.SELL, unit) == [
            market_impact(BOOK, size, OrderSide.SELL, unit) for size in sizes
        ]


def test_a_whole_book_is_walked_to_its_last_level_and_no_slippage_is_told_beyond() -> None:
    """Levels count on past ten; of more than is known there is a mean price of the filled part alone."""
    book = top_of(side(100, -1, 30), side(102, 1, 30))
    inside, beyond = market_impacts(book, [30, 30.5], OrderSide.BUY, whole=True)
    assert (inside.levels_consumed, inside.complete, inside.slippage) == (30, True, 15.5)
    assert (beyond.levels_consumed, beyond.complete, beyond.unfilled) == (30, False, 0.5)
    assert (beyond.slippage, beyond.slippage_bps, beyond.avg_price) == (None, None, 116.5)
    assert market_impacts(book, [30.5], OrderSide.BUY)[0].slippage == 15.5


def test_a_buy_for_usdt_worked_by_hand() -> None:
    """250 USDT pay for 1 at 102, 1 at 103 and 45 / 104 = 0.43269230 at 104, of which 0.0000008 are left."""
    impact = market_impact(BOOK, 250, OrderSide.BUY, Unit.QUOTE)
    assert (impact.filled, impact.filled_quote, impact.unfilled_quote) == (2.4326923, 249.9999992, 8e-7)
    assert (impact.unfilled, impact.complete, impact.levels_consumed) == (None, True, 3)


def test_a_sell_for_usdt_worked_by_hand() -> None:
    """299 USDT are had for 2 at 100 and 1 at 99; more than all ten levels bring, and it is incomplete."""
    impact = market_impact(BOOK, 299, OrderSide.SELL, Unit.QUOTE)
    assert (impact.filled, impact.filled_quote, impact.unfilled_quote) == (3, 299, 0)
    assert (impact.complete, impact.levels_consumed, impact.avg_price) == (True, 2, 99.66666667)
    just, more = market_impacts(BOOK, [1910, 1910.5], OrderSide.SELL, Unit.QUOTE, whole=True)
    assert (just.complete, just.unfilled_quote, just.slippage) == (True, 0, 5.5)
    assert (more.complete, more.unfilled_quote, more.slippage, more.filled) == (False, 0.5, None, 20)


@pytest.mark.parametrize(("usdt", "pays"), [(1.02e-6, True), (1.01e-6, False), (0.0, False), (-5.0, False)])
def test_usdt_that_pay_for_nothing_are_refused(usdt: float, pays: bool) -> None:
    """An order takes at least 0.00000001, which costs 0.00000102 at 102."""
    if pays:
        assert market_impact(BOOK, usdt, OrderSide.BUY, Unit.QUOTE).filled == 1e-8
    else:
        with pytest.raises(BadSize, match=f"quote_size is {usdt}"):
            market_impact(BOOK, usdt, OrderSide.BUY, Unit.QUOTE)


NUMBERS = st.one_of(
    st.integers(1, 10**15).map(lambda units: units / 10**8),
    st.floats(1e-12, 1e15),
    st.sampled_from([0.1, 0.2, 0.1 + 0.2, 1e-8, 1e-12, 1e15, 9_007_199.254740993, 10_000_000.1]),
)
SIZES = st.one_of(NUMBERS, st.floats(1e-8, 1e300))


@given(
    prices=st.lists(NUMBERS, min_size=2, max_size=60, unique=True),
    quantities=st.lists(NUMBERS, min_size=60, max_size=60),
    split=st.integers(1, 59),
    sizes=st.lists(SIZES, min_size=1, max_size=6),
    order=st.sampled_from(OrderSide),
    unit=st.sampled_from(Unit),
    whole=st.booleans(),
)
@property_settings(400)
def test_any_orders_on_any_book_equal_the_literal_walk(
    prices: list[float],
    quantities: list[float],
    split: int,
    sizes: list[float],
    order: OrderSide,
    unit: Unit,
    whole: bool,
) -> None:
    """Any number of levels and decimals, to the digit, and also sizes that end just with a level."""
    levels = list(zip(sorted(prices), quantities, strict=False))
    cut = min(split, len(levels) - 1)
    book = TopOfBook(levels[:cut][::-1], levels[cut:])
    impacts = Impacts(book, whole=whole)
    taken = book.asks if order is OrderSide.BUY else book.bids
    ends = [float(sum(exact(q) for _, q in taken[:count])) for count in (1, len(taken))]
    for size in (*sizes, *ends):
        expected = literal_impact(book, size, order, unit, whole=whole) if round(size, 8) > 0 else None
        if expected is None:
            with pytest.raises(BadSize):
                impacts.of(size, order, unit)
        else:
            assert impacts.of(size, order, unit) == expected
