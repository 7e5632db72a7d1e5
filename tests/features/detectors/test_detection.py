"""What detectors say, as a client gets it."""

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from features.detectors.detection import (
    ASK,
    BID,
    Ending,
    Event,
    Kind,
    above,
    at_least,
    rounded,
)
from features.detectors.subject import Subject
from tests.builders import START_MS, json_of, property_settings

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


@given(st.integers(-(10**17), 10**17), st.integers(0, 8), st.integers(-2, 2))
@example(9 * 10**15, 8, 1)
@example(2**53, 8, -1)
@property_settings(500)
def test_whatever_has_eight_decimals_is_rounded_to_itself(units: int, decimals: int, off: int) -> None:
    """Of any magnitude, and from the floats beside it too, where those are nearer than half a unit."""
    number = units / 10**decimals
    near = number
    for _ in range(abs(off)):
        near = math.nextafter(near, math.inf * off)
    assert rounded(number) == number
    if abs(near - number) < 4e-9:
        assert rounded(near) == number


@given(st.integers(0, 10**10), st.integers(0, 10**10), st.integers(-2, 2))
@property_settings(300)
def test_limits_are_held_against_decimals(size: int, limit: int, off: int) -> None:
    """Above and not below say of noisy floats what they say of the whole numbers behind them."""
    for a, b in ((size, limit), (limit, limit), (limit + 1, limit), (limit - 1, limit)):
        noisy = a / 1000 * (1 + off * 1e-16)
        assert above(noisy, b / 1000) == (a > b)
        assert at_least(noisy, b / 1000) == (a >= b)


@given(st.floats(0, 1e10), st.one_of(st.floats(0, 1e10), st.floats(-1e-7, 1e-7)))
@property_settings(300)
def test_above_is_what_rounding_both_says(limit: float, other: float) -> None:
    """However far apart they are, or however near."""
    for size in (other, limit + other):
        assert above(size, limit) == (size > limit and rounded(size) > rounded(limit))


def test_float_noise_is_rounded_away() -> None:
    """The exchange's eight decimals are kept, and nothing beyond them."""
    assert (rounded(0.1 + 0.2), rounded(1.1 - 0.5), rounded(0.12345678)) == (0.3, 0.6, 0.12345678)
