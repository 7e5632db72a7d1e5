"""The door to the detectors: as messages arrive in, detections by exchange time out."""

import json
from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.detectors.book import Book
from features.detectors.detection import ASK, BID, Detection, Event, Kind
from features.detectors.settings import DetectorSettings
from features.liquidity_detection import LiquidityDetection
from orderbook.book_state import TopOfBook
from tests.builders import json_of, property_settings
from tests.features.detectors.market import BEST, DEPTH, TICK, Item, Market, events, trade_of

HASTY = DetectorSettings(warm_up_ms=2_000, wall_hold_ms=1_000, cooldown_ms=500)
"""Settings under which a story of half a minute has something of everything."""

HOLDBACK = HASTY.holdback_ms


class Door:
    """The door, with items in as they come and all that was said."""

    def __init__(self, settings: DetectorSettings | None = None) -> None:
        self.detection = LiquidityDetection(settings)
        self.detection.tick = TICK
        self.said: list[Detection] = []
        self._told = 0

    def play(self, items: Iterable[Item]) -> list[Detection]:
        """Let items arrive; return all that was said so far."""
        for item in items:
            if isinstance(item, Book):
                bids, asks = (list(levels.items()) for levels in item.levels)
                self.detection.on_book(item.time, item.update_id, TopOfBook(bids, asks))
            else:
                self.detection.on_trade(item)
        return self.read()

    def hear(self, market: Market) -> list[Detection]:
        """Let arrive what the market told since the last time; return all that was said so far."""
        told, self._told = self._told, len(market.items)
        return self.play(market.items[told:])

    def read(self) -> list[Detection]:
        """Return all that was said so far."""
        self.said += self.detection.drain()
        return self.said

    def restart(self) -> list[Detection]:
        """Lose the book; return all that was said so far."""
        self.detection.restart()
        return self.read()


# --- one order --------------------------------------------------------------------------------------------


class Story:
    """A market in which, one after another, somebody does what a detector looks for, or nearly so."""

    def __init__(self, seed: int, acts: int) -> None:
        self.random = Random(seed)  # noqa: S311
        self.market = Market()
        self.pause(30)
        for _ in range(acts):
            act = self.random.choice((self.wall, self.sweep, self.fight, self.layers, self.exhaust))
            act(self.random.choice((BID, ASK)))
            self.restore()
            self.pause(self.random.randint(3, 12))

    def pause(self, books: int) -> None:
        """Let time pass, with trades that mean nothing."""
        for _ in range(books):
            if self.random.random() < 0.3:
                side = self.random.choice((BID, ASK))
                self.market.trade(side, BEST[side], 0.1, after=self.random.randint(0, 20))
            self.market.book(self.random.randint(40, 140))

    def restore(self) -> None:
        """Let the ladder be as it was."""
        for side, sign in ((BID, -1), (ASK, 1)):
            gone = [(price, 0.0) for price in list(self.market.resting[side])]
            self.market.rest(side, *gone)
            self.market.rest(side, *[(BEST[side] + sign * level, 1.0) for level in range(DEPTH)])

    def wall(self, side: int) -> None:
        """Stand for a while, then go by trades, by cancellation, or by both."""
        price = BEST[side] + (-1, 1)[side] * self.random.randint(0, 4)
        self.market.rest(side, (price, 9.0))
        self.pause(self.random.randint(9, 18))
        self.market.eat(side, (price, self.random.choice((0.5, 4.0, 8.0))), after=self.random.randint(0, 40))
        self.market.rest(side, (price, 1.0))
        self.market.book()

    def sweep(self, side: int) -> None:
        """Eat a few levels."""
        sign = (-1, 1)[side]
        levels = [(BEST[side] + sign * level, 1.0) for level in range(self.random.randint(2, 5))]
        self.market.eat(side, *levels, after=self.random.randint(0, 30))
        self.market.book(self.random.randint(1, 100))

    def fight(self, side: int) -> None:
        """TakerTrade a price that refills."""
        for _ in range(self.random.randint(3, 9)):
            self.market.trade(
                side, BEST[side], self.random.choice((0.6, 0.9)), after=self.random.randint(0, 60)
            )
            self.market.book(self.random.randint(1, 60))

    def layers(self, side: int) -> None:
        """Change three large levels again and again."""
        sign = (-1, 1)[side]
        for number in range(self.random.randint(4, 9)):
            self.market.rest(side, *[(BEST[side] + sign * level, 5.0 + number % 2) for level in (3, 4, 5)])
            self.market.book(self.random.randint(40, 140))

    def exhaust(self, side: int) -> None:
        """Empty a side and let the price through."""
        sign, away = (-1, 1)[side], self.random.randint(1, 3)
        self.market.rest(side, *[(price, 0.0) for price in list(self.market.resting[side])])
        self.market.rest(side, *[(BEST[side] + sign * (away + level), 0.4) for level in range(DEPTH)])
        self.market.book()


def told_by(items: Iterable[Item]) -> list[Detection]:
    """Return all that is said when these items arrive in this order and the book is lost then."""
    door = Door(HASTY)
    door.play(items)
    return door.restart()


def interleaved(items: list[Item], random: Random) -> list[Item]:
    """Return an order of arrival in which each stream is in its own order and nothing is late."""
    lags = {True: random.randint(0, HOLDBACK), False: random.randint(0, HOLDBACK)}
    arrived, timed = {True: 0.0, False: 0.0}, list[tuple[float, Item]]()
    for item in items:
        is_book, time = isinstance(item, Book), item.time if isinstance(item, Book) else item.trade_time
        arrived[is_book] = max(arrived[is_book], time + random.uniform(0, lags[is_book]))
        timed.append((arrived[is_book], item))
    return [item for _, item in sorted(timed, key=lambda pair: pair[0])]


def test_the_stories_have_something_of_everything() -> None:
    """What the property below is tried on does produce detections, of several kinds each and all in all."""
    kinds = [{entry.kind for entry in told_by(Story(seed, 8).market.items)} for seed in range(12)]
    assert set().union(*kinds) == set(Kind)
    assert min(len(found) for found in kinds) >= 3


@given(seed=st.integers(0, 10**6), order=st.integers(0, 10**6))
@property_settings(60)
def test_any_interleaving_within_the_holdback_says_the_same(seed: int, order: int) -> None:
    """However depth and trades interleave on arrival, what is said is the same to the byte."""
    items = Story(seed, 6).market.items
    arriving = interleaved(items, Random(order))  # noqa: S311
    assert json_of(told_by(arriving)) == json_of(told_by(items))


@given(seed=st.integers(0, 10**6))
@property_settings(40)
def test_lives_are_whole(seed: int) -> None:
    """Each id opens once, may be updated, and closes with a reason, or fires once; times never go back."""
    lives = dict[str, list[Detection]]()
    said = told_by(Story(seed, 8).market.items)
    for entry in said:
        lives.setdefault(entry.id, []).append(entry)
    for life in lives.values():
        words = [entry.event for entry in life]
        if words != [Event.FIRED]:
            assert words == [Event.OPENED, *[Event.UPDATED] * (len(words) - 2), Event.CLOSED]
        assert [entry.reason is not None for entry in life] == [word is Event.CLOSED for word in words]
        assert len({(entry.kind, entry.side, entry.price, entry.started_at) for entry in life}) == 1
        assert all(entry.started_at <= entry.time for entry in life)
    assert [entry.time for entry in said] == sorted(entry.time for entry in said)


def test_nothing_is_said_before_the_holdback_is_over() -> None:
    """A detection waits for what may still arrive late, and no longer."""
    market, door = warm(), Door()
    door.hear(market)
    sweep(market)
    swept_at = market.now
    assert door.hear(market) == []
    market.book(DetectorSettings().holdback_ms)
    assert door.hear(market) == []
    market.book(1)
    (entry,) = door.hear(market)
    assert entry.time == swept_at


def test_what_is_late_is_counted() -> None:
    """A message later than the holdback is left out and shows in the count."""
    market, door = warm(), Door()
    door.hear(market)
    assert door.detection.late == 0
    door.play([market.items[-8]])
    assert door.detection.late == 1


# --- beginning and breaking -------------------------------------------------------------------------------


def warm() -> Market:
    """Return a quiet market that has lasted longer than the warm-up, with trades."""
    market = Market()
    for _ in range(11):
        market.trade(BID, 100.0, 0.01)
        market.idle(1_000)
    return market


def sweep(market: Market) -> None:
    """Eat three asks, and tell of it."""
    market.eat(ASK, (101.0, 1.0), (102.0, 1.0), (103.0, 1.0))
    market.book()
    market.rest(ASK, (101.0, 1.0), (102.0, 1.0), (103.0, 1.0))


def hits(market: Market, times: int) -> None:
    """TakerTrade the best bid, which refills."""
    for _ in range(times):
        market.trade(BID, 100.0, 0.9)
        market.book()


def test_warm_up_detects_nothing() -> None:
    """In the first ten seconds not even the plainest pattern is told, and its beginning is not remembered."""
    market, door = Market(), Door()
    market.rest(BID, (98.0, 10.0))
    for _ in range(9):
        sweep(market)
        market.idle(900)
    assert door.hear(market) == []
    market.idle(5_500)
    assert door.hear(market) == []
    market.idle(1_500)
    (entry,) = door.hear(market)
    assert entry.kind is Kind.WALL
    assert entry.started_at >= market.books()[0].time + 10_000
    sweep(market)
    market.idle(500)
    assert [entry.kind for entry in door.hear(market)] == ["wall", "sweep"]


def test_a_lost_book_closes_all_and_warms_up_again() -> None:
    """What is open is interrupted at the last book's time, once, and nothing follows for ten seconds."""
    market, door = warm(), Door()
    market.rest(ASK, (104.0, 10.0))
    market.idle(5_500)
    hits(market, 6)
    door.hear(market)
    opened = {entry.id for entry in door.restart() if entry.event is Event.OPENED}
    closed = [entry for entry in door.said if entry.event is Event.CLOSED]
    assert {entry.kind for entry in closed} == {Kind.WALL, Kind.ABSORPTION, Kind.ICEBERG}
    assert {entry.id for entry in closed} == opened
    assert {(entry.reason, entry.time) for entry in closed} == {("interrupted", market.now)}
    told = len(door.restart())
    market.idle(5_000)
    hits(market, 6)
    sweep(market)
    market.idle(2_000)
    assert len(door.hear(market)) == told


def test_a_lost_book_lets_go_what_was_held_first() -> None:
    """What arrived before the loss is still told, though its holdback was not over."""
    market, door = warm(), Door()
    sweep(market)
    assert door.hear(market) == []
    assert [entry.kind for entry in door.restart()] == ["sweep"]


def test_before_anything_arrived_nothing_can_be_lost() -> None:
    """Restarting and missing trades without a book say nothing."""
    door = Door()
    door.detection.on_trades_missed()
    assert door.restart() == []


def test_missed_trades_close_what_needs_them_and_no_wall() -> None:
    """Absorption and iceberg are interrupted; a wall stands in the book."""
    market, door = warm(), Door()
    market.rest(ASK, (104.0, 10.0))
    market.idle(5_500)
    hits(market, 6)
    market.idle(300)
    door.hear(market)
    door.detection.on_trades_missed()
    assert {(entry.kind, entry.reason) for entry in door.read() if entry.event is Event.CLOSED} == {
        ("absorption", "interrupted"),
        ("iceberg", "interrupted"),
    }
    door.detection.on_trades_missed()
    assert len([entry for entry in door.read() if entry.event is Event.CLOSED]) == 2


def walled(market: Market, door: Door) -> None:
    """Come to a wall that is open."""
    market.rest(BID, (98.0, 10.0))
    market.idle(5_600)
    door.hear(market)
    assert events(door.said) == [("opened", 98.0, None)]


def test_a_wall_lost_while_trades_were_missed_is_unexplained() -> None:
    """Nobody is said to have pulled what may have been eaten; with trades again a loss is explained."""
    for heard_again, reason in ((False, "unexplained"), (True, "pulled")):
        market, door = warm(), Door()
        walled(market, door)
        door.detection.on_trades_missed()
        if heard_again:
            market.trade(BID, 100.0, 0.01)
            market.idle(500)
        market.rest(BID, (98.0, 0.0))
        market.book()
        market.idle(500)
        assert door.hear(market)[-1].reason == reason


def test_trades_held_when_others_were_missed_are_not_taken_for_the_first_known() -> None:
    """Between a trade that waits for its turn and the next one to arrive the missing ones may lie."""
    market, door = warm(), Door()
    walled(market, door)
    market.book()
    market.trade(BID, 100.0, 0.01)
    door.hear(market)
    door.detection.on_trades_missed()
    market.book(50)
    market.rest(BID, (98.0, 0.0))
    market.book(50)
    market.trade(BID, 100.0, 0.01, after=60)
    market.idle(500)
    assert door.hear(market)[-1].reason == "unexplained"


def test_a_late_trade_is_a_missed_one() -> None:
    """A trade that came too late to be counted may be the one that ate the wall."""
    market, door = warm(), Door()
    walled(market, door)
    late = market.trade(BID, 98.0, 5.0)
    market.items.pop()
    market.rest(BID, (98.0, 5.0))
    for _ in range(3):
        market.book(200)
    door.hear(market)
    door.play([late])
    assert door.detection.late == 1
    market.rest(BID, (98.0, 0.0))
    market.idle(500)
    assert door.hear(market)[-1].reason == "unexplained"


def test_a_clock_set_back_is_a_break() -> None:
    """What was open is interrupted at the old time, and after a warm-up the new time is as good."""
    market, door = warm(), Door()
    walled(market, door)
    old = market.now
    market.now -= 60_000
    market.idle(5_000)
    closed = door.hear(market)[-1]
    assert (closed.reason, closed.time <= old) == ("interrupted", True)
    market.idle(5_600)
    sweep(market)
    market.idle(500)
    entry = door.hear(market)[-1]
    assert (entry.kind, entry.time < old) == (Kind.SWEEP, True)
    assert door.detection.late == 0


def test_after_a_clock_was_set_back_messages_are_held_back_as_ever() -> None:
    """The break does not let go early what the new time holds: a trade that is a little late is in time."""
    market, door = warm(), Door()
    door.hear(market)
    market.now -= 60_000
    market.idle(300)
    late = market.trade(BID, 100.0, 1.0)
    market.items.pop()
    market.idle(200)
    door.hear(market)
    door.play([late])
    assert door.detection.late == 0


# --- what counts ------------------------------------------------------------------------------------------


def test_a_print_that_took_nothing_visible_eats_no_level() -> None:
    """Trades wholly against RPI orders are no sweep, though the levels go."""
    market, door = warm(), Door()
    for price in (101.0, 102.0, 103.0):
        market.trade(ASK, price, 1.0, visible=0.0)
        market.rest(ASK, (price, 0.0))
    market.book()
    market.idle(500)
    assert door.hear(market) == []


def test_three_medians_are_not_more_than_three_medians() -> None:
    """2.1 is no wall where the median is 0.7, though floats make three times that a little less."""
    for size, walls in ((2.1, 0), (2.101, 1)):
        market, door = Market(), Door()
        for side in (BID, ASK):
            market.rest(side, *[(price, 0.7) for price in list(market.resting[side])])
        market.rest(BID, (98.0, size))
        market.book()
        market.idle(18_000)
        assert len(door.hear(market)) == walls


def test_counts_are_of_beginnings() -> None:
    """Each kind counts what it opened or fired, over restarts, and neither updates nor ends."""
    door = Door(HASTY)
    door.play(Story(3, 8).market.items)
    door.restart()
    begun = [entry.kind for entry in door.said if entry.event in {Event.OPENED, Event.FIRED}]
    assert begun
    assert door.detection.counts == {kind: begun.count(kind) for kind in Kind}


def test_each_entry_is_read_once() -> None:
    """What was taken is not said again."""
    market, door = warm(), Door()
    sweep(market)
    market.idle(500)
    door.hear(market)
    assert door.detection.drain() == []


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_is_encoded_for_the_frame(kind: Kind) -> None:
    """Each kind's entries have the contract's keys and an object of figures, in plain JSON."""
    found = [
        json.loads(json_of(entry))
        for seed in range(6)
        for entry in told_by(Story(seed, 8).market.items)
        if entry.kind is kind
    ]
    assert found
    keys = {"id", "kind", "event", "side", "price", "started_at", "time", "reason"}
    keys |= {"magnitude", "rank", "evidence"}
    for entry in found:
        assert set(entry) == keys
        assert entry["evidence"]
        assert all(isinstance(figure, int | float | str | list) for figure in entry["evidence"].values())


def test_trades_before_the_first_book_are_of_no_use() -> None:
    """Without a book there is nothing to hold them against."""
    door = Door()
    door.play([trade_of(BID, 100.0, 1.0, Market().now + number) for number in range(1_000)])
    assert door.restart() == []
