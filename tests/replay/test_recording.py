"""The engine over a real recording of Binance, message by message."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from data_ingestion.messages import decode_snapshot
from features.detectors.detection import Kind
from tests.replay.playback import Playback, best, connected_engine, raw_diffs, top_of
from tests.replay.rig import book_tickers, needs_recording

pytestmark = needs_recording


@dataclass
class Played:
    """The recording through one engine, and what came of comparing each top ten with the true one."""

    playback: Playback = field(default_factory=Playback)
    compared: int = 0
    wrong: list[int] = field(default_factory=list)


@pytest.fixture(scope="module")
def played() -> Played:
    """Play the recording once."""
    played = Played()
    for update_id, truth in played.playback.run():
        shown = top_of(played.playback.engine)
        if shown is not None:
            played.compared += 1
            if shown != truth:
                played.wrong.append(update_id)
    return played


def test_top_ten_is_exact_after_every_event_of_the_recording(played: Played) -> None:
    """Once in step, no update of the recording shows another top ten than the true book's."""
    assert played.wrong == []
    assert played.compared > 3_400
    assert all(json.loads(text)[0]["status"] == "live" for text in played.playback.frames)


def test_small_snapshots_over_resting_levels_never_show_a_wrong_book() -> None:
    """Where a snapshot covers little and levels rest unseen, what is shown is exact and rarely dark."""
    playback = Playback(resting=150, snapshot_levels=100)
    for update_id, truth in playback.run():
        shown = top_of(playback.engine)
        assert shown is None or shown == truth, update_id
    statuses = [json.loads(text)[0]["status"] for text in playback.frames]
    assert statuses.count("live") >= 0.9 * len(statuses)
    assert playback.engine.health.mismatches == 0


def test_background_snapshots_agree_with_the_book_to_the_digit(played: Played) -> None:
    """Audits happen on the recording, compare many levels and find nothing."""
    health = played.playback.engine.health
    assert health.audits > 0
    assert health.levels_compared > 500
    assert health.mismatches == 0


def test_best_prices_and_sizes_are_the_exchanges_own_at_equal_update_ids() -> None:
    """Best bid and ask, price and size, equal the recording's bookTicker wherever update ids are equal."""
    snapshot, diffs = raw_diffs()
    tickers = {
        ticker["u"]: tuple(float(ticker[name]) for name in ("b", "B", "a", "A")) for ticker in book_tickers()
    }
    engine = connected_engine()
    equal = 0
    for index, event in enumerate(diffs):
        engine.on_depth(event, event.event_time, index)
        if engine.snapshot_request is not None and not equal:
            request = engine.snapshot_request
            engine.on_snapshot(request, decode_snapshot(json.dumps(snapshot)), index)
        shown, ticker = best(engine), tickers.get(event.final_update_id)
        if shown is not None and ticker is not None:
            assert shown == ticker, event.final_update_id
            equal += 1
    assert equal > 100


def test_the_same_messages_give_the_same_bytes(played: Played) -> None:
    """Two engines fed the same recording put out the same frames and rows, byte for byte."""
    first, second = played.playback, Playback()
    for _ in second.run():
        pass
    assert len(first.frames) > 300
    assert first.frames == second.frames
    assert len(detections(first)) > 50


def detections(playback: Playback) -> list[dict[str, Any]]:
    """Return all that was detected, in the order of the frames."""
    return [entry for text in playback.frames for entry in json.loads(text)[0]["detections"]]


def spans(said: list[dict[str, Any]], kind: str, end: int) -> list[tuple[int, int]]:
    """Return from when to when each of a kind was open, in exchange ms; an instant one begins as it ends."""
    begun = {entry["id"]: entry["time"] for entry in said if entry["event"] in {"opened", "fired"}}
    ended = {entry["id"]: entry["time"] for entry in said if entry["event"] in {"closed", "fired"}}
    kinds = {entry["id"]: entry["kind"] for entry in said}
    return sorted((begun[one], ended.get(one, end)) for one in begun if kinds[one] == kind)


def test_detections_on_the_recording_are_neither_constant_nor_absent(played: Played) -> None:
    """Walls open as often and as long as a plain reading of the rule has it; no kind is always there."""
    playback = played.playback
    said = detections(playback)
    end = json.loads(playback.frames[-1])[0]["timestamp"]
    length = 1000 * len(playback.frames)
    walls = spans(said, "wall", end)
    assert 30 <= len(walls) <= 42
    until, covered = 0, 0
    for opened, closed in walls:
        covered += max(0, closed - max(opened, until))
        until = max(until, closed)
    assert 0.10 <= covered / length <= 0.15
    for kind in Kind:
        seconds = {
            second
            for opened, closed in spans(said, kind, end)
            for second in range(opened // 1000, closed // 1000 + 1)
        }
        assert 0 < len(seconds) <= 0.2 * len(playback.frames), kind
    assert playback.engine.health.trades.malformed == 0


def test_a_full_window_of_all_that_is_known_stays_small(played: Played) -> None:
    """What engine and API hold of a symbol for `?updates=1`, 180 s of it, at most 8 MiB as JSON."""
    rows = list(played.playback.engine.window)
    held = sum(len(part) for row in rows for part in (row.chunk.updates, row.chunk.book, row.chunk.tape))
    assert len(rows) == 180
    assert 1 * 2**20 < held < 8 * 2**20
