"""The simulated market: a true book, true messages about it, and figures like the market it stands for."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from statistics import mean, median, pstdev
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_ingestion.simulated_exchange.crowd import EVENT_MS
from data_ingestion.simulated_exchange.market import (
    AggTradeMessage,
    DepthSnapshot,
    DepthUpdateMessage,
    MarketMessage,
    SimulatedMarket,
)
from data_ingestion.simulated_exchange.matching_book import ASK, BID, MatchingBook
from data_ingestion.simulated_exchange.profiles import SIMULATED_SYMBOLS, profile_of

START_MS = 1_700_000_000_000
EVERYTHING = 100_000


def new_market(symbol: str = "BTCUSDT", seed: int = 1, truth_kept: int = 20_000) -> SimulatedMarket:
    """Make a market that starts at START_MS."""
    return SimulatedMarket(profile_of(symbol), seed=seed, start_ms=START_MS, truth_kept=truth_kept)


def encoded(messages: Sequence[MarketMessage]) -> bytes:
    """Encode the wire bytes of messages, one a line."""
    return b"\n".join(msgspec.json.encode(message) for message in messages)


class ClientBook:
    """A client's book, kept by Binance's rules from a snapshot and the events after it."""

    def __init__(self, snapshot: DepthSnapshot) -> None:
        self.bids = {float(price): float(size) for price, size in snapshot.bids}
        self.asks = {float(price): float(size) for price, size in snapshot.asks}
        self.snapshot_id = snapshot.last_update_id
        self.last_final_id: int | None = None

    def apply(self, event: DepthUpdateMessage) -> bool:
        """Apply an event, unless it is older than the snapshot."""
        if event.final_id < self.snapshot_id:
            return False
        if self.last_final_id is None:
            assert event.first_id <= self.snapshot_id <= event.final_id
        else:
            assert event.previous_final_id == self.last_final_id
        self.last_final_id = event.final_id
        for levels, changes in ((self.bids, event.bids), (self.asks, event.asks)):
            for price, size in changes:
                if float(size) == 0:
                    levels.pop(float(price), None)
                else:
                    levels[float(price)] = float(size)
        return True

    def top(self, count: int) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        """Return the best levels of both sides."""
        return sorted(self.bids.items(), reverse=True)[:count], sorted(self.asks.items())[:count]


@pytest.mark.parametrize("symbol", SIMULATED_SYMBOLS)
def test_diffs_on_a_snapshot_give_the_true_book_at_every_event(symbol: str) -> None:
    """A client that starts from a snapshot inside an event has the exchange's whole book at every u."""
    market = new_market(symbol)
    market.advance(START_MS + 5_050)
    client = ClientBook(market.snapshot(EVERYTHING))
    for step in range(600):
        for event in market.advance(START_MS + 5_100 + step * EVENT_MS):
            if isinstance(event, DepthUpdateMessage):
                assert client.apply(event)
                assert client.top(10) == market.truth_at(event.final_id)
        if step % 20 == 0:
            assert client.top(EVERYTHING) == market.top(EVERYTHING)


def test_a_snapshot_between_micro_steps_falls_inside_the_open_event() -> None:
    """Three snapshots in four are taken with U < lastUpdateId < u of the event that is still open."""
    market = new_market()
    for window in range(20):
        for part in (25, 50, 75):
            market.advance(START_MS + window * EVENT_MS + part)
            taken = market.snapshot(5).last_update_id
            if part == 50:
                inside = taken
        event = market.advance(START_MS + (window + 1) * EVENT_MS)[-1]
        assert isinstance(event, DepthUpdateMessage)
        assert event.first_id < inside < event.final_id


def test_the_same_seed_gives_the_same_bytes_however_time_is_cut_up() -> None:
    """Steps of any length, from one micro step to all at once, give identical messages."""
    whole, parts = new_market(seed=5), new_market(seed=5)
    expected = encoded(whole.advance(START_MS + 10_000))
    messages: list[MarketMessage] = []
    steps, now = Random(2), START_MS  # noqa: S311
    while now < START_MS + 10_000:
        now = min(now + steps.randrange(1, 700), START_MS + 10_000)
        messages += parts.advance(now)
    assert encoded(messages) == expected
    assert parts.snapshot(1_000) == whole.snapshot(1_000)


def test_seed_symbol_and_start_time_make_different_markets() -> None:
    """Another seed gives other messages, and a later start gives ids later than any before it."""
    first = new_market(seed=1)
    messages = first.advance(START_MS + 2_000)
    assert encoded(messages) != encoded(new_market(seed=2).advance(START_MS + 2_000))
    later = SimulatedMarket(profile_of("BTCUSDT"), seed=1, start_ms=START_MS + 2_000)
    assert later.last_update_id > first.last_update_id


def test_depth_updates_are_written_as_the_exchange_writes_them() -> None:
    """Exactly the documented fields, one event for each 100 ms, two price and three size decimals."""
    messages = new_market().advance(START_MS + 3_000)
    events = [json_of(m) for m in messages if isinstance(m, DepthUpdateMessage)]
    assert len(events) == 30
    assert {tuple(event) for event in events} == {("e", "E", "T", "s", "U", "u", "pu", "b", "a", "ps", "st")}
    for number, event in enumerate(events, start=1):
        end = START_MS + number * EVENT_MS
        assert end - EVENT_MS < event["T"] <= event["E"] <= end
        for price, size in event["b"] + event["a"]:
            assert price == f"{float(price):.2f}"
            assert size == f"{float(size):.3f}"
            assert float(price) * 10 == pytest.approx(round(float(price) * 10))
    assert any(size == "0.000" for event in events for _, size in event["b"])


def test_update_ids_leave_room_for_those_of_other_books() -> None:
    """Each event's pu is the u before it, and U is mostly not the id after that."""
    events = [m for m in new_market().advance(START_MS + 20_000) if isinstance(m, DepthUpdateMessage)]
    following = list(pairwise(events))
    assert all(b.previous_final_id == a.final_id for a, b in following)
    assert all(a.final_id < b.first_id <= b.final_id for a, b in following)
    assert sum(b.first_id != a.final_id + 1 for a, b in following) > 0.7 * len(following)


def test_trades_are_written_as_the_exchange_writes_them() -> None:
    """Documented fields, rising ids, q at least nq and sometimes more, times inside the window."""
    trades = [m for m in new_market().advance(START_MS + 20_000) if isinstance(m, AggTradeMessage)]
    assert tuple(json_of(trades[0])) == ("e", "E", "s", "a", "p", "q", "nq", "f", "l", "T", "m", "st")
    assert [t.aggregate_id for t in trades] == list(
        range(trades[0].aggregate_id, trades[0].aggregate_id + len(trades))
    )
    assert all(t.first_trade_id <= t.last_trade_id for t in trades)
    assert all(0 <= t.event_time - t.trade_time <= EVENT_MS for t in trades)
    assert all(float(t.quantity) >= float(t.normal_quantity) > 0 for t in trades)
    hidden = sum(float(t.quantity) > float(t.normal_quantity) for t in trades)
    assert 0.01 < hidden / len(trades) < 0.12
    assert len({(t.event_time, t.price, t.buyer_is_maker) for t in trades}) == len(trades)


def test_trades_print_exactly_what_takers_ate() -> None:
    """The nq of all trades add up to the volume that takers removed from the book."""
    market = new_market()
    trades = [m for m in market.advance(START_MS + 20_000) if isinstance(m, AggTradeMessage)]
    printed = math.fsum(float(t.normal_quantity) for t in trades)
    assert printed == pytest.approx(market.book.taken_lots / 1_000)
    market.check()


def test_every_trade_shows_in_the_depth_event_of_its_window() -> None:
    """The price of each trade is among the levels that the same window's event reports, on the side hit."""
    messages = new_market().advance(START_MS + 30_000)
    pending: list[AggTradeMessage] = []
    for message in messages:
        if isinstance(message, AggTradeMessage):
            pending.append(message)
            continue
        reported = ({price for price, _ in message.asks}, {price for price, _ in message.bids})
        assert all(trade.price in reported[trade.buyer_is_maker] for trade in pending)
        assert all(trade.trade_time <= message.transaction_time for trade in pending)
        pending.clear()


def test_a_skip_ends_the_open_event_and_plays_nothing_in_between() -> None:
    """After a pause the ids follow on, the time is that of the clock, and one event ends the time before."""
    market = new_market()
    market.advance(START_MS + 1_050)
    before = market.last_final_id
    (event,) = [m for m in market.skip(START_MS + 7_200_000) if isinstance(m, DepthUpdateMessage)]
    assert event.previous_final_id == before
    (after,) = [m for m in market.advance(START_MS + 7_200_100) if isinstance(m, DepthUpdateMessage)]
    assert after.previous_final_id == event.final_id
    assert after.transaction_time > START_MS + 7_200_000


def test_an_earlier_time_moves_nothing() -> None:
    """Neither advancing nor skipping to the past changes the market."""
    market = new_market()
    market.advance(START_MS + 1_000)
    assert market.advance(START_MS) == []
    assert market.skip(START_MS) == []
    assert market.now_ms == START_MS + 1_000


def test_truth_is_kept_for_a_bounded_number_of_events() -> None:
    """Only the newest tops are remembered; older ids and ids that are no event are not known."""
    market = new_market(truth_kept=5)
    events = [m for m in market.advance(START_MS + 1_000) if isinstance(m, DepthUpdateMessage)]
    assert [market.truth_at(e.final_id) is not None for e in events] == [False] * 5 + [True] * 5
    assert market.truth_count == 5
    assert market.truth_at(events[-1].final_id + 1) is None


def test_an_old_snapshot_is_the_book_of_that_time() -> None:
    """A snapshot two seconds old equals the one that was taken two seconds ago."""
    market = new_market()
    market.advance(START_MS + 3_000)
    then = market.snapshot(100)
    market.advance(START_MS + 5_000)
    assert market.snapshot(100, age_ms=2_000) == then


def test_an_unknown_symbol_is_refused_by_naming_the_known_ones() -> None:
    """Somebody who mistypes a symbol is told which there are."""
    with pytest.raises(ValueError, match="BTCUSDT, ETHUSDT"):
        profile_of("DOGEUSDT")


@pytest.mark.parametrize("symbol", SIMULATED_SYMBOLS)
def test_promises_hold_under_stress(symbol: str) -> None:
    """Never crossed, no level without size, best prices right, printed volume equal to what was eaten."""
    for seed in range(4):
        market = new_market(symbol, seed)
        for _ in range(400):
            market.advance(market.now_ms + 25)
            market.check()


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["set", "take"]),
        st.sampled_from([BID, ASK]),
        st.integers(90, 110),
        st.integers(0, 30),
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(OPERATIONS)
def test_any_operations_leave_a_sound_book(operations: list[tuple[str, int, int, int]]) -> None:
    """Whatever is asked, the book is not crossed or empty, and lots go only where an operation put them."""
    book = MatchingBook({99: 5, 95: 1}, {101: 5, 106: 2}, update_id=1, random=Random(1))  # noqa: S311
    for kind, side, tick, lots in operations:
        before, id_before = [dict(levels) for levels in book.levels], book.update_id
        if kind == "set":
            book.set_level(side, tick, lots)
            assert book.levels[1 - side] == before[1 - side]
            assert {t for t in before[side] if book.levels[side].get(t) != before[side][t]} <= {tick}
        else:
            fills = book.match(side, lots, tick)
            eaten = sum(amount for _, amount in fills)
            assert sum(before[side].values()) - sum(book.levels[side].values()) == eaten <= lots
            prices = [price for price, _ in fills]
            assert prices == sorted(prices, reverse=side == BID)
        changed = before != [dict(levels) for levels in book.levels]
        assert (book.update_id > id_before) == changed
        book.check()


def test_a_taker_eats_the_best_levels_up_to_its_limit() -> None:
    """An order eats level after level, leaves part of the last, and stops at its limit price."""
    book = MatchingBook({99: 5}, {101: 3, 102: 4, 105: 9}, update_id=1, random=Random(1))  # noqa: S311
    assert book.match(ASK, 5, 105) == [(101, 3), (102, 2)]
    assert book.match(ASK, 50, 104) == [(102, 2)]
    assert book.best == [99, 105]


def test_a_side_is_never_eaten_up_nor_cancelled_away() -> None:
    """The last level of a side survives every order."""
    book = MatchingBook({99: 5}, {101: 3}, update_id=1, random=Random(1))  # noqa: S311
    assert book.match(BID, 1_000, 1) == [(99, 4)]
    book.set_level(BID, 99, 0)
    assert book.levels[BID] == {99: 1}


def test_a_price_that_would_cross_is_refused() -> None:
    """Makers cannot quote at or through the other side's best price."""
    book = MatchingBook({99: 5}, {101: 3}, update_id=1, random=Random(1))  # noqa: S311
    book.set_level(BID, 101, 7)
    book.set_level(ASK, 98, 7)
    assert book.levels == ({99: 5}, {101: 3})


def json_of(message: MarketMessage) -> dict[str, Any]:
    """Decode the JSON object of a message."""
    return dict(msgspec.json.decode(msgspec.json.encode(message)))


# The figures of a market, measured on its messages as a client would.


@dataclass(slots=True)
class Figures:
    """What a client sees of one market over some minutes."""

    seconds: int
    changes: list[int]  # levels in each event
    kinds: Counter[str]
    distances: list[float]  # of changed levels from the best price of their side before the event
    best_sizes: list[float]
    next_sizes: list[float]  # levels 2 to 10
    spans: list[float]  # between the first and the tenth level
    occupied: dict[int, list[float]]  # share of ticks with a level, by whole units from the best
    counts: list[int]  # levels of a side, at each second
    medians: list[float]  # of the sizes of all levels of a side, at each second
    one_tick: float
    mids: list[float]
    trades: list[AggTradeMessage]


def measure(symbol: str, seconds: int, seed: int) -> Figures:
    """Play a market and measure it."""
    profile, market = profile_of(symbol), new_market(symbol, seed)
    known = [
        {float(p) for p, _ in levels}
        for levels in (market.snapshot(EVERYTHING).bids, market.snapshot(EVERYTHING).asks)
    ]
    figures = Figures(seconds, [], Counter(), [], [], [], [], defaultdict(list), [], [], 0.0, [], [])
    tick, one_tick = 1 / profile.ticks_per_unit, 0
    for _ in range(seconds * 10):
        (bid, _), (ask, _) = (side[0] for side in market.top(1))
        *trades, event = market.advance(market.now_ms + EVENT_MS)
        assert isinstance(event, DepthUpdateMessage)
        figures.trades += [trade for trade in trades if isinstance(trade, AggTradeMessage)]
        figures.changes.append(len(event.bids) + len(event.asks))
        for prices, changes, best, sign in ((known[0], event.bids, bid, 1), (known[1], event.asks, ask, -1)):
            for text, size in changes:
                price, gone = float(text), float(size) == 0
                figures.distances.append(sign * (best - price))
                was = price in prices
                figures.kinds[
                    ("removed" if was else "neither") if gone else ("resized" if was else "created")
                ] += 1
                (prices.discard if gone else prices.add)(price)
        bids, asks = market.top(10)
        figures.mids.append((bids[0][0] + asks[0][0]) / 2)
        one_tick += round((asks[0][0] - bids[0][0]) / tick) == 1
        if len(figures.mids) % 10 == 0:
            add_standing(figures, market, tick)
    figures.one_tick = one_tick / len(figures.mids)
    return figures


def add_standing(figures: Figures, market: SimulatedMarket, tick: float) -> None:
    """Add what stands in the book now."""
    for side in market.top(EVERYTHING):
        figures.best_sizes.append(side[0][1])
        figures.next_sizes += [size for _, size in side[1:10]]
        figures.spans.append(abs(side[9][0] - side[0][0]))
        figures.counts.append(len(side))
        figures.medians.append(median([size for _, size in side]))
        if len(figures.counts) % 5 == 0:
            units = Counter(int(abs(price - side[0][0])) for price, _ in side[1:])
            for unit in range(400):
                figures.occupied[unit].append(units[unit] * tick)


def quantile(values: Sequence[float], share: float) -> float:
    """Find the value that `share` of all values lie below."""
    return sorted(values)[int(share * len(values))]


def near(target: float, tolerance: float = 0.35) -> object:
    """Equal within a share of the target."""
    return pytest.approx(target, rel=tolerance)


def autocorrelation(values: Sequence[float], lag: int) -> float:
    """Of a series with itself `lag` places on."""
    middle = mean(values)
    shifted = sum((a - middle) * (b - middle) for a, b in zip(values, values[lag:], strict=False))
    return shifted / sum((value - middle) ** 2 for value in values)


def steps(figures: Figures, every: int) -> list[float]:
    """List the changes of the mid price over `every` events."""
    return [b - a for a, b in zip(figures.mids[::every], figures.mids[every::every], strict=False)]


@pytest.fixture(scope="module")
def btc() -> Figures:
    """Ten minutes of BTCUSDT."""
    return measure("BTCUSDT", 600, seed=5)


@pytest.fixture(scope="module")
def eth() -> Figures:
    """Two and a half minutes of ETHUSDT."""
    return measure("ETHUSDT", 150, seed=3)


def test_btc_changes_as_many_levels_in_as_bursty_a_way_as_recorded(btc: Figures) -> None:
    """Levels changed by an event: quiet, usual and wild ones, and how long a mood lasts."""
    assert quantile(btc.changes, 0.1) == near(28)
    assert median(btc.changes) == near(62)
    assert quantile(btc.changes, 0.9) == near(256)
    assert quantile(btc.changes, 0.99) == near(935, 0.5)
    logs = [math.log(count) for count in btc.changes]
    assert autocorrelation(logs, 1) == pytest.approx(0.63, abs=0.1)
    assert autocorrelation(logs, 5) == pytest.approx(0.26, abs=0.15)
    assert autocorrelation(logs, 50) == pytest.approx(0.06, abs=0.12)


def test_btc_levels_are_resized_removed_and_created_as_recorded(btc: Figures) -> None:
    """Shares of the kinds of change, removals of levels never seen among them."""
    shares = {kind: count / btc.kinds.total() for kind, count in btc.kinds.items()}
    assert shares["resized"] == near(0.575, 0.1)
    assert shares["removed"] == near(0.194, 0.2)
    assert shares["created"] == near(0.176, 0.2)
    assert shares["neither"] == near(0.054, 0.3)


def test_btc_changes_lie_as_far_from_the_touch_as_recorded(btc: Figures) -> None:
    """Distances of changed levels from the best price, inside the spread to far out."""
    assert quantile(btc.distances, 0.01) < 0
    for share, target in ((0.1, 6.6), (0.25, 18), (0.5, 42), (0.75, 101), (0.9, 585), (0.95, 1_218)):
        assert quantile(btc.distances, share) == near(target)


def test_btc_levels_are_as_large_as_recorded(btc: Figures) -> None:
    """Sizes of the best level and of the nine behind it."""
    for share, target in ((0.1, 0.39), (0.25, 1.33), (0.5, 3.1), (0.75, 4.8), (0.9, 7.1), (0.99, 18)):
        assert quantile(btc.best_sizes, share) == near(target)
    assert quantile(btc.next_sizes, 0.1) == near(0.002)
    for share, target in ((0.5, 0.065), (0.75, 0.158), (0.9, 0.725), (0.99, 9.5)):
        assert quantile(btc.next_sizes, share) == near(target)


def test_btc_levels_stand_as_close_as_recorded(btc: Figures) -> None:
    """The spread, the span of ten levels and the share of ticks that hold a level, by distance."""
    assert btc.one_tick > 0.99
    assert quantile(btc.spans, 0.1) == near(2.7)
    assert median(btc.spans) == near(4.1, 0.2)
    assert quantile(btc.spans, 0.9) == near(5.9)
    for unit, target in (
        (3, 0.24),
        (6, 0.32),
        (9, 0.45),
        (15, 0.6),
        (50, 0.7),
        (100, 0.75),
        (150, 0.5),
        (200, 0.3),
    ):
        assert mean(btc.occupied[unit]) == near(target)
    assert mean(btc.occupied[300]) == near(0.15)


def test_btc_mid_moves_in_bursts_as_recorded(btc: Figures) -> None:
    """Mostly still, then moves through thin levels."""
    moves = [abs(step) for step in steps(btc, 1)]
    assert sum(move < 1e-6 for move in moves) / len(moves) == pytest.approx(0.88, abs=0.04)
    assert quantile(moves, 0.99) == near(8.9)
    assert quantile(moves, 0.999) == near(42, 0.5)
    assert 3 < pstdev(steps(btc, 10)) < 8


def test_btc_trades_come_as_recorded(btc: Figures) -> None:
    """Trades a second, their sizes, and how many levels one order prints through."""
    seconds = Counter(trade.trade_time // 1_000 for trade in btc.trades)
    rates = [seconds[START_MS // 1_000 + second] for second in range(btc.seconds)]
    assert mean(rates) == near(24, 0.4)
    assert median(rates) == near(9)
    assert quantile(rates, 0.9) == near(37, 0.5)
    assert quantile(rates, 0.99) > 100
    sizes = [float(trade.quantity) for trade in btc.trades]
    for share, target in ((0.1, 0.002), (0.25, 0.006), (0.5, 0.036), (0.75, 0.17)):
        assert quantile(sizes, share) == near(target, 0.4)
    assert quantile(sizes, 0.999) == near(20)
    prices = defaultdict(set)
    for trade in btc.trades:
        prices[trade.trade_time, trade.buyer_is_maker].add(trade.price)
    lengths = Counter(len(levels) for levels in prices.values())
    assert lengths[1] / btc.seconds == near(2_976 / 345)
    assert lengths[2] > lengths[4] > lengths[8] > 0
    assert max(lengths) > 20


def test_eth_looks_like_itself(eth: Figures) -> None:
    """ETHUSDT has its own sizes, spans and moves."""
    assert median(eth.changes) == near(70)
    assert eth.one_tick > 0.99
    assert median(eth.best_sizes + eth.next_sizes) == near(0.7)
    assert quantile(eth.best_sizes + eth.next_sizes, 0.9) == near(9, 0.5)
    assert median(eth.spans) == near(0.25)
    assert 0.2 < pstdev(steps(eth, 10)) < 0.45
    assert len(eth.trades) / eth.seconds == near(15)


@pytest.mark.parametrize("name", ["btc", "eth"])
def test_the_book_stays_as_it_began(name: str, request: pytest.FixtureRequest) -> None:
    """Neither the number of levels nor their sizes drift over the minutes."""
    figures: Figures = request.getfixturevalue(name)
    assert min(figures.counts) > 1_150
    assert max(figures.counts) < 2_400
    third = len(figures.counts) // 3
    assert mean(figures.counts[-third:]) == near(mean(figures.counts[:third]), 0.15)
    assert mean(figures.medians[-third:]) == near(mean(figures.medians[:third]), 0.2)
