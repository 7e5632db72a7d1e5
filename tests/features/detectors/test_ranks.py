"""How a detection compares with the last hour's of its kind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.detectors.detection import BID, Detection, Event, Kind
from features.detectors.ranks import LEAST_RANKED, RANK_MS, Ranks
from features.detectors.subject import Subject
from tests.builders import START_MS, property_settings


def told(magnitude: float, at: int = 0, event: Event = Event.FIRED, kind: Kind = Kind.SWEEP) -> Detection:
    """Return a detection that is not ranked yet."""
    return Subject(kind, BID, 100.0, START_MS).detection(event, START_MS + at, magnitude, {})


def ranked(*entries: Detection) -> list[float | None]:
    """Return the ranks of entries, told one after another."""
    ranks = Ranks(late_ms=30_000)
    return [ranks.rank(entry) for entry in entries]


def test_there_is_no_rank_among_fewer_than_twenty() -> None:
    """The twenty-first is the first that is held against twenty."""
    found = ranked(*[told(number, number) for number in range(LEAST_RANKED + 1)])
    assert found == [None] * LEAST_RANKED + [1.0]


@pytest.mark.parametrize(("magnitude", "rank"), [(0, 0), (0.5, 0.05), (19, 0.95), (19.5, 1), (7, 0.35)])
def test_the_rank_is_the_share_that_is_exceeded(magnitude: float, rank: float) -> None:
    """One that is as large is not exceeded."""
    assert ranked(*map(told, range(20)), told(magnitude))[-1] == rank


def test_an_hour_is_remembered_to_the_millisecond() -> None:
    """What was told exactly an hour ago counts no more."""
    early = [told(number, 0) for number in range(20)]
    assert ranked(*early, told(50, RANK_MS - 1))[-1] == 1.0
    assert ranked(*early, told(50, RANK_MS))[-1] is None


def test_kinds_are_held_apart_and_so_are_beginnings_and_endings() -> None:
    """A closing is held against closings, and an update too, which is none of them."""
    opened = [told(number, event=Event.OPENED, kind=Kind.WALL) for number in range(20)]
    closed = [told(100 + number, event=Event.CLOSED, kind=Kind.WALL) for number in range(20)]
    update = told(110, event=Event.UPDATED, kind=Kind.WALL)
    assert ranked(*opened, update, told(50, event=Event.CLOSED, kind=Kind.WALL))[-2:] == [None, None]
    assert ranked(*opened, told(50))[-1] is None
    assert ranked(*opened, *closed, update, update)[-2:] == [0.5, 0.5]
    assert ranked(*opened, *closed, told(10, event=Event.OPENED, kind=Kind.WALL))[-1] == 0.5


def test_one_that_is_told_late_is_held_against_the_hour_before_it() -> None:
    """Its own time counts, though later ones were told before it."""
    early = [told(number, 1) for number in range(20)]
    late = told(50, RANK_MS)
    assert ranked(*early, told(1, RANK_MS + 20_000), late)[-1] == 1.0


def test_a_clock_that_is_set_back_begins_anew() -> None:
    """What was told of another time is not compared with."""
    ranks = Ranks(late_ms=0)
    for number in range(20):
        ranks.rank(told(number))
    ranks.clear()
    assert ranks.rank(told(50)) is None


@given(
    st.lists(
        st.tuples(
            st.integers(0, 5),
            st.integers(0, 400_000),
            st.sampled_from(Event),
            st.sampled_from((Kind.WALL, Kind.SWEEP)),
        ),
        max_size=150,
    )
)
@property_settings(100)
def test_ranks_are_those_of_a_naive_reading(steps: list[tuple[int, int, Event, Kind]]) -> None:
    """Held against a list of all that was ever told."""
    entries, now = [], 0
    for magnitude, after, event, kind in steps:
        now += after
        entries.append(told(magnitude, now, event, kind))
    for number, (entry, rank) in enumerate(zip(entries, ranked(*entries), strict=True)):
        like = Event.CLOSED if entry.event is Event.UPDATED else entry.event
        others = [
            other.magnitude
            for other in entries[:number]
            if (other.kind, other.event) == (entry.kind, like) and other.time > entry.time - 3_600_000
        ]
        exceeded = [other for other in others if other < entry.magnitude]
        assert rank == (len(exceeded) / len(others) if len(others) >= 20 else None)
