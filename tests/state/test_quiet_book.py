"""A book of which the stream says nothing: asked for, confirmed, or found to be lost. Without I/O."""

import pytest

from state.frames import Status
from tests.engine_rig import Rig, assert_dark, live

QUIET_MS = 1_000  # half of stale_after


def quiet() -> Rig:
    """Return a live rig of which the stream has just become quiet enough to ask the exchange."""
    rig = live()
    assert not watch(rig, QUIET_MS - 1)
    assert not asks(rig)
    assert not watch(rig, 1)
    assert asks(rig)
    return rig


def asks(rig: Rig) -> bool:
    """Return whether the exchange is to be asked."""
    return rig.engine.confirmation_request is not None


def watch(rig: Rig, passed_ms: float) -> bool:
    """Let time pass, and say so."""
    rig.now += passed_ms
    return rig.engine.watch(rig.now, wall(rig))


def wall(rig: Rig) -> float:
    """Return the exchange's clock now: it runs with the steady one from the last event on."""
    return rig.exchange.events[-1].event_time + rig.now - rig.last_ms


def confirm(rig: Rig, *, limit: int = 50, age_ms: float = 0, moved: bool = False) -> bool:
    """Answer the engine's question with the exchange's best levels."""
    request, taken = rig.engine.confirmation_request, rig.exchange.snapshot(limit)
    assert request is not None
    if moved:
        rig.exchange.update_id += 2
        taken = rig.exchange.snapshot(limit)
    at = int(wall(rig) - age_ms)
    snapshot = type(taken)(taken.last_update_id, at, at, taken.bids, taken.asks)
    return rig.engine.on_confirmation(request, snapshot, rig.now, wall(rig))


@pytest.mark.parametrize("moved", [False, True])
def test_a_confirmed_book_stays_live_and_says_since_when_it_is_the_same(moved: bool) -> None:
    """For as long as each proof is younger than `stale_after`; the ids may move on without a change."""
    rig = quiet()
    for _ in range(10):
        assert confirm(rig, moved=moved)
        frame = rig.close()
        assert frame.status is Status.LIVE
        assert frame.unchanged_since == frame.exchange_time == rig.exchange.events[-1].transaction_time
        watch(rig, QUIET_MS)
    assert rig.close(after_ms=QUIET_MS + 1).status is Status.STALE


def test_only_what_was_confirmed_is_told_in_ladders() -> None:
    """Until the next event proves that nothing was missed."""
    rig = quiet()
    confirm(rig, limit=5)
    rig.close()
    finest = (list(rig.engine.window)[-1].ladders or [])[0]
    assert [size is None for _, size in finest.bids] == [False] * 5 + [True] * 5
    rig.emit((True, 1, 2))
    frame = rig.close()
    assert frame.unchanged_since is None
    finest = (list(rig.engine.window)[-1].ladders or [])[0]
    assert all(size is not None for _, size in finest.bids)


def test_a_stream_that_does_not_tell_what_the_exchange_shows_has_failed() -> None:
    """A moment is given to an event on its way."""
    rig = quiet()
    rig.lose((True, 1, 3))
    assert not confirm(rig)
    assert not watch(rig, 100)
    assert not watch(rig, 300)
    assert rig.close().status is Status.LIVE
    assert watch(rig, 200)
    assert not watch(rig, 100)  # said once


def test_an_event_that_a_small_snapshot_overtook_is_no_failure() -> None:
    """It comes a moment later, and all is well."""
    rig = quiet()
    late = rig.exchange.emit([(True, 1, 3)])
    assert not confirm(rig)
    watch(rig, 50)
    rig.deliver(late)
    assert not any(watch(rig, 100) for _ in range(8))
    assert rig.close().status is Status.LIVE


@pytest.mark.parametrize("age_ms", [2_000, 60_000])
def test_an_old_answer_confirms_nothing(age_ms: float) -> None:
    """One from a cache, say: the book goes stale as without it."""
    rig = quiet()
    assert not confirm(rig, age_ms=age_ms)
    assert_dark(rig.close(after_ms=QUIET_MS + 1), Status.STALE)


def test_an_answer_after_an_event_is_dropped() -> None:
    """The event says more."""
    rig = quiet()
    request, taken = rig.engine.confirmation_request, rig.exchange.snapshot(50)
    rig.emit((False, 1, 3))
    assert request is not None
    assert not rig.engine.on_confirmation(request, taken, rig.now, wall(rig))
    assert rig.close().unchanged_since is None


def test_nothing_is_asked_while_events_come_or_there_is_no_book() -> None:
    """The default symbols lose nothing by it."""
    rig = live()
    for _ in range(100):
        rig.emit()
        assert not watch(rig, 0)
        assert rig.engine.confirmation_request is None
    rig.down()
    assert not watch(rig, 10_000)
    assert rig.engine.confirmation_request is None
