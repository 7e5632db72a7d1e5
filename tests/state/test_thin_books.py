"""Books of which no ten levels a side can be shown: said in words, and not asked for all the time."""

from collections.abc import Callable

import pytest

from data_ingestion.messages import Snapshot
from orderbook.retry_timer import LONGEST_MS, RetryTimer
from state.frames import Status
from tests.engine_rig import Rig, assert_dark, assert_true, live, opened

MINUTE = 600  # events of 100 ms
MOST_ASKED = 12  # waits of 0.25, 0.5, 1, ... 30 s fill a minute


def cut(rig: Rig, bids: int, asks: int) -> None:
    """Leave so many levels a side in the exchange's book."""
    exchange = rig.exchange
    for tick in sorted(exchange.bids, reverse=True)[bids:]:
        exchange.update((True, min(exchange.asks, default=1_001) - tick, 0))
    for tick in sorted(exchange.asks)[asks:]:
        exchange.update((False, tick - max(exchange.bids, default=1_000), 0))


def cut_at_once(rig: Rig, bids: int, asks: int) -> None:
    """Leave so many levels, of which the stream never told."""
    exchange = rig.exchange
    exchange.bids = dict(sorted(exchange.bids.items(), reverse=True)[:bids])
    exchange.asks = dict(sorted(exchange.asks.items())[:asks])


def minute(rig: Rig) -> int:
    """Play a minute in which every request is answered at once; return how many there were."""
    asked = 0
    for _ in range(MINUTE):
        rig.emit()
        if rig.engine.snapshot_request is not None:
            rig.answer()
            asked += 1
    return asked


@pytest.mark.parametrize(
    ("bids", "asks", "words"),
    [
        (60, 9, "the exchange's book has 9 asks; ten are needed"),
        (4, 60, "the exchange's book has 4 bids; ten are needed"),
        (3, 9, "the exchange's book has 3 bids and 9 asks; ten are needed"),
        (60, 0, "the exchange's book has 0 asks; ten are needed"),
        (0, 60, "the exchange's book has 0 bids; ten are needed"),
        (0, 0, "the exchange's book has 0 bids and 0 asks; ten are needed"),
    ],
)
@pytest.mark.parametrize("start", [opened, live])
def test_a_book_that_is_too_thin_is_asked_for_ever_more_rarely(
    bids: int, asks: int, words: str, start: Callable[[], Rig]
) -> None:
    """From the start, or while live; the frame says what is so."""
    rig = start()
    cut_at_once(rig, bids, asks)
    rig.lose()
    rig.emit()
    if rig.engine.snapshot_request is not None:
        rig.answer()
    asked = minute(rig)
    assert 1 <= asked <= MOST_ASKED
    frame = rig.close()
    assert_dark(frame, Status.SYNCING)
    assert words in (frame.reason or "")
    assert minute(rig) <= 3
    notices = [notice for notice in rig.engine.drain_notices() if "not usable" in notice.text]
    assert len(notices) <= 2 * MOST_ASKED


def test_a_thin_book_that_fills_inside_its_range_is_live_at_once() -> None:
    """Diffs alone make ten of nine: no snapshot is waited for."""
    rig = live()
    cut(rig, 60, 9)
    rig.emit()
    frame = rig.close()
    assert_dark(frame, Status.SYNCING)
    event = rig.emit((False, 30, 2))
    assert_true(rig.close(), rig.exchange, event)


def test_levels_beyond_the_range_of_a_thin_book_are_worth_a_look() -> None:
    """The tenth ask comes where nothing was known: the next snapshot is not half a minute away."""
    rig = live()
    cut_at_once(rig, 60, 9)
    rig.lose()
    rig.emit()
    rig.answer()
    for _ in range(3):
        minute(rig)
    rig.exchange.refill()
    rig.emit()
    for _ in range(int(LONGEST_MS / 8 / 100) + 5):
        event = rig.emit((False, 40, 1))
        if rig.engine.snapshot_request is not None:
            rig.answer()
            event = rig.emit()
            break
    assert_true(rig.close(), rig.exchange, event)


def test_a_book_that_ends_up_corrupt_again_and_again_is_rebuilt_ever_more_rarely() -> None:
    """The first time at once; with ten calm seconds between them at once again."""
    rig = live()
    asked = 0
    for _ in range(MINUTE):
        crossed = rig.exchange.emit([(True, 1, 1)])
        rig.exchange.events.pop()
        rig.deliver(
            type(crossed)(
                crossed.event_time,
                crossed.transaction_time,
                crossed.symbol,
                crossed.first_update_id,
                crossed.final_update_id,
                crossed.previous_final_update_id,
                [(1e6, 1.0)],
                [],
            )
        )
        rig.exchange.events.append(crossed)
        if rig.engine.snapshot_request is not None:
            asked += 1
            rig.answer()
            rig.emit()
    assert 2 <= asked <= 2 * MOST_ASKED


def test_waits_double_up_to_half_a_minute() -> None:
    """And begins anew once something was of use."""
    timer, now = RetryTimer(), 0.0
    waits = []
    for _ in range(9):
        timer.on_failure(now)
        began = now
        while not timer.is_due(now):
            now += 50
        waits.append(now - began)
    assert waits == [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]
    timer.on_failure(now)
    assert timer.is_due(now + LONGEST_MS / 8, hinted=True)
    assert not timer.is_due(now + LONGEST_MS / 8)
    timer.on_success()
    assert timer.is_due(now)


def test_a_snapshot_is_only_asked_for_once_at_a_time() -> None:
    """However many events come while it is on its way."""
    rig = live()
    cut_at_once(rig, 60, 0)
    rig.lose()
    rig.emit()
    request = rig.request()
    for _ in range(50):
        rig.emit()
        assert rig.request() == request
    empty: Snapshot = rig.exchange.snapshot()
    rig.answer(empty)
    assert rig.engine.snapshot_request is None
