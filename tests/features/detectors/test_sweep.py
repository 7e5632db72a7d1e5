"""Sweeps: several levels at once."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.detectors.book import Book
from features.detectors.detection import ASK, BID, Detection
from features.detectors.settings import DetectorSettings
from features.detectors.sweep import SweepDetector
from tests.builders import property_settings
from tests.features.detectors.market import Bench, Item, Market


def said(market: Market, settings: DetectorSettings | None = None) -> list[Detection]:
    """Return what a sweep detector says of all that was told."""
    return Bench(SweepDetector(settings or DetectorSettings())).play(market.items)


def swept(*prices: float, side: int = ASK, after: int = 1) -> Market:
    """Return a market in which takers ate these levels, and the book that shows it."""
    market = Market()
    market.book()
    market.eat(side, *[(price, 1.0) for price in prices], after=after)
    market.book()
    return market


@pytest.mark.parametrize(("side", "prices"), [(ASK, (101.0, 102.0, 103.0)), (BID, (100.0, 99.0, 98.0))])
def test_three_levels_are_a_sweep_on_either_side(side: int, prices: tuple[float, ...]) -> None:
    """The best three levels of a side, printed and gone."""
    (entry,) = said(swept(*prices, side=side))
    assert (entry.event, entry.side, entry.price) == ("fired", ("bid", "ask")[side], prices[0])
    assert entry.evidence["level_prices"] == list(prices)


@pytest.mark.parametrize("prices", [(101.0, 102.0), (101.0, 102.0, 104.0), (102.0, 103.0, 104.0)])
def test_less_than_the_best_three_is_none(prices: tuple[float, ...]) -> None:
    """Two levels, a hole between them, or levels behind the best one are no sweep."""
    assert said(swept(*prices)) == []


@pytest.mark.parametrize("cancelled", [101.0, 102.0, 103.0])
def test_a_level_that_was_cancelled_was_not_swept(cancelled: float) -> None:
    """A level that is gone and did not print was taken away by its owner."""
    market = Market()
    market.book()
    market.rest(ASK, (cancelled, 0.0))
    market.eat(ASK, *[(price, 1.0) for price in (101.0, 102.0, 103.0) if price != cancelled])
    market.book()
    assert said(market) == []


@pytest.mark.parametrize("still_there", [101.0, 102.0, 103.0])
def test_a_level_that_is_back_is_not_confirmed(still_there: float) -> None:
    """The first book after the prints must show all three gone."""
    market = swept(101.0, 102.0, 103.0)
    market.items.pop()
    market.rest(ASK, (still_there, 0.4))
    market.book()
    assert said(market) == []
    market.rest(ASK, (still_there, 0.0))
    market.book(1)
    assert said(market) == []


@pytest.mark.parametrize(("span", "fires"), [(198, True), (199, True), (200, False)])
def test_first_to_last_print_is_less_than_two_hundred_milliseconds(span: int, fires: bool) -> None:
    """199 ms are a sweep, 200 ms are not."""
    market = Market()
    market.book()
    market.eat(ASK, (101.0, 1.0), (102.0, 1.0))
    market.eat(ASK, (103.0, 1.0), after=span - 1)
    market.book()
    assert [entry.evidence["duration_ms"] for entry in said(market)] == ([span] if fires else [])


def test_prints_of_one_instant_are_a_sweep() -> None:
    """One order's prints carry one time."""
    (entry,) = said(swept(101.0, 102.0, 103.0, after=0))
    assert entry.evidence["duration_ms"] == 0


def test_a_sweep_over_two_books_is_one() -> None:
    """Levels that stood before its first print are counted though a book came between."""
    market = Market()
    market.book()
    market.eat(ASK, (101.0, 1.0), (102.0, 1.0))
    market.book(20)
    market.eat(ASK, (103.0, 1.0))
    market.book(20)
    (entry,) = said(market)
    assert (entry.evidence["levels"], entry.price) == (3, 101.0)


def test_levels_quoted_after_the_first_print_do_not_count() -> None:
    """A level that did not stand before the sweep is no part of it."""
    market = Market()
    market.book()
    market.eat(ASK, (101.0, 1.0))
    market.rest(ASK, (101.5, 1.0))
    market.book(20)
    market.eat(ASK, (101.5, 1.0))
    market.book(20)
    assert said(market) == []
    market.eat(ASK, (102.0, 1.0), (103.0, 1.0))
    market.book(20)
    (entry,) = said(market)
    assert entry.evidence["level_prices"] in ([101.0, 102.0, 103.0], [101.5, 102.0, 103.0])


def test_takers_of_both_sides_are_not_added_up() -> None:
    """Two levels eaten on each side are no sweep of four."""
    market = Market()
    market.book()
    market.eat(ASK, (101.0, 1.0), (102.0, 1.0))
    market.eat(BID, (100.0, 1.0), (99.0, 1.0))
    market.book()
    assert said(market) == []


def test_only_the_first_book_after_the_prints_confirms() -> None:
    """Levels that vanish later are not confirmed by a print that comes after the span."""
    market = Market()
    market.book()
    market.eat(ASK, (101.0, 1.0), (102.0, 1.0), (103.0, 1.0))
    market.rest(ASK, (101.0, 1.0))
    market.book(100)
    market.book(90)
    market.rest(ASK, (101.0, 0.0))
    market.trade(ASK, 104.0, 0.1, after=15)
    market.book(50)
    assert said(market) == []


def test_a_run_may_begin_anywhere_between_two_slow_books() -> None:
    """With books far apart the three prints that belong together are found among others."""
    market = Market()
    market.book()
    market.eat(ASK, (101.0, 0.4))
    market.eat(ASK, (101.0, 0.6), after=150)
    market.eat(ASK, (102.0, 1.0), (103.0, 1.0), after=90)
    market.eat(ASK, (104.0, 0.5), after=60)
    market.book(100)
    (entry,) = said(market)
    assert entry.evidence["level_prices"] == [101.0, 102.0, 103.0]
    assert entry.evidence["volume"] == 2.6


def test_a_second_sweep_of_the_side_is_withheld_and_counted() -> None:
    """Within the cooldown the side is quiet; the next sweep after it tells how many were kept back."""
    market = Market()
    market.book()
    for wait in (0, 2_000, 2_000, 2_000):
        market.idle(wait)
        market.rest(ASK, (101.0, 1.0), (102.0, 1.0), (103.0, 1.0))
        market.book()
        market.eat(ASK, (101.0, 1.0), (102.0, 1.0), (103.0, 1.0))
        market.book()
    first, second = said(market)
    assert (first.evidence["withheld"], second.evidence["withheld"]) == (0, 2)
    assert second.time - first.time >= 6_000


def test_the_other_side_is_not_held_back() -> None:
    """A sweep up does not hide a sweep down."""
    market = swept(101.0, 102.0, 103.0)
    market.eat(BID, (100.0, 1.0), (99.0, 1.0), (98.0, 1.0))
    market.book()
    assert [entry.side for entry in said(market)] == ["ask", "bid"]


def test_a_break_in_the_middle_forgets_the_prints() -> None:
    """Prints from before a break and prints after it make no sweep, and nothing was open."""
    market = Market()
    market.book()
    market.eat(ASK, (101.0, 1.0), (102.0, 1.0))
    on = Bench(SweepDetector(DetectorSettings()))
    on.play(market.items)
    assert on.stop() == []
    told = len(market.items)
    market.book(10)
    market.eat(ASK, (103.0, 1.0))
    market.book(10)
    assert on.play(market.items[told:]) == []


def test_the_evidence_can_be_worked_out_by_hand() -> None:
    """Every figure follows from the books before and after and the trades between them."""
    market = Market()
    market.rest(ASK, (102.0, 2.5))
    before = market.book()
    market.eat(ASK, (101.0, 1.0), (102.0, 2.5), (103.0, 1.0), (104.0, 1.0), (105.0, 0.25))
    after = market.book()
    (entry,) = said(market)
    trades = market.trades_between(before.update_id, after.update_id)
    gone = [price for price in before.levels[ASK] if after.size_at(ASK, price) == 0]
    assert entry.evidence == {
        "levels": len(gone),
        "level_prices": gone,
        "sizes_before": [before.levels[ASK][price] for price in gone],
        "volume": sum(trade.size for trade in trades),
        "median_depth": 10.0,
        "first_price": trades[0].price,
        "last_price": trades[-1].price,
        "duration_ms": trades[-1].trade_time - trades[0].trade_time,
        "trade_count": len(trades),
        "withheld": 0,
        "trades": [(trade.trade_id, trade.price, trade.size, trade.trade_time) for trade in trades],
        "first_update_id": before.update_id,
        "last_update_id": after.update_id,
    }
    assert entry.magnitude == sum(trade.size for trade in trades) / 10
    assert (entry.started_at, entry.time) == (trades[0].trade_time, after.time)


def levels_of_the_best_run(items: Sequence[Item], books: list[Book]) -> int:
    """Return by trying them all how many levels the best run before the last of two books ate."""
    first, last = books
    trades = [item for item in items if not isinstance(item, Book)]
    most = 0
    for start in trades:
        run = {trade.price for trade in trades if 0 <= trade.trade_time - start.trade_time < 200}
        levels = 0
        for price in first.levels[ASK]:
            if price not in run or last.size_at(ASK, price) != 0:
                break
            levels += 1
        most = max(most, levels)
    return most if most >= 3 else 0


@given(
    prints=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 90)), max_size=14),
    kept=st.sets(st.integers(0, 5)),
)
@property_settings(200)
def test_between_two_books_the_best_run_is_found(prints: list[tuple[int, int]], kept: set[int]) -> None:
    """Whatever prints, the sweep eats as many levels as the best of all runs tried one by one."""
    market = Market()
    market.book()
    for level, after in prints:
        market.trade(ASK, 101.0 + level, 0.1, after=after)
    market.rest(ASK, *[(101.0 + level, float(level in kept)) for level in range(5)])
    market.book()
    expected = levels_of_the_best_run(market.items, market.books()[1:])
    assert [entry.evidence["levels"] for entry in said(market)] == ([expected] if expected else [])
