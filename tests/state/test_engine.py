"""One symbol's layers tied together: what is live, and what is not."""

import json
from collections.abc import Callable, Iterable

import msgspec
import pytest

from data_ingestion.pacing.clock_offset import ClockOffset
from data_ingestion.sink import SnapshotRequest, Stream, StreamState, SymbolInfo
from features.detectors.detection import Event, Kind
from features.detectors.settings import DetectorSettings
from orderbook.book_state import TOP_LEVELS
from orderbook.phases import Phase
from orderbook.synchronizer import OUTDATED_EVENTS
from state.engine import EngineSettings
from state.frames import Frame, Row, Status
from tests.builders import START_MS, depth, json_of, lose_trades, snapshot, trade
from tests.engine_rig import Rig, assert_dark, assert_follows, assert_true, live, opened

# --- coming into step -------------------------------------------------------------------------------------


def test_before_anything_happens_nothing_is_live() -> None:
    """A new engine is disconnected, wants nothing, and says so."""
    rig = Rig()
    assert_dark(rig.close(), Status.SYNCING)
    assert rig.engine.phase is Phase.DISCONNECTED
    assert rig.engine.snapshot_request is None


def test_events_without_a_connection_are_ignored() -> None:
    """What still arrives while the stream is down does not start a book."""
    rig = Rig()
    rig.emit()
    assert rig.engine.phase is Phase.DISCONNECTED
    assert rig.engine.snapshot_request is None


def test_the_snapshot_is_wanted_after_the_first_event() -> None:
    """Opening the stream asks for nothing yet; the first event does, and asks once."""
    rig = opened()
    assert (rig.engine.phase, rig.engine.snapshot_request) == (Phase.BUFFERING, None)
    rig.emit()
    request = rig.request()
    assert rig.engine.phase is Phase.FETCHING
    rig.emit()
    assert rig.request() == request
    assert_dark(rig.close(), Status.SYNCING)


def test_a_snapshot_within_the_buffer_makes_the_book_live() -> None:
    """A snapshot that a buffered event spans leads to step at once, as of the last event."""
    rig = opened()
    rig.emit((True, 1, 2))
    rig.exchange.update((True, 2, 3))
    taken = rig.exchange.snapshot()
    rig.emit((True, 3, 3))
    last = rig.emit((False, 2, 1))
    rig.answer(taken)
    assert rig.engine.phase is Phase.SYNCED
    assert rig.engine.snapshot_request is None
    assert_true(rig.close(), rig.exchange, last)


def test_a_snapshot_ahead_of_the_events_waits() -> None:
    """A snapshot newer than every event is not live before the event that spans it."""
    rig = opened()
    rig.emit((True, 1, 2))
    rig.exchange.update((True, 2, 3))
    rig.answer()
    assert rig.engine.phase is Phase.BRIDGING
    assert_dark(rig.close(), Status.SYNCING)
    assert_follows(rig, (True, 3, 3))


def test_a_snapshot_too_old_is_asked_for_again() -> None:
    """A snapshot from before the first event is refused by a new request; the events are kept."""
    rig = opened()
    old = rig.exchange.snapshot()
    rig.lose((True, 1, 3))
    rig.emit((True, 2, 3))
    middle = rig.exchange.snapshot()
    first = rig.request()
    rig.answer(old)
    assert rig.engine.phase is Phase.FETCHING
    assert rig.request() != first
    last = rig.emit((False, 2, 3))
    rig.answer(middle)
    assert_true(rig.close(), rig.exchange, last)


def test_a_failed_snapshot_leaves_the_request_and_shows_why() -> None:
    """While the shell tries again, frames say what is wrong, and the request stands."""
    rig = opened()
    rig.emit()
    request = rig.request()
    rig.engine.on_snapshot_failed(request, "HTTP 451 from the exchange")
    frame = rig.close()
    assert_dark(frame, Status.SYNCING)
    assert "HTTP 451 from the exchange" in (frame.reason or "")
    assert rig.request() == request
    rig.answer()
    rig.emit()
    assert rig.close().status is Status.LIVE


def test_old_trouble_is_not_shown_again() -> None:
    """A failure from before a reset says nothing about the requests after it."""
    rig = opened()
    rig.emit()
    rig.engine.on_snapshot_failed(rig.request(), "HTTP 451 from the exchange")
    rig.down()
    rig.open()
    rig.emit()
    assert "451" not in (rig.close().reason or "")


def test_a_snapshot_without_a_request_is_dropped() -> None:
    """A second answer to one request does not disturb the book."""
    rig = opened()
    rig.emit((True, 1, 2))
    request = rig.request()
    rig.answer()
    last = rig.emit((True, 2, 2))
    rig.engine.on_snapshot(request, snapshot(1), rig.now)
    assert_true(rig.close(), rig.exchange, last)
    assert rig.health().snapshots == 1


def test_a_snapshot_that_the_stream_never_reaches_is_replaced() -> None:
    """An absurd update id in one reply does not keep the book dark for ever."""
    rig = opened()
    rig.emit()
    rig.answer(msgspec.structs.replace(rig.exchange.snapshot(), last_update_id=10**18))
    for _ in range(OUTDATED_EVENTS):
        rig.emit()
    rig.answer()
    assert_follows(rig)


# --- falling out of step ----------------------------------------------------------------------------------


def gap(rig: Rig) -> None:
    """Lose one event between two."""
    rig.lose((True, 1, 3))
    rig.emit((True, 2, 3))


def older_event(rig: Rig) -> None:
    """Let an event come again that is not the last one."""
    rig.emit((True, 2, 3))
    rig.deliver(rig.exchange.events[-2])


def swapped(rig: Rig) -> None:
    """Let two events change places."""
    first = rig.exchange.emit([(True, 2, 3)])
    rig.emit((True, 3, 3))
    rig.deliver(first)


def counter_restarted(rig: Rig) -> None:
    """Let the exchange count anew."""
    rig.exchange.restart_counter()
    rig.emit((True, 2, 3))


def crossed(rig: Rig) -> None:
    """Send an event that crosses the book."""
    last = rig.exchange.events[-1].final_update_id
    best_ask = rig.exchange.book()[1][0][0]
    rig.deliver(depth(last + 1, last + 2, last, bids=[(best_ask, 1)]))


def emptied(rig: Rig) -> None:
    """Send an event that takes away a whole side."""
    last = rig.exchange.events[-1].final_update_id
    rig.deliver(depth(last + 1, last + 2, last, asks=[(price, 0) for price, _ in rig.exchange.book()[1]]))


def disconnected(rig: Rig) -> None:
    """Lose the depth stream."""
    rig.down()


def overflowed(rig: Rig) -> None:
    """Let the queue in front of the engine run over."""
    rig.engine.on_overflow(Stream.DEPTH, 17)


LOSSES: list[tuple[Callable[[Rig], None], Phase, int]] = [
    (gap, Phase.FETCHING, 1),
    (older_event, Phase.FETCHING, 1),
    (swapped, Phase.FETCHING, 1),
    (counter_restarted, Phase.FETCHING, 1),
    (crossed, Phase.FETCHING, 0),
    (emptied, Phase.FETCHING, 0),
    (disconnected, Phase.DISCONNECTED, 0),
    (overflowed, Phase.BUFFERING, 0),
]


@pytest.mark.parametrize(("lose", "phase", "gaps"), LOSSES, ids=[row[0].__name__ for row in LOSSES])
def test_a_lost_book_is_dark_at_once_and_rebuilt(
    lose: Callable[[Rig], None], phase: Phase, gaps: int
) -> None:
    """Whatever breaks the book, the next frame is dark, it is counted, and the rebuilt book is true."""
    rig = live()
    before = rig.health()
    lose(rig)
    frame = rig.close()
    assert_dark(frame, Status.SYNCING)
    assert rig.engine.phase is phase
    assert frame.health is not None
    assert frame.health.resyncs == before.resyncs + 1
    assert frame.health.gaps == before.gaps + gaps
    assert frame.health.covered_levels is None
    assert (
        any(notice.warning and notice.text for notice in rig.engine.drain_notices()) or lose is disconnected
    )
    if phase is Phase.DISCONNECTED:
        rig.open()
    rig.emit((True, 1, 3))
    rig.answer()
    last = rig.emit((False, 1, 3))
    assert_true(rig.close(), rig.exchange, last)
    assert rig.health().resyncs == before.resyncs + 1


@pytest.mark.parametrize(
    ("lose", "cause"),
    [
        (gap, "gap"),
        (counter_restarted, "gap"),
        (crossed, "corrupt"),
        (emptied, "corrupt"),
        (disconnected, "closed"),
        (overflowed, "overflow"),
    ],
)
def test_a_lost_book_is_counted_under_its_cause(lose: Callable[[Rig], None], cause: str) -> None:
    """Once, and the count by cause adds up to all resyncs."""
    rig = live()
    lose(rig)
    assert rig.health().resync_causes == {cause: 1}


@pytest.mark.parametrize(("lose", "phase", "gaps"), LOSSES, ids=[row[0].__name__ for row in LOSSES])
def test_an_answer_from_before_the_reset_is_dropped(
    lose: Callable[[Rig], None], phase: Phase, gaps: int
) -> None:
    """A snapshot that was asked for before the book was lost is not used after, though ids might fit."""
    rig = opened()
    rig.emit((True, 1, 2))
    old = rig.request()
    rig.answer()
    rig.emit((True, 1, 3))
    lose(rig)
    if phase is Phase.DISCONNECTED:
        rig.open()
    rig.emit((True, 2, 3))
    new = rig.request()
    assert new.epoch != old.epoch
    snapshots = rig.health().snapshots
    rig.engine.on_snapshot(old, rig.exchange.snapshot(), rig.now)
    assert rig.engine.phase is Phase.FETCHING
    assert rig.request() == new
    assert_dark(rig.close())
    assert rig.health().snapshots == snapshots
    assert rig.health().gaps == gaps


def test_events_during_a_resync_are_kept() -> None:
    """The event behind a gap and all after it are buffered, so that one snapshot is enough."""
    rig = live()
    gap(rig)
    taken = rig.exchange.snapshot()
    for distance in range(1, 6):
        rig.emit((True, distance, 3))
    rig.answer(taken)
    assert rig.engine.phase is Phase.SYNCED
    assert_true(rig.close(), rig.exchange, rig.exchange.events[-1])


def test_a_hole_while_waiting_for_the_snapshot_is_not_bridged() -> None:
    """A snapshot from before a hole in the buffer is refused, and one from after it is taken."""
    rig = opened()
    rig.emit((True, 1, 2))
    taken = rig.exchange.snapshot()
    rig.lose((True, 1, 1))
    rig.emit((True, 2, 2))
    rig.answer(taken)
    assert_dark(rig.close())
    rig.answer()
    assert_follows(rig)


def test_a_repeated_event_is_dropped() -> None:
    """The last event once more changes nothing."""
    rig = live()
    last = rig.emit((True, 1, 3))
    rig.deliver(last)
    assert_true(rig.close(), rig.exchange, last)
    assert_follows(rig, (True, 2, 3))
    assert rig.health().gaps == 0


def test_the_stream_opened_again_starts_from_the_beginning() -> None:
    """After a reconnect nothing of the old book is shown, not even when ids continue."""
    rig = live()
    rig.down()
    rig.open()
    rig.emit((True, 1, 2))
    assert_dark(rig.close())
    assert rig.health().depth.reconnects == 1


def test_an_event_of_another_symbol_is_refused() -> None:
    """An event for another symbol is counted and does not touch the book, though its ids fit."""
    rig = live()
    last = rig.exchange.events[-1]
    stray = depth(
        last.final_update_id + 1,
        last.final_update_id + 2,
        last.final_update_id,
        bids=[(1.0, 1.0)],
        symbol="ETHUSDT",
    )
    rig.deliver(stray)
    assert rig.health().depth.malformed == 1
    assert_true(rig.close(), rig.exchange, last)


def test_malformed_messages_are_counted_and_survived() -> None:
    """Each stream counts its own, and the book follows from the gap that a lost event leaves."""
    rig = live()
    rig.engine.on_malformed(Stream.DEPTH)
    rig.engine.on_malformed(Stream.DEPTH)
    rig.engine.on_malformed(Stream.TRADES)
    assert rig.health().depth.malformed == 2
    assert rig.health().trades.malformed == 1
    gap(rig)
    assert_dark(rig.close())


def test_an_overflow_counts_what_was_dropped() -> None:
    """Bursts and dropped messages are counted by stream; dropped trades leave the book alone."""
    rig = live()
    rig.engine.on_overflow(Stream.TRADES, 3)
    assert_true(rig.close(), rig.exchange, rig.exchange.events[-1])
    rig.engine.on_overflow(Stream.DEPTH, 17)
    read = rig.health()
    assert (read.bursts, read.depth.dropped_in_bursts, read.trades.dropped_in_bursts) == (2, 17, 3)


def test_an_overflow_without_a_connection_is_only_counted() -> None:
    """An overflow that is reported after the stream ended does not pretend that it is open."""
    rig = live()
    rig.down()
    rig.engine.on_overflow(Stream.DEPTH, 1)
    assert rig.engine.phase is Phase.DISCONNECTED


# --- growing old ------------------------------------------------------------------------------------------


def test_a_silent_depth_stream_is_stale_after_two_seconds() -> None:
    """Two seconds without an event are the limit; one event that continues brings the book back."""
    rig = live()
    since = rig.now
    assert rig.close(after_ms=since + 2_000 - rig.now).status is Status.LIVE
    frame = rig.close(after_ms=1)
    assert_dark(frame, Status.STALE)
    assert frame.health is not None
    assert frame.health.depth.state == "silent"
    last = rig.emit((True, 1, 3))
    frame = rig.close()
    assert_true(frame, rig.exchange, last)
    assert frame.health is not None
    assert frame.health.depth.state == "open"
    assert frame.health.resyncs == 0


def frame_at(rig: Rig, wall_after_ms: float, steady_after_ms: float = 0, uncertainty_ms: float = 0) -> Frame:
    """Close a second with the exchange's clock so far after the last event, and the steady one so far on."""
    rig.now += steady_after_ms
    rig.seconds += 1
    wall_ms = rig.exchange.events[-1].event_time + wall_after_ms
    return rig.engine.close_second(rig.seconds * 1000, rig.now, ClockOffset(0, uncertainty_ms), wall_ms)[0]


def test_a_machine_that_slept_shows_no_old_book() -> None:
    """Its steady clock stood still for an hour, and no message came: the wall clock alone tells."""
    frame = frame_at(live(), 3_600_000)
    assert_dark(frame, Status.STALE)
    assert frame.reason is not None
    assert "3600.0 s" in frame.reason


def test_a_clock_that_is_set_back_makes_nothing_young() -> None:
    """The steady clock still counts."""
    rig = live()
    assert frame_at(rig, -3_600_000, 1_999).status is Status.LIVE
    assert_dark(frame_at(rig, -3_600_000, 2), Status.STALE)


@pytest.mark.parametrize(("late_ms", "uncertainty_ms", "status"), [
    (1_999, 0, Status.LIVE),
    (2_001, 0, Status.STALE),
    (2_001, 5, Status.LIVE),
    (7_000, 5, Status.STALE),
])  # fmt: skip
def test_an_event_that_came_late_is_no_live_book(
    late_ms: float, uncertainty_ms: float, status: Status
) -> None:
    """A stream may be continuous and yet seconds behind; it is live again as soon as it has caught up."""
    rig = live()
    rig.late_ms = late_ms
    event = rig.emit((True, 1, 3))
    frame = frame_at(rig, late_ms, uncertainty_ms=uncertainty_ms)
    assert frame.status is status
    assert frame.health is not None
    assert frame.health.lag_ms == late_ms
    if status is Status.STALE:
        assert "lags" in (frame.reason or "")
    rig.late_ms = 30
    event = rig.emit((True, 1, 2))
    assert_true(frame_at(rig, 30), rig.exchange, event)


def test_an_empty_diff_keeps_the_book_alive() -> None:
    """An event without levels is an event: the sequence moves on and nothing is stale."""
    rig = live()
    for _ in range(5):
        last = rig.emit(after_ms=1_500)
        assert_true(rig.close(), rig.exchange, last)


def test_repeats_of_the_last_event_do_not_hide_a_dead_stream() -> None:
    """A stream that only repeats itself is stale like one that is silent."""
    rig = live()
    last = rig.exchange.events[-1]
    for _ in range(21):
        rig.deliver(last)
    assert_dark(rig.close(), Status.STALE)
    assert_follows(rig, (True, 1, 3))


def test_events_of_another_symbol_do_not_hide_a_dead_stream() -> None:
    """Events that are none of ours do not keep the book from growing stale."""
    rig = live()
    for index in range(21):
        rig.deliver(depth(index, index, index, symbol="ETHUSDT"))
    assert_dark(rig.close(), Status.STALE)


def test_a_stream_that_fell_silent_while_syncing_is_stale() -> None:
    """Silence is told before the phase, for no snapshot can help against it."""
    rig = opened()
    rig.emit()
    assert_dark(rig.close(after_ms=2_001), Status.STALE)


# --- trades -----------------------------------------------------------------------------------------------


def with_trades() -> Rig:
    """Return a live rig whose trade stream delivers."""
    rig = live()
    rig.open(Stream.TRADES)
    rig.engine.on_trade(trade(), rig.now)
    rig.close()
    return rig


def test_the_seconds_trades_are_summed() -> None:
    """Each second has its own sums, and a second without trades has zeros."""
    rig = with_trades()
    rig.engine.on_trade(trade(100.0, 2.0, sold=True), rig.now)
    rig.engine.on_trade(trade(100.1, 0.5), rig.now)
    summary = rig.close().trades
    assert summary is not None
    assert (summary.buy_volume, summary.sell_volume, summary.count) == (0.5, 2.0, 2)
    summary = rig.close().trades
    assert summary is not None
    assert summary.count == 0


def test_a_silent_trade_stream_leaves_the_book_live() -> None:
    """Without trades for five seconds the book stays live, and `trades` is null rather than zero."""
    rig = with_trades()
    for _ in range(51):
        last = rig.emit()
    frame = rig.close()
    assert_true(frame, rig.exchange, last)
    assert frame.trades is None
    assert frame.health is not None
    assert frame.health.trades.state == "silent"
    rig.engine.on_trade(trade(at=last.event_time), rig.now)
    summary = rig.close().trades
    assert summary is not None
    assert summary.count == 1


def test_a_trade_stream_that_never_brought_anything_is_null() -> None:
    """A subscription that was only acknowledged has no trades to show, not zero trades."""
    rig = live()
    rig.open(Stream.TRADES)
    for _ in range(3):
        rig.emit(after_ms=500)
        frame = rig.close(after_ms=500)
        assert (frame.status, frame.trades) == (Status.LIVE, None)


def trades_overflow(rig: Rig) -> None:
    """Drop trades from the queue."""
    rig.engine.on_overflow(Stream.TRADES, 1)


def trades_malformed(rig: Rig) -> None:
    """Bring a trade that cannot be read."""
    rig.engine.on_malformed(Stream.TRADES)


def trades_reconnect(rig: Rig) -> None:
    """Lose the trade stream, if it was there, and get it back within the second."""
    if rig.engine.health.trades.state is StreamState.OPEN:
        rig.down(Stream.TRADES)
    rig.open(Stream.TRADES)
    trades_missing(rig)


def trades_missing(rig: Rig) -> None:
    """Bring a trade whose id says that others are missing."""
    lose_trades(3)
    rig.engine.on_trade(trade(), rig.now)


@pytest.mark.parametrize("lose", [trades_overflow, trades_malformed, trades_reconnect, trades_missing])
@pytest.mark.parametrize("late_ms", [0, 700])
def test_a_second_that_lost_trades_is_null(lose: Callable[[Rig], None], late_ms: float) -> None:
    """Sums of which a part is missing are not shown; the book stays live and the next second is whole."""
    rig = with_trades()
    rig.engine.on_trade(trade(), rig.now)
    lose(rig)
    rig.emit(after_ms=1_000)
    frame = rig.close(after_ms=late_ms)
    assert (frame.status, frame.trades) == (Status.LIVE, None)
    rig.engine.on_trade(trade(), rig.now)
    summary = rig.close().trades
    assert summary is not None
    assert summary.count == 1


def test_missing_trades_are_counted_and_warned_of() -> None:
    """Forty ids missing between two trades: the second is null, and everybody is told how many."""
    rig = with_trades()
    lose_trades(40)
    rig.engine.on_trade(trade(), rig.now)
    frame = rig.close()
    assert (frame.status, frame.trades) == (Status.LIVE, None)
    assert frame.health is not None
    assert (frame.health.trades.gaps, frame.health.trades.missing) == (1, 40)
    assert any("40 trades are missing" in sentence for sentence in frame.health.warnings)


def test_a_trade_sent_thrice_is_added_once() -> None:
    """The ids say so; the same trade on another connection adds nothing either."""
    rig = with_trades()
    once = trade(100.0, 2.0)
    for _ in range(3):
        rig.engine.on_trade(once, rig.now)
    rig.down(Stream.TRADES)
    rig.open(Stream.TRADES)
    rig.engine.on_trade(once, rig.now)
    rig.engine.on_trade(trade(100.0, 1.0), rig.now)
    frame = rig.close()
    assert frame.trades is not None
    assert (frame.trades.count, frame.trades.buy_volume) == (2, 3.0)
    assert frame.health is not None
    assert (frame.health.trades.duplicates, frame.health.trades.gaps) == (3, 0)


def trades_reopened(rig: Rig) -> None:
    """Lose the trade stream and get it back."""
    rig.down(Stream.TRADES)
    rig.open(Stream.TRADES)


@pytest.mark.parametrize("doubt", [trades_overflow, trades_malformed, trades_reopened])
def test_contiguous_ids_prove_a_doubted_second(doubt: Callable[[Rig], None]) -> None:
    """A reconnect, or garbage in between, took nothing away: the next id says so, and the sums are whole."""
    rig = with_trades()
    rig.engine.on_trade(trade(100.0, 2.0), rig.now)
    doubt(rig)
    rig.engine.on_trade(trade(100.0, 1.0), rig.now)
    frame = rig.close()
    assert frame.trades is not None
    assert (frame.trades.count, frame.trades.buy_volume) == (2, 3.0)


def test_trades_that_lag_behind_the_book_are_not_told_as_the_seconds() -> None:
    """What arrives now traded long ago, and what trades now is still to come."""
    rig = with_trades()
    for _ in range(30):
        rig.emit()
    rig.engine.on_trade(trade(at=rig.exchange.events[-1].event_time - 2_001), rig.now)
    assert rig.close().trades is None
    rig.engine.on_trade(trade(at=rig.exchange.events[-1].event_time), rig.now)
    assert rig.close().trades is not None


def test_trades_counted_anew_are_not_ignored_for_ever() -> None:
    """An exchange that counts from elsewhere: one gap without a number, and then on as ever."""
    rig = with_trades()
    rig.engine.on_trade(trade(number=5_000_000, at=START_MS + 10), rig.now)
    rig.engine.on_trade(trade(number=7, at=START_MS + 20), rig.now)
    assert rig.close().trades is None
    rig.engine.on_trade(trade(number=8, at=START_MS + 30), rig.now)
    summary = rig.close().trades
    assert summary is not None
    assert summary.count == 1


def test_the_trade_streams_end_leaves_the_book_live() -> None:
    """Depth and trades are separate: without trades the book is still exact."""
    rig = with_trades()
    rig.down(Stream.TRADES)
    frame = rig.close()
    assert_true(frame, rig.exchange, rig.exchange.events[-1])
    assert frame.trades is None
    assert frame.health is not None
    assert frame.health.trades.state == "down"


def test_a_trade_of_another_symbol_is_refused() -> None:
    """A trade for another symbol is counted, and not in the sums."""
    rig = with_trades()
    rig.engine.on_trade(trade(symbol="ETHUSDT"), rig.now)
    assert rig.health().trades.malformed == 1


# --- order flow imbalance ---------------------------------------------------------------------------------


def test_ofi_is_summed_over_the_second() -> None:
    """Bids that grow count up, asks that grow count down, and each second begins anew."""
    rig = live()
    bids, asks = rig.exchange.book()
    last = rig.exchange.events[-1].final_update_id
    rig.deliver(depth(last + 1, last + 2, last, bids=[(bids[0][0], bids[0][1] + 3)]))
    rig.deliver(depth(last + 3, last + 4, last + 2, asks=[(asks[0][0], asks[0][1] + 1)]))
    frame = rig.close()
    assert (frame.ofi, frame.ofi_best) == (2, 2)
    assert frame.ofi_levels == [2, *[0] * 9]
    assert rig.close().ofi == 0
    rig.deliver(depth(last + 5, last + 6, last + 4, bids=[(bids[0][0], bids[0][1])]))
    frame = rig.close()
    assert (frame.ofi, frame.ofi_best) == (-3, -3)


@pytest.mark.parametrize(("lose", "phase", "gaps"), LOSSES, ids=[row[0].__name__ for row in LOSSES])
def test_the_first_update_after_a_resync_adds_nothing_to_ofi(
    lose: Callable[[Rig], None], phase: Phase, gaps: int
) -> None:
    """What changed while the book was not known is no flow, however much it was."""
    rig = live()
    lose(rig)
    rig.close()
    assert rig.health().gaps == gaps
    if phase is Phase.DISCONNECTED:
        rig.open()
    rig.emit(*[(True, distance, 5_000) for distance in range(1, 15)])
    rig.answer()
    last = rig.emit()
    frame = rig.close()
    assert_true(frame, rig.exchange, last)
    assert (frame.ofi, frame.ofi_best, frame.ofi_levels) == (0, 0, [0] * 10)


# --- detections -------------------------------------------------------------------------------------------

HASTY = DetectorSettings(warm_up_ms=2_000, wall_hold_ms=1_000)
WALL_LOTS = 500


def watched(engine: EngineSettings | None = None) -> Rig:
    """Return a live rig with trades whose detectors are warm, and whose wall has just opened."""
    rig = live(msgspec.structs.replace(engine or EngineSettings(), detectors=HASTY))
    rig.open(Stream.TRADES)
    print_trade(rig)
    for _ in range(25):
        rig.emit()
    rig.emit((True, 4, WALL_LOTS))
    for _ in range(15):
        rig.emit()
    print_trade(rig)
    return rig


def print_trade(rig: Rig, lots: int = 0) -> None:
    """Let a taker sell so much at the best bid, just after the last event."""
    last = rig.exchange.events[-1].transaction_time
    best = rig.exchange.book()[0][0][0]
    rig.engine.on_trade(trade(best, lots / 1000, sold=True, at=last + 1), rig.now)


def hit(rig: Rig) -> None:
    """Let sellers hit the best bid, which refills, until an absorption and an iceberg are open."""
    for _ in range(12):
        print_trade(rig, 3)
        rig.emit()
    for _ in range(4):
        rig.emit()


def told(frame: Frame) -> list[tuple[str, str, str | None]]:
    """Return kind, event and reason of a frame's detections."""
    return sorted((entry.kind, entry.event, entry.reason or "") for entry in frame.detections)


def newest_row(rig: Rig) -> Row:
    """Return the newest row of the rolling window."""
    return list(rig.engine.window)[-1].row


def test_a_detection_is_in_the_frame_the_row_and_the_counts() -> None:
    """What a second found is told once, in its frame and in the window, and counted from then on."""
    rig = watched()
    frame = rig.close()
    (entry,) = frame.detections
    assert (entry.kind, entry.event, entry.side) == ("wall", "opened", "bid")
    assert entry.evidence["size"] == WALL_LOTS / 1000
    assert newest_row(rig).detections == frame.detections
    assert frame.health is not None
    assert frame.health.detections == {kind.value: int(kind is Kind.WALL) for kind in Kind}
    later = rig.close()
    assert later.detections == []
    assert later.health is not None
    assert later.health.detections == frame.health.detections


def test_an_ending_is_told_with_its_reason() -> None:
    """A wall that vanishes without trades is pulled."""
    rig = watched()
    rig.close()
    rig.emit((True, 4, 1))
    for _ in range(4):
        rig.emit()
    assert told(rig.close()) == [("wall", "closed", "pulled")]


@pytest.mark.parametrize(("lose", "phase", "gaps"), LOSSES, ids=[row[0].__name__ for row in LOSSES])
def test_a_lost_book_closes_what_is_open(lose: Callable[[Rig], None], phase: Phase, gaps: int) -> None:
    """The dark frame after a loss tells that the wall was interrupted; the rebuilt book begins anew."""
    rig = watched()
    opened = rig.close().detections[0]
    lose(rig)
    frame = rig.close()
    assert_dark(frame, Status.SYNCING)
    (closed,) = frame.detections
    assert (closed.id, closed.event, closed.reason) == (opened.id, "closed", "interrupted")
    assert newest_row(rig).detections == [closed]
    if phase is Phase.DISCONNECTED:
        rig.open()
    rig.emit((True, 4, WALL_LOTS))
    rig.answer()
    for _ in range(15):
        rig.emit()
    frame = rig.close()
    assert (frame.status, frame.detections) == (Status.LIVE, [])
    assert frame.health is not None
    assert (frame.health.gaps, frame.health.detections["wall"]) == (gaps, 1)


def trades_down(rig: Rig) -> None:
    """Lose the trade stream."""
    rig.down(Stream.TRADES)


def trades_silent(rig: Rig) -> None:
    """Let no trade arrive for longer than the stream may be silent, and the book change as ever."""
    rig.now += rig.engine.settings.trade_silent_after_ms + 1
    rig.emit()


def test_the_next_trade_proves_nothing_of_a_wall_that_it_may_have_eaten() -> None:
    """Printed before the wall went, it comes too late to be counted, and its id is the next all the same."""
    rig = watched()
    (price,) = (price for price, size in rig.exchange.book()[0] if size == WALL_LOTS / 1000)
    trades_silent(rig)
    rig.close()
    gone = rig.emit((True, 4, 1))
    for _ in range(4):
        rig.emit()
    assert told(rig.close()) == []
    rig.engine.on_trade(trade(price, 0.499, sold=True, at=gone.transaction_time - 1), rig.now)
    frame = rig.close()
    assert ("wall", "closed", "unexplained") in told(frame)
    assert frame.health is not None
    assert (frame.health.late_messages, frame.health.trades.gaps) == (1, 0)


@pytest.mark.parametrize(
    "lose", [trades_overflow, trades_malformed, trades_reconnect, trades_down, trades_silent]
)
def test_kinds_that_need_trades_pause_where_trades_are_missing(lose: Callable[[Rig], None]) -> None:
    """Absorption and iceberg are interrupted, the wall is not, and its loss has no explanation."""
    rig = watched()
    hit(rig)
    begun = [entry for entry in rig.close().detections if entry.event is Event.OPENED]
    assert {entry.kind for entry in begun} == {"wall", "absorption", "iceberg"}
    lose(rig)
    assert told(rig.close()) == [
        ("absorption", "closed", "interrupted"),
        ("iceberg", "closed", "interrupted"),
    ]
    rig.emit((True, 4, 1))
    for _ in range(4):
        rig.emit()
    frame = rig.close()
    assert frame.status is Status.LIVE
    doubted = frame.detections == []  # the next trade will tell; where one has told already, it is told
    trades_missing(rig)
    assert told(rig.close() if doubted else frame) == [("wall", "closed", "unexplained")]


@pytest.mark.parametrize("missing", [0, 1])
def test_the_trade_after_a_quiet_stretch_explains_a_walls_end(missing: int) -> None:
    """Five seconds without a trade, in which the wall goes: the next id says whether one was missed."""
    rig = watched()
    rig.close()
    trades_silent(rig)
    rig.close()
    rig.emit((True, 4, 1))
    for _ in range(4):
        rig.emit()
    assert rig.close().detections == []
    lose_trades(missing)
    print_trade(rig)
    assert told(rig.close()) == [("wall", "closed", "unexplained" if missing else "pulled")]


def test_a_walls_end_waits_for_half_a_minute_at_most() -> None:
    """Without any further trade nobody can explain it."""
    rig = watched()
    rig.close()
    trades_silent(rig)
    rig.close()
    rig.emit((True, 4, 1))
    found = []
    for _ in range(310):
        rig.emit()
        found += told(rig.close())
    assert found == [("wall", "closed", "unexplained")]


def test_kinds_that_need_trades_go_on_when_trades_are_back() -> None:
    """After an interruption the same pattern is found again, on the trades that came since."""
    rig = watched()
    hit(rig)
    rig.close()
    rig.engine.on_overflow(Stream.TRADES, 1)
    rig.close()
    hit(rig)
    assert told(rig.close()) == [("absorption", "opened", ""), ("iceberg", "opened", "")]


def test_a_background_book_does_not_disturb_the_detectors() -> None:
    """When a second book takes the first one's place nothing is interrupted, and no event counts twice."""
    rig = watched(EngineSettings(audit_interval_ms=3_000))
    opened = told(rig.close())
    assert opened == [("wall", "opened", "")]
    while rig.engine.snapshot_request is None:
        rig.emit()
    rig.answer()
    for _ in range(8):
        rig.emit()
    frame = rig.close()
    assert (frame.status, frame.detections) == (Status.LIVE, [])
    assert frame.health is not None
    assert (frame.health.audits.count >= 1, frame.health.late_messages) == (True, 0)
    rig.emit((True, 4, 1))
    for _ in range(4):
        rig.emit()
    assert told(rig.close()) == [("wall", "closed", "pulled")]


def test_late_messages_are_counted() -> None:
    """A trade too late to be put in order shows in the health."""
    rig = watched()
    rig.close()
    rig.engine.on_trade(trade(at=rig.exchange.events[-6].transaction_time), rig.now)
    assert rig.health().late_messages == 1


# --- coverage and audit -----------------------------------------------------------------------------------

REFRESHING = EngineSettings(book_levels=30, refresh_interval_ms=1_000)


def test_running_out_of_coverage_fetches_a_snapshot_in_the_background() -> None:
    """With few covered levels left a new book is built while frames stay live, and takes over whole."""
    rig = live(REFRESHING, limit=30)
    rig.emit(after_ms=1_000)
    assert rig.engine.snapshot_request is None
    rig.emit((False, -16, 1))
    thin = rig.health().covered_levels
    assert thin is not None
    assert TOP_LEVELS <= thin[0] < 15
    rig.request()
    for distance in range(2, 5):
        assert_follows(rig, (True, distance, 2))
    rig.exchange.update((True, 5, 2))
    rig.answer(limit=30)
    assert_follows(rig, (True, 6, 2))
    read = rig.health()
    assert read.covered_levels is not None
    assert min(read.covered_levels) >= 28
    assert (read.resyncs, read.audits.count, read.audits.mismatches) == (0, 1, 0)
    assert read.audits.levels_compared > 0
    assert rig.engine.snapshot_request is None
    for distance in range(1, 20):
        assert_follows(rig, (True, distance, 3))


def test_background_snapshots_keep_their_distance() -> None:
    """A thin book that is still exact waits `refresh_interval_ms` from one snapshot to the next."""
    rig = live(REFRESHING, limit=30)
    rig.emit((False, -16, 1))
    assert_true(rig.close(), rig.exchange, rig.exchange.events[-1])
    assert rig.engine.snapshot_request is None
    rig.emit(after_ms=700)
    assert rig.engine.snapshot_request is None
    rig.emit(after_ms=200)
    rig.request()


def test_a_book_out_of_coverage_is_dark_until_the_next_snapshot() -> None:
    """When ten covered levels can no longer be shown the frame is dark, without a resync."""
    rig = live(REFRESHING, limit=30)
    rig.emit((False, -22, 1))
    frame = rig.close()
    assert_dark(frame, Status.SYNCING)
    assert frame.health is not None
    assert frame.health.covered_levels is not None
    assert rig.engine.snapshot_request is None
    rig.emit(after_ms=300)  # sooner than a thin book would ask
    assert_dark(rig.close(), Status.SYNCING)
    rig.answer(limit=30)
    last = rig.emit()
    frame = rig.close()
    assert_true(frame, rig.exchange, last)
    assert frame.ofi == 0
    assert frame.health is not None
    assert frame.health.resyncs == 0


def test_a_background_snapshot_too_old_is_asked_for_again() -> None:
    """The second book is built by the same rules as the first, and the first stays live meanwhile."""
    rig = live(REFRESHING, limit=30)
    old = rig.exchange.snapshot()
    rig.emit((True, 2, 1))
    rig.emit((False, -16, 1), after_ms=1_000)
    first = rig.request()
    rig.answer(old)
    assert rig.request() != first
    assert_follows(rig, (True, 3, 2))
    rig.answer()
    assert_follows(rig, (True, 4, 2))


def test_a_loss_drops_the_background_snapshot_too() -> None:
    """After a gap the answer to a background request of before it is not used."""
    rig = live(REFRESHING, limit=30)
    rig.emit((False, -16, 1), after_ms=1_000)
    request, taken = rig.request(), rig.exchange.snapshot()
    gap(rig)
    rig.engine.on_snapshot(request, taken, rig.now)
    assert_dark(rig.close())
    assert rig.engine.phase is Phase.FETCHING
    rig.answer()
    assert_follows(rig)


AUDITING = EngineSettings(audit_interval_ms=10_000)


def due(rig: Rig) -> None:
    """Let the time come at which the next audit is due."""
    for _ in range(10):
        rig.emit((True, 2, 2), after_ms=1_000)
    rig.request()


def test_an_audit_that_agrees_is_counted() -> None:
    """A snapshot taken in the middle of an event agrees with the book but for what that event changes."""
    rig = live(AUDITING)
    due(rig)
    for number in range(1, 4):
        rig.exchange.update((True, 3, 1 + number))
        taken = rig.exchange.snapshot()
        last = rig.emit((True, 3, 2 + number), (False, 2, number))
        rig.answer(taken)
        frame = rig.close()
        assert_true(frame, rig.exchange, last)
        assert frame.health is not None
        assert (frame.health.audits.count, frame.health.audits.mismatches) == (number, 0)
        assert frame.health.audits.levels_compared >= number * 100
        assert frame.health.resyncs == 0
        due(rig)


def tampered(levels: Iterable[tuple[float, float]], how: str) -> list[tuple[float, float]]:
    """Return `levels` with the twentieth changed."""
    changed = list(levels)
    price, size = changed[20]
    if how == "another size":
        changed[20] = (price, size + 1e-8)
    elif how == "a level missing":
        del changed[20]
    else:
        changed.insert(20, (round((price + changed[21][0]) / 2, 8), 1.0))
    return changed


@pytest.mark.parametrize("side", ["bids", "asks"])
@pytest.mark.parametrize("how", ["another size", "a level missing", "a level too many"])
def test_an_audit_that_differs_is_counted_and_the_book_rebuilt(side: str, how: str) -> None:
    """One level that differs, even in its last digit, ends the book; it is dark until rebuilt."""
    rig = live(AUDITING)
    due(rig)
    rig.engine.drain_notices()
    taken = rig.exchange.snapshot()
    rig.answer(msgspec.structs.replace(taken, **{side: tampered(getattr(taken, side), how)}))
    rig.emit()
    frame = rig.close()
    assert_dark(frame, Status.SYNCING)
    assert frame.health is not None
    assert (frame.health.audits.count, frame.health.audits.mismatches, frame.health.resyncs) == (1, 1, 1)
    assert frame.health.resync_causes == {"audit": 1}
    assert any(notice.warning for notice in rig.engine.drain_notices())
    rig.emit()
    assert_dark(rig.close(), Status.SYNCING)
    rig.answer()
    assert_follows(rig)


def test_an_audit_finds_what_a_damaged_event_did() -> None:
    """A level that was damaged on its way is live until the audit, and then no longer."""
    rig = live(AUDITING)
    honest = rig.exchange.emit([(True, 20, 3)])
    price, size = honest.bids[0]
    rig.deliver(msgspec.structs.replace(honest, bids=[(price, size + 1)]))
    due(rig)
    rig.answer()
    rig.emit()
    assert_dark(rig.close(), Status.SYNCING)
    assert rig.health().audits.mismatches == 1


def test_a_background_snapshot_without_ten_levels_does_not_take_over() -> None:
    """It agrees as far as it goes; the book that shows ten levels a side stays, and is audited again."""
    rig = live(AUDITING)
    due(rig)
    taken = rig.exchange.snapshot()
    rig.answer(msgspec.structs.replace(taken, bids=taken.bids[:5]))
    assert_follows(rig)
    assert_follows(rig)
    assert any(notice.warning for notice in rig.engine.drain_notices())
    due(rig)
    rig.answer()
    assert_follows(rig)
    assert rig.health().audits.mismatches == 0


def test_why_the_first_connection_fails_is_said_in_frames() -> None:
    """Each failed try's reason stands there, also while the next one is made."""
    rig = Rig()
    rig.engine.on_stream(Stream.DEPTH, StreamState.CONNECTING, rig.now)
    rig.engine.on_stream(Stream.DEPTH, StreamState.DOWN, rig.now, "HTTP 451, use another network")
    for state in (None, StreamState.CONNECTING):
        if state is not None:
            rig.engine.on_stream(Stream.DEPTH, state, rig.now)
        assert rig.close().reason == "HTTP 451, use another network; the depth stream is not connected"


def test_a_background_snapshot_that_is_crossed_does_not_take_over() -> None:
    """A second book that is corrupt is not used; the first one stays live."""
    rig = live(AUDITING)
    due(rig)
    taken = rig.exchange.snapshot()
    rig.answer(msgspec.structs.replace(taken, bids=[(taken.asks[5][0], 1.0), *taken.bids]))
    assert_follows(rig)
    rig.answer()
    assert_follows(rig)
    assert rig.health().audits.mismatches == 0


# --- frames and rows --------------------------------------------------------------------------------------


def test_the_keys_of_frames_never_change() -> None:
    """Live, syncing, stale or disconnected, a frame has the same keys in the same order."""
    rig = Rig()
    frames = [rig.close()]
    rig.open()
    frames.append(rig.close())
    rig.sync()
    frames += [rig.close(), rig.close(after_ms=3_000)]
    rig.down()
    frames.append(rig.close())
    assert [frame.status for frame in frames] == [
        Status.SYNCING,
        Status.SYNCING,
        Status.LIVE,
        Status.STALE,
        Status.STALE,
    ]
    assert {tuple(json.loads(json_of(frame))) for frame in frames} == {Frame.__struct_fields__}


def test_the_window_holds_every_closed_second() -> None:
    """Rows say what their frames said; a second in which no frame was closed says that it is missing."""
    rig = live()
    frames = [rig.close()]
    rig.seconds += 2
    rig.emit((True, 1, 3))
    frames.append(rig.close())
    rows = [entry.row for entry in rig.engine.window][-4:]
    assert [row.timestamp // 1000 - rig.seconds for row in rows] == [-3, -2, -1, 0]
    assert [row.status is Status.LIVE for row in rows] == [True, False, False, True]
    for frame, row in zip(frames, (rows[0], rows[3]), strict=True):
        assert (row.mid_price, row.ofi, row.bid_levels) == (frame.mid_price, frame.ofi, frame.bid_levels)
    for _ in range(400):
        rig.close()
    assert len(rig.engine.window) == 180


def test_ladders_come_with_live_rows_only() -> None:
    """A live row has the grouped ladders, the finest of which is the top ten; a dark one has none."""
    rig = live()
    frame, entry = rig.engine.close_second((rig.seconds + 1) * 1000, rig.now)
    assert entry.ladders is not None
    assert [ladder.step for ladder in entry.ladders] == [0.1, 1, 5, 10]
    assert (entry.ladders[0].bids, entry.ladders[0].asks) == (frame.bid_levels, frame.ask_levels)
    rig.down()
    assert rig.engine.close_second((rig.seconds + 2) * 1000, rig.now)[1].ladders is None


def test_the_tick_is_the_exchanges_own_where_it_tells_and_else_that_of_the_prices() -> None:
    """What is listed stands above what prices let one think; one that is not live has none."""
    rig = live()
    assert rig.close().tick_size == 0.1
    rig.engine.on_symbol_info(SymbolInfo("TRADING", None))
    assert rig.close().tick_size == 0.1
    rig.engine.on_symbol_info(SymbolInfo("TRADING", 0.05))
    assert rig.close().tick_size == 0.05
    rig.down()
    assert rig.close().tick_size is None
    rig.open()
    rig.sync()
    assert rig.close().tick_size == 0.05


def test_notices_are_taken_once() -> None:
    """What was noted comes out once, and what nobody takes does not pile up."""
    rig = live()
    rig.engine.drain_notices()
    gap(rig)
    assert rig.engine.drain_notices()
    assert rig.engine.drain_notices() == []
    for _ in range(1_000):
        rig.engine.on_snapshot_failed(rig.request(), "again")
    assert len(rig.engine.drain_notices()) <= 100


# --- anything in any phase ----------------------------------------------------------------------------------


def fetching(rig: Rig) -> None:
    """Come to the phase in which a snapshot is waited for."""
    rig.open()
    rig.emit()


def bridging(rig: Rig) -> None:
    """Come to the phase in which the spanning event is waited for."""
    fetching(rig)
    rig.exchange.update((True, 1, 3))
    rig.answer()


def synced(rig: Rig) -> None:
    """Come into step."""
    bridging(rig)
    rig.emit()


def close(rig: Rig) -> None:
    """End a second."""
    rig.close()


REACH: dict[Phase, Callable[[Rig], None]] = {
    Phase.DISCONNECTED: lambda _: None,
    Phase.BUFFERING: Rig.open,
    Phase.FETCHING: fetching,
    Phase.BRIDGING: bridging,
    Phase.SYNCED: synced,
}
HAPPENINGS: list[tuple[str, Callable[[Rig], None], dict[Phase, Phase]]] = [
    (
        "an event",
        lambda rig: rig.deliver(rig.exchange.emit()),
        {
            Phase.BUFFERING: Phase.FETCHING,
            Phase.BRIDGING: Phase.SYNCED,
        },
    ),
    (
        "an event behind a gap",
        gap,
        {
            Phase.BUFFERING: Phase.FETCHING,
            Phase.BRIDGING: Phase.FETCHING,
            Phase.SYNCED: Phase.FETCHING,
        },
    ),
    (
        "an overflow",
        overflowed,
        {
            Phase.FETCHING: Phase.BUFFERING,
            Phase.BRIDGING: Phase.BUFFERING,
            Phase.SYNCED: Phase.BUFFERING,
        },
    ),
    ("a malformed message", lambda rig: rig.engine.on_malformed(Stream.DEPTH), {}),
    ("a trade", lambda rig: rig.engine.on_trade(trade(), rig.now), {}),
    ("a reconnect of the trade stream", trades_reconnect, {}),
    (
        "an unasked snapshot",
        lambda rig: rig.engine.on_snapshot(SnapshotRequest(99, 99), rig.exchange.snapshot(), rig.now),
        {},
    ),
    ("a second", close, {}),
]


@pytest.mark.parametrize("start", Phase)
@pytest.mark.parametrize(
    ("happening", "steps"), [row[1:] for row in HAPPENINGS], ids=[row[0] for row in HAPPENINGS]
)
def test_what_each_happening_does_in_each_phase(
    start: Phase, happening: Callable[[Rig], None], steps: dict[Phase, Phase]
) -> None:
    """In every phase everything may happen, and leads where the table says or nowhere."""
    rig = Rig()
    REACH[start](rig)
    assert rig.engine.phase is start
    happening(rig)
    assert rig.engine.phase is steps.get(start, start)
    assert (rig.close().status is Status.LIVE) == (rig.engine.phase is Phase.SYNCED)
