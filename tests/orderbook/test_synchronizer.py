"""From a snapshot and the diffs around it to a true book."""

import pytest
from hypothesis import event as note
from hypothesis import given
from hypothesis import strategies as st

from data_ingestion.messages import DepthUpdate
from orderbook.sequence_validator import Gap, Verdict
from orderbook.synchronizer import OUTDATED_EVENTS, Corrupt, LocalBook, Progress, Synchronizer
from tests.builders import OPS, NaiveExchange, Op, depth, property_settings, side, snapshot, within

BIDS, ASKS = side(100, -1, 12), side(101, 1, 12)


def synchronizer(*events: DepthUpdate) -> Synchronizer:
    """Return a synchronizer that has buffered `events`."""
    made = Synchronizer(book_levels=1_000)
    for event in events:
        assert made.add(event) is Progress.NEEDS_SNAPSHOT
    return made


def last_id(made: Synchronizer) -> int | None:
    """Return the id up to which the book is true, if there is one."""
    return made.book.last_update_id if made.book is not None else None


def test_events_wait_for_the_snapshot() -> None:
    """Before a snapshot events are buffered and there is no book."""
    made = synchronizer(depth(95, 105, 90), depth(106, 110, 105))
    assert (len(made), made.book, made.progress) == (2, None, Progress.NEEDS_SNAPSHOT)


def test_a_snapshot_inside_the_buffer_is_done_at_once() -> None:
    """Outdated events are dropped, the spanning one and those after it are applied in order."""
    made = synchronizer(
        depth(80, 90, 79, bids=[(100, 77)]),
        depth(91, 99, 90, bids=[(99, 88)]),
        depth(100, 105, 99, bids=[(100, 5)]),
        depth(106, 110, 105, bids=[(100, 6)], asks=[(101, 7)]),
    )
    assert made.offer(snapshot(102, BIDS, ASKS)) is Progress.DONE
    assert made.book is not None
    bids, asks = made.book.state.levels()
    assert (bids[:2], asks[0]) == ([(100, 6), (99, 1)], (101, 7))
    assert last_id(made) == 110
    assert len(made) == 0


def test_a_snapshot_ahead_of_the_stream_waits_for_the_spanning_event() -> None:
    """A snapshot newer than all events is kept until the event that spans it arrives."""
    made = synchronizer(depth(80, 90, 79))
    assert made.offer(snapshot(102, BIDS, ASKS)) is Progress.NEEDS_EVENT
    assert made.add(depth(91, 99, 90)) is Progress.NEEDS_EVENT
    assert made.add(depth(100, 105, 99)) is Progress.DONE
    assert last_id(made) == 105


def test_a_snapshot_alone_is_not_a_book_in_step() -> None:
    """Without an event that spans it a snapshot is never done, though it may be right."""
    made = Synchronizer(book_levels=1_000)
    assert made.offer(snapshot(102, BIDS, ASKS)) is Progress.NEEDS_EVENT


def test_an_older_snapshot_keeps_the_buffer() -> None:
    """A snapshot from before the first event is refused, and a newer one still fits the same events."""
    made = synchronizer(depth(95, 105, 90), depth(106, 110, 105, bids=[(100, 9)]))
    assert made.offer(snapshot(94, BIDS, ASKS)) is Progress.NEEDS_SNAPSHOT
    assert made.why_rejected
    assert (len(made), made.book) == (2, None)
    assert made.offer(snapshot(95, BIDS, ASKS)) is Progress.DONE
    assert made.why_rejected == ""
    assert last_id(made) == 110


def test_the_spot_rule_is_not_applied() -> None:
    """An event that starts right after the snapshot does not span it."""
    made = synchronizer(depth(101, 105, 100))
    assert made.offer(snapshot(100, BIDS, ASKS)) is Progress.NEEDS_SNAPSHOT


def test_no_book_across_a_hole_in_the_buffer() -> None:
    """A snapshot that fits only what came before a hole is refused; one after it is taken."""
    made = synchronizer(depth(95, 105, 90), depth(111, 120, 110), depth(121, 130, 120))
    assert made.offer(snapshot(100, BIDS, ASKS)) is Progress.NEEDS_SNAPSHOT
    assert made.why_rejected
    assert made.offer(snapshot(115, BIDS, ASKS)) is Progress.DONE
    assert last_id(made) == 130


def test_a_hole_while_waiting_for_the_spanning_event_is_a_setback() -> None:
    """When the spanning event is the one that was lost, the next snapshot starts from what came after."""
    made = synchronizer(depth(80, 90, 79))
    made.offer(snapshot(102, BIDS, ASKS))
    assert made.add(depth(106, 110, 105)) is Progress.NEEDS_SNAPSHOT
    assert made.why_rejected
    assert made.book is None
    assert made.offer(snapshot(107, BIDS, ASKS)) is Progress.DONE
    assert last_id(made) == 110


def test_a_gap_after_done_is_no_longer_done() -> None:
    """A synchronizer that is carried on across a gap falls back to needing a snapshot."""
    made = synchronizer(depth(95, 105, 90))
    made.offer(snapshot(100, BIDS, ASKS))
    assert made.add(depth(111, 115, 110)) is Progress.NEEDS_SNAPSHOT
    assert (made.book, len(made)) == (None, 1)


def test_a_crossed_snapshot_is_refused() -> None:
    """A snapshot that makes a crossed book with its events is never done."""
    made = synchronizer(depth(95, 105, 90))
    assert made.offer(snapshot(100, [*BIDS, (101.5, 1)], ASKS)) is Progress.NEEDS_SNAPSHOT
    assert made.why_rejected
    assert made.offer(snapshot(100, BIDS, ASKS)) is Progress.DONE


def test_an_event_that_uncrosses_the_snapshot_makes_it_good() -> None:
    """Only the book after the spanning event counts, for a snapshot may lie in its middle."""
    made = synchronizer(depth(95, 105, 90, bids=[(101.5, 0)]))
    assert made.offer(snapshot(100, [*BIDS, (101.5, 1)], ASKS)) is Progress.DONE


def test_repeated_events_do_no_harm() -> None:
    """An event that comes twice is applied once, in the buffer and after."""
    first, second = depth(95, 105, 90), depth(106, 110, 105, bids=[(100, 5)])
    made = synchronizer(first, second)
    made.offer(snapshot(100, BIDS, ASKS))
    assert made.add(second) is Progress.DONE
    assert made.add(depth(111, 112, 110)) is Progress.DONE
    assert last_id(made) == 112


def test_a_restarted_counter_does_not_block_the_buffer() -> None:
    """Events from before the exchange's counter began anew do not stand in the way of new snapshots."""
    made = synchronizer(depth(9_000, 9_010, 8_990), depth(9_011, 9_020, 9_010))
    made.add(depth(1, 10, 0))
    made.add(depth(11, 20, 10))
    assert made.offer(snapshot(12, BIDS, ASKS)) is Progress.DONE
    assert last_id(made) == 20


def test_a_snapshot_far_ahead_is_given_up_in_the_end() -> None:
    """A snapshot that the stream never reaches is dropped, so that a good one can take its place."""
    made = synchronizer(depth(1, 10, 0))
    assert made.offer(snapshot(10**15, BIDS, ASKS)) is Progress.NEEDS_EVENT
    last = 10
    for _ in range(OUTDATED_EVENTS - 1):
        assert made.add(depth(last + 1, last + 5, last)) is Progress.NEEDS_EVENT
        last += 5
    assert made.add(depth(last + 1, last + 5, last)) is Progress.NEEDS_SNAPSHOT
    assert made.why_rejected
    assert made.offer(snapshot(last + 3, BIDS, ASKS)) is Progress.DONE
    assert last_id(made) == last + 5


def test_each_snapshot_has_the_whole_patience() -> None:
    """Waiting in vain for one snapshot takes nothing from the patience with the next."""
    made = synchronizer(depth(1, 10, 0))
    for _ in range(3):
        made.offer(snapshot(10**15, BIDS, ASKS))
        progress = [made.add(depth(11, 12, 10)) for _ in range(OUTDATED_EVENTS - 1)]
        assert set(progress) == {Progress.NEEDS_EVENT}


def test_the_prices_changed_since_the_snapshot_are_known() -> None:
    """Only applied events count as changes, those of the spanning event included."""
    made = synchronizer(
        depth(80, 90, 79, bids=[(96, 1)]),
        depth(95, 105, 90, bids=[(100, 1), (99, 0)], asks=[(103, 2)]),
    )
    made.offer(snapshot(100, BIDS, ASKS))
    made.add(depth(106, 110, 105, asks=[(104, 2)]))
    assert (made.changed_bids, made.changed_asks) == ({100.0, 99.0}, {103.0, 104.0})


def test_another_snapshot_starts_the_changes_anew() -> None:
    """Changes are counted from the latest snapshot."""
    made = synchronizer(depth(95, 105, 90, bids=[(100, 1)], asks=[(103, 1)]))
    made.offer(snapshot(100, BIDS, ASKS))
    made.offer(snapshot(107, BIDS, ASKS))
    made.add(depth(106, 110, 105, bids=[(98, 2)], asks=[(104, 2)]))
    assert (made.changed_bids, made.changed_asks) == ({98.0}, {104.0})


@pytest.mark.parametrize("lost", ["gap", "corrupt"])
def test_a_local_book_tells_why_it_is_lost(lost: str) -> None:
    """A gap and a corrupt book are results with words, not exceptions."""
    book = LocalBook(snapshot(100, BIDS, ASKS), book_levels=1_000)
    assert book.apply(depth(95, 105, 90)) is Verdict.APPLY
    bad = depth(111, 115, 110) if lost == "gap" else depth(106, 110, 105, bids=[(101, 1)])
    outcome = book.apply(bad)
    assert isinstance(outcome, Gap if lost == "gap" else Corrupt)
    assert str(outcome)


KINDS = ["deliver"] * 8 + ["resynchronise"] * 4 + ["take", "offer", "drop", "twice", "hold", "old", "restart"]
STEPS = st.tuples(st.sampled_from(KINDS), st.lists(OPS, max_size=3), st.integers(0, 40))


def arriving(exchange: NaiveExchange, kind: str, number: int, held: list[DepthUpdate]) -> list[DepthUpdate]:
    """Return the events that a step of this kind brings; `held` are those that will come too late."""
    match kind:
        case "drop":
            exchange.emit()
        case "restart":
            exchange.restart_counter()
        case "hold":
            held.append(exchange.emit())
        case "twice":
            return [exchange.emit()] * 2
        case "old" if exchange.events:
            return [exchange.events[number % len(exchange.events)]]
        case "deliver":
            late = held.copy()
            held.clear()
            return [exchange.emit(), *late]
    return []


@given(steps=st.lists(STEPS, min_size=15, max_size=60), book_levels=st.integers(5, 45))
@property_settings(300)
def test_whatever_happens_a_done_book_is_the_exchanges(
    steps: list[tuple[str, list[Op], int]], book_levels: int
) -> None:
    """With events lost, repeated and swapped and any snapshot at any time, DONE means true.

    True means: equal to the exchange's own book after the last event added, within coverage.
    """
    exchange = NaiveExchange(levels=30)
    made = Synchronizer(book_levels=book_levels)
    taken = [exchange.snapshot()]
    held: list[DepthUpdate] = []
    for kind, ops, number in steps:
        for op in ops:
            exchange.update(op)
        if kind in ("take", "resynchronise"):
            taken.append(exchange.snapshot(8 + number))
        if kind == "resynchronise" and made.progress is Progress.NEEDS_SNAPSHOT:
            made.offer(taken[-1])
        elif kind == "offer":
            made.offer(taken[-1 - number % len(taken)])
        for event in arriving(exchange, kind, number, held):
            made.add(event)
            note(made.progress.value)
            if made.progress is not Progress.DONE:
                assert made.book is None or made.progress is Progress.NEEDS_EVENT
                continue
            assert made.book is not None
            assert made.book.last_update_id == event.final_update_id
            bids, asks = exchange.book_at(event)
            state = made.book.state
            assert state.levels() == (
                within(bids, state.low, state.high),
                within(asks, state.low, state.high),
            )
            state.check()


@given(
    before=st.lists(st.lists(OPS, max_size=4), max_size=8),
    middle=st.tuples(st.lists(OPS, max_size=4), st.lists(OPS, max_size=4)),
    after=st.lists(st.lists(OPS, max_size=4), max_size=8),
)
@property_settings(150)
def test_a_snapshot_at_any_update_fits_an_unbroken_stream(
    before: list[list[Op]], middle: tuple[list[Op], list[Op]], after: list[list[Op]]
) -> None:
    """A snapshot taken in the middle of any event but the first is done, whenever it is offered."""
    for offered in range(len(after) + 1):
        exchange = NaiveExchange()
        made = Synchronizer(book_levels=1_000)
        made.add(exchange.emit([(True, 1, 1)]))
        for ops in before:
            made.add(exchange.emit(ops))
        for op in middle[0]:
            exchange.update(op)
        taken = exchange.snapshot()
        made.add(exchange.emit(middle[1]))
        for index, ops in enumerate(after):
            if index == offered:
                made.offer(taken)
            made.add(exchange.emit(ops))
        if made.book is None:
            made.offer(taken)
        assert made.progress is Progress.DONE
        assert made.book is not None
        assert made.book.state.levels() == exchange.book()
