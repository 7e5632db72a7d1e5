"""Order flow imbalance rank by rank, worked by hand and against the papers' formula in exact arithmetic."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.level_ofi import LevelOrderFlow
from orderbook.book_state import TopOfBook
from tests.builders import property_settings, side

Pairs = list[tuple[float, float]]
BIDS, ASKS = side(100, -1, 10), side(101, 1, 10)


def flow_of(*tops: TopOfBook) -> list[float]:
    """Return the flow of these updates."""
    flow = LevelOrderFlow()
    for top in tops:
        flow.update(top)
    return flow.drain()


@pytest.mark.parametrize(
    ("bid", "ask", "expected"),
    [
        ((100, 4), (101, 1), 3),
        ((100, 0.25), (101, 1), -0.75),
        ((100, 1), (101, 4), -3),
        ((100, 1), (101, 0.25), 0.75),
        ((100.5, 2), (101, 1), 2),
        ((99.5, 2), (101, 1), -1),
        ((100, 1), (100.5, 2), -2),
        ((100, 1), (101.5, 2), 1),
        ((100.5, 2), (101.5, 3), 3),
        ((100, 1), (101, 1), 0),
    ],
    ids=[
        "bid grows: +",
        "bid shrinks: -",
        "ask grows: -",
        "ask shrinks: +",
        "better bid: its size",
        "bid gone: less what was there",
        "better ask: less its size",
        "ask gone: what was there",
        "both step up: both count up",
        "nothing: 0",
    ],
)
def test_the_best_level_worked_by_hand(
    bid: tuple[float, float], ask: tuple[float, float], expected: float
) -> None:
    """Each event of the best level counts as Cont, Kukanov and Stoikov say."""
    before = TopOfBook(BIDS, ASKS)
    after = TopOfBook([bid, *BIDS[1:]], [ask, *ASKS[1:]])
    assert flow_of(before, after) == [expected, *[0] * 9]


def test_each_rank_counts_by_itself() -> None:
    """A level that comes at the top moves all ranks, each of which sees another price."""
    after = TopOfBook([(100.5, 7), *BIDS[:9]], ASKS)
    assert flow_of(TopOfBook(BIDS, ASKS), after) == [7, *[1] * 9]


def test_the_first_update_and_the_first_after_a_restart_contribute_nothing() -> None:
    """What came before is not known."""
    flow = LevelOrderFlow()
    flow.update(TopOfBook(BIDS, ASKS))
    flow.update(TopOfBook([(100, 3), *BIDS[1:]], ASKS))
    flow.restart()
    flow.update(TopOfBook([(100, 50), *BIDS[1:]], ASKS))
    assert flow.drain() == [2, *[0] * 9]
    flow.update(TopOfBook([(100, 51), *BIDS[1:]], ASKS))
    assert flow.drain() == [1, *[0] * 9]


def exact(books: list[tuple[Pairs, Pairs]]) -> list[list[Fraction]]:
    """Return the papers' `e` of each update and rank, with indicators as they write them."""
    steps = []
    for (bids_before, asks_before), (bids, asks) in pairwise(books):
        ranks = []
        for rank in range(10):
            (pb, qb), (pa, qa) = map(fractions, (bids[rank], asks[rank]))
            (pb0, qb0), (pa0, qa0) = map(fractions, (bids_before[rank], asks_before[rank]))
            ranks.append(qb * (pb >= pb0) - qb0 * (pb <= pb0) - qa * (pa <= pa0) + qa0 * (pa >= pa0))
        steps.append(ranks)
    return steps


def fractions(level: tuple[float, float]) -> tuple[Fraction, Fraction]:
    """Return a level as the exchange's decimals."""
    return Fraction(str(level[0])), Fraction(str(level[1]))


SIDE = st.dictionaries(st.integers(1, 40), st.integers(1, 10**6), min_size=10, max_size=10)


def book_of(bids: dict[int, int], asks: dict[int, int]) -> tuple[Pairs, Pairs]:
    """Return a book of ten levels a side, best first; bids lie below 100 and asks above."""
    return (
        [((1_000 - at) / 10, lots / 1000) for at, lots in sorted(bids.items())],
        [((1_000 + at) / 10, lots / 1000) for at, lots in sorted(asks.items())],
    )


@given(books=st.lists(st.builds(book_of, SIDE, SIDE), min_size=1, max_size=12))
@property_settings(100)
def test_any_books_give_the_papers_sums(books: list[tuple[Pairs, Pairs]]) -> None:
    """Over any sequence of books each rank's flow is that of exact arithmetic."""
    flow = flow_of(*(TopOfBook(bids, asks) for bids, asks in books))
    steps = exact(books)
    assert flow == [float(sum((step[rank] for step in steps), Fraction(0))) for rank in range(10)]
