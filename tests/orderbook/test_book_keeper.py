"""A book kept in step: what comes of events and snapshots, and that what is shown is true."""

from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_ingestion.causes import Cause
from data_ingestion.messages import DepthUpdate, Snapshot
from data_ingestion.sink import Notice, SnapshotRequest
from orderbook.book_keeper import Applied, Audited, Began, BookKeeper, Grew, Lost, Result, Results
from orderbook.book_settings import BookSettings
from orderbook.book_state import TOP_LEVELS
from orderbook.confirmation import ConfirmedRange
from orderbook.phases import Phase
from tests.builders import OPS, NaiveExchange, Op, depth, property_settings, within

OFTEN = BookSettings(book_levels=70, coverage_margin=20, audit_interval_ms=1_500)
R = TypeVar("R", bound=Result)


class Rig:
    """A keeper, a clock and a naive exchange. `results` are all so far."""

    def __init__(self, settings: BookSettings | None = None, levels: int = 60) -> None:
        self.keeper = BookKeeper(settings)
        self.exchange = NaiveExchange(levels)
        self.now = 1_000.0
        self.results: list[Result] = []
        self.keep(self.keeper.connect())

    def keep(self, results: Results | None) -> Results:
        """Note results, and return them."""
        self.results += results or ()
        return results or ()

    def phase(self) -> Phase:
        """Return how far the book is."""
        return self.keeper.phase

    def known(self) -> ConfirmedRange | None:
        """Return what was confirmed of a quiet book."""
        return self.keeper.confirmation.confirmed

    def asked(self) -> SnapshotRequest:
        """Return the small snapshot that is to be fetched."""
        assert self.keeper.confirmation.request is not None
        return self.keeper.confirmation.request

    def emit(self, *ops: Op, after_ms: float = 100) -> Results:
        """Let the exchange make `ops`, and the event of them arrive."""
        return self.take(self.exchange.emit(ops), after_ms)

    def take(self, event: DepthUpdate, after_ms: float = 100) -> Results:
        """Let an event arrive."""
        self.now += after_ms
        return self.keep(self.keeper.apply(event, self.now))

    def answer(self, snapshot: Snapshot | None = None, limit: int = 1_000) -> Results:
        """Answer the request that is open."""
        assert self.keeper.snapshot_request is not None
        assert self.keeper.expects(self.keeper.snapshot_request)
        return self.keep(self.keeper.offer(snapshot or self.exchange.snapshot(limit), self.now))

    def sync(self, limit: int = 1_000) -> None:
        """Come to a book in step."""
        self.emit((True, 1, 2))
        self.answer(limit=limit)
        self.emit((False, 1, 2))
        assert self.keeper.phase is Phase.SYNCED

    def count(self, kind: type[R]) -> list[R]:
        """Return all results of a kind."""
        return [result for result in self.results if isinstance(result, kind)]


def synced(settings: BookSettings | None = None, limit: int = 1_000) -> Rig:
    """Return a rig whose book is in step."""
    rig = Rig(settings)
    rig.sync(limit)
    return rig


def test_a_snapshot_is_asked_for_after_the_first_event_and_one_begins_a_book() -> None:
    """Each step says what it waits for; the event that spans the snapshot brings the book."""
    rig = Rig()
    assert (rig.phase(), rig.keeper.snapshot_request) == (Phase.BUFFERING, None)
    assert list(rig.emit((True, 1, 2))) == []
    assert rig.phase() is Phase.FETCHING
    assert "waiting for a snapshot" in rig.keeper.trouble()
    rig.exchange.update((True, 1, 3))
    assert list(rig.answer()) == []
    assert rig.phase() is Phase.BRIDGING
    began, said = rig.emit((False, 1, 2))
    assert isinstance(began, Began)
    assert isinstance(said, Notice)
    assert not said.warning
    assert (began.book, began.top) == (rig.keeper.book, rig.keeper.top)
    assert rig.keeper.trouble() == ""


def test_an_event_in_step_is_applied_and_the_last_one_again_proves_nothing() -> None:
    """It comes back with the book and its new top; a repeated one is None, not an empty answer."""
    rig = synced()
    event = rig.exchange.emit([(True, 0, 3)])
    (applied,) = rig.take(event)
    assert isinstance(applied, Applied)
    assert (applied.book, applied.event, applied.top) == (rig.keeper.book, event, rig.keeper.top)
    assert rig.keeper.apply(event, rig.now) is None


def test_a_gap_loses_the_book_and_asks_at_once() -> None:
    """The event after the hole is the first of the next book."""
    rig = synced()
    rig.exchange.emit([(True, 1, 2)])
    said, lost = rig.emit((True, 1, 3))
    assert isinstance(said, Notice)
    assert lost == Lost(Cause.GAP, had_book=True)
    assert (rig.keeper.book, rig.keeper.top, rig.phase()) == (None, None, Phase.FETCHING)
    assert rig.keeper.snapshot_request is not None
    assert "gap" in rig.keeper.trouble()
    rig.answer()
    rig.emit()
    assert rig.phase() is Phase.SYNCED


def test_corrupt_books_are_rebuilt_ever_more_rarely() -> None:
    """The first at once; one that comes right after it waits; after ten calm seconds at once again."""
    rig = synced()

    def corrupt() -> bool:
        bid = rig.exchange.book()[0][0][0]
        last = rig.exchange.events[-1].final_update_id
        rig.take(depth(last + 1, last + 2, last, asks=[(bid, 1.0)]))
        rig.exchange.update_id = last + 2
        rig.exchange._previous = last + 2
        return rig.keeper.snapshot_request is not None

    def rebuilt(after_ms: float) -> None:
        while rig.phase() is not Phase.SYNCED:
            rig.emit((True, 2, 1), after_ms=after_ms)
            if rig.keeper.snapshot_request is not None:
                rig.answer()

    assert corrupt()
    rebuilt(10)
    assert not corrupt()
    rebuilt(100)
    rig.emit(after_ms=10_001)
    assert corrupt()
    assert [lost.cause for lost in rig.count(Lost)[1:]] == [Cause.CORRUPT] * 3


def test_an_answer_of_before_the_loss_is_not_expected() -> None:
    """Its epoch has ended, whatever it says."""
    rig = Rig()
    rig.emit((True, 1, 2))
    request = rig.keeper.snapshot_request
    assert request is not None
    assert list(rig.keeper.disconnect(Cause.CLOSED, "gone")) == [Lost(Cause.CLOSED, had_book=False)]
    assert rig.keeper.trouble() == "gone; the depth stream is not connected"
    rig.keeper.on_snapshot_failed(request, "late words")
    rig.keep(rig.keeper.connect())
    rig.emit((True, 1, 2))
    assert not rig.keeper.expects(request)
    assert "late words" not in rig.keeper.trouble()


def test_a_failed_fetch_is_told_for_as_long_as_it_is_waited_for() -> None:
    """In place of the phase's own words."""
    rig = Rig()
    rig.emit((True, 1, 2))
    assert rig.keeper.snapshot_request is not None
    rig.keeper.on_snapshot_failed(rig.keeper.snapshot_request, "HTTP 503")
    assert rig.keeper.trouble().endswith("; HTTP 503")
    rig.answer()
    assert "503" not in rig.keeper.trouble()


def test_a_lost_connection_tells_its_newest_reason() -> None:
    """A second try that fails is no second loss."""
    rig = synced()
    assert list(rig.keeper.disconnect(Cause.CLOSED, "first")) == [Lost(Cause.CLOSED, had_book=True)]
    assert list(rig.keeper.disconnect(Cause.REFUSED, "second")) == []
    assert rig.keeper.trouble().startswith("second")
    assert list(rig.keeper.miss(Cause.OVERFLOW, "burst")) == []
    rig.keeper.connect()
    assert list(rig.keeper.miss(Cause.OVERFLOW, "burst")) == [Lost(Cause.OVERFLOW, had_book=False)]


def test_a_second_book_widens_the_first_while_it_is_shown() -> None:
    """It is made of a snapshot that reaches farther, and of the events meanwhile."""
    rig = synced(OFTEN, limit=25)
    first = rig.keeper.book
    assert first is not None
    low, high = first.state.low, first.state.high
    rig.emit((True, 1, 2), after_ms=1_500)
    assert rig.keeper.snapshot_request is not None
    assert rig.keeper.top is not None
    audited, grew = rig.answer(limit=60)
    assert isinstance(audited, Audited)
    assert audited.compared > 20
    assert audited.mismatches == 0
    assert isinstance(grew, Grew)
    assert grew.book is rig.keeper.book
    assert grew.book.last_update_id == first.last_update_id
    assert grew.bids == within(rig.exchange.book()[0], 0, low - 0.01)
    assert grew.asks == within(rig.exchange.book()[1], high + 0.01, 1e9)


def test_a_mismatch_is_a_loss_with_both_books_told() -> None:
    """One size that differs is enough."""
    rig = synced(OFTEN)
    rig.emit(after_ms=1_500)
    taken = rig.exchange.snapshot()
    wrong = msgspec.structs.replace(taken, bids=[*taken.bids[:7], (taken.bids[7][0], 77.0), *taken.bids[8:]])
    audited, *notices, lost = rig.answer(wrong)
    assert isinstance(audited, Audited)
    assert audited.mismatches == 1
    assert lost == Lost(Cause.AUDIT, had_book=True)
    assert len(notices) == 3
    assert "77" in str(notices[0])
    assert (rig.keeper.book, rig.phase()) == (None, Phase.BUFFERING)


def test_a_snapshot_without_ten_levels_does_not_replace_a_book_that_has_them() -> None:
    """What is known stays shown, and the second book is given up."""
    rig = synced(OFTEN)
    rig.emit(after_ms=1_500)
    top = rig.keeper.top
    audited, notice = rig.answer(limit=9)
    assert isinstance(audited, Audited)
    assert isinstance(notice, Notice)
    assert rig.keeper.top is top
    assert isinstance(rig.emit()[0], Applied)


@pytest.mark.parametrize(("agrees", "failed"), [(True, False), (False, True)])
def test_a_quiet_book_is_confirmed_or_its_stream_has_failed(agrees: bool, failed: bool) -> None:
    """By a small snapshot; a moment is granted for an event on its way."""
    rig = synced()
    assert not rig.keeper.watch(rig.now, is_quiet=False)
    assert rig.keeper.confirmation.request is None
    assert not rig.keeper.watch(rig.now, is_quiet=True)
    request = rig.asked()
    if not agrees:
        rig.exchange.emit([(True, 0, 9)])
    assert rig.keeper.confirm(request, rig.exchange.snapshot(50), rig.now, is_newer=True) is agrees
    assert (rig.known() is not None) is agrees
    assert not rig.keeper.watch(rig.now, is_quiet=False)
    assert rig.keeper.watch(rig.now + 401, is_quiet=False) is failed
    assert not rig.keeper.confirm(request, rig.exchange.snapshot(50), rig.now, is_newer=True)


def test_an_event_ends_what_was_confirmed() -> None:
    """From then on the stream says more."""
    rig = synced()
    rig.keeper.watch(rig.now, is_quiet=True)
    request = rig.asked()
    rig.keeper.confirm(request, rig.exchange.snapshot(50), rig.now, is_newer=True)
    assert rig.known() is not None
    rig.emit((True, 1, 2))
    assert rig.known() is None


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("emit"), st.lists(OPS, max_size=8)),
        st.tuples(st.sampled_from(["lose", "repeat", "refill", "reconnect", "miss"]), st.just(None)),
        st.tuples(st.just("answer"), st.sampled_from([5, 25, 60])),
    ),
    min_size=20,
    max_size=100,
)


@given(STEPS)
@property_settings(100)
def test_whatever_happens_what_is_known_is_the_exchanges_own(steps: list[tuple[str, Any]]) -> None:
    """Every covered level after each event; and what is told leads from one book to the next."""
    rig = Rig(OFTEN)
    followed = False  # whether results so far have left a book
    for what, given_ in steps:
        before = len(rig.results)
        if what == "emit":
            rig.emit(*given_)
        elif what == "lose":
            rig.exchange.emit([(True, 1, 2)])
        elif what == "repeat" and rig.exchange.events:
            rig.take(rig.exchange.events[-1])
        elif what == "refill":
            rig.exchange.refill()
        elif what == "reconnect":
            rig.keep(rig.keeper.disconnect(Cause.CLOSED, "lost"))
            rig.keep(rig.keeper.connect())
        elif what == "miss":
            rig.keep(rig.keeper.miss(Cause.OVERFLOW, "burst"))
        elif what == "answer" and rig.keeper.snapshot_request is not None:
            rig.answer(limit=given_)
        for result in rig.results[before:]:
            assert not isinstance(result, Began) or not followed
            assert not isinstance(result, Applied | Grew | Audited) or followed
            assert not isinstance(result, Lost) or result.had_book == followed
            followed = (followed or isinstance(result, Began)) and not isinstance(result, Lost)
        assert followed == (rig.keeper.book is not None) == (rig.phase() is Phase.SYNCED)
        assert_true(rig)
    assert not any(audited.mismatches for audited in rig.count(Audited))


def assert_true(rig: Rig) -> None:
    """Assert that what the keeper knows is what the exchange had at that id."""
    book = rig.keeper.book
    if book is None:
        assert rig.keeper.top is None
        assert rig.keeper.trouble()
        return
    book.state.check()
    known = {event.final_update_id: at for at, event in enumerate(rig.exchange.events)}
    bids, asks = rig.exchange.books[known[book.last_update_id]]
    assert book.state.levels() == (within(bids, book.state.low, 1e9), within(asks, 0, book.state.high))
    if rig.keeper.top is not None:
        assert (rig.keeper.top.bids, rig.keeper.top.asks) == (bids[:TOP_LEVELS], asks[:TOP_LEVELS])
        assert not rig.keeper.trouble()
