"""Binance's rules for the order of futures depth events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderbook.sequence_validator import Gap, SequenceValidator, Verdict
from tests.builders import depth, property_settings

Ids = tuple[int, int, int]
"""`U`, `u`, `pu`."""


def judged(snapshot_id: int, *events: Ids) -> list[Verdict | Gap]:
    """Return the verdicts on `events` after a snapshot of `snapshot_id`."""
    validator = SequenceValidator(snapshot_id)
    return [validator.check(depth(*ids)) for ids in events]


APPLY, OUTDATED, TOO_OLD = Verdict.APPLY, Verdict.OUTDATED, Verdict.SNAPSHOT_TOO_OLD
BRIDGE: Ids = (95, 105, 90)

FIRST = [
    ("ends before the snapshot", (80, 99, 79), OUTDATED),
    ("ends one before the snapshot", (99, 99, 98), OUTDATED),
    ("ends at the snapshot", (90, 100, 88), APPLY),
    ("is the snapshot's very update", (100, 100, 99), APPLY),
    ("starts at the snapshot", (100, 110, 98), APPLY),
    ("spans the snapshot", (95, 105, 90), APPLY),
    ("spans the snapshot by one on both sides", (99, 101, 98), APPLY),
    ("starts right after the snapshot, as the spot rule wants it", (101, 105, 100), TOO_OLD),
    ("starts right after the snapshot, with a pu elsewhere", (101, 105, 97), TOO_OLD),
    ("starts well after the snapshot", (500, 510, 490), TOO_OLD),
    ("pu names the snapshot but the event does not span it", (103, 110, 100), TOO_OLD),
    ("pu is not looked at when the event spans the snapshot", (95, 105, 7), APPLY),
    ("is from before a change of the counter", (5, 9, 1), OUTDATED),
]


@pytest.mark.parametrize(("event", "verdict"), [row[1:] for row in FIRST], ids=[row[0] for row in FIRST])
def test_the_first_event_spans_the_snapshot(event: Ids, verdict: Verdict) -> None:
    """Until an event is applied, `U <= lastUpdateId <= u` decides, with both ends included."""
    assert judged(100, event) == [verdict]


NEXT: list[tuple[str, Ids, Verdict | Gap]] = [
    ("pu continues", (106, 110, 105), APPLY),
    ("pu continues and U is not pu + 1", (109, 112, 105), APPLY),
    ("an empty id range continues", (106, 106, 105), APPLY),
    ("U continues but pu does not: the spot rule", (106, 110, 104), Gap(105, 104)),
    ("one event is missing", (111, 115, 110), Gap(105, 110)),
    ("pu is one too high", (107, 110, 106), Gap(105, 106)),
    ("the very same event again", (95, 105, 90), OUTDATED),
    ("the last event again but cut short", (95, 104, 90), Gap(105, 90)),
    ("the last event again but longer", (95, 106, 90), Gap(105, 90)),
    ("the last u again but another U", (96, 105, 90), Gap(105, 90)),
    ("the last u again but another pu", (95, 105, 91), Gap(105, 91)),
    ("an older event", (85, 90, 80), Gap(105, 80)),
    ("an older event that ends where the last began", (85, 94, 80), Gap(105, 80)),
    ("after the counter began anew", (1, 8, 0), Gap(105, 0)),
    ("after the counter jumped ahead", (900_001, 900_008, 900_000), Gap(105, 900_000)),
    ("spans the snapshot again but does not continue", (98, 108, 97), Gap(105, 97)),
]


@pytest.mark.parametrize(("event", "verdict"), [row[1:] for row in NEXT], ids=[row[0] for row in NEXT])
def test_from_then_on_pu_continues_u(event: Ids, verdict: Verdict | Gap) -> None:
    """Once an event is applied, only `pu` equal to the last `u` continues; an exact repeat is dropped."""
    assert judged(100, BRIDGE, event) == [APPLY, verdict]


@pytest.mark.parametrize(("event", "verdict"), [row[1:] for row in NEXT], ids=[row[0] for row in NEXT])
def test_the_rule_is_the_same_far_from_the_snapshot(event: Ids, verdict: Verdict | Gap) -> None:
    """The snapshot's id has no say once the sequence has left it."""
    before = [(10, 20, 5), (23, 60, 20), (61, 90, 60), BRIDGE]
    assert judged(15, *before, event) == [APPLY] * 4 + [verdict]


def test_outdated_events_before_the_first_are_dropped_without_a_chain() -> None:
    """Holes among events that the snapshot already has do not matter."""
    events: list[Ids] = [(10, 20, 5), (61, 70, 60), (30, 40, 20), (95, 105, 90), (106, 110, 105)]
    assert judged(100, *events) == [OUTDATED, OUTDATED, OUTDATED, APPLY, APPLY]


def test_a_repeat_may_come_any_number_of_times() -> None:
    """Repeats of the last event neither break nor move the sequence."""
    events: list[Ids] = [BRIDGE, BRIDGE, BRIDGE, (106, 110, 105), (106, 110, 105), (111, 112, 110)]
    assert judged(100, *events) == [APPLY, OUTDATED, OUTDATED, APPLY, OUTDATED, APPLY]


def test_the_repeat_of_an_event_that_ended_at_the_snapshot_is_dropped() -> None:
    """The event that ended exactly at the snapshot is applied once, not twice."""
    assert judged(100, (90, 100, 88), (90, 100, 88), (101, 104, 100)) == [APPLY, OUTDATED, APPLY]


def test_an_empty_diff_moves_the_sequence_on() -> None:
    """An event without levels is a link of the chain like any other."""
    validator = SequenceValidator(100)
    assert validator.check(depth(*BRIDGE)) is APPLY
    assert validator.check(depth(106, 108, 105)) is APPLY
    assert validator.last_update_id == 108
    assert validator.check(depth(109, 110, 105)) == Gap(108, 105)


def test_only_what_is_applied_moves_the_id() -> None:
    """The id stays at the snapshot or the last applied event, whatever else comes."""
    validator = SequenceValidator(100)
    ids = []
    for event in [(80, 99, 79), (101, 105, 100), BRIDGE, BRIDGE, (111, 115, 110), (106, 107, 105)]:
        validator.check(depth(*event))
        ids.append(validator.last_update_id)
    assert ids == [100, 100, 105, 105, 105, 107]


def test_a_gap_names_both_ids() -> None:
    """A gap's words hold the id that was expected and the one that came."""
    assert "105" in str(Gap(105, 110))
    assert "110" in str(Gap(105, 110))


@given(
    lengths=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30),
    lost=st.sets(st.integers(0, 29)),
    start=st.integers(-5, 100),
)
@property_settings(300)
def test_whatever_is_lost_the_applied_events_are_consecutive(
    lengths: list[tuple[int, int]], lost: set[int], start: int
) -> None:
    """With events missing at random, those applied up to the first gap follow on one another."""
    stream: list[Ids] = []
    last = 10
    for skipped, length in lengths:
        stream.append((last + 1 + skipped, last + 1 + skipped + length, last))
        last = stream[-1][1]
    validator = SequenceValidator(start)
    applied = []
    for index, ids in enumerate(stream):
        if index in lost:
            continue
        verdict = validator.check(depth(*ids))
        if verdict is APPLY:
            applied.append(index)
        elif verdict is not OUTDATED:
            break
    if applied:
        assert applied == list(range(applied[0], applied[0] + len(applied)))
        assert stream[applied[0]][0] <= start <= stream[applied[0]][1]
        assert validator.last_update_id == stream[applied[-1]][1]
    else:
        assert validator.last_update_id == start
