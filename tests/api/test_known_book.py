"""All that an engine knows, followed by the API between the seconds."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.feed.book_report import book_report
from api.feed.messages import ExactBook, FeedBook, NoBook, decode_feed, encode_feed
from api.known_book import KnownBook
from features.market_impact import Impacts, OrderSide, market_impacts
from orderbook.book_state import TopOfBook
from state.engine import EngineSettings
from state.updates import EncodedNews, Update
from tests.builders import OPS, property_settings, within
from tests.engine_rig import Rig, live

SIZES = [0.001, 0.01, 0.03, 0.2]


def say(rig: Rig) -> FeedBook:
    """Return what the engine says now, as it comes over the link."""
    report = book_report(rig.engine, rig.now)
    news = rig.engine.drain_news() if isinstance(report, ExactBook) else EncodedNews()
    said = decode_feed(encode_feed(FeedBook(0, report, news)))
    assert isinstance(said, FeedBook)
    return said


def assert_known(known: KnownBook, said: FeedBook, rig: Rig) -> Impacts:
    """Assert that orders are walked through all that the exchange has in the range that is known."""
    assert isinstance(said.book, ExactBook)
    impacts = known.impacts(said.book)
    assert isinstance(impacts, Impacts), impacts
    bids, asks = rig.exchange.book()
    truth = TopOfBook(within(bids, said.book.low, float("inf")), within(asks, 0, said.book.high))
    for side in OrderSide:
        assert [impacts.of(size, side) for size in SIZES] == market_impacts(truth, SIZES, side, whole=True)
    return impacts


def told(rig: Rig, known: KnownBook) -> FeedBook:
    """Let the engine say its book, and the API hear it."""
    said = say(rig)
    known.apply(said.news)
    return said


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("emit"), st.lists(OPS, max_size=8)),
        st.tuples(
            st.sampled_from(
                ["close", "lose", "answer", "small answer", "reopen", "refill", "say", "say", "restart"]
            ),
            st.just(None),
        ),
    ),
    min_size=30,
    max_size=100,
)


@given(STEPS, st.integers(1, 4))
@property_settings(80)
def test_every_level_is_known_whenever_it_is_asked_for(steps: list[tuple[str, Any]], often: int) -> None:
    """Through gaps, resyncs, restarts of the engine and snapshots that widen; asked often or seldom."""
    settings = EngineSettings(book_levels=70, coverage_margin=20, audit_interval_ms=1_500)
    rig, known, said_of = Rig(settings), KnownBook(), 0
    rig.open()
    for what, ops in steps:
        if what == "restart":
            exchange, rig = rig.exchange, Rig(settings)
            rig.exchange = exchange
            rig.open()
            known.forget()
        elif what == "close":
            rig.close()
        elif what == "say":
            said = told(rig, known)
            said_of += 1
            if isinstance(said.book, ExactBook) and said_of % often == 0:
                at = said.book.last_update_id
                if at == rig.exchange.events[-1].final_update_id == rig.exchange.update_id:
                    assert_known(known, said, rig)
        else:
            rig.play(what, ops)


def test_sums_are_made_once_for_a_book() -> None:
    """And anew once something has changed."""
    rig, known = live(), KnownBook()
    first = assert_known(known, told(rig, known), rig)
    assert assert_known(known, told(rig, known), rig) is first
    rig.emit((True, 2, 3))
    assert assert_known(known, told(rig, known), rig) is not first


def reason(known: KnownBook, said: FeedBook) -> str:
    """Return why nothing is known."""
    assert isinstance(said.book, ExactBook)
    why = known.impacts(said.book)
    assert isinstance(why, str)
    return why


def test_before_the_first_whole_book_nothing_is_known() -> None:
    """Nor after an engine has gone; updates alone lead nowhere."""
    rig, known = live(), KnownBook()
    said = say(rig)
    assert "not told" in reason(known, said)
    rig.emit((True, 2, 3))
    assert "not told" in reason(known, told(rig, known))
    rig.engine.restart_news()
    assert_known(known, told(rig, known), rig)
    known.forget()
    assert "not told" in reason(known, told(rig, known))


@pytest.mark.parametrize("asked", [True, False])
def test_a_missing_update_is_seen_and_the_next_whole_book_mends_it(asked: bool) -> None:
    """By its `pu`, also where several wait to be worked out."""
    rig, known = live(), KnownBook()
    told(rig, known)
    rig.emit((True, 2, 3))
    say(rig)  # lost on its way
    rig.emit((True, 2, 2))
    said = told(rig, known)
    if asked:
        assert "an update follows on" in reason(known, said)
    rig.emit((True, 2, 1))
    assert "does not hold together" in reason(known, told(rig, known))
    rig.engine.restart_news()
    assert_known(known, told(rig, known), rig)


def test_the_last_update_missing_is_seen_by_the_id() -> None:
    """And so is a top ten that is another's."""
    rig, known = live(), KnownBook()
    told(rig, known)
    rig.emit((True, 2, 3))
    assert "another book" in reason(known, say(rig))
    rig.engine.restart_news()
    said = told(rig, known)
    assert isinstance(said.book, ExactBook)
    bids = [(price, size * 2) for price, size in said.book.top.bids]
    top = TopOfBook(bids, said.book.top.asks)
    other = FeedBook(0, msgspec.structs.replace(said.book, top=top))
    assert "another book" in reason(known, other)
    assert "another book" in reason(known, said)  # until the next whole one


@pytest.mark.parametrize("garbage", [b"[{}]", b"{", b"[1]", b'[{"u":1,"pu":1,"T":1,"bids":[["\xff",1]]}]'])
def test_what_is_no_update_loses_the_book(garbage: bytes) -> None:
    """Without an exception; so does a whole book that is none."""
    rig, known = live(), KnownBook()
    said = told(rig, known)
    known.apply(EncodedNews(garbage))
    assert "an update is none" in reason(known, said)
    known.apply(EncodedNews(book=garbage))
    assert "does not hold together" in reason(known, said)


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody asks and the market is wild, updates are worked out before they are asked for."""
    monkeypatch.setattr("api.known_book.MOST_WAITING", 500)
    rig, known = live(), KnownBook()
    told(rig, known)
    for number in range(100):
        rig.emit((True, 2, 1 + number % 2))
        told(rig, known)
        assert known._bytes <= 500
        assert sum(map(len, known._waiting)) == known._bytes
    assert_known(known, told(rig, known), rig)


def test_of_a_range_that_has_shrunk_only_what_is_left_is_walked() -> None:
    """A quiet book that a small snapshot confirmed: beyond it nothing is known just now."""
    rig, known = live(), KnownBook()
    said = told(rig, known)
    assert isinstance(said.book, ExactBook)
    bids, asks = said.book.top.bids, said.book.top.asks
    narrow = msgspec.structs.replace(said.book, low=bids[-1][0], high=asks[-1][0] + 0.05)
    impacts = assert_known(known, FeedBook(0, narrow), rig)
    for side, levels in ((OrderSide.BUY, asks), (OrderSide.SELL, bids)):
        total = sum(size for _, size in levels)
        assert impacts.of(total, side).levels_consumed == len(levels)
        more = impacts.of(total + 0.001, side)
        assert (more.complete, more.slippage) == (False, None)
    assert_known(known, said, rig)


def test_an_engine_without_a_book_says_no_news() -> None:
    """What it then says first is whole again."""
    rig, known = live(), KnownBook()
    told(rig, known)
    rig.down()
    said = told(rig, known)
    assert isinstance(said.book, NoBook)
    assert said.news == EncodedNews()
    rig.open()
    rig.sync()
    said = told(rig, known)
    assert said.news.book != b"null"
    assert_known(known, said, rig)


def test_an_update_is_told_but_once() -> None:
    """Each word has what came since the word before."""
    rig = live()
    say(rig)
    event = rig.emit((True, 2, 3))
    (update,) = msgspec.json.decode(say(rig).news.updates, type=list[Update])
    assert update.u == event.final_update_id
    assert say(rig).news == EncodedNews()
