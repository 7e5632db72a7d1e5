"""What is said of an engine's book at any moment."""

import pytest

from api.feed.book_report import book_report
from api.feed.messages import ExactBook, NoBook
from data_ingestion.sink import Stream
from orderbook.book_state import TOP_LEVELS
from state.engine import EngineSettings
from state.frames import Status
from tests.engine_rig import Rig, live

STALE_AFTER_MS = EngineSettings().stale_after_ms


def test_a_live_book_is_the_exchanges_own_after_each_event() -> None:
    """Id, time and ten levels a side are those of the newest event."""
    rig = live()
    for lots in (3, 0, 2):
        event = rig.emit((True, 1, lots), (False, 2, lots))
        bids, asks = rig.exchange.book_at(event)
        book = book_report(rig.engine, rig.now)
        assert isinstance(book, ExactBook)
        assert (book.last_update_id, book.exchange_time) == (event.final_update_id, event.transaction_time)
        assert (book.top.bids, book.top.asks) == (bids[:TOP_LEVELS], asks[:TOP_LEVELS])


def why_not(rig: Rig) -> str:
    """Return why there is no book, which frames say in the same words."""
    report, frame = book_report(rig.engine, rig.now), rig.close()
    assert isinstance(report, NoBook)
    assert (report.status, report.reason) == (frame.status, frame.reason)
    return report.reason


def test_each_way_to_have_no_book_is_said_in_words() -> None:
    """Before the connection, while it is built, after a gap, and without a connection."""
    rig = Rig()
    assert why_not(rig) == "starting; the depth stream is not connected"
    rig.open()
    assert why_not(rig).endswith("waiting for the first depth event")
    rig.emit((True, 1, 2))
    assert why_not(rig).endswith("waiting for a snapshot")
    rig.answer()
    rig.emit((True, 1, 2))
    assert isinstance(book_report(rig.engine, rig.now), ExactBook)
    rig.lose((True, 1, 3))
    rig.emit((True, 1, 2))
    assert why_not(rig).endswith("waiting for a snapshot")
    rig.down()
    assert why_not(rig) == "connection lost; the depth stream is not connected"
    rig.now += STALE_AFTER_MS + 1
    assert why_not(rig).startswith("no depth event for 2.")
    assert rig.close().status is Status.STALE


def test_a_book_with_fewer_than_ten_known_levels_is_none() -> None:
    """In step with the exchange is not enough."""
    rig = live(EngineSettings(book_levels=30), limit=30)
    rig.emit((False, -22, 1))
    assert rig.close().status is Status.SYNCING
    book = book_report(rig.engine, rig.now)
    assert isinstance(book, NoBook)
    assert (book.status, book.reason) == (Status.SYNCING, rig.close().reason)


def test_a_quiet_market_is_live_until_the_engine_calls_it_stale() -> None:
    """At `stale_after_ms` to the millisecond, as in frames, and live again with the next event."""
    rig = live()
    rig.emit()
    assert isinstance(book_report(rig.engine, rig.now + STALE_AFTER_MS), ExactBook)
    stale = book_report(rig.engine, rig.now + STALE_AFTER_MS + 1)
    assert stale == NoBook(Status.STALE, "no depth event for 2.0 s")
    rig.emit(after_ms=STALE_AFTER_MS + 500)
    assert isinstance(book_report(rig.engine, rig.now), ExactBook)


def test_silence_counts_from_the_event_and_not_from_the_first_look() -> None:
    """One who asks late, as after the API was away, is not told that a silent book is live."""
    rig = live()
    book = book_report(rig.engine, rig.now + STALE_AFTER_MS + 1)
    assert isinstance(book, NoBook)
    assert book.status is Status.STALE


def test_an_event_that_only_repeats_the_last_is_no_sign_of_life() -> None:
    """A stream that plays its last event over and over is silent."""
    rig = live()
    event = rig.emit((True, 1, 2))
    assert isinstance(book_report(rig.engine, rig.now), ExactBook)
    rig.deliver(event, after_ms=STALE_AFTER_MS + 1)
    book = book_report(rig.engine, rig.now)
    assert isinstance(book, NoBook)
    assert book.status is Status.STALE
    assert rig.close().status is Status.STALE


@pytest.mark.parametrize("stale_after_ms", [100, 60_000])
def test_frames_and_reports_agree_on_silence(stale_after_ms: float) -> None:
    """Whatever `stale_after_ms` is, and also where the trade stream is the one that is silent."""
    rig = live(EngineSettings(stale_after_ms=stale_after_ms))
    rig.open(Stream.TRADES)
    for after_ms in (stale_after_ms, 1):
        rig.now += after_ms
        status = rig.close().status
        assert isinstance(book_report(rig.engine, rig.now), ExactBook) == (status is Status.LIVE)
