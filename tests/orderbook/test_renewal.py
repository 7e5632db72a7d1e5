"""When a book needs a second one beside it."""

import pytest

from data_ingestion.messages import Levels
from orderbook.book_settings import BookSettings
from orderbook.book_state import TopOfBook
from orderbook.renewal import URGENT_MS, Renewal
from orderbook.retry_timer import RetryTimer
from orderbook.synchronizer import LocalBook
from tests.builders import depth, side, snapshot

SETTINGS = BookSettings(coverage_margin=30, refresh_interval_ms=1_000, audit_interval_ms=60_000)
QUIET = depth(11, 12, 10)


class Rig:
    """A book of so many levels a side around 1000.5, and what is asked of its renewal."""

    def __init__(self, levels: int = 100) -> None:
        self.taken = snapshot(10, side(1_000, -1, levels), side(1_001, 1, levels))
        self.book = LocalBook(self.taken, book_levels=5_000)
        self.renewal = Renewal(SETTINGS)
        self.renewal.on_snapshot(self.taken)
        self.renewal.on_book(self.book, 0.0)
        self.unusable_snapshots = RetryTimer()

    def due(self, now: float, *, top: TopOfBook | None = None, bids: Levels | None = None) -> bool:
        """Ask once, after an event of `bids`; `top` is the book's own unless given."""
        event = depth(11, 12, 10, bids or [])
        shown = self.book.state.top() if top is None else top
        return self.renewal.begin_if_due(self.book, shown, event, self.unusable_snapshots, now)

    def remove_bids(self, count: int) -> None:
        """Take the best bids away."""
        prices = [price for price, _ in self.book.state.levels()[0][:count]]
        self.book.state.apply(depth(11, 12, 10, [(price, 0.0) for price in prices]))


def at(mid: float) -> TopOfBook:
    """Return a top of book around `mid`."""
    return TopOfBook(side(mid - 0.5, -1, 10), side(mid + 0.5, 1, 10))


def test_an_audit_is_due_after_its_interval_and_then_again() -> None:
    """Asked at any time before it says no; it counts from the second book's beginning."""
    rig = Rig()
    assert not rig.due(59_999)
    assert rig.due(60_000)
    assert not rig.due(119_999)
    assert rig.due(120_000)


def test_thin_coverage_is_renewed_once_a_second_at_most() -> None:
    """Below the margin on one side is enough."""
    rig = Rig()
    unmoved = at(1_000.5)
    rig.remove_bids(70)
    assert not rig.renewal.is_thin(rig.book)
    assert not rig.due(5_000, top=unmoved)
    rig.remove_bids(1)
    assert rig.renewal.is_thin(rig.book)
    assert not rig.due(999, top=unmoved)
    assert rig.due(1_000, top=unmoved)
    assert not rig.due(1_999, top=unmoved)


def test_the_margin_is_half_of_what_a_small_snapshot_brought() -> None:
    """Else a symbol with few levels would never have enough."""
    rig = Rig(levels=20)
    rig.remove_bids(10)
    assert not rig.renewal.is_thin(rig.book)
    rig.remove_bids(1)
    assert rig.renewal.is_thin(rig.book)


@pytest.mark.parametrize(("mid", "due"), [(1_000.5, False), (976.0, False), (975.0, True), (1_027.0, True)])
def test_a_price_that_moved_a_quarter_of_the_half_width_is_followed(mid: float, due: bool) -> None:
    """The snapshot reaches a hundred to each side: 24.9 from its best prices."""
    assert Rig().due(1_000, top=at(mid)) is due


def test_a_snapshot_with_few_levels_says_nothing_of_drift() -> None:
    """Nine levels span nothing that a move could be measured by."""
    rig = Rig()
    rig.renewal.on_snapshot(snapshot(20, side(1_000, -1, 9), side(1_001, 1, 90)))
    assert rig.renewal.few_levels
    assert not rig.due(1_000)
    rig.renewal.on_snapshot(rig.taken)
    assert not rig.renewal.few_levels


def test_what_cannot_be_shown_is_renewed_at_once_but_ever_more_rarely() -> None:
    """A quarter of a second; then as long as the timer of unusable snapshots says."""
    rig = Rig()
    rig.remove_bids(95)
    assert not rig.due(URGENT_MS - 1)
    rig.unusable_snapshots.on_failure(0.0)
    rig.unusable_snapshots.on_failure(0.0)  # 500 ms
    assert not rig.due(499)
    assert rig.due(500)


def test_an_event_of_levels_beyond_the_range_shortens_the_wait() -> None:
    """A bid below all that is covered may be the tenth."""
    rig = Rig()
    rig.remove_bids(95)
    for _ in range(4):
        rig.unusable_snapshots.on_failure(0.0)  # 2 s
    assert not rig.due(400, bids=[(950.0, 1.0)])
    assert not rig.due(400, bids=[(900.0, 0.0)])
    assert rig.due(400, bids=[(900.0, 1.0)])
