"""Patterns woven into the recording: depth and trades agree, ids go on, and what is strong is found."""

import gzip
from collections import defaultdict
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from random import Random

import pytest

from features.detectors.detection import Event, Kind
from features.detectors.subject import Subject
from state.engine import Engine
from tests.replay.playback import Playback, market, top_of
from tests.replay.rig import RECORDING, SYMBOL, needs_recording
from tests.tools.detection.injection.ahead import Ahead
from tests.tools.detection.injection.hands import WAYS, Hand, Record, Spoiled
from tests.tools.detection.injection.loom import ASK, BID, Loom, Top, messages
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


def test_nobody_trades_where_nothing_rests() -> None:
    """Of a level no more is eaten than is there, held or not, and of an empty one nothing."""
    loom = Loom(small())
    loom.follow_diff(small().diffs[0])
    loom.act(START + 100)
    loom.hold(BID, 99.5, 0.4)
    for price in (100.5, 99.5, 99.5, 99.0):
        loom.take(BID, price, 3.0)
    assert [(trade["p"], trade["q"]) for trade in loom.trades] == [("99.50", "0.400"), ("99.00", "1.000")]


def test_a_depth_event_is_published_when_there_is_one_and_not_by_the_clock() -> None:
    """What a hand does at 330 ms is of the event of the 400th ms; that nothing is done is of none."""
    loom = Loom(small())
    loom.follow_diff(small().diffs[0])
    published = list[int]()
    for at in range(110, 1_000, 20):
        loom.act(START + at)
        if at == 330:
            loom.hold(BID, 99.5, 0.4)
        loom.acted()
        if not published or published[-1] != loom.published_at - START:
            published.append(loom.published_at - START)
    assert published == [0, 330]
    assert (99.5, 0.4) in loom.published[BID]


def test_each_side_is_watched_by_itself() -> None:
    """What printed and was shown on the one is not forgotten when the other's is."""
    loom = Loom(small())
    loom.follow_diff(small().diffs[0])
    loom.act(START + 100)
    loom.watch(BID)
    loom.hold(BID, 99.0, 4.0)
    loom.acted()
    loom.act(START + 300)
    loom.take(BID, 99.0, 3.0)
    loom.watch(ASK)
    assert loom.printed == [{99.0: 3.0}, {}]
    assert loom.most[BID][99.0] == 4.0
    assert loom.most[ASK][101.0] == 1.0


def swept(
    b: list[list[str]], at: int, strength: float = 1.03, trade: tuple[int, str] | None = None
) -> tuple[Loom, Record]:
    """Sweep three levels in 196 ms over the strength, from 496 ms on, whatever else is recorded."""
    calm = small()
    change = {**calm.diffs[1], "E": START + at, "T": START + at, "b": b}
    due, price = (START + trade[0], trade[1]) if trade else (START + 5_000, "1.00")
    traded = {**calm.trades[0], "T": due, "p": price}
    loom = Loom(Recording(calm.snapshot, [calm.diffs[0], change], [traded]))
    record = Record(Kind.SWEEP, "speed", strength, BID)
    loom.follow_diff(calm.diffs[0])
    loom.act(START + 400)
    coming = sorted(
        [(START + at, loom.follow_diff, change), (due, loom.follow_trade, traded)], key=itemgetter(0)
    )
    hand = Hand(loom, NoSweeps(), Random(1), record)  # noqa: S311
    try:
        for wait in WAYS[Kind.SWEEP]["speed"].script(hand):
            loom.acted()
            then = loom.now + wait
            while coming and coming[0][0] <= then:
                _, follow, message = coming.pop(0)
                follow(message)
            loom.act(then)
    except Spoiled as reason:
        record.spoiled = str(reason)
    return loom, record


class NoSweeps(Ahead):
    """A recording without sweeps of its own."""

    def __init__(self) -> None:
        """Know nothing more of it."""

    def no_sweep(self, side: int, time: int) -> bool:
        """Say that there is none."""
        return True


@pytest.mark.parametrize(
    "b",
    [
        [["98.00", "0.000"]],
        [["100.00", "0.000"], ["99.00", "0.000"], ["98.00", "0.000"]],
        [["99.00", "7.000"]],
        [["99.50", "7.000"]],
        [],
    ],
)
@pytest.mark.parametrize("at", [450, 550, 640, 699])
def test_a_sweep_eats_its_levels_whatever_the_recording_does(b: list[list[str]], at: int) -> None:
    """A level is there when it is eaten, its print is in the trades, and the next book shows it gone."""
    loom, record = swept(b, at)
    assert record.spoiled is None
    printed: defaultdict[str, float] = defaultdict(float)
    for trade in loom.trades:
        printed[trade["p"]] += float(trade["q"])
    assert all(printed[price] >= 1.0 for price in ("100.00", "99.00", "98.00"))
    assert loom.published_at >= record.ended_at
    assert loom.published[BID][0] == (97.0, 1.0)
    gone = {price for diff in loom.diffs for price, size in diff["b"] if float(size) == 0}
    assert {"100.00", "99.00", "98.00"} <= gone


@pytest.mark.parametrize(
    ("at", "price", "spoiled"),
    [
        (290, "100.00", None),
        (350, "100.00", "others have begun"),
        (1_000, "96.00", "others went on"),
        (1_190, "96.00", None),
        (1_000, "98.00", None),
        (600, "99.00", "others traded there"),
    ],
)
def test_a_near_miss_is_spoiled_by_others_who_begin_or_go_on(
    at: int, price: str, spoiled: str | None
) -> None:
    """Within the time of a sweep their trades and the woven ones are one sweep, and rightly told."""
    _, record = swept([], 1_000, 0.5, (at, price))
    assert record.spoiled == spoiled


def test_a_pattern_is_one_whoever_goes_on() -> None:
    """A sweep of four levels is a sweep as well."""
    _, record = swept([], 1_000, 2.0, (700, "96.00"))
    assert record.spoiled is None


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
def test_events_are_published_as_the_exchange_sends_them() -> None:
    """At the same times and with the same books as the rig, however often somebody looks meanwhile."""
    recording = read(RECORDING)
    first = Recording(recording.snapshot, recording.diffs[:600], recording.trades[:2_000])
    loom, published = Loom(first), dict[int, Top]()
    for time, is_trade, message in messages(first):
        for moment in range(loom.now, min(time, first.end), 7):
            loom.act(moment)
            loom.acted()
            published[loom.published_at] = loom.published
        (loom.follow_trade if is_trade else loom.follow_diff)(message)
    del published[0]
    rig = market()
    for event, (at, top) in zip(rig.depth, published.items(), strict=False):
        while rig.diffs[0]["u"] <= event["u"]:
            rig.apply(rig.diffs.pop(0))
        rig.depth_message(event, 0)
        assert at == event["T"]
        assert [[list(level) for level in side] for side in top] == list(rig.truth[event["u"]])
    assert len(published) > 250


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
