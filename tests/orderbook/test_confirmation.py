"""Whether a small snapshot confirms a book."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_ingestion.messages import Levels, Snapshot
from data_ingestion.sink import SnapshotRequest
from orderbook.book_state import BookState
from orderbook.confirmation import Agreement, Confirmation, agreement, confirmed_range
from orderbook.synchronizer import LocalBook
from tests.builders import property_settings, side, snapshot

BIDS, ASKS = side(100.0, -0.5, 80), side(100.5, 0.5, 80)
BOOK = BookState(snapshot(7, BIDS, ASKS), book_levels=100)


def small(update_id: int, bids: Levels = BIDS, asks: Levels = ASKS) -> Snapshot:
    """Return the fifty best levels a side."""
    return snapshot(update_id, bids[:50], asks[:50])


def test_the_books_own_id_confirms_it() -> None:
    """Whatever the levels: there is one book of each id."""
    assert agreement(BOOK, 7, small(7)) is Agreement.CONFIRMED


def test_levels_that_all_agree_confirm_it() -> None:
    """The ids move on for what the depth does not show."""
    assert agreement(BOOK, 7, small(9)) is Agreement.CONFIRMED


@pytest.mark.parametrize(
    ("bids", "asks"),
    [
        ([(100.0, 1.5), *BIDS[1:]], ASKS),
        (BIDS[1:], ASKS),
        (BIDS, [(100.25, 1.0), *ASKS]),
        (BIDS, [*ASKS[:20], *ASKS[21:]]),
        ([*BIDS[:49], (1.0, 1.0)], ASKS),
        ([], ASKS),
        (BIDS, []),
    ],
)
def test_any_level_more_less_or_other_disagrees(bids: Levels, asks: Levels) -> None:
    """Also one far from the touch, and a side that is gone."""
    assert agreement(BOOK, 7, small(9, bids, asks)) is Agreement.DISAGREES


def test_an_older_snapshot_says_nothing() -> None:
    """A cached answer neither confirms nor denies."""
    assert agreement(BOOK, 7, small(6)) is Agreement.OUTDATED
    assert agreement(BOOK, 7, small(6, BIDS[3:])) is Agreement.OUTDATED


def test_only_what_it_shows_is_confirmed() -> None:
    """From the fiftieth bid to the fiftieth ask."""
    known = confirmed_range(small(7))
    assert (known.low, known.high) == (75.5, 125.0)


@given(st.integers(0, 79), st.booleans(), st.sampled_from([0.0, 2.0]))
@property_settings(100)
def test_a_change_is_seen_if_and_only_if_it_is_among_the_fifty(index: int, is_bid: bool, size: float) -> None:
    """A level that was removed or changed beyond them is not their business."""
    bids, asks = list(BIDS), list(ASKS)
    levels = bids if is_bid else asks
    if size:
        levels[index] = (levels[index][0], size)
    else:
        del levels[index]
    said = agreement(BOOK, 7, small(9, bids, asks))
    assert (said is Agreement.DISAGREES) == (index < 50)


def asked(confirmation: Confirmation, now: float) -> bool:
    """Watch a quiet book for a moment; return whether something is to be asked."""
    assert not confirmation.watch(now, is_quiet=True, new_request=lambda: SnapshotRequest(1, 1))
    return confirmation.request is not None


def test_answers_that_say_nothing_are_asked_for_ever_more_rarely() -> None:
    """250 ms after the first, 500 ms after the second; at once again after one that confirms."""
    confirmation, book = Confirmation(), LocalBook(snapshot(7, BIDS, ASKS), book_levels=100)
    assert asked(confirmation, 1_000)
    assert not confirmation.answer(book, small(6), 1_000, is_newer=True)
    assert not asked(confirmation, 1_249)
    assert asked(confirmation, 1_250)
    assert not confirmation.answer(book, small(7), 1_250, is_newer=False)
    assert not asked(confirmation, 1_749)
    assert asked(confirmation, 1_750)
    assert confirmation.answer(book, small(9), 1_750, is_newer=True)
    assert asked(confirmation, 1_751)
