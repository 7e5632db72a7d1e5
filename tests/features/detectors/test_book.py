"""The top ten as detectors look at it."""

from features.detectors.book import book_of
from features.detectors.detection import ASK, BID
from tests.builders import START_MS, side, top_of

BOOK = book_of(START_MS, 7, top_of(side(100.1, -0.1, 10, 0.1), side(100.4, 0.1, 10, 0.2)))


def test_sizes_are_known_down_to_the_tenth_level() -> None:
    """A size rests, or none does, and beyond the tenth level nothing is known."""
    assert (BOOK.size_at(BID, 100.1), BOOK.size_at(BID, 99.2), BOOK.size_at(ASK, 101.3)) == (0.1, 0.1, 0.2)
    assert (BOOK.size_at(BID, 100.2), BOOK.size_at(BID, 99.85), BOOK.size_at(ASK, 100.3)) == (0, 0, 0)
    assert (BOOK.size_at(BID, 99.1), BOOK.size_at(ASK, 101.4)) == (None, None)


def test_sums_and_middles_are_decimals() -> None:
    """What a level breaks or a share is held against are decimals, not the noise of adding floats."""
    assert BOOK.volumes == (1.0, 2.0)
    assert BOOK.mid == 100.25
    assert book_of(START_MS, 8, top_of(side(100.0, -0.1, 10), side(100.5, 0.1, 10))).mid == BOOK.mid
