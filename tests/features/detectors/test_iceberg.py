"""Icebergs: a price that gives more than it shows."""

import pytest

from features.detectors.detection import ASK, BID, Detection, Ending
from features.detectors.iceberg import IcebergDetector
from features.detectors.settings import DetectorSettings
from tests.features.detectors.market import Bench, Market, events

PRICE = 101.0
OPENED = ("opened", PRICE, None)


def bench() -> Bench:
    """Return a bench with an iceberg detector."""
    return Bench(IcebergDetector(DetectorSettings()))


def said(market: Market) -> list[Detection]:
    """Return what an iceberg detector says of all that was told."""
    return bench().play(market.items)


def hit(market: Market, *rounds: tuple[float, float], price: float = PRICE, every: int = 99) -> Market:
    """For each `(taken, left)` let a trade take so much, and so much be visible in the next book."""
    for taken, left in rounds:
        market.eat(ASK, (price, taken))
        market.rest(ASK, (price, left))
        market.book(every)
    return market


def resting(size: float = 1.0, price: float = PRICE) -> Market:
    """Return a market in which so much is visible at the price."""
    market = Market()
    market.rest(ASK, (price, size))
    market.book()
    return market


def an_iceberg(price: float = PRICE) -> Market:
    """Return a market in which an iceberg has just been suspected."""
    return hit(resting(price=price), *[(0.9, 1.0)] * 4, price=price)


def test_a_price_that_gives_more_than_it_shows_is_suspected() -> None:
    """3.6 were taken where never more than 1.0 was visible."""
    (entry,) = said(an_iceberg())
    assert (entry.event, entry.side, entry.price) == ("opened", "ask", PRICE)
    assert entry.evidence["hidden_volume"] == 3.6


def test_bids_hide_too() -> None:
    """A hidden buyer is found among the bids, also behind the best price."""
    market = Market()
    for _ in range(4):
        market.trade(BID, 99.0, 0.9)
        market.book()
    (entry,) = said(market)
    assert (entry.side, entry.price) == ("bid", 99.0)


def test_three_trades_are_needed() -> None:
    """Two large prints that come back are not enough; the third is."""
    assert said(hit(resting(), *[(2.0, 1.0)] * 2)) == []
    assert events(said(hit(resting(), *[(2.0, 1.0)] * 3))) == [OPENED]


@pytest.mark.parametrize(("size", "opens"), [(0.75, False), (0.751, True)])
def test_more_than_a_large_level_must_trade(size: float, opens: bool) -> None:
    """Four times 0.75 is three medians exactly, and not more."""
    assert bool(said(hit(resting(), *[(size, 1.0)] * 4))) == opens


@pytest.mark.parametrize(("visible", "opens"), [(4.0, False), (3.999, True)])
def test_more_than_was_ever_visible_must_trade(visible: float, opens: bool) -> None:
    """A level that showed it all hid nothing; ten times 0.4 is 4, whatever floats make of it."""
    assert bool(said(hit(resting(visible), *[(0.4, visible)] * 10))) == opens


@pytest.mark.parametrize(("left", "opens"), [(1.6, True), (1.599, False)])
def test_twice_the_visible_loss_must_trade(left: float, opens: bool) -> None:
    """4.8 taken of a level that lost 2.4 is twice the loss; a little more loss and it is less."""
    market = hit(resting(4.0), (1.2, 3.4), (1.2, 2.8), (1.2, 2.2), (1.2, left))
    assert bool(said(market)) == opens


def test_it_must_come_back_twice() -> None:
    """Volume with one refill is a level that was quoted anew."""
    market = resting(2.0)
    market.eat(ASK, (PRICE, 1.0), (PRICE, 1.0), (PRICE, 1.0))
    hit(market, (1.0, 2.0))
    assert said(market) == []
    assert events(said(hit(market, (0.9, 2.0)))) == [OPENED]


def slow(market: Market, rounds: int, back_after: int, *, every: int = 500, books: int = 50) -> Market:
    """Let 0.6 of 1.0 be taken each `every` ms and be back `back_after` ms later, with a book each `books`."""
    began = market.now
    for number in range(rounds):
        start = began + number * every
        market.eat(ASK, (PRICE, 0.6), after=start + 1 - market.now)
        while market.now + books <= start + every:
            if market.now + books > start + back_after:
                market.rest(ASK, (PRICE, 1.0))
            market.book(books)
    return market


@pytest.mark.parametrize("books", [10, 50, 125, 249])
def test_a_slow_refill_is_one(books: int) -> None:
    """Hit by 0.6 of 1.0 ten times, and back a quarter of a second later each time: 6.0 where 1.0 shows."""
    entries = said(slow(resting(), 10, 250, books=books))
    assert events(entries) == [OPENED]
    figures = [tuple(entry.evidence[name] for name in ("volume", "refills", "refilled")) for entry in entries]
    assert figures == [(3.6, 5, 3.0), (4.8, 7, 4.2), (6.0, 9, 5.4)]


@pytest.mark.parametrize(("back_after", "opens"), [(950, True), (1_050, False)])
def test_a_refill_that_comes_too_late_is_none(back_after: int, opens: bool) -> None:
    """After more than a second it is somebody else's."""
    market = slow(resting(), 10, back_after, every=1_200)
    assert bool(said(market)) == opens


def test_a_refill_of_less_than_half_is_none() -> None:
    """A slow iceberg's near miss: a quarter of what was taken comes back each time."""
    market, size = resting(8.0), 8.0
    for _ in range(10):
        market.eat(ASK, (PRICE, 0.6))
        market.book(250)
        size = round(size - 0.45, 8)
        market.rest(ASK, (PRICE, size))
        market.book(250)
    assert said(market) == []


def test_something_must_be_visible_still() -> None:
    """A price at which nothing is left gives no more."""
    assert said(hit(resting(), *[(0.9, 1.0)] * 3, (1.0, 0.0))) == []


@pytest.mark.parametrize(("every", "opens"), [(1_999, True), (2_899, False)])
def test_it_must_happen_within_ten_seconds(every: int, opens: bool) -> None:
    """Five hits of 0.7 make more than three within the window if they are 2 s from each other, not 2.9 s."""
    market = resting()
    for _ in range(5):
        hit(market, (0.7, 1.0))
        market.book(every - 99)
    assert bool(said(market)) == opens


def test_a_price_at_which_nothing_was_visible_is_no_suspect() -> None:
    """Prints between the levels, or beyond the tenth, have nothing to be compared with."""
    market = Market()
    for _ in range(6):
        market.trade(ASK, 101.5, 1.0)
        market.trade(ASK, 111.0, 1.0)
        market.book()
    assert said(market) == []


def test_fills_that_nobody_saw_do_not_count() -> None:
    """RPI fills are hidden by the exchange, not by an order at this price."""
    market = Market()
    for _ in range(6):
        market.trade(ASK, PRICE, 0.9, visible=0.2)
        market.book()
    assert said(market) == []


def test_it_gives_way_when_the_price_goes_through() -> None:
    """When nothing came back by the book after, and the best ask is beyond, it is eaten."""
    market = an_iceberg()
    market.eat(ASK, (PRICE, 1.0))
    market.book()
    assert events(said(market)) == [OPENED]
    market.book()
    assert events(said(market)) == [OPENED, ("closed", PRICE, "gave_way")]


def test_it_is_out_of_range_beyond_the_tenth_level() -> None:
    """What cannot be seen is not followed, nor is it told what rests there, was lost and is hidden."""
    market = an_iceberg(110.0)
    market.rest(ASK, (100.5, 1.0))
    market.book()
    entries = said(market)
    assert events(entries) == [("opened", 110.0, None), ("closed", 110.0, "out_of_range")]
    opened, closed = (
        [entry.evidence[name] for name in ("size_after", "visible_loss", "hidden_volume")]
        for entry in entries
    )
    assert None not in opened
    assert closed == [None, None, None]


def test_it_ends_when_nobody_hits_it() -> None:
    """Three seconds after the last trade there it is over; not a book sooner."""
    market = an_iceberg()
    market.book(2_900)
    assert events(said(market)) == [OPENED]
    market.book(100)
    assert events(said(market)) == [OPENED, ("closed", PRICE, "ended")]


def test_small_change_does_not_keep_it_open() -> None:
    """Once the window holds nothing but tiny trades it is over, though they never stop."""
    market = an_iceberg()
    hit(market, *[(0.001, 1.0)] * 160)
    ends = [entry for entry in said(market) if entry.event == "closed"]
    assert [entry.reason for entry in ends] == [Ending.ENDED]


def test_the_same_price_is_held_back_for_a_while() -> None:
    """Hits that go on right after the end are no new suspicion before the cooldown is over."""
    market = an_iceberg()
    market.book(3_000)
    closed_at = market.now
    hit(market, *[(0.9, 1.0)] * 60)
    opened, _, again = [entry for entry in said(market) if entry.event != "updated"]
    assert 6_000 <= again.time - closed_at <= 6_100
    assert again.id != opened.id


def test_it_is_updated_once_a_second_while_it_is_hit() -> None:
    """Updates tell of trades, not of time that passes."""
    market = hit(resting(), *[(0.9, 1.0)] * 25)
    market.idle(2_000)
    entries = said(market)
    assert [entry.event for entry in entries] == ["opened", "updated", "updated"]
    assert {entry.id for entry in entries} == {entries[0].id}


def test_a_break_closes_it() -> None:
    """A broken sequence interrupts what is open and forgets what was counted."""
    market, on = an_iceberg(), bench()
    on.play(market.items)
    assert events(on.stop()) == [OPENED, ("closed", PRICE, "interrupted")]
    told = len(market.items)
    market.book()
    hit(market, *[(0.9, 1.0)] * 3)
    assert len(on.play(market.items[told:])) == 2


def test_the_evidence_can_be_worked_out_by_hand() -> None:
    """Every figure follows from the raw books and trades of the window."""
    market = resting(1.5)
    first = market.books()[-1]
    hit(market, (1.0, 1.2), (0.9, 1.1), (0.8, 1.3), (0.7, 1.0))
    (entry,) = said(market)
    book = market.books()[-1]
    trades = market.trades_between(first.update_id, book.update_id)
    sizes = [told.levels[ASK][PRICE] for told in market.books()[1:]]
    back = [
        after - (before - trade.size) for before, trade, after in zip(sizes, trades, sizes[1:], strict=False)
    ]
    volume, loss = sum(trade.size for trade in trades), sizes[0] - sizes[-1]
    assert all(came >= trade.size / 2 for came, trade in zip(back, trades, strict=True))
    assert entry.evidence == {
        "volume": round(volume, 8),
        "trade_count": len(trades),
        "trades": [(trade.trade_id, PRICE, trade.size, trade.trade_time) for trade in trades],
        "refills": len(back),
        "refilled": round(sum(back), 8),
        "size_before": sizes[0],
        "size_after": sizes[-1],
        "largest_size": max(sizes),
        "median_size": 1.0,
        "first_update_id": first.update_id,
        "last_update_id": book.update_id,
        "visible_loss": loss,
        "hidden_volume": round(volume - loss, 8),
    }
    assert entry.magnitude == pytest.approx(volume / max(sizes))
    assert (entry.started_at, entry.time) == (trades[0].trade_time, book.time)
