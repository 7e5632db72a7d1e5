"""A SortedDict whose order is told once for many changes is the same SortedDict as any other."""

from bisect import bisect_left, insort
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sortedcontainers import SortedDict

from orderbook.one_run import order_of, settle
from tests.builders import property_settings

PRICES = st.integers(1, 40).map(lambda ticks: ticks / 10)


plain: Any = dict
"""Whose methods tell the order nothing."""


def change(levels: "SortedDict[float, Any]", price: float, size: float) -> None:
    """Set a level, or remove it where the size is 0, in dict and order alike."""
    order = order_of(levels)
    if size and price not in levels:
        insort(order, price)
    elif not size and price in levels:
        del order[bisect_left(order, price)]
    if size:
        plain.__setitem__(levels, price, size)
    else:
        plain.pop(levels, price, None)


@property_settings(120)
@given(
    st.dictionaries(PRICES, st.just(1.0)),
    st.lists(st.lists(st.tuples(PRICES, st.sampled_from([0.0, 1.0, 2.0])), max_size=8), max_size=8),
)
def test_it_is_as_if_each_key_had_been_told(
    start: dict[float, float], events: list[list[tuple[float, float]]]
) -> None:
    """After each event the dict passes its own check, and gives what one changed key by key gives."""
    told_once: SortedDict[float, Any] = SortedDict(start)
    told_each: SortedDict[float, Any] = SortedDict(start)
    for changes in events:
        order_of(told_once)
        for price, size in changes:
            change(told_once, price, size)
            if size:
                told_each[price] = size
            else:
                told_each.pop(price, None)
        settle(told_once)
        told_once._check()  # type: ignore[attr-defined]
        assert list(told_once.items()) == list(told_each.items())
        assert list(reversed(told_once)) == list(reversed(told_each))
        if told_each:
            assert told_once.peekitem(0) == told_each.peekitem(0)
            assert told_once.peekitem(-1) == told_each.peekitem(-1)


def test_a_settled_dict_goes_on_as_usual() -> None:
    """Keys set and removed one by one afterwards are in order, also in one that had become empty."""
    levels: SortedDict[float, Any] = SortedDict({1.0: 1})
    change(levels, 1.0, 0)
    settle(levels)
    assert not list(levels)
    levels.update({3.0: 1, 2.0: 1})
    del levels[3.0]
    levels[1.5] = 1
    levels._check()  # type: ignore[attr-defined]
    assert list(levels) == [1.5, 2.0]


def test_what_is_not_settled_does_not_pass_the_check() -> None:
    """The check that the book's tests call sees an order that was changed and not told."""
    levels: SortedDict[float, Any] = SortedDict({1.0: 1, 2.0: 1})
    change(levels, 3.0, 1)
    with pytest.raises(AssertionError):
        levels._check()  # type: ignore[attr-defined]
