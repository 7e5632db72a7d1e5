"""Figures that a maintained package computes too, held against its own: https://github.com/wickra-lib/wickra."""

from collections.abc import Callable
from itertools import pairwise

import pytest
import wickra
from hypothesis import given
from hypothesis import strategies as st

from features.basic_metrics import basic_metrics
from orderbook.book_state import TopOfBook
from tests.builders import property_settings
from tests.features.test_level_ofi import SIDE, Pairs, book_of, flow_of

ALIKE = 1e-9  # the package adds floats, ours are the floats nearest to the exact figures

Columns = tuple[list[float], list[float], list[float], list[float]]


def columns(bids: Pairs, asks: Pairs) -> Columns:
    """Return a book as the package takes it: prices and sizes of the bids, then of the asks."""
    return [p for p, _ in bids], [q for _, q in bids], [p for p, _ in asks], [q for _, q in asks]


@given(books=st.lists(st.builds(book_of, SIDE, SIDE), min_size=2, max_size=12))
@property_settings(100)
def test_order_flow_of_the_best_level(books: list[tuple[Pairs, Pairs]]) -> None:
    """The flow of each update, and of all of them."""
    theirs = wickra.OrderFlowImbalance(1)
    assert theirs.update(*columns(*books[0])) is None
    steps = [theirs.update(*columns(*book)) or 0.0 for book in books[1:]]
    ours = [flow_of(TopOfBook(*before), TopOfBook(*after))[0] for before, after in pairwise(books)]
    assert ours == pytest.approx(steps, rel=ALIKE, abs=ALIKE)
    assert flow_of(*(TopOfBook(*book) for book in books))[0] == pytest.approx(sum(steps), abs=ALIKE)


@pytest.mark.parametrize(
    ("name", "figure"),
    [
        ("microprice", wickra.Microprice),
        ("imbalance", wickra.OrderBookImbalanceFull),
        ("queue_imbalance", wickra.OrderBookImbalanceTop1),
    ],
)
@given(book=st.builds(book_of, SIDE, SIDE))
@property_settings(100)
def test_figures_of_one_book(
    name: str, figure: Callable[[], wickra.Microprice], book: tuple[Pairs, Pairs]
) -> None:
    """Microprice and both imbalances."""
    theirs = figure().update(*columns(*book))
    assert getattr(basic_metrics(TopOfBook(*book)), name) == pytest.approx(theirs, rel=ALIKE, abs=ALIKE)
