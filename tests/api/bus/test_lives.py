"""Detections of two engines, told as one row of lives."""

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from api.bus.lives import Lives
from tests.builders import property_settings

Said = dict[str, Any]


def said(name: str, event: str, time: int = 0, reason: str | None = None) -> Said:
    """Return one entry."""
    return {"id": name, "event": event, "time": time, "reason": reason, "evidence": {}}


def lives(*entries: Said) -> Lives:
    """Return what was told so far."""
    known = Lives()
    known.take(entries)
    return known


def test_what_both_know_goes_on_under_its_id() -> None:
    """Its end is told once."""
    told = lives(said("w", "opened", 1))
    theirs = lives(said("w", "opened", 1), said("w", "closed", 5, "pulled"))
    assert told.continued(theirs, [said("w", "closed", 5, "pulled")]) == [said("w", "closed", 5, "pulled")]


def test_what_the_other_does_not_know_closes_and_what_only_it_knows_opens() -> None:
    """So that each life has a beginning and an end."""
    told, theirs = (
        lives(said("mine", "opened", 1)),
        lives(said("its", "opened", 1), said("its", "updated", 2)),
    )
    assert told.continued(theirs, []) == [
        said("mine", "closed", 1, "interrupted"),
        said("its", "opened", 2),
    ]


def test_what_was_told_is_not_told_again() -> None:
    """An instant one, and a life that is over."""
    told = lives(said("s", "fired", 3), said("w", "opened", 1), said("w", "closed", 2))
    news = [said("w", "opened", 1), said("w", "closed", 2), said("s", "fired", 3), said("new", "fired", 4)]
    assert told.continued(lives(*news), news) == [said("new", "fired", 4)]


def test_an_update_that_was_told_adds_nothing() -> None:
    """By its time."""
    told = lives(said("w", "opened", 1), said("w", "updated", 4))
    news = [said("w", "updated", 4), said("w", "updated", 6)]
    theirs = lives(said("w", "opened", 1), *news)
    assert told.continued(theirs, news) == [said("w", "updated", 6)]


LIFE = st.tuples(st.sampled_from("abcd"), st.integers(1, 5), st.integers(1, 5))


@given(
    st.lists(LIFE, max_size=6, unique_by=lambda life: life[0]),
    st.integers(0, 12),
    st.sets(st.sampled_from("abcd")),
)
@property_settings(200)
def test_a_reader_is_told_each_life_once_whenever_the_engines_change(
    whole: list[tuple[str, int, int]], change: int, unseen: set[str]
) -> None:
    """The other engine did not see the beginning of some, and lags by a moment or does not."""
    events = []
    for name, began, lasted in whole:
        events += [said(name, "opened", began), said(name, "closed", began + lasted, "ended")]
    events.sort(key=lambda one: one["time"])
    known = [one for one in events if one["id"] not in unseen]
    before = [one for one in events if one["time"] <= change]
    told = lives(*before)
    own = [one for one in known if one["time"] >= change - 1 and one["time"] <= change + 1]
    theirs = lives(*(one for one in known if one["time"] <= change + 1))
    row = [*before, *told.continued(theirs, own), *(one for one in known if one["time"] > change + 1)]
    for name in {one["id"] for one in row}:
        mine = [one["event"] for one in row if one["id"] == name]
        assert mine[0] == "opened"
        assert all(first != second for first, second in pairwise(mine))
