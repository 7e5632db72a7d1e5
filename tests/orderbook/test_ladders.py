"""Levels grouped at coarser price steps."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import inf, nextafter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_ingestion.messages import Levels
from orderbook.book_state import TOP_LEVELS, BookState
from orderbook.ladder import Ladder, Rung
from orderbook.ladders import UNITS_PER_USDT, _group, ladders, tick_of
from orderbook.side import CoveredSide
from tests.builders import OPS, NaiveExchange, Op, depth, property_settings, side, snapshot

TICK = 10_000_000  # 0.1 USDT in units of 1e-8


def one(bids: Levels, asks: Levels, multiple: int) -> Ladder:
    """Return the ladder of a book of these levels at `multiple` ticks of 0.1 USDT."""
    state = BookState(snapshot(100, bids, asks), book_levels=1_000)
    return ladders(state, TICK, [multiple])[0]


def test_the_steps_are_those_of_the_contract() -> None:
    """A ladder comes at each of the tick x 1, 10, 50, 100."""
    state = BookState(snapshot(100, side(100, -0.1, 20), side(100.1, 0.1, 20)), book_levels=1_000)
    assert [ladder.step for ladder in ladders(state, TICK)] == [0.1, 1, 5, 10]


def test_at_one_tick_the_rungs_are_the_levels() -> None:
    """The ladder of single ticks is the top ten."""
    ladder = one(side(100, -0.1, 20, 2), side(100.1, 0.1, 20, 3), 1)
    assert ladder.bids == side(100, -0.1, 10, 2)
    assert ladder.asks == side(100.1, 0.1, 10, 3)


def test_bids_are_grouped_downwards_and_asks_upwards() -> None:
    """A bid group is named by its lower end and an ask group by its upper end, both belonging to it."""
    ladder = one(
        [(100.3, 1), (100, 2), (99.9, 4), (99, 8), (98.9, 16), (98, 32)],
        [(100.5, 1), (101, 2), (101.1, 4), (102, 8), (102.1, 16), (103, 32)],
        10,
    )
    assert ladder.bids[:3] == [(100, 3), (99, 12), (98, 48)]
    assert ladder.asks[:3] == [(101, 3), (102, 12), (103, 48)]


def test_a_group_that_reaches_past_coverage_is_null() -> None:
    """The last group is null although some of its levels are known, and so is every one behind it."""
    ladder = one([(100.5, 1), (99.5, 2)], [(100.6, 1), (101.6, 2)], 10)
    assert ladder.bids[:3] == [(100, 1), (99, None), (98, None)]
    assert ladder.asks[:3] == [(101, 1), (102, None), (103, None)]
    assert len(ladder.bids) == len(ladder.asks) == TOP_LEVELS
    assert {size for _, size in ladder.bids[1:] + ladder.asks[1:]} == {None}


def test_a_group_that_ends_exactly_at_the_edge_is_known() -> None:
    """The worst level itself is covered, so a group that ends with it is whole."""
    ladder = one([(100.5, 1), (99, 2)], [(100.6, 1), (102, 2)], 10)
    assert ladder.bids[:3] == [(100, 1), (99, 2), (98, None)]
    assert ladder.asks[:3] == [(101, 1), (102, 2), (103, None)]


def test_known_empty_groups_are_left_out() -> None:
    """A group without levels inside coverage is skipped, also behind the last level."""
    state = BookState(
        snapshot(100, [(100, 1), (97, 2), (90, 1)], [(101, 1), (104, 2), (120, 1)]), book_levels=1_000
    )
    state.apply(depth(101, 102, 100, bids=[(90, 0)], asks=[(120, 0)]))
    ladder = ladders(state, TICK, [10])[0]
    assert ladder.bids[:4] == [(100, 1), (97, 2), (89, None), (88, None)]
    assert ladder.asks[:4] == [(101, 1), (104, 2), (121, None), (122, None)]


def test_an_empty_side_has_no_rungs() -> None:
    """Of a book without bids there is no bid ladder to draw."""
    assert one([], side(101, 1, 12), 10).bids == []


def test_sums_carry_no_float_noise() -> None:
    """Sizes are summed to the exchange's eight decimals."""
    assert one([(100.2, 0.1), (100.1, 0.2), (99, 1)], side(101, 1, 12), 10).bids[0] == (100, 0.3)


@pytest.mark.parametrize(
    ("prices", "known", "tick"),
    [
        ([100.1, 100.2, 100.7], 0, 10_000_000),
        ([100.0, 100.5], 0, 50_000_000),
        ([61_000.1, 61_000.3], 0, 10_000_000),
        ([3_412.55, 3_412.56], 0, 1_000_000),
        ([0.00001234, 0.00001235], 0, 1),
        ([100.0, 100.5], 10_000_000, 10_000_000),
        ([100.05], 10_000_000, 5_000_000),
        ([], 10_000_000, 10_000_000),
    ],
)
def test_the_tick_is_the_common_divisor(prices: list[float], known: int, tick: int) -> None:
    """The tick is the greatest step on which all prices lie, with what was known before."""
    half = len(prices) // 2
    levels = [(price, 1.0) for price in prices]
    assert tick_of(snapshot(1, levels[:half], levels[half:]), known) == tick


def naive_side(levels: Levels, step: Decimal, edge: float, *, bids: bool) -> list[Rung]:
    """Group one side by walking from group to group in decimal arithmetic."""
    sign = 1 if bids else -1
    exact = [(Decimal(repr(price)), Decimal(repr(size))) for price, size in levels]
    best = exact[0][0]
    group = (best / step).to_integral_value(ROUND_FLOOR if bids else ROUND_CEILING) * step
    rungs: list[Rung] = []
    while len(rungs) < TOP_LEVELS:
        far = Decimal(repr(edge))
        if sign * group < sign * far:
            rungs.append((float(group), None))
        else:
            inside = [size for price, size in exact if 0 <= sign * (price - group) < step]
            if inside:
                rungs.append((float(group), float(sum(inside))))
        group -= sign * step
    return rungs


@given(
    events=st.lists(st.lists(OPS, max_size=4), max_size=20),
    limit=st.integers(1, 45),
    most=st.integers(2, 45),
    multiples=st.lists(st.integers(1, 120), min_size=1, max_size=3),
)
@property_settings(150)
def test_ladders_equal_the_naive_grouping(
    events: list[list[Op]], limit: int, most: int, multiples: list[int]
) -> None:
    """Groups, their sums and what of them is unknown are those of plain decimal arithmetic."""
    exchange = NaiveExchange(levels=40)
    state = BookState(exchange.snapshot(limit), book_levels=most)
    for ops in events:
        state.apply(exchange.emit(ops))
    bids, asks = state.levels()
    for multiple, ladder in zip(multiples, ladders(state, TICK, multiples), strict=True):
        step = Decimal(multiple) / 10
        assert ladder.step == float(step)
        assert ladder.bids == (naive_side(bids, step, state.low, bids=True) if bids else [])
        assert ladder.asks == (naive_side(asks, step, state.high, bids=False) if asks else [])


def test_one_old_price_off_the_grid_makes_no_tick_finer() -> None:
    """A bid at 59980.01 in a market of 0.1 that has some hundred levels."""
    bids = [*side(60_000.0, -0.1, 300), (59_980.01, 1.0)]
    assert tick_of(snapshot(1, bids, side(60_000.1, 0.1, 300))) == 10_000_000


def test_a_tick_that_changes_is_taken_over() -> None:
    """What was known before does not hold for prices of another grid, coarser or finer."""
    fine, coarse = side(100.0, -0.01, 100), side(100.0, -0.5, 100)
    asks = side(100.5, 0.5, 100)
    assert tick_of(snapshot(1, fine, side(100.01, 0.01, 100)), 10_000_000) == 1_000_000
    assert tick_of(snapshot(1, coarse, asks), 1_000_000) == 50_000_000


def test_groups_beyond_what_is_known_now_are_null() -> None:
    """A small snapshot confirmed less than the book covers."""
    book = BookState(snapshot(1, side(100.0, -0.5, 60), side(100.5, 0.5, 60)), book_levels=100)
    whole = ladders(book, 50_000_000, (1, 10))
    part = ladders(book, 50_000_000, (1, 10), known=(97.0, 103.0))
    assert all(size is not None for ladder in whole[:1] for _, size in ladder.bids)
    assert [price for price, size in part[0].bids if size is not None] == side_prices(100.0, -0.5, 7)
    assert [price for price, size in part[0].asks if size is not None] == side_prices(100.5, 0.5, 6)
    assert [size is not None for _, size in part[1].bids][:3] == [True, False, False]


def side_prices(best: float, step: float, count: int) -> list[float]:
    """Return so many prices."""
    return [price for price, _ in side(best, step, count)]


def walked(levels: Levels, step: int, sign: int) -> list[tuple[int, float]]:
    """Group by walking from level to level, each told by its own price."""
    groups: dict[int, float] = {}
    for price, size in levels:
        group = sign * round(price * UNITS_PER_USDT) // step
        groups[group] = groups.get(group, 0.0) + size
    return [(sign * group * step, size) for group, size in groups.items()][:TOP_LEVELS]


PRICES = st.one_of(
    st.integers(1, 10**13).map(lambda units: units / UNITS_PER_USDT),
    st.floats(1e-6, 1e-5),
    st.floats(99.99, 100.01),
    st.floats(1e14, 1e15),
    st.integers(0, 400).map(lambda ticks: 100 + ticks / 10),
)


@given(st.lists(PRICES, min_size=1, max_size=60, unique=True), st.sampled_from([1, 10**3, 10**7, 10**8]))
@property_settings(600)
def test_groups_found_by_bisection_are_those_found_by_walking(prices: list[float], step: int) -> None:
    """Also of prices between two units, and of such as no float has units of."""
    prices.sort()
    for sign, side_prices in ((1, prices[::-1]), (-1, prices)):
        levels = [(price, 1.0 + place % 7) for place, price in enumerate(side_prices)]
        side = CoveredSide(levels, is_bid=sign == 1, most=len(levels))
        rungs = _group(side, prices, step, sign, -(10**30))
        expected = [(bottom / UNITS_PER_USDT, size) for bottom, size in walked(levels, step, sign)]
        assert rungs[: len(expected)] == expected


@pytest.mark.parametrize("first", [9.1e7, 1e8, 1e9])
@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_neighbouring_floats_of_more_units_than_a_float_has_are_told_apart(first: float, step: int) -> None:
    """Where the bound between two groups is itself one of the prices, each level counts once all the same."""
    prices = [first]
    while len(prices) < 40:
        prices.append(nextafter(prices[-1], inf))
    for count in range(1, len(prices)):
        some = prices[-count:]
        for sign, best_first in ((1, some[::-1]), (-1, some)):
            levels = [(price, 1.0 + place % 7) for place, price in enumerate(best_first)]
            side = CoveredSide(levels, is_bid=sign == 1, most=100)
            expected = [
                (bottom / UNITS_PER_USDT, size) for bottom, size in walked(levels, sign=sign, step=step)
            ]
            assert _group(side, some, step, sign, -(10**30))[: len(expected)] == expected
