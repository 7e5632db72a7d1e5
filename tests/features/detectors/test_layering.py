"""Layering: large levels in a row that keep changing and hardly trade."""

from itertools import pairwise

import pytest

from features.detectors.detection import ASK, BID, Detection
from features.detectors.layering import LayeringDetector
from features.detectors.settings import DetectorSettings
from tests.features.detectors.market import Bench, Market, events

ROW = (103.0, 104.0, 105.0)
OPENED = ("opened", 103.0, None)


def bench(trades_since: int | None = 0) -> Bench:
    """Return a bench with a layering detector."""
    return Bench(LayeringDetector(DetectorSettings()), trades_since=trades_since)


def said(market: Market) -> list[Detection]:
    """Return what a layering detector says of all that was told."""
    return bench().play(market.items)


def change(market: Market, row: tuple[float, ...] = ROW, times: int = 1, every: int = 100) -> Market:
    """Change all levels of the row so often between five and six, a book each time."""
    for _ in range(times):
        for price in row:
            market.rest(ASK, (price, 6.0 if market.resting[ASK].get(price) == 5 else 5.0))
        market.book(every)
    return market


def layered(row: tuple[float, ...] = ROW) -> Market:
    """Return a market in which a layering has just been suspected."""
    return change(Market(), row, 5)


def test_three_large_levels_that_keep_changing_are_suspected() -> None:
    """The fifth change of each within 5 s opens it, at the best of their prices."""
    assert said(change(Market(), ROW, 4)) == []
    (entry,) = said(layered())
    assert (entry.event, entry.side, entry.price) == ("opened", "ask", 103.0)


def test_bids_are_layered_too() -> None:
    """The row begins at its best price, which is the highest among bids."""
    market = Market()
    for size in (5.0, 6.0, 5.0, 6.0, 5.0):
        market.rest(BID, *[(price, size) for price in (97.0, 98.0, 96.0)])
        market.book()
    (entry,) = said(market)
    assert (entry.side, entry.price, entry.evidence["level_prices"]) == ("bid", 98.0, [98, 97, 96])


@pytest.mark.parametrize("row", [(103.0, 104.0), (103.0, 104.0, 106.0), (103.0, 105.0, 107.0)])
def test_levels_that_are_too_few_or_not_in_a_row_are_none(row: tuple[float, ...]) -> None:
    """Two levels, or three with a small one between them, are no row."""
    assert said(change(Market(), row, 20)) == []


def test_levels_with_an_empty_price_between_them_are_a_row() -> None:
    """Consecutive levels are those of the book, not of the price grid."""
    market = Market()
    market.rest(ASK, (105.0, 0.0))
    assert events(said(change(market, (103.0, 104.0, 106.0), 5))) == [OPENED]


def test_each_level_must_change() -> None:
    """A row of which one level rests is none."""
    market = Market()
    market.rest(ASK, (104.0, 7.0))
    assert said(change(market, (103.0, 105.0), 20)) == []


@pytest.mark.parametrize(("every", "opens"), [(1_249, True), (1_250, False)])
def test_the_changes_must_be_within_five_seconds(every: int, opens: bool) -> None:
    """Of five changes the first must be less than 5 s before the last."""
    assert bool(said(change(Market(), ROW, 5, every))) == opens


def test_levels_at_the_threshold_are_not_large() -> None:
    """Three medians are not more than three medians."""
    market = change(Market(), (103.0, 104.0), 4)
    for size in (5.0, 3.0) * 5:
        market.rest(ASK, (105.0, 3.0))
        change(market, (103.0, 104.0))
        market.rest(ASK, (105.0, min(size, 2.9)))
        change(market, (103.0, 104.0))
    assert said(market) == []


def test_coming_into_sight_is_no_change() -> None:
    """Levels at the edge of the ten that flicker with the best price have not changed their sizes."""
    market = Market()
    market.rest(ASK, (108.0, 5.0), (109.0, 5.0), (110.0, 5.0))
    market.book()
    for _ in range(12):
        market.rest(ASK, (100.2, 1.0), (100.4, 1.0), (100.6, 1.0))
        market.book()
        market.rest(ASK, (100.2, 0.0), (100.4, 0.0), (100.6, 0.0))
        market.book()
    assert said(market) == []


def test_a_row_of_which_much_trades_is_none() -> None:
    """Layering is not meant to trade: 1.9 of 17 and 1.9 is more than a tenth, 1.6 is not."""
    for traded, opens in ((1.9, False), (1.6, True)):
        market = change(Market(), ROW, 4)
        market.trade(ASK, 104.0, traded)
        assert bool(said(change(market))) == opens


def test_a_trade_counts_before_its_level_ever_changed() -> None:
    """The share is of all trades within the window, also of the first."""
    market = Market()
    market.rest(ASK, *[(price, 5.0) for price in ROW])
    market.book()
    market.items = market.items[-1:]
    market.trade(ASK, 103.0, 3.0)
    assert said(change(market, ROW, 6)) == []


def test_without_all_trades_nothing_is_suspected() -> None:
    """Where trades are missing nobody can say that little traded."""
    assert bench(None).play(layered().items) == []


def test_it_is_consumed_when_much_of_it_trades() -> None:
    """Takers who reach it end the suspicion."""
    market = layered()
    market.eat(ASK, (103.0, 3.0))
    market.book()
    assert events(said(market)) == [OPENED, ("closed", 103.0, "consumed")]


def test_it_is_pulled_when_a_level_goes() -> None:
    """Fewer large levels than the row needs, without trades."""
    market = layered()
    market.rest(ASK, (104.0, 1.0))
    market.book()
    assert events(said(market)) == [OPENED, ("closed", 103.0, "pulled")]


def test_a_long_row_whose_middle_goes_is_pulled() -> None:
    """Four of five are left, and no three of them in a row: something was taken away."""
    market = layered((103.0, 104.0, 105.0, 106.0, 107.0))
    market.rest(ASK, (105.0, 0.5))
    market.book()
    assert events(said(market)) == [OPENED, ("closed", 103.0, "pulled")]


def test_what_left_the_ten_was_not_consumed_by_the_little_that_traded() -> None:
    """What rests out of sight is not known, so nobody can say which share of it traded."""
    market = layered((108.0, 109.0, 110.0))
    market.trade(ASK, 108.0, 0.5)
    market.rest(ASK, *[(price, 1.0) for price in (100.2, 100.4, 100.6, 100.8)])
    market.book()
    assert events(said(market)) == [("opened", 108.0, None), ("closed", 108.0, "out_of_range")]


def test_it_is_out_of_range_when_one_of_its_prices_is() -> None:
    """A row of which a level left the ten is not known to be pulled, nor what rests there or traded of it."""
    market = layered((108.0, 109.0, 110.0))
    market.rest(ASK, (100.5, 1.0))
    market.book()
    entries = said(market)
    assert events(entries) == [("opened", 108.0, None), ("closed", 108.0, "out_of_range")]
    sizes = entries[-1].evidence["sizes"]
    assert isinstance(sizes, list)
    assert sizes[-1] is None
    assert None not in sizes[:-1]
    assert entries[-1].evidence["traded_share"] is None
    assert entries[0].evidence["traded_share"] == 0


def test_it_ends_when_its_levels_come_to_rest() -> None:
    """Five seconds without change are rest, though the levels are large still."""
    market = layered()
    market.idle(5_000)
    assert events(said(market)) == [OPENED, ("closed", 103.0, "ended")]


def test_a_row_that_grows_or_shrinks_is_the_same() -> None:
    """As long as a row of three shares a price with it, the layering goes on under its id."""
    market = layered((103.0, 104.0, 105.0, 106.0))
    market.rest(ASK, (103.0, 1.0))
    change(market, (104.0, 105.0, 106.0), 11)
    entries = said(market)
    assert [entry.event for entry in entries] == ["opened", "updated"]
    assert entries[1].id == entries[0].id
    assert entries[1].evidence["level_prices"] == [104, 105, 106]


def test_the_same_price_is_held_back_for_a_while() -> None:
    """Right after its end the same row is not suspected again before the cooldown is over."""
    market = layered()
    market.rest(ASK, (104.0, 1.0))
    market.book()
    closed_at = market.now
    change(market, ROW, 60)
    opened, _, again = [entry for entry in said(market) if entry.event != "updated"]
    assert again.time == closed_at + 6_000
    assert again.id != opened.id


def test_a_break_closes_it() -> None:
    """A broken sequence interrupts what is open and forgets the changes and trades."""
    market, on = layered(), bench()
    on.play(market.items)
    assert events(on.stop()) == [OPENED, ("closed", 103.0, "interrupted")]
    told = len(market.items)
    market.book()
    change(market, ROW, 4)
    assert len(on.play(market.items[told:])) == 2


def test_many_prices_do_not_make_it_forget_the_young_ones() -> None:
    """Hundreds of levels that were large once do not hide a row, nor are they kept."""
    market = Market()
    for number in range(300):
        market.rest(ASK, (101.0 + number / 1_000, 5.0))
        market.book(10)
        market.rest(ASK, (101.0 + number / 1_000, 0.0))
    market.rest(ASK, (101.0, 1.0))
    market.book(5_000)
    assert events(said(change(market, ROW, 5))) == [OPENED]


def test_the_evidence_can_be_worked_out_by_hand() -> None:
    """Every figure follows from the raw books and trades of five seconds."""
    market = Market()
    for number in range(8):
        for level, price in enumerate(ROW):
            market.rest(ASK, (price, 4.0 + (number + level) % 3))
        if number == 5:
            market.trade(ASK, 103.0, 0.25)
        market.book()
    (entry,) = said(market)
    books = [book for book in market.books() if book.time <= entry.time]
    after = books[-1]
    since = after.time - 5_000
    changes = [
        [
            late.time
            for early, late in pairwise(books)
            if early.levels[ASK][price] != late.levels[ASK][price] and late.time > since
        ]
        for price in ROW
    ]
    traded = sum(trade.size for trade in market.trades() if since < trade.trade_time <= after.time)
    sizes = [after.levels[ASK][price] for price in ROW]
    assert entry.evidence == {
        "levels": 3,
        "level_prices": list(ROW),
        "sizes": sizes,
        "changes": [len(times) for times in changes],
        "median_size": 1.0,
        "threshold": 3.0,
        "traded_share": round(traded / (traded + sum(sizes)), 8),
        "first_update_id": after.update_id,
        "last_update_id": after.update_id,
        "distance_ticks": ROW[0] - after.best[ASK],
        "distance_bps": round(10_000 * (ROW[0] - after.best[ASK]) / after.mid, 8),
    }
    assert entry.magnitude == sum(sizes)
    assert entry.started_at == min(times[0] for times in changes)
