"""Taker trades of one second."""

from hypothesis import given
from hypothesis import strategies as st

from features.trade_flow import LARGEST_TRADES, TradeFlow, TradeSummary
from tests.builders import START_MS, property_settings, trade


def test_the_takers_side_is_the_makers_opposite() -> None:
    """A buyer who was the maker means that the taker sold."""
    flow = TradeFlow()
    flow.add(trade(100.0, 2.0, sold=True))
    flow.add(trade(100.1, 0.5, sold=False, at=START_MS + 7))
    assert flow.take() == TradeSummary(
        buy_volume=0.5,
        sell_volume=2.0,
        count=2,
        largest=[(100.0, 2.0, "sell", START_MS), (100.1, 0.5, "buy", START_MS + 7)],
    )


def test_a_second_without_trades_is_all_zero() -> None:
    """No trades are no volume, no count and no prints, not null."""
    assert TradeFlow().take() == TradeSummary(0, 0, 0, [])


def test_take_begins_anew() -> None:
    """Nothing of one second is left in the next."""
    flow = TradeFlow()
    flow.add(trade(100.0, 2.0))
    flow.take()
    assert flow.take() == TradeSummary(0, 0, 0, [])
    flow.add(trade(100.0, 1.0, sold=True))
    assert flow.take().count == 1


def test_sums_carry_no_float_noise() -> None:
    """Volumes are summed to the exchange's eight decimals."""
    flow = TradeFlow()
    flow.add(trade(100.0, 0.1))
    flow.add(trade(100.0, 0.2))
    assert flow.take().buy_volume == 0.3


@given(trades=st.lists(st.tuples(st.integers(1, 300), st.booleans()), max_size=700))
@property_settings(40)
def test_any_trades_are_summed_and_the_largest_kept(trades: list[tuple[int, bool]]) -> None:
    """Sums are exact and the largest prints come first, the earlier before the later of one size."""
    flow = TradeFlow()
    for index, (lots, sold) in enumerate(trades):
        flow.add(trade(100.0, lots / 1000, sold=sold, at=START_MS + index))
    summary = flow.take()
    assert summary.buy_volume == sum(lots for lots, sold in trades if not sold) / 1000
    assert summary.sell_volume == sum(lots for lots, sold in trades if sold) / 1000
    assert summary.count == len(trades)
    prints = [
        (100.0, lots / 1000, "sell" if sold else "buy", START_MS + index)
        for index, (lots, sold) in enumerate(trades)
    ]
    assert summary.largest == sorted(prints, key=lambda one: -one[1])[:LARGEST_TRADES]


def test_many_trades_keep_the_largest_of_all() -> None:
    """Among thousands of trades the largest are found wherever they stand, and no more are held."""
    flow = TradeFlow()
    for index in range(5_000):
        flow.add(trade(100.0, 1.0 + (index * 7_919) % 5_000))
    sizes = [one[1] for one in flow.take().largest]
    assert sizes == [5_000.0 - rank for rank in range(LARGEST_TRADES)]
