"""Seconds of two engines that follow one exchange, merged, as a client sees them."""

import json
from itertools import pairwise

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from api.bus.merger import Merger
from api.channel import Channel, Client
from api.client import Frame, _decode, _Follower, _frame
from api.feed.messages import FeedRow, FeedSecond, FeedState, feed_row, feed_second
from data_ingestion.messages import AggTrade, DepthUpdate
from data_ingestion.sink import Stream, StreamState
from state.engine import Engine
from state.frames import Status, WindowRow, not_live_frame, row_of
from tests.builders import OPS, START_MS, SYMBOL, NaiveExchange, Op, property_settings, trade, within

NAMES = ("here", "there")
SECONDS = 8


class Host:
    """An engine on a host of its own, which hears of each event and trade later than they are."""

    def __init__(self, exchange: NaiveExchange, limit: int) -> None:
        self.exchange, self.limit = exchange, limit
        self.begin()

    def begin(self) -> None:
        """Begin anew, as a process that was started again."""
        self.engine = Engine(SYMBOL, "simulated")
        self.waiting: list[DepthUpdate | AggTrade] = []
        self.now = 5_000.0
        for stream in Stream:
            self.engine.on_stream(stream, StreamState.CONNECTING, self.now)
            self.engine.on_stream(stream, StreamState.OPEN, self.now)

    def lose(self) -> None:
        """Lose the depth stream for a moment, with all that waits on it."""
        self.waiting = [message for message in self.waiting if isinstance(message, AggTrade)]
        self.engine.on_stream(Stream.DEPTH, StreamState.DOWN, self.now, "connection lost")
        self.engine.on_stream(Stream.DEPTH, StreamState.CONNECTING, self.now)
        self.engine.on_stream(Stream.DEPTH, StreamState.OPEN, self.now)

    def close(self, timestamp: int, held_back: int) -> FeedSecond:
        """Hear what waits, but for the newest, and close a second."""
        count = max(0, len(self.waiting) - held_back)
        heard, self.waiting = self.waiting[:count], self.waiting[count:]
        for message in heard:
            self.now += 10
            if isinstance(message, AggTrade):
                self.engine.on_trade(message, self.now)
            else:
                self.engine.on_depth(message, message.event_time, self.now)
        request = self.engine.snapshot_request
        if request is not None and not held_back:
            self.engine.on_snapshot(request, self.exchange.snapshot(self.limit), self.now)
        self.now += 500
        frame, row = self.engine.close_second(timestamp, self.now)
        return feed_second(frame, row)


class Reader:
    """What a client of `?updates=1` may assert of the seconds that it gets."""

    def __init__(self, exchange: NaiveExchange) -> None:
        self.exchange = exchange
        self.channel = Channel(SYMBOL, "simulated")
        self.client = Client(updates=True, queue_size=100)
        self.channel.join(self.client)
        self.follower = _Follower()
        self.frames: list[Frame] = []

    def take(self, second: FeedSecond) -> None:
        """Take a second that went out."""
        assert self.channel.add(second)

    def missed(self, timestamp: int) -> FeedRow:
        """Take a second that did not."""
        self.channel.fill_in(timestamp, "nobody is there")
        frame = not_live_frame(SYMBOL, "simulated", timestamp, Status.SYNCING, "nobody is there", None)
        return feed_row(WindowRow(row_of(frame), None))

    def read(self) -> None:
        """Read what is in the queue, with the client that people use."""
        while len(self.client.queue):
            message = _decode(self.client.queue._queue.get_nowait().text)
            for row in message.history or ():
                if row.timestamp < message.timestamp:
                    self.follow(_frame(row, message.symbol, message.source, None))
            self.follow(_frame(message, message.symbol, message.source, message.health))

    def follow(self, frame: Frame) -> None:
        """Hold a second against the exchange."""
        books = {
            event.final_update_id: book
            for event, book in zip(self.exchange.events, self.exchange.books, strict=True)
        }
        held = self.follower.book
        before = held.u if held is not None and frame.book is None else None
        for update in frame.updates or ():
            assert before is None or update.pu == before, "the chain is torn"
            before = update.u
        for update, book in self.follower.apply(frame):
            bids, asks = books[update.u]
            whole = book.whole()
            assert whole.bids == within(bids, whole.low, 1e9)
            assert whole.asks == within(asks, 0, whole.high)
        if frame.status == "live":
            assert frame.last_update_id is not None
            bids, asks = books[frame.last_update_id]
            assert (frame.bid_levels, frame.ask_levels) == (bids[:10], asks[:10])
            assert self.follower.book is not None, "live, and nothing leads to its book"
        self._sums(frame)
        self.frames.append(frame)

    def _sums(self, frame: Frame) -> None:
        tape = frame.tape or []
        if frame.trades is not None:
            bought = sum(entry[2] for entry in tape if entry[4] == "buy")
            sold = sum(entry[2] for entry in tape if entry[4] == "sell")
            assert (frame.trades.count, frame.trades.buy_volume, frame.trades.sell_volume) == (
                len(tape), round(bought, 8), round(sold, 8)
            )  # fmt: skip

    def check_row(self, *, whole: bool) -> None:
        """Hold the seconds against each other; `whole` if no engine was ever lost without another."""
        stamps = [frame.timestamp for frame in self.frames]
        assert stamps == sorted(set(stamps))
        ids = [entry[5] for frame in self.frames for entry in frame.tape or ()]
        assert ids == sorted(set(ids)), "a trade twice"
        if whole:
            assert all(after == before + 1 for before, after in pairwise(ids)), "a trade is missing"
        for before, after in pairwise(self.frames):
            if before.status == after.status == "live" and after.book is None:
                assert after.ofi == pytest.approx(_net(after) - _net(before), abs=1e-7)


def _net(frame: Frame) -> float:
    assert frame.total_bid_volume is not None
    assert frame.total_ask_volume is not None
    return frame.total_bid_volume - frame.total_ask_volume


EVENTS = st.lists(st.tuples(st.lists(OPS, max_size=4), st.booleans()), min_size=1, max_size=4)
HOSTS = st.tuples(
    st.sampled_from(("well", "well", "well", "well", "dead", "lost", "late")), st.integers(0, 3)
)
RUN = st.lists(st.tuples(EVENTS, HOSTS, HOSTS, st.booleans()), min_size=SECONDS, max_size=SECONDS)
Run = list[tuple[list[tuple[list[Op], bool]], tuple[str, int], tuple[str, int], bool]]


def played(  # noqa: C901, PLR0912 - it is a script
    run: Run,
) -> tuple[Reader, Merger, list[tuple[str, FeedSecond]], list[dict[str, FeedSecond]]]:
    """Play a run; return what was read, and what all engines told."""
    exchange = NaiveExchange(60)
    hosts = {"here": Host(exchange, 60), "there": Host(exchange, 25)}
    reader, merger = Reader(exchange), Merger()
    heard: list[tuple[str, FeedSecond]] = []
    there: list[dict[str, FeedSecond]] = []
    number = 0
    for _ in range(4):  # both come to be live
        run = [([([(True, 1, 2)], True), ([(False, 2, 1)], False)], ("well", 0), ("well", 0), False), *run]
    for place, (events, *fates, swapped) in enumerate(run):
        at = (START_MS // 1000 + 1 + place) * 1000
        for ops, traded in events:
            event = exchange.emit(ops)
            if len(exchange.bids) < 15 or len(exchange.asks) < 15:
                exchange.refill()
            number += traded
            for host in hosts.values():
                host.waiting.append(event)
                if traded:
                    host.waiting.append(
                        trade(exchange.book()[0][0][0], 0.5 + number, sold=number % 2 == 0, number=number)
                    )
        told: dict[str, FeedSecond] = {}
        late = []
        for name, (fate, held_back) in zip(NAMES, fates, strict=True):
            host = hosts[name]
            if fate == "dead":
                host.begin()
                continue
            if fate == "lost":
                host.lose()
            told[name] = host.close(at, held_back)
            heard.append((name, told[name]))
            if fate == "late":
                late.append(name)
        order = [name for name in (reversed(NAMES) if swapped else NAMES) if name in told]
        out = [merger.offer(name, told[name]) for name in order if name not in late]
        gone = [second for second in out if second is not None]
        if not gone:
            settled = merger.settle(at)
            gone = [] if settled is None else [settled]
        else:
            assert merger.settle(at) is None
        assert len(gone) <= 1
        if gone:
            reader.take(gone[0])
        else:
            merger.was_filled_in(reader.missed(at))
        for name in late:
            assert merger.offer(name, told[name]) is None
        there.append({name: told[name] for name in order if name not in late})
    reader.read()
    return reader, merger, heard, there


def _live(second: FeedSecond) -> bool:
    return bool(json.loads(second.row.row)["status"] == "live")


@given(RUN)
@settings(property_settings(60), phases=[Phase.explicit, Phase.generate])
def test_whatever_becomes_of_either_engine_a_client_sees_one_exact_row_of_seconds(run: Run) -> None:
    """Each second once, every book and chain exact, each trade once, flows those of the updates."""
    reader, _, _, _ = played(run)
    reader.check_row(whole=False)


@given(RUN)
@settings(property_settings(60), phases=[Phase.explicit, Phase.generate])
def test_a_newcomer_sees_the_same_row_put_together_from_what_is_kept(run: Run) -> None:
    """What an engine had live is live in it, unless that lay behind; and what comes next follows on it."""
    older, _, heard, _ = played(run)
    newer, merger = Reader(older.exchange), Merger()
    *before, last = sorted({second.row.timestamp for _, second in heard})
    seconds = merger.window([], [one for one in heard if one[1].row.timestamp in before])
    newer.channel.restore(FeedState("simulated", [one.row for one in seconds], seconds[-1]))
    for name, second in heard:
        if second.row.timestamp == last and (now := merger.offer(name, second)) is not None:
            newer.take(now)
    if newer.channel.head is not None and newer.channel.head.timestamp < last:
        settled = merger.settle(last)
        if settled is not None:
            newer.take(settled)
    newer.read()
    newer.check_row(whole=False)
    live = {frame.timestamp for frame in newer.frames if frame.status == "live"}
    for frame in older.frames:
        if frame.status == "live" and frame.timestamp not in live:
            shown = [one.last_update_id or 0 for one in newer.frames if one.timestamp < frame.timestamp]
            told = [last_id(one) for _, one in heard if one.row.timestamp == frame.timestamp]
            assert max(told) < max(shown)


@given(RUN, st.integers(3, SECONDS), st.integers(1, 3))
@settings(property_settings(60), phases=[Phase.explicit, Phase.generate])
def test_holes_are_filled_and_what_was_sent_is_not_changed(run: Run, start: int, missing: int) -> None:
    """As after the bus was gone for a while: the row stays exact, and clients that were there follow on."""
    older, _, heard, _ = played(run)
    lost = {frame.timestamp for frame in older.frames[start : start + missing]}
    reader, merger = Reader(older.exchange), Merger()
    stamps = [frame.timestamp for frame in older.frames]
    for at in stamps:
        if at == max(lost) + 1_000:
            seconds = merger.window(
                rows_of(reader.channel), [one for one in heard if one[1].row.timestamp < at]
            )
            latest = seconds[-1] if seconds and seconds[-1].frame else None
            reader.channel.restore(FeedState("simulated", [one.row for one in seconds], latest))
        out = [] if at in lost else [merger.offer(*one) for one in heard if one[1].row.timestamp == at]
        gone = [second for second in out if second is not None]
        if not gone and (settled := merger.settle(at)) is not None:
            gone = [settled]
        if gone:
            reader.take(gone[0])
        else:
            merger.was_filled_in(reader.missed(at))
    reader.read()
    reader.check_row(whole=False)
    newcomer = Reader(older.exchange)
    for row in rows_of(reader.channel):
        newcomer.follow(decoded(row))
    newcomer.check_row(whole=False)


def last_id(second: FeedSecond) -> int:
    """Return the update that a second ends with; 0 where it is not live."""
    return int(json.loads(second.row.row)["last_update_id"] or 0)


def rows_of(channel: Channel) -> list[FeedRow]:
    """Return the window of a channel."""
    return list(channel._rows)


def decoded(row: FeedRow) -> Frame:
    """Return a row of the window as clients read it."""
    fields = json.loads(row.row)
    for name in ("updates", "book", "tape"):
        fields[name] = json.loads(getattr(row, name))
    fields |= {"symbol": SYMBOL, "source": "simulated", "health": None}
    return msgspec.convert(fields, Frame, strict=False)


def well(*seconds: tuple[str, str]) -> Run:
    """Return a run of these fates, with an event at the border that one of both hears late."""
    events = [([(True, 1, 3)], True), ([(False, 1, 2), (True, 2, 1)], True), ([(True, 1, 1)], True)]
    return [(events, (here, 0), (there, 1 + place % 2), False) for place, (here, there) in enumerate(seconds)]


def test_a_host_that_is_lost_loses_no_second_update_or_trade() -> None:
    """The other's takes its place, although it heard less of the second before."""
    reader, merger, _, _ = played(
        well(("well", "well"), ("well", "well"), ("dead", "well"), ("dead", "well"))
    )
    assert merger.engine == "there"
    assert [frame.status for frame in reader.frames[-4:]] == ["live"] * 4
    assert all(frame.book is None for frame in reader.frames[-4:])
    reader.check_row(whole=True)


def test_reading_the_window_anew_changes_nothing_of_what_goes_on() -> None:
    """The next second of the engine that is followed goes out as it was told."""
    exchange = NaiveExchange(60)
    host, merger = Host(exchange, 60), Merger()
    told = []
    for number in range(1, 6):
        host.waiting.append(exchange.emit([(True, 1, 2)]))
        told.append(host.close((START_MS // 1000 + number) * 1000, 0))
    for second in told[:4]:
        assert merger.offer("here", second) is second
    merger.window([second.row for second in told[:4]], [("here", second) for second in told[:4]])
    assert merger.offer("here", told[4]) is told[4]
