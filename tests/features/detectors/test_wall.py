"""Walls: what stays large, and how it ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.detectors.detection import ASK, BID, Detection, Event
from features.detectors.settings import DetectorSettings
from features.detectors.wall import WallDetector
from tests.builders import START_MS, property_settings
from tests.features.detectors.market import Bench, Market, events

PRICE = 98.0
OPENED = ("opened", PRICE, None)


def bench(trades_since: int | None = 0) -> Bench:
    """Return a bench with a wall detector."""
    return Bench(WallDetector(DetectorSettings()), trades_since=trades_since)


def standing(size: float = 10.0) -> Market:
    """Return a market in which a wall has just opened."""
    market = Market()
    market.rest(BID, (PRICE, size))
    market.idle(5_200)
    return market


def said(market: Market, trades_since: int | None = 0) -> list[Detection]:
    """Return what a wall detector says of all that was told."""
    return bench(trades_since).play(market.items)


def last(market: Market, trades_since: int | None = 0) -> Detection:
    """Return the last word, which is about the wall's end."""
    entry = said(market, trades_since)[-1]
    assert entry.event is Event.CLOSED
    return entry


# --- opening ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spans", "opens"),
    [([4_900], False), ([5_000], False), ([5_001], True), ([5_000, 100], True), ([2_500, 2_500], False)],
)
def test_a_wall_is_held_for_longer_than_five_seconds(spans: list[int], opens: bool) -> None:
    """Five seconds to the millisecond are not enough; the first book after them opens the wall."""
    market = Market()
    market.rest(BID, (PRICE, 10.0))
    market.book()
    for span in spans:
        market.book(span)
    assert events(said(market)) == ([OPENED] if opens else [])


@pytest.mark.parametrize("size", [3.0, 0.0])
def test_a_dip_for_one_book_begins_the_wait_anew(size: float) -> None:
    """Large at every book means every one: at the threshold itself, or gone, the level is not large."""
    market = Market()
    market.rest(BID, (PRICE, 10.0))
    market.idle(4_900)
    market.rest(BID, (PRICE, size))
    market.book()
    market.rest(BID, (PRICE, 10.0))
    market.idle(5_100)
    assert said(market) == []
    market.book()
    (opened,) = said(market)
    assert opened.started_at == market.now - 5_100


def test_a_level_that_leaves_the_ten_begins_the_wait_anew() -> None:
    """A level out of sight may have been anything: it is not held."""
    market = Market()
    market.rest(BID, (91.0, 10.0))
    market.idle(4_900)
    market.rest(BID, (100.5, 1.0))
    market.book()
    market.rest(BID, (100.5, 0.0))
    market.idle(5_000)
    assert said(market) == []


def test_three_medians_are_no_wall_and_three_and_a_bit_are() -> None:
    """Larger than the threshold is meant as it is said."""
    for size, opens in ((3.0, 0), (3.001, 1)):
        assert len(said(standing(size))) == opens


def test_a_wall_on_each_side_is_its_own() -> None:
    """Both sides are watched at once, and each wall has its own id, side and price."""
    market = Market()
    market.rest(BID, (PRICE, 10.0))
    market.rest(ASK, (104.0, 20.0))
    market.idle(5_200)
    bid, ask = said(market)
    assert (bid.side, bid.price, ask.side, ask.price) == ("bid", PRICE, "ask", 104.0)
    assert bid.id != ask.id


def test_an_open_wall_keeps_the_threshold_it_opened_with() -> None:
    """A median that rises later does not close the wall; only its own loss does."""
    market, on = standing(), bench()
    on.play(market.items)
    told = len(market.items)
    on.median = 100.0
    market.idle(1_000)
    assert events(on.play(market.items[told:])) == [OPENED]


# --- closing ----------------------------------------------------------------------------------------------


def test_a_wall_that_takers_ate_is_consumed() -> None:
    """Trades that make up the loss say so."""
    market = standing()
    market.eat(BID, (PRICE, 4.0), (PRICE, 5.0))
    market.book()
    assert events(said(market)) == [OPENED, ("closed", PRICE, "consumed")]


def test_a_wall_that_vanishes_is_pulled() -> None:
    """Loss without trades is cancellation, also when the price is empty after it."""
    market = standing()
    market.rest(BID, (PRICE, 0.0))
    market.book()
    assert events(said(market)) == [OPENED, ("closed", PRICE, "pulled")]


@pytest.mark.parametrize(("traded", "reason"), [(4.0, "consumed"), (3.999, "pulled")])
def test_half_of_the_loss_decides(traded: float, reason: str) -> None:
    """Trades for half of what was lost make it consumed, a trifle less makes it pulled."""
    market = standing()
    market.trade(BID, PRICE, traded)
    market.rest(BID, (PRICE, 2.0))
    market.book()
    assert last(market).reason == reason


def test_half_of_a_decimal_loss_is_half() -> None:
    """0.3 of 0.6 is half, though floats make 1.1 less 0.5 a little more than 0.6."""
    market = Market()
    market.rest(BID, (PRICE, 1.1))
    market.idle(5_200)
    market.trade(BID, PRICE, 0.1)
    market.trade(BID, PRICE, 0.2)
    market.rest(BID, (PRICE, 0.5))
    market.book()
    on = Bench(WallDetector(DetectorSettings()), median=1 / 3)
    assert [entry.reason for entry in on.play(market.items)] == [None, "consumed"]


def test_books_without_a_change_do_not_end_a_decline() -> None:
    """A wall that is eaten in bites, with quiet books between them, was consumed though a rest is pulled."""
    market = standing()
    for _ in range(2):
        market.eat(BID, (PRICE, 3.0))
        market.book()
        market.idle(300)
    market.rest(BID, (PRICE, 2.5))
    market.book()
    entry = last(market)
    assert entry.reason == "consumed"
    assert (entry.evidence["size_before"], entry.evidence["lost"], entry.evidence["traded"]) == (10, 7.5, 6)


@pytest.mark.parametrize("back", [10.0, 12.0])
def test_trades_before_the_level_grew_back_do_not_explain_its_loss(back: float) -> None:
    """What was eaten and refilled is settled; when the level is cancelled after that it was pulled."""
    market = standing()
    market.eat(BID, (PRICE, 6.0))
    market.rest(BID, (PRICE, back))
    market.book()
    market.rest(BID, (PRICE, 0.0))
    market.book()
    assert last(market).reason == "pulled"


def test_fills_that_nobody_saw_do_not_explain_a_loss() -> None:
    """`nq` is what counts against visible size; without it the whole trade does."""
    for visible, reason in ((1.0, "pulled"), (8.0, "consumed"), (None, "consumed")):
        market = standing()
        market.trade(BID, PRICE, 9.0, visible=visible)
        market.rest(BID, (PRICE, 0.0))
        market.book()
        assert last(market).reason == reason


def test_trades_elsewhere_do_not_explain_a_loss() -> None:
    """Only trades that hit this side at this price ate the wall."""
    market = standing()
    market.trade(BID, 99.0, 9.0)
    market.trade(ASK, PRICE, 9.0)
    market.rest(BID, (PRICE, 0.0))
    market.book()
    assert last(market).reason == "pulled"


def test_a_wall_that_leaves_the_ten_levels_is_out_of_range() -> None:
    """Beyond the tenth level nothing is known, and nothing is claimed."""
    market = Market()
    market.rest(BID, (91.0, 10.0))
    market.idle(5_200)
    market.rest(BID, (100.5, 1.0))
    market.book()
    assert events(said(market)) == [("opened", 91.0, None), ("closed", 91.0, "out_of_range")]


def test_a_wall_that_comes_back_is_a_new_one() -> None:
    """It is held anew, from when it came back, has a new id, and waits for the cooldown."""
    market = Market()
    market.rest(BID, (91.0, 10.0))
    market.idle(5_200)
    market.rest(BID, (100.5, 1.0))
    market.book()
    market.rest(BID, (100.5, 0.0))
    market.idle(5_900)
    assert len(said(market)) == 2
    market.book()
    first, _, second = said(market)
    assert second.started_at == market.now - 5_900
    assert second.id != first.id


@pytest.mark.parametrize("since", [None, START_MS + 10**9])
def test_without_all_trades_a_loss_is_unexplained(since: int | None) -> None:
    """Where trades may be missing nobody is said to have pulled anything."""
    market = standing()
    market.rest(BID, (PRICE, 0.0))
    market.book()
    assert last(market, since).reason == "unexplained"


def test_trades_known_since_the_decline_began_are_enough() -> None:
    """What was missed while the wall stood whole does not matter; a millisecond of its decline does."""
    market = standing()
    market.eat(BID, (PRICE, 1.0))
    market.book()
    market.rest(BID, (PRICE, 0.0))
    market.book()
    began = last(market).evidence["decline_began"]
    assert isinstance(began, int)
    assert last(market, began).reason == "pulled"
    assert last(market, began + 1).reason == "unexplained"


def test_a_break_closes_what_is_open_and_forgets_the_rest() -> None:
    """An open wall is interrupted, a level that was only held is not spoken of, and all begins anew."""
    market = standing()
    market.rest(ASK, (104.0, 10.0))
    market.book()
    on = bench()
    on.play(market.items)
    assert events(on.stop()) == [OPENED, ("closed", PRICE, "interrupted")]
    told = len(market.items)
    market.idle(5_300)
    assert events(on.play(market.items[told:])) == [
        OPENED,
        ("closed", PRICE, "interrupted"),
        OPENED,
        ("opened", 104.0, None),
    ]


# --- meanwhile --------------------------------------------------------------------------------------------


def test_a_wall_that_changes_by_a_quarter_says_so() -> None:
    """Updates come for more than a quarter, and at most once a second."""
    market = standing()
    market.idle(1_000)
    for size in (12.5, 12.6, 16.0, 20.0):
        market.rest(BID, (PRICE, size))
        market.book()
    market.idle(1_000)
    entries = said(market)
    assert [(entry.event, entry.evidence["size"]) for entry in entries] == [
        ("opened", 10.0),
        ("updated", 12.6),
        ("updated", 20.0),
    ]
    assert {entry.id for entry in entries} == {entries[0].id}
    assert entries[2].time - entries[1].time >= 1_000


def test_a_cooldown_holds_the_place_back() -> None:
    """The same place is not a wall again before the cooldown is over, however long it was held."""
    settings = DetectorSettings(cooldown_ms=20_000)
    market = standing()
    market.rest(BID, (PRICE, 1.0))
    market.book()
    closed_at = market.now
    market.rest(BID, (PRICE, 10.0))
    market.idle(21_000)
    entries = Bench(WallDetector(settings)).play(market.items)
    assert [entry.event for entry in entries] == ["opened", "closed", "opened"]
    assert entries[2].time == closed_at + 20_000


def test_the_evidence_can_be_worked_out_by_hand() -> None:
    """Every figure of an opening and of an end follows from the raw books and trades."""
    market = Market()
    market.idle(500)
    market.rest(BID, (PRICE, 10.0))
    first = market.book()
    market.rest(BID, (PRICE, 12.0))
    market.idle(5_000)
    opening = market.book()
    market.eat(BID, *[(PRICE, 0.75)] * 12)
    end = market.book()
    opened, closed = said(market)
    assert opened.time == opening.time
    assert opened.started_at == first.time
    assert opened.evidence == {
        "size": 12.0,
        "first_size": 10.0,
        "largest_size": 12.0,
        "median_size": 1.0,
        "threshold": 3.0,
        "held_ms": opening.time - first.time,
        "first_update_id": first.update_id,
        "last_update_id": opening.update_id,
        "distance_ticks": 100 - PRICE,
        "distance_bps": round(10_000 * (100 - PRICE) / opening.mid, 8),
    }
    assert opened.magnitude == 12 * (opening.time - first.time) / 1_000
    trades = market.trades_between(opening.update_id, end.update_id)
    assert closed.evidence == opened.evidence | {
        "size": 3.0,
        "held_ms": end.time - first.time,
        "last_update_id": end.update_id,
        "size_before": 12.0,
        "size_after": 3.0,
        "lost": 9.0,
        "decline_began": opening.time,
        "traded": sum(trade.size for trade in trades),
        "traded_share": 1.0,
        "distance_ticks_at_open": opened.evidence["distance_ticks"],
        "distance_bps_at_open": opened.evidence["distance_bps"],
        "trades": [(trade.trade_id, PRICE, 0.75, trade.trade_time) for trade in trades[-10:]],
    }
    assert closed.magnitude == 12 * (end.time - first.time) / 1_000


@given(
    sizes=st.lists(st.tuples(st.sampled_from((0.0, 2.0, 3.0, 4.0, 9.0)), st.integers(1, 60)), max_size=12),
    every=st.sampled_from((100, 250, 700)),
)
@property_settings(100)
def test_walls_open_and_close_as_a_naive_reading_has_it(sizes: list[tuple[float, int]], every: int) -> None:
    """Whatever a level does, walls open at the first book more than 5 s into a run of large ones, and end."""
    market = Market()
    for size, count in sizes:
        market.rest(ASK, (103.0, size))
        market.idle(count * every, every)
    began, is_open, expected = None, False, list[tuple[str, int]]()
    for book in market.books()[1:]:
        if book.levels[ASK].get(103.0, 0.0) <= 3:
            if is_open:
                expected.append(("closed", book.time))
            began, is_open = None, False
            continue
        began = book.time if began is None else began
        if not is_open and book.time - began > 5_000:
            is_open = True
            expected.append(("opened", book.time))
    entries = [entry for entry in said(market) if entry.event is not Event.UPDATED]
    assert [(entry.event.value, entry.time) for entry in entries] == expected
