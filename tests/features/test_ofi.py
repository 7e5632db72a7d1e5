"""Order flow imbalance: the change of ten-level volumes, summed over a second."""

from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.basic_metrics import basic_metrics
from features.ofi import OrderFlowImbalance
from orderbook.book_state import BookState
from tests.builders import depth, property_settings, side, snapshot

Change = list[tuple[float, float]]


@pytest.mark.parametrize(
    ("bids", "asks", "expected"),
    [
        ([(100, 4)], [], 3),
        ([], [(101, 4)], -3),
        ([(100, 0.25)], [], -0.75),
        ([], [(101, 0.25)], 0.75),
        ([(100, 4)], [(101, 4)], 0),
        ([(100, 3)], [(101, 0.5)], 2.5),
        ([], [], 0),
        ([(85, 50)], [(116, 50)], 0),
    ],
    ids=[
        "bid added: +",
        "ask added: -",
        "bid removed: -",
        "ask removed: +",
        "both added: 0",
        "bid added and ask removed: + both",
        "nothing: 0",
        "outside the ten levels: 0",
    ],
)
def test_the_sign_worked_by_hand(bids: Change, asks: Change, expected: float) -> None:
    """Growing bids and shrinking asks count up, shrinking bids and growing asks count down."""
    book = BookState(snapshot(1, side(100, -1, 20), side(101, 1, 20)), book_levels=100)
    ofi = OrderFlowImbalance()
    changes = []
    for event in (depth(1, 2, 0), depth(3, 4, 2, bids, asks)):
        book.apply(event)
        top = book.top()
        assert top is not None
        metrics = basic_metrics(top)
        changes.append(ofi.update(metrics.total_bid_volume, metrics.total_ask_volume))
    assert changes == [0, expected]
    assert ofi.drain() == expected


def test_the_first_update_contributes_nothing() -> None:
    """Volumes that appear from nowhere are no flow."""
    ofi = OrderFlowImbalance()
    assert ofi.update(500, 20) == 0
    assert ofi.drain() == 0


def test_the_first_update_after_a_restart_contributes_nothing() -> None:
    """What changed while the book was not known is no flow, what was summed before stays."""
    ofi = OrderFlowImbalance()
    ofi.update(10, 10)
    ofi.update(12, 10)
    ofi.restart()
    assert ofi.update(500, 3) == 0
    assert ofi.update(500, 4) == -1
    assert ofi.drain() == 1


def test_take_begins_a_new_sum_but_keeps_the_volumes() -> None:
    """The first update of a second is measured against the last one of the second before."""
    ofi = OrderFlowImbalance()
    ofi.update(10, 10)
    ofi.update(11, 10)
    assert ofi.drain() == 1
    assert ofi.drain() == 0
    assert ofi.update(15, 12) == 2
    assert ofi.drain() == 2


VOLUMES = st.tuples(st.integers(0, 10**9), st.integers(0, 10**9))


@given(seconds=st.lists(st.lists(VOLUMES | st.none(), max_size=8), max_size=8))
@property_settings(200)
def test_sums_equal_the_naive_ones(seconds: list[list[tuple[int, int] | None]]) -> None:
    """Over any volumes and restarts the sum of a second is that of its differences, and finite."""
    ofi = OrderFlowImbalance()
    before: tuple[int, int] | None = None
    for second in seconds:
        expected = 0
        for volumes in second:
            if volumes is None:
                ofi.restart()
            else:
                ofi.update(*volumes)
                if before is not None:
                    expected += (volumes[0] - before[0]) - (volumes[1] - before[1])
            before = volumes
        total = ofi.drain()
        assert isfinite(total)
        assert total == expected
