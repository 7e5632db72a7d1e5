"""Depth and trades merged by exchange time."""

from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from data_ingestion.messages import AggTrade
from features.detectors.book import Book, book_of
from features.detectors.detection import ASK, BID
from features.detectors.event_time import MOST_HELD, SET_BACK_MS, EventTimeMerge
from tests.builders import START_MS, property_settings, side, top_of
from tests.features.detectors.market import Item, trade_of

TOP = top_of(side(100, -1, 10), side(101, 1, 10))
HOLDBACK = 250


def a_trade(at: int, number: int = 1) -> AggTrade:
    """Return a trade of this time."""
    return trade_of(BID, 100, 1, START_MS + at, number)


@cache
def a_book(at: int, number: int = 1) -> Book:
    """Return the book of this time and number: the same one each time, for books are not compared."""
    return book_of(START_MS + at, number, TOP)


def put(merge: EventTimeMerge, item: Item) -> list[Item]:
    """Let an item arrive; return what is let go."""
    due = merge.add_book(item) if isinstance(item, Book) else merge.add_trade(item)
    return list(due or ())


def merged(items: list[Item], holdback: int = HOLDBACK) -> tuple[list[Item], int]:
    """Return all items as they come out, and how many were late."""
    merge = EventTimeMerge(holdback_ms=holdback)
    out = [gone for item in items for gone in put(merge, item)]
    return [*out, *merge.flush()], merge.late


def place(item: Item) -> tuple[int, bool, int]:
    """Return what the items are to be sorted by: time, trades before books, then their own number."""
    if isinstance(item, Book):
        return item.time, True, item.update_id
    return item.trade_time, False, item.trade_id


@st.composite
def arrivals(draw: st.DrawFn) -> list[Item]:
    """Return two streams, each in its own order, put together so that nothing is later than the holdback."""
    steps = draw(st.lists(st.tuples(st.booleans(), st.integers(0, 120)), max_size=80))
    now, items = 0, list[Item]()
    for number, (is_book, step) in enumerate(steps):
        now += step
        items.append(a_book(now, number) if is_book else a_trade(now, number))
    books_lag, trades_lag = draw(st.integers(0, HOLDBACK)), draw(st.integers(0, HOLDBACK))
    jitter = draw(st.randoms(use_true_random=False))
    arrived = dict.fromkeys((True, False), 0.0)
    timed = []
    for item in items:
        time, is_book, _ = place(item)
        lag = jitter.uniform(0, books_lag if is_book else trades_lag)
        arrived[is_book] = max(arrived[is_book], time + lag)  # a stream keeps its own order
        timed.append((arrived[is_book], item))
    return [item for _, item in sorted(timed, key=lambda pair: pair[0])]


@given(items=arrivals())
@property_settings(200)
def test_whatever_comes_in_time_comes_out_sorted(items: list[Item]) -> None:
    """Within the holdback any interleaving comes out as a naive sort has it, and nothing is lost."""
    assert merged(items) == (sorted(items, key=place), 0)


@given(items=st.lists(st.tuples(st.booleans(), st.integers(0, 3_000)), max_size=60))
@property_settings(100)
def test_what_comes_out_is_always_sorted_and_the_rest_is_counted(items: list[tuple[bool, int]]) -> None:
    """However late things arrive, the order is right, and every item comes out or is counted as late."""
    arriving: list[Item] = [
        a_book(at, number) if is_book else a_trade(at, number) for number, (is_book, at) in enumerate(items)
    ]
    out, late = merged(arriving)
    assert out == sorted(out, key=place)
    assert len(out) + late == len(arriving)


def test_an_item_as_late_as_the_holdback_is_in_time() -> None:
    """The holdback itself is allowed: what is exactly so late still finds its place before the book."""
    book, trade = a_book(0), a_trade(0)
    assert merged([book, a_trade(HOLDBACK, 9), trade]) == ([trade, book, a_trade(HOLDBACK, 9)], 0)


def test_a_later_item_is_counted_and_left_out() -> None:
    """What comes after its place has passed is late; what has no place before it yet is not."""
    merge = EventTimeMerge(holdback_ms=HOLDBACK)
    put(merge, a_book(0))
    put(merge, a_book(100, 2))
    assert put(merge, a_book(HOLDBACK + 101, 3)) == [a_book(0), a_book(100, 2)]
    assert put(merge, a_trade(100)) == []
    assert merge.late == 1
    assert put(merge, a_trade(101)) == []
    assert list(merge.flush()) == [a_trade(101), a_book(HOLDBACK + 101, 3)]
    assert merge.late == 1


def test_a_quiet_stream_holds_nobody_up() -> None:
    """Books alone come out, and so do trades alone, each as soon as the newest is later by the holdback."""
    for make in (a_book, a_trade):
        merge = EventTimeMerge(holdback_ms=HOLDBACK)
        assert put(merge, make(0, 1)) == []
        assert put(merge, make(HOLDBACK, 2)) == []
        assert put(merge, make(HOLDBACK + 1, 3)) == [make(0, 1)]
        assert len(merge) == 2


def test_at_equal_times_trades_come_first_and_streams_keep_their_order() -> None:
    """A book is read after the trades of its time; of one stream the lower number comes first."""
    items: list[Item] = [a_book(0, 5), a_trade(0, 7), a_book(0, 6), a_trade(0, 8)]
    assert merged(items) == ([a_trade(0, 7), a_trade(0, 8), a_book(0, 5), a_book(0, 6)], 0)


def test_equal_trades_keep_the_order_in_which_they_came() -> None:
    """Items that nothing tells apart are not compared, and none is lost."""
    first, second = trade_of(ASK, 101, 1, START_MS), trade_of(BID, 100, 2, START_MS)
    assert merged([first, second]) == ([first, second], 0)


def test_what_is_held_is_bounded() -> None:
    """Beyond its bound the oldest goes early, whatever the clock says."""
    merge = EventTimeMerge(holdback_ms=HOLDBACK)
    for number in range(MOST_HELD):
        assert put(merge, a_trade(1, number)) == []
    assert put(merge, a_trade(1, MOST_HELD)) == [a_trade(1, 0)]
    assert len(merge) == MOST_HELD


def test_a_clock_set_back_begins_a_new_order() -> None:
    """Time that is more than ten seconds older than what was let go is taken for the new time."""
    merge = EventTimeMerge(holdback_ms=HOLDBACK)
    put(merge, a_book(20_000))
    put(merge, a_book(21_000))
    assert put(merge, a_book(20_000 - SET_BACK_MS, 9)) == []
    assert merge.late == 1
    assert put(merge, a_book(20_000 - SET_BACK_MS - 1, 10)) == []
    assert put(merge, a_trade(20_000 - SET_BACK_MS + 500)) == [a_book(20_000 - SET_BACK_MS - 1, 10)]
    assert merge.late == 1


def test_one_item_of_a_wrong_time_far_ahead_holds_nothing_up() -> None:
    """It is dropped with the next item, and what comes out of order after it is put in order as before."""
    merge = EventTimeMerge(holdback_ms=HOLDBACK)
    put(merge, a_book(20_000))
    put(merge, a_trade(20_000_000_000))
    put(merge, a_book(20_300, 2))
    put(merge, a_trade(20_200, 3))
    assert put(merge, a_book(20_600, 4)) == [a_trade(20_200, 3), a_book(20_300, 2)]
    assert merge.late == 0


def test_flush_lets_all_go_in_order_and_what_is_older_is_late() -> None:
    """After a flush the merge goes on from its newest item."""
    merge = EventTimeMerge(holdback_ms=HOLDBACK)
    put(merge, a_book(100))
    put(merge, a_trade(50))
    assert list(merge.flush()) == [a_trade(50), a_book(100)]
    assert len(merge) == 0
    assert put(merge, a_trade(99)) == []
    assert merge.late == 1
