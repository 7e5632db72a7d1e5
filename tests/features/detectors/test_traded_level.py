"""What takers took at one price, and how often it came back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.detectors.book import Book
from features.detectors.detection import ASK
from features.detectors.settings import DetectorSettings
from features.detectors.taker_trade import taker_trade_of
from features.detectors.traded_level import TradedLevel
from orderbook.rounding import rounded
from tests.builders import START_MS, property_settings
from tests.features.detectors.market import Market, trade_of

PRICE = 101.0
SPAN = 3_000


class Level:
    """A hit level and a clock."""

    def __init__(self, size: float) -> None:
        self.now = START_MS
        self.tracked = TradedLevel(self._book(), size, SPAN, DetectorSettings())

    def hit(self, size: float, *, visible: float | None = None) -> None:
        """Trade at the price."""
        self.tracked.on_trade(
            taker_trade_of(trade_of(ASK, PRICE, size, self.now + 1, visible=visible), self._book()).fill
        )

    def move(self, size: float, after: int = 100) -> TradedLevel:
        """Show the size that is left or came back."""
        self.now += after
        self.tracked.on_book(size, self.now, self.now)
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
    assert level.tracked.evidence(1.0, Market().books()[0], 1.0)["refilled"] == 4


@pytest.mark.parametrize(("taken", "left", "later"), [(4, 7.9, 7.9), (4, 6, 7.9)])
def test_less_than_half_is_no_refill(taken: float, left: float, later: float) -> None:
    """A little that comes back does not make a level that refills."""
    level = Level(10)
    level.hit(taken)
    level.move(left)
    assert level.move(later).refills == 0


@pytest.mark.parametrize("every", [10, 100, 400])
@pytest.mark.parametrize(("back_after", "refills"), [(900, 1), (1_000, 1), (1_001, 0), (2_500, 0)])
def test_what_was_taken_must_come_back_in_time(every: int, back_after: int, refills: int) -> None:
    """A second from the trade on counts, to the millisecond, however many books come meanwhile."""
    level = Level(10)
    level.hit(4)  # a millisecond from now
    for _ in range(back_after // every):
        level.move(6, every)
    assert level.move(10, back_after % every + 1).refills == refills


def test_what_comes_back_bit_by_bit_is_one_refill() -> None:
    """Two of four, in three books, is half."""
    level = Level(10)
    level.hit(4)
    level.move(6.7)
    level.move(7.4)
    assert level.tracked.refills == 0
    level.move(8)
    assert level.tracked.refills == 1
    assert level.tracked.evidence(1.0, Market().books()[0], 1.0)["refilled"] == 2


def test_a_quote_that_flickers_brings_nothing_back() -> None:
    """What is withdrawn and shown again is no more than was there."""
    level = Level(10)
    level.hit(4)
    for _ in range(4):
        level.move(4.1)
        assert level.move(6).refills == 0


def test_a_withdrawal_does_not_hide_what_comes_back() -> None:
    """Somebody else's size that leaves meanwhile is no reason not to see it."""
    level = Level(10)
    level.hit(4)
    level.move(1)
    assert level.move(3).refills == 1


def test_what_is_too_old_is_owed_no_more() -> None:
    """Of eight taken in all only the last two are still owed, and one is half of them."""
    level = Level(10)
    level.hit(6)
    level.move(4, 800)
    level.hit(2)
    level.move(2, 400)
    assert level.move(3, 100).refills == 1


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


@given(
    steps=STEPS,
    repeats=st.lists(st.integers(0, 4), min_size=60, max_size=60),
)
@property_settings(100)
def test_books_that_show_nothing_new_change_nothing(
    steps: list[tuple[list[int], int, int]], repeats: list[int]
) -> None:
    """Told the same size again, or what a trade left of it, at any time, the refills are the same."""
    plain, busy = Level(1.0), Level(1.0)
    for (lots, size, after), times in zip(steps, repeats, strict=False):
        for level in (plain, busy):
            for lot in lots:
                level.hit(lot / 10)
        before, left = busy.now, round(busy.tracked.size - sum(lots) / 10, 8)
        for number in range(times):
            if left >= 0:
                busy.move(left, min(number + 1, before + after - busy.now - 1))
        busy.move(size / 10, before + after - busy.now)
        plain.move(size / 10, after)
        assert _refills(busy) == _refills(plain)


def _refills(level: Level) -> list[tuple[int, float]]:
    return [
        (time, came_back) for time, _, _, came_back, _ in level.tracked.intervals if came_back is not None
    ]


@given(steps=STEPS)
@property_settings(100)
def test_refills_are_those_of_the_definition(steps: list[tuple[list[int], int, int]]) -> None:
    """A walk over all books and trades, by the words of the definition, gives the same refills."""
    level, books, trades = Level(1.0), [(START_MS, 1.0)], list[tuple[int, float, int]]()
    refills, last = list[tuple[int, float]](), 0
    for lots, size, after in steps:
        for lot in lots:
            level.hit(lot / 10)
            trades.append((level.now + 1, lot / 10, len(books) - 1))
        level.move(size / 10, after)
        books.append((level.now, size / 10))
        now = len(books) - 1
        owed = [trade for trade in trades if trade[0] >= level.now - 1_000 and trade[2] >= last]
        taken = [sum(trade[1] for trade in trades if trade[2] >= book) for book in range(now + 1)]
        rises = [round(books[now][1] - books[book][1] + taken[book], 8) for book in range(now)]
        if owed and rises[now - 1] > 0:
            back = max(rises[owed[0][2] :])
            if back >= round(sum(trade[1] for trade in owed) / 2, 8):
                refills.append((level.now, back))
                last = now
        assert _refills(level) == [refill for refill in refills if refill[0] > level.now - SPAN]
