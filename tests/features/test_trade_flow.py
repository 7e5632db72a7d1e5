"""Taker trades of one second."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.trade_flow import LARGEST_TRADES, TradeFlow
from features.trade_summary import Print, TradeSummary
from tests.builders import START_MS, property_settings, trade


def test_the_takers_side_is_the_makers_opposite() -> None:
    """A buyer who was the maker means that the taker sold."""
    flow = TradeFlow()
    flow.add(trade(100.0, 2.0, sold=True))
    flow.add(trade(100.1, 0.5, sold=False, at=START_MS + 7))
    assert flow.drain() == TradeSummary(
        buy_volume=0.5,
        sell_volume=2.0,
        vwap=100.02,
        rpi_volume=0,
        count=2,
        largest=[Print(100.0, 2.0, "sell", START_MS), Print(100.1, 0.5, "buy", START_MS + 7)],
    )


def test_a_second_without_trades_is_all_zero() -> None:
    """No trades are no volume, no count and no prints, not null."""
    assert TradeFlow().drain() == TradeSummary(0, 0, None, 0, 0, [])


def test_drain_begins_anew() -> None:
    """Nothing of one second is left in the next."""
    flow = TradeFlow()
    flow.add(trade(100.0, 2.0))
    flow.drain()
    assert flow.drain() == TradeSummary(0, 0, None, 0, 0, [])
    flow.add(trade(100.0, 1.0, sold=True))
    assert flow.drain().count == 1


def test_sums_carry_no_float_noise() -> None:
    """Volumes are summed to the exchange's eight decimals."""
    flow = TradeFlow()
    flow.add(trade(100.0, 0.1))
    flow.add(trade(100.0, 0.2))
    assert flow.drain().buy_volume == 0.3


@given(trades=st.lists(st.tuples(st.integers(1, 300), st.booleans()), max_size=700))
@property_settings(40)
def test_any_trades_are_summed_and_the_largest_kept(trades: list[tuple[int, bool]]) -> None:
    """Sums are exact and the largest prints come first, the earlier before the later of one size."""
    flow = TradeFlow()
    for index, (lots, sold) in enumerate(trades):
        flow.add(trade(100.0, lots / 1000, sold=sold, at=START_MS + index))
    summary = flow.drain()
    assert summary.buy_volume == sum(lots for lots, sold in trades if not sold) / 1000
    assert summary.sell_volume == sum(lots for lots, sold in trades if sold) / 1000
    assert summary.count == len(trades)
    prints = [
        (100.0, lots / 1000, "sell" if sold else "buy", START_MS + index)
        for index, (lots, sold) in enumerate(trades)
    ]
    assert summary.largest == sorted(prints, key=lambda one: -one[1])[:LARGEST_TRADES]


VISIBLE = st.none() | st.integers(0, 300)


@given(trades=st.lists(st.tuples(st.integers(1, 10**7), st.integers(300, 10**6), VISIBLE), max_size=300))
@property_settings(100)
def test_price_and_rpi_part_equal_exact_arithmetic(trades: list[tuple[int, int, int | None]]) -> None:
    """The mean price weighs all that traded; the RPI part is told only if each trade tells its own."""
    flow = TradeFlow()
    for price, lots, hidden in trades:
        visible = None if hidden is None else (lots - hidden) / 1000
        flow.add(trade(price / 10, lots / 1000, visible=visible))
    summary = flow.drain()
    volume = sum(Fraction(lots, 1000) for _, lots, _ in trades)
    notional = sum(Fraction(price, 10) * Fraction(lots, 1000) for price, lots, _ in trades)
    if trades:
        assert summary.vwap == pytest.approx(float(notional / volume), rel=1e-12, abs=0.6e-8)
    else:
        assert summary.vwap is None
    told = [hidden for _, _, hidden in trades if hidden is not None]
    assert summary.rpi_volume == (sum(told) / 1000 if len(told) == len(trades) else None)


def test_many_trades_keep_the_largest_of_all() -> None:
    """Among thousands of trades the largest are found wherever they stand, and no more are held."""
    flow = TradeFlow()
    for index in range(5_000):
        flow.add(trade(100.0, 1.0 + (index * 7_919) % 5_000))
    sizes = [one[1] for one in flow.drain().largest]
    assert sizes == [5_000.0 - rank for rank in range(LARGEST_TRADES)]
