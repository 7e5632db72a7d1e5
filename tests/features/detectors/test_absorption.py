"""Absorption: a best price that does not give way."""

from collections.abc import Callable

import pytest

from features.detectors.absorption import AbsorptionDetector
from features.detectors.detection import ASK, BID, Detection, Ending
from features.detectors.settings import DetectorSettings
from tests.features.detectors.market import Bench, Market, events

PRICE = 101.0
OPENED = ("opened", PRICE, None)


def bench() -> Bench:
    """Return a bench with an absorption detector."""
    return Bench(AbsorptionDetector(DetectorSettings()))


def said(market: Market) -> list[Detection]:
    """Return what an absorption detector says of all that was told."""
    return bench().play(market.items)


def hit(market: Market, times: int, size: float = 0.9, *, side: int = ASK, every: int = 99) -> None:
    """TakerTrade the best price so often, and put back what was taken before the next book."""
    price = (100.0, PRICE)[side]
    for _ in range(times):
        resting = market.resting[side][price]
        market.eat(side, (price, size))
        market.rest(side, (price, resting))
        market.book(every)


def fought(times: int = 4, size: float = 0.9, *, resting: float = 1.0, every: int = 99) -> Market:
    """Return a market whose best ask was hit so often."""
    market = Market()
    market.rest(ASK, (PRICE, resting))
    market.book()
    hit(market, times, size, every=every)
    return market


def test_a_price_that_is_hit_and_comes_back_absorbs() -> None:
    """More than a large level was taken at the best ask, and it stands as it stood."""
    (entry,) = said(fought())
    assert (entry.event, entry.side, entry.price) == ("opened", "ask", PRICE)


def test_bids_absorb_too() -> None:
    """Sellers who do not get through are absorbed by bids."""
    market = Market()
    hit(market, 4, side=BID)
    (entry,) = said(market)
    assert (entry.side, entry.price) == ("bid", 100.0)


@pytest.mark.parametrize(("size", "opens"), [(0.75, False), (0.751, True)])
def test_more_than_a_large_level_must_be_taken(size: float, opens: bool) -> None:
    """Four times 0.75 is three medians exactly, and not more."""
    assert bool(said(fought(size=size))) == opens


@pytest.mark.parametrize(("times", "opens"), [(10, False), (11, True)])
def test_more_than_half_again_of_what_was_visible_must_be_taken(times: int, opens: bool) -> None:
    """Where four were on show six are not enough, to the digit, and more are."""
    assert bool(said(fought(times, 0.6, resting=4.0))) == opens


@pytest.mark.parametrize(("times", "opens"), [(1, False), (2, True)])
def test_it_must_come_back_twice(times: int, opens: bool) -> None:
    """One refill may be chance, however much was taken."""
    assert bool(said(fought(times, 4.0))) == opens


def test_something_must_be_visible_still() -> None:
    """A price at which nothing is left has not held."""
    market = fought(3)
    market.eat(ASK, (PRICE, 1.0))
    market.book()
    assert said(market) == []


@pytest.mark.parametrize(("every", "opens"), [(899, True), (999, False)])
def test_it_must_happen_within_three_seconds(every: int, opens: bool) -> None:
    """Four hits at 0.9 s from each other are within the window, at 1 s the first has left it."""
    assert bool(said(fought(every=every))) == opens


def test_trades_behind_the_best_price_do_not_count() -> None:
    """What prints at another price is not absorbed by the best one."""
    market = Market()
    market.book()
    for _ in range(5):
        market.trade(ASK, 102.0, 1.0)
        market.book()
    assert said(market) == []


def test_fills_that_nobody_saw_do_not_count() -> None:
    """RPI fills take nothing that was visible."""
    market = Market()
    for _ in range(6):
        market.trade(ASK, PRICE, 0.9, visible=0.1)
        market.book()
    assert said(market) == []


def step_back(market: Market) -> None:
    """Take the best ask away, so that the next tick is the best."""
    market.rest(ASK, (PRICE, 0.0))


def step_ahead(market: Market) -> None:
    """Quote a better ask, one tick lower."""
    market.rest(BID, (100.0, 0.0))
    market.rest(ASK, (100.0, 1.0))


@pytest.mark.parametrize("step", [step_back, step_ahead])
def test_one_tick_does_not_end_it(step: Callable[[Market], None]) -> None:
    """The best price may step a tick to either side; the fight goes on."""
    market = fought()
    step(market)
    market.book()
    assert events(said(market)) == [OPENED]


def test_it_gives_way_when_the_price_goes_through() -> None:
    """Two ticks behind it the best ask is elsewhere: it did not hold."""
    market = fought()
    market.eat(ASK, (PRICE, 1.0), (102.0, 1.0))
    market.book()
    assert events(said(market)) == [OPENED, ("closed", PRICE, "gave_way")]


def test_it_is_left_behind_when_the_price_moves_away() -> None:
    """Asks two ticks lower mean that the buyers have given up."""
    market = fought()
    market.rest(BID, (100.0, 0.0), (99.0, 0.0))
    market.rest(ASK, (99.0, 1.0))
    market.book()
    assert events(said(market)) == [OPENED, ("closed", PRICE, "moved_away")]


def test_a_price_that_leaves_the_ten_levels_was_left_behind() -> None:
    """Far from the best price there is nothing to follow any more, and what rests there is not known."""
    market = fought()
    market.rest(BID, *[(100.0 - level, 0.0) for level in range(14)])
    market.rest(BID, *[(80.0 - level, 1.0) for level in range(14)])
    market.rest(ASK, *[(81.0 + level, 1.0) for level in range(14)])
    market.book()
    entry = said(market)[-1]
    assert (entry.reason, entry.evidence["size_after"]) == ("moved_away", None)


def test_it_ends_when_nobody_hits_it() -> None:
    """Three seconds after the last hit it is over; not a book sooner."""
    market = fought()
    last_hit = market.trades()[-1].trade_time
    market.book(2_900)
    assert events(said(market)) == [OPENED]
    market.book(100)
    *_, entry = said(market)
    assert entry.reason == "ended"
    assert entry.time - last_hit >= 3_000


def test_small_change_does_not_keep_it_open() -> None:
    """Three seconds after the last real fight it ends, however many tiny trades follow."""
    market = fought()
    last = market.now
    hit(market, 60, 0.001)
    _, closed = [entry for entry in said(market) if entry.event != "updated"]
    assert closed.reason is Ending.ENDED
    assert closed.time - last <= 3_000 + 3_000  # the window empties, and then it is over


def test_the_same_price_is_held_back_for_a_while() -> None:
    """A fight that goes on right after its end is not told as a new one before the cooldown is over."""
    market = fought()
    market.book(3_000)
    closed_at = market.now
    hit(market, 70)
    opened, closed, again = [entry for entry in said(market) if entry.event != "updated"]
    assert (opened.event, closed.time, again.event) == ("opened", closed_at, "opened")
    assert 6_000 <= again.time - closed_at <= 6_100
    assert again.id != opened.id


def test_it_is_updated_once_a_second_while_it_is_hit() -> None:
    """Updates tell of hits, not of time that passes."""
    market = fought(25)
    market.idle(2_000)
    entries = said(market)
    assert [entry.event for entry in entries] == ["opened", "updated", "updated"]
    assert entries[1].time - entries[0].time == entries[2].time - entries[1].time == 1_000


def test_a_break_closes_it() -> None:
    """A broken sequence interrupts what is open, forgets what was counted, and says it once."""
    market, on = fought(), bench()
    on.play(market.items)
    assert events(on.stop()) == [OPENED, ("closed", PRICE, "interrupted")]
    told = len(market.items)
    market.book()
    hit(market, 3)
    assert len(on.play(market.items[told:])) == 2
    told = len(market.items)
    hit(market, 1)
    assert events(on.play(market.items[told:]))[2:] == [OPENED]


def test_a_fight_a_tick_away_does_not_hide_one() -> None:
    """A price that was best before, and was hit once, is followed beside the one that is fought for now."""
    market = Market()
    market.trade(ASK, 101.0, 0.1)
    market.book()
    market.rest(ASK, (PRICE, 0.0), (100.5, 1.0))
    market.book()
    for _ in range(4):
        market.trade(ASK, 100.5, 0.9)
        market.book()
    assert [(entry.event, entry.price) for entry in said(market)] == [("opened", 100.5)]


def test_a_break_before_it_opened_says_nothing() -> None:
    """What was only suspected is forgotten in silence."""
    market, on = fought(3), bench()
    on.play(market.items)
    assert on.stop() == []


def test_the_evidence_can_be_worked_out_by_hand() -> None:
    """Every figure follows from the raw books and trades of the window."""
    market = Market()
    market.rest(ASK, (PRICE, 1.5))
    first = market.book()
    for taken, after in ((1.0, 1.2), (0.9, 1.4), (0.8, 0.7), (1.1, 1.25)):
        market.eat(ASK, (PRICE, taken))
        market.rest(ASK, (PRICE, after))
        book = market.book()
    (entry,) = said(market)
    trades = market.trades_between(first.update_id, book.update_id)
    sizes = [told.levels[ASK][PRICE] for told in market.books()[1:]]
    back = [
        after - (before - trade.size) for before, trade, after in zip(sizes, trades, sizes[1:], strict=False)
    ]
    assert [came >= trade.size / 2 for came, trade in zip(back, trades, strict=True)].count(True) == 3
    assert entry.evidence == {
        "volume": round(sum(trade.size for trade in trades), 8),
        "trade_count": len(trades),
        "trades": [(trade.trade_id, PRICE, trade.size, trade.trade_time) for trade in trades],
        "refills": 3,  # the third too late for its own book: it comes back with the fourth
        "refilled": round(sum(back), 8),
        "size_before": sizes[0],
        "size_after": sizes[-1],
        "largest_size": max(sizes),
        "median_size": 1.0,
        "first_update_id": first.update_id,
        "last_update_id": book.update_id,
    }
    assert entry.magnitude == pytest.approx(sum(trade.size for trade in trades) / max(sizes))
    assert (entry.started_at, entry.time) == (trades[0].trade_time, book.time)
