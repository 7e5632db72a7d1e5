"""What detectors say, as a client gets it."""

import json

import pytest

from features.detectors.detection import ASK, BID, Ending, Event, Kind
from features.detectors.subject import Subject
from tests.builders import START_MS, json_of

KEYS = [
    "id",
    "kind",
    "event",
    "side",
    "price",
    "started_at",
    "time",
    "reason",
    "magnitude",
    "rank",
    "evidence",
]
"""The contract's keys of a detection, written down once more."""


def test_a_detection_is_encoded_under_the_contracts_keys() -> None:
    """Words are words, times are numbers, and an opening has no reason."""
    subject = Subject(Kind.WALL, BID, 100.5, START_MS)
    entry = json.loads(
        json_of(subject.detection(Event.OPENED, START_MS + 5_100, 16.5, {"size": 9.5, "trades": []}))
    )
    assert list(entry) == KEYS
    assert entry == {
        "id": entry["id"],
        "kind": "wall",
        "event": "opened",
        "side": "bid",
        "price": 100.5,
        "started_at": START_MS,
        "time": START_MS + 5_100,
        "reason": None,
        "magnitude": 16.5,
        "rank": None,
        "evidence": {"size": 9.5, "trades": []},
    }


@pytest.mark.parametrize("reason", Ending)
def test_an_ending_says_why(reason: Ending) -> None:
    """A closing is encoded with its reason in words."""
    closed = Subject(Kind.ICEBERG, ASK, 1.0, START_MS).detection(Event.CLOSED, START_MS, 1.0, {}, reason)
    assert json.loads(json_of(closed))["reason"] == reason.value


def test_the_id_is_the_same_over_a_life_and_no_other_ones() -> None:
    """Kind, side, price and beginning make the id, to the last digit of each."""
    places = [
        (kind, side, price, at)
        for kind in Kind
        for side in (BID, ASK)
        for price in (61_000.1, 61_000.2, 0.0001234)
        for at in (START_MS, START_MS + 1)
    ]
    subjects = [Subject(*place) for place in places]
    assert len({subject.id for subject in subjects}) == len(places)
    for subject in subjects:
        assert (
            subject.detection(Event.OPENED, 1, 1.0, {}).id == subject.detection(Event.CLOSED, 2, 1.0, {}).id
        )
