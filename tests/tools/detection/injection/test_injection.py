"""Patterns woven into the recording: depth and trades agree, ids go on, and what is strong is found."""

import gzip
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from features.detectors.detection import Event, Kind
from features.detectors.subject import Subject
from state.engine import Engine
from tests.replay.playback import Playback, top_of
from tests.replay.rig import RECORDING, SYMBOL, needs_recording
from tests.tools.detection.injection.ahead import Ahead
from tests.tools.detection.injection.hands import WAYS, Record
from tests.tools.detection.injection.loom import BID, Loom, messages
from tests.tools.detection.injection.recording import Recording, read, write
from tests.tools.detection.injection.weaving import Plan, judged, weave

START = 1_700_000_000_000


def small() -> Recording:
    """Return a recording of two seconds, in which the best bid changes once and is hit once."""
    bids = [[f"{100 - level:.2f}", "1.000"] for level in range(20)]
    asks = [[f"{101 + level:.2f}", "1.000"] for level in range(20)]
    snapshot = {"lastUpdateId": 10, "bids": bids, "asks": asks}
    diffs = [
        {
            "e": "depthUpdate", "E": START + at, "T": START + at, "s": SYMBOL,
            "U": u, "u": u, "pu": u - 1, "b": b, "a": [],
        }
        for at, u, b in ((0, 11, []), (500, 12, [["100.00", "0.400"]]), (2_000, 13, [["99.00", "2.000"]]))
    ]  # fmt: skip
    trade = {
        "e": "trade", "E": START + 490, "T": START + 490, "s": SYMBOL, "t": 5, "p": "100.00", "q": "0.600",
        "X": "MARKET", "m": True,
    }  # fmt: skip
    return Recording(snapshot, diffs, [trade])


def played(loom: Loom) -> None:
    """Let the rest of the recording come."""
    for time, is_trade, message in messages(loom.recording):
        if time >= loom.now:
            (loom.follow_trade if is_trade else loom.follow_diff)(message)


def test_without_a_hand_nothing_is_changed() -> None:
    """Depth and trades come out as they went in."""
    loom = Loom(small())
    played(loom)
    assert loom.woven() == small()


def test_what_is_pulled_prints_nothing_and_ids_go_on() -> None:
    """A level that is held and let go is two events more, and every event follows on the one before."""
    loom = Loom(small())
    loom.follow_diff(small().diffs[0])
    loom.act(START + 100)
    loom.hold(BID, 95.0, 7.0)
    loom.acted()
    loom.act(START + 200)
    loom.let_go(BID, 95.0)
    loom.acted()
    played(loom)
    assert [diff["b"] for diff in loom.diffs[1:3]] == [[["95.00", "7.000"]], [["95.00", "1.000"]]]
    assert all(late["pu"] == early["u"] for early, late in pairwise(loom.diffs))
    assert loom.diffs[-1]["u"] == 15
    assert len(loom.trades) == 1


def test_what_is_eaten_prints_and_later_changes_are_merged() -> None:
    """Of 99 all is eaten; when the recording adds one there, that one is shown."""
    loom = Loom(small())
    loom.follow_diff(small().diffs[0])
    loom.act(START + 100)
    loom.take(BID, 99.0, 1.0)
    loom.acted()
    played(loom)
    assert loom.diffs[1]["b"] == [["99.00", "0.000"]]
    assert loom.diffs[-1]["b"] == [["99.00", "1.000"]]
    assert [(trade["p"], trade["q"], trade["m"], trade["t"]) for trade in loom.trades] == [
        ("99.00", "1.000", True, 5), ("100.00", "0.600", True, 6),
    ]  # fmt: skip


def test_a_recorded_trade_meets_what_is_held_in_its_way() -> None:
    """A seller at 100 meets the bid at 100.5 first, and 100 is what is left for it."""
    loom = Loom(small())
    loom.follow_diff(small().diffs[0])
    loom.act(START + 100)
    loom.hold(BID, 100.5, 0.5)
    loom.acted()
    loom.follow_trade(small().trades[0])
    assert [(trade["p"], trade["q"]) for trade in loom.trades] == [("100.50", "0.500"), ("100.00", "0.100")]
    assert loom.size(BID, 100.5) == 0


def test_a_recording_is_written_as_it_is_read(tmp_path: Path) -> None:
    """To the rig's own format and back."""
    write(small(), tmp_path / "small.gz", SYMBOL)
    assert read(tmp_path / "small.gz") == small()


def test_what_is_no_recording_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """One without depth has nothing to weave into."""
    path = tmp_path / "none.gz"
    with gzip.open(path, "wb") as lines:
        lines.write(b'1 {"lastUpdateId": 1, "bids": [], "asks": []}\n')
    with pytest.raises(ValueError, match="no depth or no trades"):
        read(path)


@needs_recording
def test_what_is_woven_in_plays_through_the_engine_and_is_found(tmp_path: Path) -> None:
    """The rig's book of it is the engine's after every event, and nearly all strong patterns are flagged."""
    recording = read(RECORDING)
    plans = [
        Plan(kind, way, strength)
        for kind in (Kind.WALL, Kind.LAYERING, Kind.ICEBERG, Kind.EXHAUSTION)
        for way in WAYS[kind]
        for strength in (0.5, 3.0)
        for _ in range(5)
    ]
    Random(1).shuffle(plans)  # noqa: S311
    woven, records = weave(recording, Ahead(recording, []), plans, 1)
    write(woven, tmp_path / "woven.gz", SYMBOL)
    playback = Playback(engine=Engine(SYMBOL, "binance"), path=tmp_path / "woven.gz")
    for update_id, truth in playback.run():
        if playback.engine.market is not None:
            assert top_of(playback.engine) == truth, update_id
    assert playback.engine.health.resyncs == 0
    outcomes = [outcome for outcome in judged(records, playback.detections) if not outcome.record.spoiled]
    strong = [bool(outcome.flags) for outcome in outcomes if outcome.record.strength > 2]
    weak = [bool(outcome.flags) for outcome in outcomes if outcome.record.strength < 0.7]
    assert len(strong) > 8
    assert len(weak) > 8
    assert sum(strong) >= 0.8 * len(strong)
    assert sum(weak) <= 0.2 * len(weak)


@pytest.mark.parametrize(("price", "about"), [(100.0, True), (99.5, True), (98.0, False)])
def test_a_flag_is_about_what_was_woven_at_its_price(price: float, about: bool) -> None:
    """Within its prices; another level's is another's."""
    flag = Subject(Kind.WALL, BID, price, START).detection(Event.OPENED, START + 50, 1.0, {})
    record = Record(Kind.WALL, "size", 2.0, BID, 100.0, 99.0, START, START + 100)
    (outcome,) = judged([record], [flag])
    assert bool(outcome.flags) == about
