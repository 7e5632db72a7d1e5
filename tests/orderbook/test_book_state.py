"""The book of levels inside the range in which everything is known."""

import pytest
from hypothesis import event as note
from hypothesis import given
from hypothesis import strategies as st

from data_ingestion.messages import Levels, decode_depth_update
from orderbook.book_state import TOP_LEVELS, BookState, Mismatch
from tests.builders import (
    OPS,
    NaiveExchange,
    Op,
    depth,
    depth_wire,
    encode,
    property_settings,
    side,
    snapshot,
)


def book(bids: Levels, asks: Levels, *, book_levels: int = 1_000) -> BookState:
    """Return a book of these levels."""
    return BookState(snapshot(100, bids, asks), book_levels=book_levels)


def even_book(levels: int = 12, *, book_levels: int = 1_000) -> BookState:
    """Return a book of `levels` a side, 1 USDT apart, bids from 100 down and asks from 101 up."""
    return book(side(100, -1, levels), side(101, 1, levels), book_levels=book_levels)


def test_a_snapshot_is_taken_over_best_first() -> None:
    """Levels in any order come out best first, and the worst ones bound the coverage."""
    state = book([(98, 3), (100, 1), (99, 2)], [(103, 3), (101, 1), (102, 2)])
    assert state.levels() == ([(100, 1), (99, 2), (98, 3)], [(101, 1), (102, 2), (103, 3)])
    assert (state.low, state.high) == (98, 103)
    state.check()


def test_sizes_are_absolute() -> None:
    """An event's size replaces the level's, it is not added."""
    state = even_book()
    state.apply(depth(101, 102, 100, bids=[(100, 5)], asks=[(101, 0.5)]))
    bids, asks = state.levels()
    assert (bids[0], asks[0]) == ((100, 5), (101, 0.5))


def test_a_new_level_inside_the_range_takes_its_place() -> None:
    """A level between two others is sorted in."""
    state = even_book()
    state.apply(depth(101, 102, 100, bids=[(99.5, 7)], asks=[(102.5, 8)]))
    bids, asks = state.levels()
    assert bids[:3] == [(100, 1), (99.5, 7), (99, 1)]
    assert asks[:3] == [(101, 1), (102, 1), (102.5, 8)]


@pytest.mark.parametrize("zero", ["0", "0.0", "0.000", "0.00000000", "-0", "-0.0", "0e3"])
def test_zero_removes_in_every_spelling(zero: str) -> None:
    """A size of zero removes the level, however the wire writes it."""
    state = even_book()
    wire = depth_wire(b=[["100.00", zero]], a=[["101.0", zero]])
    state.apply(decode_depth_update(encode(wire)))
    bids, asks = state.levels()
    assert (bids[0][0], asks[0][0]) == (99, 102)
    assert state.depth() == (11, 11)
    state.check()


def test_removing_what_is_not_there_is_normal() -> None:
    """Zero for a price without a level changes nothing, inside and outside coverage."""
    state = even_book()
    before = state.levels()
    state.apply(depth(101, 102, 100, bids=[(99.5, 0), (1, 0)], asks=[(101.5, 0), (10_000, 0)]))
    assert state.levels() == before
    assert state.corruption() is None


def test_zero_sizes_of_a_snapshot_are_no_levels() -> None:
    """A level of size 0 in a snapshot neither stands in the book nor widens its coverage."""
    state = book([(100, 1), (99, 0), (50, 0)], [(101, 1), (102, 0), (900, 0)])
    assert state.levels() == ([(100, 1)], [(101, 1)])
    assert (state.low, state.high) == (100, 101)


def test_an_empty_diff_changes_nothing() -> None:
    """An event without levels leaves all as it was."""
    state = even_book()
    before = (state.levels(), state.low, state.high)
    state.apply(depth(101, 102, 100))
    assert (state.levels(), state.low, state.high) == before


def test_levels_outside_coverage_are_not_stored() -> None:
    """What lies beyond the snapshot's worst level is not kept, the worst level itself is."""
    state = even_book()
    state.apply(depth(101, 102, 100, bids=[(88.9, 5), (89, 6)], asks=[(112.1, 5), (112, 6)]))
    bids, asks = state.levels()
    assert (bids[-1], asks[-1]) == ((89, 6), (112, 6))
    assert state.depth() == (12, 12)


def test_coverage_does_not_grow_back() -> None:
    """A range that was lost by dropping levels stays lost when levels near the touch go."""
    state = even_book(12, book_levels=12)
    state.apply(depth(101, 102, 100, bids=[(100.5, 1), (100.6, 1)]))
    assert (state.low, state.depth()) == (91, (12, 12))
    state.apply(depth(103, 104, 102, bids=[(100.5, 0), (100.6, 0), (90, 9)]))
    assert (state.low, state.depth()) == (91, (10, 12))
    assert (90, 9) not in state.levels()[0]


def test_a_snapshot_longer_than_the_book_is_cut() -> None:
    """Of a longer snapshot the best `book_levels` a side are kept, and coverage ends with them."""
    state = even_book(50, book_levels=20)
    assert state.depth() == (20, 20)
    assert (state.low, state.high) == (81, 120)
    state.check()


def test_top_is_the_ten_best_of_both_sides() -> None:
    """The top of book has exactly ten levels a side, best first."""
    top = even_book(30).top()
    assert top is not None
    assert top.bids == side(100, -1, TOP_LEVELS)
    assert top.asks == side(101, 1, TOP_LEVELS)


@pytest.mark.parametrize(("removed_bids", "removed_asks"), [(3, 0), (0, 3)])
def test_no_top_with_fewer_than_ten_covered(removed_bids: int, removed_asks: int) -> None:
    """With nine covered levels on one side there is no top, for a tenth may stand beyond coverage."""
    state = even_book(12)
    state.apply(
        depth(
            101,
            102,
            100,
            bids=[(price, 0) for price, _ in side(100, -1, removed_bids)],
            asks=[(price, 0) for price, _ in side(101, 1, removed_asks)],
        )
    )
    assert state.top() is None
    assert state.corruption() is None


@pytest.mark.parametrize(
    ("bids", "asks"),
    [
        ([(101, 1)], []),
        ([(101.5, 1)], []),
        ([], [(100, 1)]),
        ([], [(99.5, 1)]),
        ([(200, 1)], []),
        ([], [(1, 1)]),
    ],
    ids=["touches", "crosses", "ask touches", "ask crosses", "bid above coverage", "ask below coverage"],
)
def test_a_crossed_book_is_corrupt(bids: Levels, asks: Levels) -> None:
    """A bid at or above an ask shows, even where it lies beyond the range covered."""
    state = even_book()
    state.apply(depth(101, 102, 100, bids=bids, asks=asks))
    assert state.corruption()
    with pytest.raises(AssertionError):
        state.check()


@pytest.mark.parametrize("emptied", ["bids", "asks"])
def test_an_empty_side_is_corrupt(emptied: str) -> None:
    """A side without levels in coverage is no book, and there is no top."""
    state = even_book()
    bids = [(price, 0.0) for price, _ in side(100, -1, 12)] if emptied == "bids" else []
    asks = [(price, 0.0) for price, _ in side(101, 1, 12)] if emptied == "asks" else []
    state.apply(depth(101, 102, 100, bids=bids, asks=asks))
    assert state.corruption()
    assert state.top() is None


@pytest.mark.parametrize("missing", ["bids", "asks", "both"])
def test_of_a_side_missing_from_the_snapshot_nothing_is_known(missing: str) -> None:
    """Diffs never complete a side that the snapshot did not show: other levels may stand between them."""
    state = book(
        [] if missing != "asks" else side(100, -1, 20),
        [] if missing != "bids" else side(101, 1, 20),
    )
    assert state.corruption()
    state.apply(depth(101, 102, 100, bids=side(100, -2, 15), asks=side(101, 2, 15)))
    assert state.corruption()
    assert state.top() is None


def test_two_equal_books_have_no_disagreements() -> None:
    """Equal books agree in all their levels."""
    assert even_book(15).compare(even_book(15), ignored_bids=frozenset(), ignored_asks=frozenset()) == (
        30,
        [],
    )


def test_disagreements_are_found_to_the_digit() -> None:
    """A missing level, a spurious one and a size that differs in the last digit are all found."""
    mine, other = even_book(12), even_book(12)
    mine.apply(depth(101, 102, 100, bids=[(95, 0), (97, 1.00000001)], asks=[(105.5, 2)]))
    compared, found = mine.compare(other, ignored_bids=frozenset(), ignored_asks=frozenset())
    assert compared == 25
    assert found == [
        Mismatch("bid", 95, None, 1),
        Mismatch("bid", 97, 1.00000001, 1),
        Mismatch("ask", 105.5, 2, None),
    ]


def test_prices_left_out_are_left_out_on_their_own_side_only() -> None:
    """A price that changed on the bid side excuses no difference on the ask side."""
    mine, other = even_book(12), even_book(12)
    mine.apply(depth(101, 102, 100, bids=[(95, 4)], asks=[(105, 5)]))
    compared, found = mine.compare(other, ignored_bids={95.0, 105.0}, ignored_asks=frozenset())
    assert (compared, found) == (23, [Mismatch("ask", 105, 5, 1)])


def test_only_what_both_cover_is_compared() -> None:
    """A level that one of the books does not cover is no disagreement."""
    compared, found = even_book(20).compare(even_book(12), ignored_bids=frozenset(), ignored_asks=frozenset())
    assert (compared, found) == (24, [])


class NaiveCoverage:
    """What is known of a full book through a snapshot of `limit` levels, if only `most` a side are held."""

    def __init__(self, bids: Levels, asks: Levels, limit: int, most: int) -> None:
        kept = min(limit, most)
        self.low = min(price for price, _ in bids[:kept])
        self.high = max(price for price, _ in asks[:kept])
        self.most = most

    def restrict(self, bids: Levels, asks: Levels) -> tuple[Levels, Levels]:
        """Return what of the full book is known after an event; shrink with what is too much."""
        known_bids = sorted((level for level in bids if level[0] >= self.low), reverse=True)
        known_asks = sorted(level for level in asks if level[0] <= self.high)
        if len(known_bids) > self.most:
            known_bids = known_bids[: self.most]
            self.low = known_bids[-1][0]
        if len(known_asks) > self.most:
            known_asks = known_asks[: self.most]
            self.high = known_asks[-1][0]
        return known_bids, known_asks


@given(
    before=st.lists(OPS, max_size=10),
    events=st.lists(st.lists(OPS, max_size=5), min_size=1, max_size=30),
    limit=st.integers(3, 45),
    most=st.integers(3, 45),
)
@property_settings(250)
def test_the_book_equals_the_naive_one_within_coverage(
    before: list[Op], events: list[list[Op]], limit: int, most: int
) -> None:
    """After every event the book is the full one cut to coverage, and its top is the true one."""
    exchange = NaiveExchange(levels=30)
    exchange.emit(before)
    taken = exchange.snapshot(limit)
    state = BookState(taken, book_levels=most)
    naive = NaiveCoverage(*exchange.book(), limit, most)
    assert state.levels() == naive.restrict(*exchange.book())
    for ops in events:
        state.apply(exchange.emit(ops))
        true_bids, true_asks = exchange.book()
        expected_bids, expected_asks = naive.restrict(true_bids, true_asks)
        assert state.levels() == (expected_bids, expected_asks)
        assert state.depth() == (len(expected_bids), len(expected_asks))
        assert max(state.depth()) <= most
        assert (state.low, state.high) == (naive.low, naive.high)
        assert (state.corruption() is None) == bool(expected_bids and expected_asks)
        state.check()
        top = state.top()
        note(f"top {'known' if top else 'unknown'}")
        assert (top is not None) == (min(len(expected_bids), len(expected_asks)) >= TOP_LEVELS)
        if top is not None:
            assert (top.bids, top.asks) == (true_bids[:TOP_LEVELS], true_asks[:TOP_LEVELS])


@given(
    events=st.lists(st.lists(OPS, max_size=4), min_size=1, max_size=20),
    limits=st.tuples(st.integers(5, 45), st.integers(5, 45)),
)
@property_settings(100)
def test_books_of_one_exchange_never_disagree(events: list[list[Op]], limits: tuple[int, int]) -> None:
    """Two books begun at different times with different coverage agree wherever both know."""
    exchange = NaiveExchange(levels=30)
    older = BookState(exchange.snapshot(limits[0]), book_levels=40)
    half = len(events) // 2
    for ops in events[:half]:
        older.apply(exchange.emit(ops))
    newer = BookState(exchange.snapshot(limits[1]), book_levels=25)
    for ops in events[half:]:
        event = exchange.emit(ops)
        older.apply(event)
        newer.apply(event)
    found = older.compare(newer, ignored_bids=frozenset(), ignored_asks=frozenset())[1]
    assert found == []
