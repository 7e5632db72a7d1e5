"""All that the book knows, rebuilt by a client that applies what it is sent."""

import json
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_ingestion.messages import DepthUpdate, Levels
from data_ingestion.sink import Stream
from orderbook.synchronizer import LocalBook
from state.engine import EngineSettings
from state.frames import Frame, Status
from state.updates import (
    BOOK_EVERY_MS,
    MOST_UNTOLD,
    Chunk,
    EncodedChunk,
    EncodedNews,
    Recorder,
    Update,
    WholeBook,
    encoded,
)
from tests.builders import OPS, START_MS, depth, property_settings, side, snapshot, trade, within
from tests.engine_rig import Rig, live, opened


class Client:
    """Rebuilds the book as the contract says, and nothing cleverer."""

    def __init__(self) -> None:
        self.bids: dict[float, float] | None = None
        self.asks: dict[float, float] = {}
        self.low = self.high = 0.0
        self.u = 0
        self.seen: dict[int, tuple[Levels, Levels, float, float]] = {}

    def take(self, chunk: Chunk) -> None:
        """Take one second."""
        if chunk.book is not None:
            self._begin(chunk.book)
        if chunk.updates is None:
            self.bids = None
            return
        assert self.bids is not None, "updates that nothing leads to"
        for update in chunk.updates:
            assert update.pu == self.u
            for held, changes in ((self.bids, update.bids), (self.asks, update.asks)):
                for price, size in changes:
                    if size:
                        held[price] = size
                    else:
                        held.pop(price, None)
            self.low = self.low if update.low is None else update.low
            self.high = self.high if update.high is None else update.high
            self.bids = {price: size for price, size in self.bids.items() if price >= self.low}
            self.asks = {price: size for price, size in self.asks.items() if price <= self.high}
            self.u = update.u
            self.seen[self.u] = (*self.levels(), self.low, self.high)

    def _begin(self, book: WholeBook) -> None:
        if self.bids is not None and self.u == book.u:
            assert self.levels() == (book.bids, book.asks), "a whole book that its updates do not lead to"
        self.bids, self.asks = dict(book.bids), dict(book.asks)
        self.low, self.high, self.u = book.low, book.high, book.u

    def levels(self) -> tuple[Levels, Levels]:
        """Return both sides, best first."""
        return sorted((self.bids or {}).items(), reverse=True), sorted(self.asks.items())


def close(rig: Rig, client: Client, after_ms: float = 0) -> Frame:
    """End a second, `after_ms` after the last event, and let the client hear of it."""
    frame = rig.close(after_ms)
    client.take(list(rig.engine.window)[-1].chunk.decode())
    if frame.status is Status.LIVE:
        bids, asks = client.levels()
        assert (bids[:10], asks[:10]) == (frame.bid_levels, frame.ask_levels)
    return frame


def assert_all_true(rig: Rig, client: Client) -> int:
    """Assert that the client had every level of the exchange at each update; return how many updates."""
    compared = 0
    for event, (bids, asks) in zip(rig.exchange.events, rig.exchange.books, strict=True):
        if event.final_update_id in client.seen:
            my_bids, my_asks, low, high = client.seen[event.final_update_id]
            assert my_bids == within(bids, low, float("inf"))
            assert my_asks == within(asks, 0, high)
            compared += 1
    return compared


OTHERS = ["close", "close late", "lag", "lose", "answer", "small answer", "reopen", "refill"]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("emit"), st.lists(OPS, max_size=8)),
        st.tuples(st.sampled_from(OTHERS), st.just(None)),
    ),
    min_size=30,
    max_size=120,
)


@given(STEPS)
@property_settings(60)
def test_a_client_has_every_level_at_every_update(steps: list[tuple[str, Any]]) -> None:
    """Whatever happens: events, gaps, lost connections, late events, snapshots that widen what is known."""
    rig, client = Rig(EngineSettings(book_levels=70, coverage_margin=20, audit_interval_ms=1_500)), Client()
    rig.open()
    for what, ops in steps:
        if what == "close":
            close(rig, client)
        elif what == "close late":
            close(rig, client, after_ms=2_500)
        elif what == "lag":
            rig.late_ms = 4_000 - rig.late_ms
        else:
            rig.play(what, ops)
    close(rig, client)
    assert_all_true(rig, client)


def test_coverage_grows_with_each_snapshot_and_the_client_hears_of_it() -> None:
    """Two books in step know the union of their ranges: the second widens the first."""
    rig, client = opened(EngineSettings(audit_interval_ms=1_000)), Client()
    rig.sync(limit=20)
    close(rig, client)
    narrow = client.low, client.high
    until_asked(rig)
    rig.answer(limit=50)
    rig.emit((False, 2, 3))
    close(rig, client)
    assert client.low < narrow[0]
    assert client.high > narrow[1]
    assert any(a.u == b.u for a, b in _pairs(rig))
    assert assert_all_true(rig, client) > 5
    until_asked(rig)
    wide = client.low, client.high
    rig.answer(limit=15)
    rig.emit((False, 2, 1))
    close(rig, client)
    assert (client.low, client.high) == wide  # a narrower snapshot narrows nothing


def until_asked(rig: Rig) -> None:
    """Let events come until the engine wants a snapshot."""
    while rig.engine.snapshot_request is None:
        rig.emit((True, 2, 1))


def _pairs(rig: Rig) -> list[tuple[Any, Any]]:
    updates = [update for row in rig.engine.window for update in row.chunk.decode().updates or []]
    return list(pairwise(updates))


def test_a_whole_book_comes_first_after_darkness_and_at_least_every_half_minute() -> None:
    """So whoever joins needs no more than half a minute's updates."""
    rig, client = live(), Client()
    for row in rig.engine.window:
        client.take(row.chunk.decode())
    books = []
    for second in range(65):
        rig.emit((True, 2, 1 + second % 3))
        close(rig, client)
        books.append(list(rig.engine.window)[-1].chunk.decode().book is not None)
    gaps = [second for second, there in enumerate(books) if there]
    assert gaps[0] <= BOOK_EVERY_MS / 1_000
    assert all(b - a <= BOOK_EVERY_MS / 1_000 for a, b in pairwise(gaps))
    rig.down()
    dark = close(rig, client)
    assert dark.status is not Status.LIVE
    assert list(rig.engine.window)[-1].chunk.decode().updates is None
    rig.open()
    rig.sync()
    close(rig, client)
    assert client.bids
    assert list(rig.engine.window)[-1].chunk.decode().book is not None


@pytest.mark.parametrize(("late_ms", "quiet_ms"), [(7_000, 0), (0, 2_500)], ids=["late events", "no events"])
@pytest.mark.parametrize("seconds", [1, 3])
def test_a_whole_book_comes_first_after_darkness_in_which_the_book_was_kept(
    late_ms: float, quiet_ms: float, seconds: int
) -> None:
    """A book that follows the exchange while its frames are stale: the next live frame begins anew."""
    rig, client = live(), Client()
    for row in rig.engine.window:
        client.take(row.chunk.decode())
    rig.emit((True, 2, 1))
    close(rig, client)
    rig.late_ms = late_ms
    for second in range(seconds):
        rig.emit((True, 2, 1 + second))
        assert close(rig, client, quiet_ms).status is Status.STALE
    rig.late_ms = 0
    rig.emit((True, 2, 5))
    frame = close(rig, client)
    assert frame.status is Status.LIVE
    chunk = list(rig.engine.window)[-1].chunk.decode()
    assert chunk.book is not None
    assert chunk.updates
    assert client.u == frame.last_update_id
    assert assert_all_true(rig, client) > 0


def test_after_seconds_that_were_stale_there_is_a_whole_book_again() -> None:
    """Also where the book itself was never lost: who was told of darkness has none any more."""
    rig, client = live(), Client()
    for row in rig.engine.window:
        client.take(row.chunk.decode())
    for _ in range(2):
        rig.now += 5_000
        assert close(rig, client).status is Status.STALE
        rig.emit((True, 2, 4), after_ms=6_000)
        rig.emit((True, 2, 3))
        assert close(rig, client).status is Status.LIVE
        rig.emit((True, 3, 4))
        close(rig, client)
    assert assert_all_true(rig, client) >= 2


def test_nothing_outside_the_covered_range_is_told() -> None:
    """Changes of levels that the book does not know are not its business."""
    rig = live(limit=15)
    rig.emit((True, 40, 5), (False, 40, 5), (True, 2, 2))
    rig.close()
    chunk = list(rig.engine.window)[-1].chunk.decode()
    assert chunk.updates
    low, high = (rig.engine.market and (chunk.updates[-1].bids, chunk.updates[-1].asks)) or ([], [])
    assert len(low) == 1
    assert high == []


@pytest.mark.parametrize("sold", [True, False])
def test_the_tape_has_every_trade_that_arrived(sold: bool) -> None:
    """In order, there too where the second's sums are not; each once."""
    rig = live()
    rig.open(Stream.TRADES)
    told = [trade(100.0 + number, 1.0, sold=sold) for number in range(3)]
    for one in (*told, told[0]):
        rig.engine.on_trade(one, rig.now)
    frame = rig.close()
    assert frame.trades is None  # the first second of a stream is not whole
    taker = "sell" if sold else "buy"
    assert list(rig.engine.window)[-1].chunk.decode().tape == [
        (one.trade_time, one.price, 1.0, 1.0, taker, one.trade_id) for one in told
    ]
    rig.close()
    assert list(rig.engine.window)[-1].chunk.decode().tape == []


# --- news between the seconds ----------------------------------------------------------------------------


class Listener(Client):
    """Hears the news alone."""

    def hear(self, rig: Rig) -> EncodedNews:
        """Take what has come; then all is known that the engine knows."""
        news = rig.engine.drain_news()
        chunk = EncodedChunk(news.updates, news.book).decode()
        if chunk.book is not None:
            self.bids = None  # whatever it knew
        self.take(chunk)
        if (market := rig.engine.market) is not None:
            bids, asks = self.levels()
            assert (self.u, bids[:10], asks[:10]) == (market.last_update_id, market.top.bids, market.top.asks)
            truth_bids, truth_asks = rig.exchange.book()
            assert bids == within(truth_bids, self.low, float("inf"))
            assert asks == within(truth_asks, 0, self.high)
            assert rig.engine.known_range() == (self.low, self.high)
        return news


def is_whole(news: EncodedNews) -> bool:
    """Say whether news begin anew."""
    return news.book != b"null"


@given(STEPS, st.integers(1, 5))
@property_settings(60)
def test_news_lead_to_every_level_whenever_they_are_taken(steps: list[tuple[str, Any]], often: int) -> None:
    """Whatever happens, and however many seconds lie between."""
    rig = Rig(EngineSettings(book_levels=70, coverage_margin=20, audit_interval_ms=1_500))
    listener, client = Listener(), Client()
    rig.open()
    for number, (what, ops) in enumerate(steps):
        if what == "close":
            close(rig, client)
        elif what == "close late":
            close(rig, client, after_ms=2_500)
        elif what == "lag":
            rig.late_ms = 4_000 - rig.late_ms
        else:
            rig.play(what, ops)
            if what == "emit" and number % often == 0 and rig.engine.market is not None:
                listener.hear(rig)
    assert_all_true(rig, client)


def test_news_are_whole_books_where_updates_would_lead_nowhere() -> None:
    """At the beginning, for a new listener, after a loss, and where too much was not heard; else updates."""
    rig, listener = live(), Listener()
    assert is_whole(listener.hear(rig))
    rig.emit((True, 1, 3))
    assert not is_whole(listener.hear(rig))
    assert listener.hear(rig) == EncodedNews()
    rig.engine.restart_news()
    assert is_whole(listener.hear(rig))
    rig.lose((True, 1, 3))
    rig.emit((True, 1, 2))
    assert rig.engine.drain_news() == EncodedNews()
    rig.answer()
    rig.emit((True, 2, 2))
    assert is_whole(listener.hear(rig))
    for number in range(MOST_UNTOLD + 1):
        rig.emit((True, 2, 1 + number % 2))
    assert not is_whole(listener.hear(rig))  # a second's are never too many
    for number in range(MOST_UNTOLD + 1):
        rig.emit((True, 2, 1 + number % 2), after_ms=1)
    rig.close()
    assert is_whole(listener.hear(rig))


def test_news_are_a_whole_book_every_half_minute_whoever_listens() -> None:
    """So that a listener who was told wrong is right again."""
    rig, listener = live(), Listener()
    whole = []
    for second in range(65):
        for _ in range(3):
            rig.emit((True, 2, 1 + second % 3))
            whole.append(is_whole(listener.hear(rig)))
        rig.close()
    found = [number for number, there in enumerate(whole) if there]
    assert len(found) <= 4
    assert all(b - a <= 3 * BOOK_EVERY_MS / 1_000 for a, b in pairwise(found))


def test_of_a_quiet_book_only_what_was_confirmed_is_known() -> None:
    """Until the next event."""
    rig = live()
    covered = rig.engine.known_range()
    rig.now += 1_500
    rig.engine.watch(rig.now, 0)
    asked = rig.engine.confirmation_request
    assert asked is not None
    shown = msgspec.structs.replace(rig.exchange.snapshot(15), event_time=START_MS + 1_500)
    assert rig.engine.on_confirmation(asked, shown, rig.now, START_MS + 1_600)
    known = rig.engine.known_range()
    assert known == (shown.bids[-1][0], shown.asks[-1][0]) != covered
    rig.emit((True, 2, 1))
    assert rig.engine.known_range() == covered


def as_floats(event: DepthUpdate, low: float, high: float) -> tuple[Levels, Levels]:
    """Return what is to be told of an event, the plain way."""
    return within(event.bids, low, float("inf")), within(event.asks, 0, high)


def texts(levels: Levels) -> bytes:
    """Return levels as the exchange writes them."""
    return b"[" + b",".join(b'["%.2f","%.3f"]' % level for level in levels) + b"]"


CHANGES = st.lists(st.tuples(st.integers(960, 1_040), st.sampled_from([0.0, 0.5, 2.25])), max_size=12)


@given(st.lists(st.tuples(CHANGES, CHANGES, st.booleans(), st.booleans()), min_size=1, max_size=12))
@property_settings(200)
def test_own_digits_and_floats_tell_the_same(
    steps: list[tuple[list[tuple[int, float]], list[tuple[int, float]], bool, bool]],
) -> None:
    """In any order of levels, within the range and beyond it, while the range changes and stays."""
    book = LocalBook(snapshot(1, side(1_000, -1, 30), side(1_001, 1, 30)), book_levels=32)
    recorder, expected = Recorder(), []
    recorder.begin(book, 0)
    for number, (bids, asks, is_sorted, has_digits) in enumerate(steps):
        event = depth(number, number + 1, number, unique(bids, is_sorted), unique(asks, is_sorted), at=number)
        if has_digits:
            quoted = {"bids_quoted": texts(event.bids), "asks_quoted": texts(event.asks)}
            event = msgspec.structs.replace(event, **quoted)
        before = book.state.low, book.state.high
        book.state.apply(event)
        book.validator.last_update_id = number + 1
        low, high = book.state.low, book.state.high
        told = None if low == before[0] else low, None if high == before[1] else high
        expected.append(Update(number + 1, number or 1, number, *as_floats(event, low, high), *told))
        recorder.add(book, event)
    chunk = recorder.close(1_000, book, 0)
    assert chunk.decode().updates == expected
    assert json.loads(chunk.updates) == json.loads(encoded(Chunk(expected, None, [])).updates)


def test_what_lies_beyond_a_sorted_side_is_cut_off_in_one_piece() -> None:
    """The rest is copied as it came, whatever it says: telling each level apart took twice the time."""
    book = LocalBook(snapshot(1, side(1_000, -1, 12), side(1_001, 1, 12)), book_levels=32)
    recorder = Recorder()
    recorder.begin(book, 0)
    event = depth(1, 2, 1, [(900, 1), (995, 2), (996, 3)], [(1_003, 1), (1_004, 2), (1_100, 3)])
    quoted = {"bids_quoted": b'[["a"],["b"] , ["c"]]', "asks_quoted": b'[["d"] , ["e"],["f"]]'}
    book.state.apply(event)
    recorder.add(book, msgspec.structs.replace(event, **quoted))
    assert b'"bids":[[b] , [c]],"asks":[[d] , [e]]' in recorder.close(1_000, book, 0).updates


def unique(levels: list[tuple[int, float]], is_sorted: bool) -> Levels:
    """Return each price once, as floats."""
    known = {float(price): size for price, size in levels}
    return sorted(known.items()) if is_sorted else list(known.items())
