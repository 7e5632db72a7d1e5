"""Exhaustion: a side empties, the spread opens, and the price breaks out through it."""

from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.detectors.baseline import Baseline
from features.detectors.detection import ASK, BID, Detection
from features.detectors.exhaustion import ExhaustionDetector
from features.detectors.settings import DetectorSettings
from tests.builders import property_settings
from tests.features.detectors.market import DEPTH, Bench, Market, events

QUIET_MS = 35_000


def bench(cooldown_ms: int = 5_000) -> Bench:
    """Return a bench with an exhaustion detector and the baseline that it needs."""
    baseline = Baseline(median_ms=60_000, range_ms=30_000, fall_ms=2_000)
    settings = DetectorSettings(cooldown_ms=cooldown_ms)
    return Bench(ExhaustionDetector(settings, baseline), baseline=baseline)


def said(market: Market, cooldown_ms: int = 5_000) -> list[Detection]:
    """Return what an exhaustion detector says of all that was told."""
    return bench(cooldown_ms).play(market.items)


def quiet() -> Market:
    """Return a market that has been quiet: ten a side, spread one, mid 100.5."""
    market = Market()
    market.idle(QUIET_MS, 500)
    return market


def thin(market: Market, share: float, side: int = BID) -> None:
    """Let each level of a side hold so much."""
    market.rest(side, *[(price, share) for price in list(market.resting[side])])


def lift(market: Market, best: float, side: int = BID, size: float = 0.4) -> None:
    """Let a side consist of levels from `best` on, away from the other side."""
    sign = (-1, 1)[side]
    market.rest(side, *[(price, 0.0) for price in list(market.resting[side])])
    market.rest(side, *[(best + sign * level, size) for level in range(DEPTH)])


def test_a_side_that_empties_and_lets_the_price_through_is_exhausted() -> None:
    """Bids lose six of ten, the spread is three times the usual, and the mid falls below its range."""
    market = quiet()
    lift(market, 98.0)
    market.book()
    (entry,) = said(market)
    assert (entry.event, entry.side, entry.price) == ("fired", "bid", 100.0)
    assert entry.evidence["direction"] == "down"


def test_asks_are_exhausted_upwards() -> None:
    """The same on the other side."""
    market = quiet()
    lift(market, 103.0, ASK)
    market.book()
    (entry,) = said(market)
    assert (entry.side, entry.price, entry.evidence["direction"]) == ("ask", 101.0, "up")


@pytest.mark.parametrize(("size", "fires"), [(0.5, False), (0.499, True)])
def test_more_than_half_of_the_depth_must_go(size: float, fires: bool) -> None:
    """Half to the digit is not more than half."""
    market = quiet()
    lift(market, 98.0, size=size)
    market.book()
    assert bool(said(market)) == fires


@pytest.mark.parametrize(("took", "fires"), [(2_000, True), (2_001, False)])
def test_it_must_go_within_two_seconds(took: int, fires: bool) -> None:
    """What goes more slowly is a market that thins out."""
    market = quiet()
    thin(market, 0.9)
    market.book(1)
    lift(market, 98.0, size=0.45)
    market.book(took - 1)
    assert bool(said(market)) == fires


@pytest.mark.parametrize(("best", "fires"), [(99.0, True), (99.01, False)])
def test_the_spread_must_be_twice_its_median(best: float, fires: bool) -> None:
    """Twice is enough, to the digit."""
    market = quiet()
    lift(market, best)
    market.book()
    assert bool(said(market)) == fires


def test_a_spread_that_was_wide_since_the_fall_is_enough() -> None:
    """The spread may have closed again by the time the price breaks out."""
    market = quiet()
    lift(market, 99.0)
    lift(market, 102.0, ASK, 1.0)
    market.book()
    assert said(market) == []
    lift(market, 99.0, ASK, 1.0)
    lift(market, 98.0)
    market.book()
    assert len(said(market)) == 1


def test_the_mid_must_leave_its_range() -> None:
    """The lowest mid of the range itself is still inside, whichever prices it is the middle of."""
    market = quiet()
    lift(market, 99.5)
    lift(market, 101.5, ASK, 1.0)
    market.book()
    assert said(market) == []
    lift(market, 99.4)
    market.book()
    assert len(said(market)) == 1


def test_the_price_must_break_out_through_the_emptied_side() -> None:
    """Bids that vanish while the price rises are not exhausted."""
    market = quiet()
    lift(market, 101.0)
    lift(market, 104.0, ASK, 1.0)
    market.book()
    assert said(market) == []


@pytest.mark.parametrize(("after", "fires"), [(3_000, True), (3_001, False)])
def test_the_breakout_must_come_within_three_seconds(after: int, fires: bool) -> None:
    """What happens later is another story."""
    market = quiet()
    thin(market, 0.4)
    market.book()
    lift(market, 98.0)
    market.book(after)
    assert bool(said(market)) == fires


def test_a_range_that_was_wider_is_not_broken() -> None:
    """A mid that was seen within the 30 s before the fall is no breakout."""
    market = Market()
    market.idle(10_000)
    lift(market, 97.0, size=1.0)
    lift(market, 98.0, ASK, 1.0)
    market.idle(1_000)
    lift(market, 100.0, size=1.0)
    lift(market, 101.0, ASK, 1.0)
    market.idle(20_000)
    lift(market, 98.0)
    market.book()
    assert said(market) == []


def test_a_second_one_of_the_side_is_held_back() -> None:
    """The price runs: within the cooldown the side is said to be exhausted once."""
    market = quiet()
    for best in (98.0, 90.0):
        lift(market, best)
        market.book()
        lift(market, best, size=1.0)
        market.idle(2_000)
    assert len(said(market, cooldown_ms=0)) == 2
    assert len(said(market)) == 1


def test_a_break_in_the_middle_forgets_the_fall() -> None:
    """A fall from before a break and a breakout after it make none, and nothing was open."""
    market, on = quiet(), bench()
    thin(market, 0.4)
    market.book()
    on.play(market.items)
    assert on.stop() == []
    told = len(market.items)
    market.book()
    lift(market, 98.0)
    market.book()
    assert on.play(market.items[told:]) == []


def test_without_a_baseline_nothing_is_exhausted() -> None:
    """In the first second nothing is usual yet."""
    market = Market()
    lift(market, 98.0)
    market.book()
    assert said(market) == []


def test_the_evidence_can_be_worked_out_by_hand() -> None:
    """Every figure follows from the raw books: the fall, the medians, the range and the breakout."""
    market = quiet()
    thin(market, 0.9)
    market.book()
    thin(market, 0.35)
    market.book(1_000)
    thin(market, 0.3)
    deepest = market.book(600)
    lift(market, 98.0, size=0.5)
    broke = market.book(700)
    (entry,) = said(market)
    before = market.book_with(entry.evidence["first_update_id"])
    books = [book for book in market.books() if book.time <= broke.time]
    last_of_second = {book.time // 1_000: book for book in books if book.time // 1_000 < broke.time // 1_000}
    usual = list(last_of_second.values())[-30:]
    first_fall = next(book for book in books if book.volumes[BID] < 5)
    ended = first_fall.time // 1_000 - 2
    mids = [book.mid for book in books if ended - 30 <= book.time // 1_000 < ended]
    assert entry.evidence == {
        "depth_before": round(sum(before.levels[BID].values()), 8),
        "depth_after": round(sum(deepest.levels[BID].values()), 8),
        "fall_ms": deepest.time - before.time,
        "median_depth": median(book.volumes[BID] for book in usual),
        "spread": max(book.spread for book in books if book.time >= first_fall.time),
        "median_spread": median(book.spread for book in usual),
        "mid": (98.0 + 101.0) / 2,
        "range_low": min(mids),
        "range_high": max(mids),
        "direction": "down",
        "first_update_id": before.update_id,
        "last_update_id": broke.update_id,
    }
    assert entry.magnitude == pytest.approx(
        (before.volumes[BID] - deepest.volumes[BID]) / median(book.volumes[BID] for book in usual), abs=1e-8
    )
    assert deepest.time - before.time <= 2_000
    assert (entry.started_at, entry.price) == (before.time, before.best[BID])
    assert events([entry]) == [("fired", 100.0, None)]


def test_a_fall_that_goes_on_is_told_by_its_own_two_seconds() -> None:
    """However long a side empties, the depths in the evidence are at most two seconds apart."""
    market = quiet()
    for tenths in range(10, 0, -1):
        thin(market, tenths / 10)
        market.book(300)
    lift(market, 98.0, size=0.1)
    market.book()
    (entry,) = said(market)
    fall_ms, before, after = (entry.evidence[name] for name in ("fall_ms", "depth_before", "depth_after"))
    assert isinstance(fall_ms, int)
    assert isinstance(before, float)
    assert isinstance(after, float)
    assert fall_ms <= 2_000
    assert before - after > 5


@given(
    walk=st.lists(
        st.tuples(st.sampled_from((1, 4, 6, 8, 10, 13)), st.integers(50, 450)), min_size=1, max_size=6
    )
)
@property_settings(60)
def test_any_fall_among_the_last_books_is_found(walk: list[tuple[int, int]]) -> None:
    """A breakout fires if and only if some pair of books within 2 s lost more than half, tried one by one."""
    market = quiet()
    for tenths, after in walk:
        thin(market, tenths / 10)
        market.book(after)
    lift(market, 98.0, size=market.resting[BID][100.0])
    market.book(1)
    books = market.books()[-8:]
    falls = [
        (early, late)
        for number, late in enumerate(books)
        for early in books[:number]
        if late.time - early.time <= 2_000 and early.volumes[BID] - late.volumes[BID] > 5
    ]
    assert bool(said(market)) == bool(falls)
