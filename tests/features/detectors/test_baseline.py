"""Rolling medians, against the standard library's over a naive window."""

from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.detectors.baseline import Baseline, RollingMedian
from features.detectors.book import Book, book_of
from tests.builders import START_MS, property_settings, top_of

SIZES = st.integers(1, 40).map(lambda lots: lots / 8)
SECONDS = st.lists(
    st.tuples(st.integers(1, 4), st.lists(SIZES, min_size=1, max_size=5)), min_size=1, max_size=60
)


@given(span=st.integers(1, 12), batches=SECONDS)
@property_settings(150)
def test_the_median_is_that_of_the_window(span: int, batches: list[tuple[int, list[float]]]) -> None:
    """After each second the median is the one of all samples of the last `span` seconds, to the digit."""
    rolling, second, known = RollingMedian(span), 0, list[tuple[int, float]]()
    for step, values in batches:
        second += step
        rolling.add(second, values)
        known += [(second, value) for value in values]
        assert rolling.value() == median(value for at, value in known if at > second - span)


def test_without_samples_there_is_no_median() -> None:
    """Nothing is made up."""
    with pytest.raises(IndexError):
        RollingMedian(5).value()


def a_book(at: int, bid: float, spread: float = 1.0, bid_size: float = 1.0, ask_size: float = 1.0) -> Book:
    """Return a book with these best prices and level sizes, `at` ms after the start."""
    bids = [(bid - level, bid_size) for level in range(10)]
    asks = [(bid + spread + level, ask_size) for level in range(10)]
    return book_of(START_MS + at, at, top_of(bids, asks))


def baseline(median_ms: int = 60_000, range_ms: int = 30_000, fall_ms: int = 2_000) -> Baseline:
    """Return a baseline with the usual windows."""
    return Baseline(median_ms=median_ms, range_ms=range_ms, fall_ms=fall_ms)


def usual(made: Baseline) -> tuple[float | None, float | None, tuple[float, float] | None]:
    """Return what is usual."""
    return made.size, made.spread, made.depth


def test_before_the_first_second_is_over_nothing_is_usual() -> None:
    """A baseline knows when it began, and nothing else until a second is full."""
    made = baseline()
    made.add(a_book(0, 100))
    made.add(a_book(999, 100))
    assert made.started_at == START_MS
    assert usual(made) == (None, None, None)
    made.add(a_book(1_000, 100))
    assert usual(made) == (1, 1, (10, 10))


def test_a_second_is_sampled_at_its_last_book() -> None:
    """What stood earlier in a second does not count, nor does the second that runs."""
    made = baseline()
    made.add(a_book(0, 100, spread=7, bid_size=9, ask_size=9))
    made.add(a_book(900, 100, spread=2, bid_size=3, ask_size=5))
    made.add(a_book(1_000, 100, spread=8, bid_size=8, ask_size=8))
    assert (made.size, made.spread, made.depth) == (4, 2, (30, 50))


def test_the_range_ends_before_the_fall_and_holds_whole_seconds() -> None:
    """The range is that of the 30 s which end a fall's time before now; later mids are not in it."""
    made = baseline()
    for second in range(40):
        made.add(a_book(second * 1_000, 100 + second))
    # 39.x s: the fall takes two seconds, so the range is that of 7 s to 36.999 s.
    assert made.mid_range(START_MS + 39_900) == (107.5, 136.5)


def test_a_fall_time_that_is_no_whole_second_is_rounded_up() -> None:
    """The range never reaches into the fall."""
    made = baseline(fall_ms=1_500)
    for second in range(6):
        made.add(a_book(second * 1_000, 100 + second))
    assert made.mid_range(START_MS + 5_000) == (100.5, 102.5)


def test_without_an_earlier_second_there_is_no_range() -> None:
    """Right after the start nothing can be broken out of."""
    made = baseline()
    made.add(a_book(0, 100))
    assert made.mid_range(START_MS + 500) is None


@given(moves=st.lists(st.tuples(st.integers(50, 1_500), st.integers(-3, 3)), min_size=1, max_size=120))
@property_settings(80)
def test_the_range_is_that_of_a_naive_window(moves: list[tuple[int, int]]) -> None:
    """At every book the range is that of all mids of its seconds, though old ones are forgotten."""
    made, at, bid, mids = baseline(range_ms=5_000), 0, 1_000.0, list[tuple[int, float]]()
    for step, move in moves:
        at, bid = at + step, bid + move
        made.add(a_book(at, bid))
        mids.append(((START_MS + at) // 1_000, bid + 0.5))
        last = (START_MS + at) // 1_000 - 2
        inside = [mid for second, mid in mids if last - 5 <= second < last]
        assert made.mid_range(START_MS + at) == ((min(inside), max(inside)) if inside else None)
