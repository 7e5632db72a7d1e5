"""What takers took at one price, and how often it came back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.detectors.book import Book
from features.detectors.detection import ASK, rounded
from features.detectors.hit import hit_of
from features.detectors.hit_level import HitLevel
from features.detectors.settings import DetectorSettings
from tests.builders import START_MS, property_settings
from tests.features.detectors.market import Market, trade_of

PRICE = 101.0
SPAN = 3_000


class Level:
    """A hit level and a clock."""

    def __init__(self, size: float) -> None:
        self.now = START_MS
        self.tracked = HitLevel(self._book(), size, SPAN, DetectorSettings())

    def hit(self, size: float, *, visible: float | None = None) -> None:
        """Trade at the price."""
        self.tracked.hit(hit_of(trade_of(ASK, PRICE, size, self.now + 1, visible=visible), self._book()).fill)

    def move(self, size: float, after: int = 100) -> HitLevel:
        """Show the size that is left or came back."""
        self.now += after
        self.tracked.move(size, self.now)
        return self.tracked

    def _book(self) -> Book:
        return Market(self.now).books()[0]


def test_a_refill_is_what_comes_back_of_what_was_taken() -> None:
    """Half of it is enough, in the same interval or in the one after."""
    level = Level(10)
    level.hit(4)
    assert level.move(8).refills == 1
    level.hit(4)
    assert level.move(4).refills == 1
    assert level.move(6).refills == 2
    assert level.tracked.evidence(1.0, Market().books()[0])["refilled"] == 4


@pytest.mark.parametrize(("taken", "left", "later"), [(4, 7.9, 7.9), (4, 6, 7.9)])
def test_less_than_half_is_no_refill(taken: float, left: float, later: float) -> None:
    """A little that comes back does not make a level that refills."""
    level = Level(10)
    level.hit(taken)
    level.move(left)
    assert level.move(later).refills == 0


def test_what_comes_back_two_books_later_is_no_refill() -> None:
    """Size that is added long after the trades is somebody else's."""
    level = Level(10)
    level.hit(4)
    level.move(6)
    level.move(6)
    assert level.move(10).refills == 0


def test_size_added_where_nobody_traded_is_no_refill() -> None:
    """A level may grow without having been hit."""
    level = Level(10)
    assert level.move(20).refills == 0


def test_one_taking_is_refilled_once() -> None:
    """What has come back is settled; more of it is not counted again."""
    level = Level(10)
    level.hit(4)
    level.move(10)
    assert level.move(14).refills == 1


def test_half_of_a_decimal_is_half() -> None:
    """0.3 taken and 0.15 back is a refill, whatever floats make of 1.1 less 0.3."""
    for size in (0.7, 1.1, 1.3, 2.2, 4.4):
        level = Level(size)
        level.hit(0.1)
        level.hit(0.2)
        assert level.move(round(size - 0.15, 8)).refills == 1


def test_only_visible_volume_counts() -> None:
    """Fills against RPI orders were never on show; where `nq` is missing all of it counts."""
    level = Level(10)
    level.hit(4, visible=1.5)
    level.hit(2)
    assert level.move(6.5).volume == 3.5


def test_the_window_forgets_whole_intervals() -> None:
    """Volume, trades and refills of an interval go together, and what was visible then is the new start."""
    level = Level(10)
    level.hit(4)
    level.move(9)
    level.hit(1)
    level.move(8, after=200)
    tracked = level.move(8, after=SPAN - 201)
    assert (tracked.volume, len(tracked.fills), tracked.refills, tracked.first_size) == (5, 2, 1, 10)
    tracked = level.move(8, after=1)
    assert (tracked.volume, len(tracked.fills), tracked.refills, tracked.first_size) == (1, 1, 0, 9)
    tracked = level.move(8, after=200)
    assert (tracked.volume, len(tracked.fills), tracked.refills, tracked.first_size) == (0, 0, 0, 8)


STEPS = st.lists(
    st.tuples(st.lists(st.integers(1, 9), max_size=3), st.integers(0, 30), st.integers(5, 2_000)), max_size=60
)


@given(steps=STEPS)
@property_settings(100)
def test_the_figures_are_those_of_a_naive_window(steps: list[tuple[list[int], int, int]]) -> None:
    """After every book volume, trades and largest size are what a naive walk over all history gives."""
    level, history = Level(1.0), [(START_MS, 1.0, list[float]())]
    for lots, size, after in steps:
        for lot in lots:
            level.hit(lot / 10)
        tracked = level.move(size / 10, after)
        history.append((level.now, size / 10, [lot / 10 for lot in lots]))
        inside = [entry for entry in history[1:] if entry[0] > level.now - SPAN]
        outside = [entry for entry in history if entry not in inside]
        traded = [fill for _, _, fills in inside for fill in fills]
        assert rounded(tracked.volume) == round(sum(traded), 8)
        assert [fill[2] for fill in tracked.fills] == traded
        assert tracked.first_size == outside[-1][1]
        assert tracked.largest_size() == max(outside[-1][1], *(size for _, size, _ in inside))
