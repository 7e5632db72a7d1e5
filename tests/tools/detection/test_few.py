"""What the page shows is measured by the page's own rule."""

import shutil

import pytest

from features.detectors.detection import BID, Detection, Event, Kind
from features.detectors.subject import Subject
from tests.builders import START_MS
from tests.tools.detection.few import Entry, beginnings, shown_of


def sweep(price: float) -> Detection:
    """Return a sweep without a rank."""
    return Subject(Kind.SWEEP, BID, price, START_MS).detection(Event.FIRED, START_MS, 1.0, {})


@pytest.mark.skipif(shutil.which("node") is None, reason="the page's rule needs node, which is not there")
def test_what_comes_often_and_has_no_rank_is_not_shown() -> None:
    """The first is alone in its minute, and stays; with the second the kind comes more than once in it."""
    seconds = [[sweep(1.0)], [sweep(2.0)], [], [sweep(3.0)]]
    shown = shown_of(seconds, 0.8)
    assert shown.shown == [Entry(seconds[0][0].id, 0)]
    assert shown.listed == 1
    assert len(shown_of(seconds, 0).shown) == len(beginnings(seconds)) == 3
