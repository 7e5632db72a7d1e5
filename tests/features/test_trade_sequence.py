"""The order of trades by their ids."""

from hypothesis import given
from hypothesis import strategies as st

from features.trade_sequence import TradeSequence
from features.trade_verdicts import TradeGap, TradeVerdict
from tests.builders import START_MS, property_settings, trade


def judged(*ids_and_times: tuple[int, int]) -> list[TradeVerdict | TradeGap]:
    """Return the verdicts on trades with these ids and times."""
    sequence = TradeSequence()
    return [sequence.check(trade(number=number, at=START_MS + at)) for number, at in ids_and_times]


def test_ids_that_count_up_by_one_miss_nothing() -> None:
    """However long lies between them."""
    assert judged((5, 0), (6, 1), (7, 90_000)) == [TradeVerdict.FIRST, TradeVerdict.NEXT, TradeVerdict.NEXT]


def test_a_larger_step_says_how_many_are_missing() -> None:
    """Forty missing between two messages, and the sequence goes on from the second."""
    first, gap, following = judged((5, 0), (46, 1), (47, 2))
    assert (first, following) == (TradeVerdict.FIRST, TradeVerdict.NEXT)
    assert isinstance(gap, TradeGap)
    assert (gap.missing, str(gap)) == (40, "gap in the trade sequence: 40 missing before id 46")


def test_what_was_told_is_a_duplicate() -> None:
    """The last one, an older one, and one that changed places with its neighbour."""
    assert judged((5, 0), (6, 1), (6, 1), (5, 0), (4, 0), (7, 2))[2:] == [
        TradeVerdict.DUPLICATE,
        TradeVerdict.DUPLICATE,
        TradeVerdict.DUPLICATE,
        TradeVerdict.NEXT,
    ]


def test_a_lower_id_of_a_later_time_begins_anew() -> None:
    """The exchange counts from elsewhere, or one id was far too high: that is one gap, without a number."""
    *_, anew, following = judged((5, 0), (9_000_000, 1), (6, 2), (7, 3))
    assert isinstance(anew, TradeGap)
    assert (anew.missing, following) == (0, TradeVerdict.NEXT)
    assert "began anew" in str(anew)


def test_another_trade_of_an_id_that_was_told_begins_anew() -> None:
    """An exchange replaced by one whose clock and counter are behind: its trades are no repetition."""
    sequence = TradeSequence()
    for number in range(100, 120):
        sequence.check(trade(100.0, 1.0, number=number, at=START_MS + number))
    verdicts = [
        sequence.check(trade(200.0, 3.0, number=number, at=START_MS + number)) for number in range(110, 130)
    ]
    assert isinstance(verdicts[0], TradeGap)
    assert set(verdicts[1:]) == {TradeVerdict.NEXT}


def test_one_wrong_time_far_ahead_does_not_deafen() -> None:
    """Nor does the time of a trade that was a little before its neighbour's matter."""
    assert judged((5, 0), (6, 3_600_000), (7, 1), (8, 0), (7, 1))[1:] == [
        TradeVerdict.NEXT,
        TradeVerdict.NEXT,
        TradeVerdict.NEXT,
        TradeVerdict.DUPLICATE,
    ]


@given(st.lists(st.integers(0, 3), max_size=60), st.integers(1, 4))
@property_settings(100)
def test_missing_and_told_add_up_to_the_last_id(steps: list[int], seed: int) -> None:
    """Steps of 0 repeat, of 1 go on, larger ones leave some out: what is told and what is missing is all."""
    sequence, number, told, missing = TradeSequence(), seed, 0, 0
    sequence.check(trade(number=number, at=START_MS + number))
    for step in steps:
        number += step
        verdict = sequence.check(trade(number=number, at=START_MS + number))
        if isinstance(verdict, TradeGap):
            missing += verdict.missing
        told += verdict is not TradeVerdict.DUPLICATE
    assert seed + told + missing == number
