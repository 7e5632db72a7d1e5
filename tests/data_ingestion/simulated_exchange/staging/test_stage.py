"""The stage: what may be asked of it, in what order it plays, and what it leaves as it was."""

import msgspec
import pytest

from data_ingestion.simulated_exchange.market import MarketMessage, SimulatedMarket
from data_ingestion.simulated_exchange.profiles import SIMULATED_SYMBOLS, calm, profile_of
from data_ingestion.simulated_exchange.staging.patterns import (
    NEAR_MISSES,
    BookSide,
    Ending,
    NearMiss,
    Pattern,
    StageRequest,
    parse_stage,
)
from data_ingestion.simulated_exchange.staging.scripts import SCRIPTS

START_MS = 1_700_000_000_000
WALL = StageRequest(Pattern.WALL, BookSide.ASK, NearMiss.SHORT)
SWEEP = StageRequest(Pattern.SWEEP, BookSide.BID)


def new_market(seed: int = 1) -> SimulatedMarket:
    """Make a market as it is, with all its noise."""
    return SimulatedMarket(profile_of("BTCUSDT"), seed=seed, start_ms=START_MS)


def encoded(messages: list[MarketMessage]) -> bytes:
    """Encode messages as they are sent, one a line."""
    return b"\n".join(msgspec.json.encode(message) for message in messages)


def test_every_pattern_and_near_miss_has_its_script() -> None:
    """The table of scripts names just what may be asked for."""
    asked = {(kind, near_miss) for kind in Pattern for near_miss in (None, *NEAR_MISSES[kind])}
    assert set(SCRIPTS) == asked


@pytest.mark.parametrize("symbol", SIMULATED_SYMBOLS)
def test_everything_can_be_staged_on_a_market_with_all_its_noise(symbol: str) -> None:
    """Each pattern ends and is recorded once, and no lot is printed that was not eaten."""
    market = SimulatedMarket(profile_of(symbol), seed=4, start_ms=START_MS)
    market.advance(START_MS + 31_000)
    requests = [StageRequest(kind, side, near_miss) for kind, near_miss in SCRIPTS for side in BookSide]
    for request in requests:
        market.stage(request)
    while market.staging:
        market.advance(market.now_ms + 100)
        market.check()
    assert [(p.kind, p.side, p.near_miss) for p in market.staged] == [
        (request.kind, request.side, request.near_miss) for request in requests
    ]
    for pattern in market.staged:
        assert START_MS < pattern.started_at <= pattern.ended_at
        assert pattern.fulfilled_at is None or pattern.near_miss is None


def test_until_something_is_staged_a_market_is_what_it_would_be() -> None:
    """Asking changes nothing of what was sent before, and the crowd's takers return after it."""
    plain, staged = new_market(), new_market()
    assert encoded(staged.advance(START_MS + 5_000)) == encoded(plain.advance(START_MS + 5_000))
    staged.stage(SWEEP)
    assert encoded(staged.advance(START_MS + 8_000)) != encoded(plain.advance(START_MS + 8_000))
    assert not staged.staging
    trades = [message for message in staged.advance(START_MS + 18_000) if message.event == "aggTrade"]
    assert len(trades) > 20


def test_the_same_seed_and_requests_give_the_same_bytes_and_records() -> None:
    """What is staged depends on the seed and on when it was asked for, not on how time is cut up."""
    whole, parts = new_market(), new_market()
    for market in (whole, parts):
        market.advance(START_MS + 3_000)
        market.stage(WALL)
        market.stage(SWEEP)
    expected = encoded(whole.advance(START_MS + 15_000))
    messages: list[MarketMessage] = []
    for ms in range(3_000, 15_001, 40):
        messages += parts.advance(START_MS + ms)
    assert encoded(messages) == expected
    assert parts.staged == whole.staged
    assert len(whole.staged) == 2


def test_patterns_are_staged_one_after_the_other() -> None:
    """The second begins when the first is over, in the order of asking."""
    market = new_market()
    market.stage(WALL)
    market.stage(SWEEP)
    market.advance(START_MS + 15_000)
    wall, sweep = market.staged
    assert (wall.kind, sweep.kind) == (Pattern.WALL, Pattern.SWEEP)
    assert wall.ended_at < sweep.started_at
    assert wall.near_miss is NearMiss.SHORT
    assert wall.fulfilled_at is None
    assert sweep.fulfilled_at is not None


def test_a_pattern_asked_for_at_once_waits_for_the_first_depth_event() -> None:
    """What is usual is read from depth events, so none is staged before there is one."""
    market = new_market()
    market.stage(SWEEP)
    market.advance(START_MS + 100)
    assert market.staging
    market.advance(START_MS + 3_000)
    assert market.staged[0].started_at >= START_MS + 100


def test_a_calm_market_stays_within_what_no_detector_looks_for() -> None:
    """No level reaches 2.2 times the median, no trade a hundredth of it, and the best prices stay."""
    for symbol in SIMULATED_SYMBOLS:
        market = SimulatedMarket(calm(profile_of(symbol)), seed=1, start_ms=START_MS)
        bests, sizes = set(), []
        for _ in range(600):
            messages = market.advance(market.now_ms + 100)
            bids, asks = market.top()
            bests.add((bids[0][0], asks[0][0]))
            sizes += [size for _, size in (*bids, *asks)]
            traded = [m.normal_quantity for m in messages if m.event == "aggTrade"]  # type: ignore[union-attr]
            assert all(float(size) < 0.01 * max(sizes) for size in traded)
        median = sorted(sizes)[len(sizes) // 2]
        assert len(bests) == 1
        assert max(sizes) < 2.2 * median
        assert min(sizes) > 0.4 * median


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (
            {"kind": "wall", "symbol": "btcusdt", "side": "ask", "near_miss": "short"},
            WALL,
        ),
        ({"kind": "sweep", "symbol": "BTCUSDT"}, SWEEP),
        (
            {"kind": "wall", "symbol": "BTCUSDT", "ending": "pulled"},
            StageRequest(Pattern.WALL, BookSide.BID, ending=Ending.PULLED),
        ),
    ],
    ids=("near miss", "side left out", "ending"),
)
def test_a_request_is_read_from_json(payload: object, expected: StageRequest) -> None:
    """Symbols are taken in any letter case, the side is the bid unless told otherwise."""
    assert parse_stage(payload, SIMULATED_SYMBOLS) == ("BTCUSDT", expected)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ([], "JSON object"),
        ({"kind": "wall"}, "symbol must be one of BTCUSDT, ETHUSDT"),
        ({"kind": "wall", "symbol": 1}, "symbol must be one of"),
        ({"symbol": "BTCUSDT"}, "kind must be one of wall, sweep"),
        ({"kind": "storm", "symbol": "BTCUSDT"}, "not 'storm'"),
        ({"kind": "wall", "symbol": "BTCUSDT", "side": "buy"}, "side must be one of bid, ask"),
        (
            {"kind": "wall", "symbol": "BTCUSDT", "near_miss": "thin"},
            "near_miss of wall must be one of short",
        ),
        ({"kind": "wall", "symbol": "BTCUSDT", "near_miss": "tiny"}, "near_miss must be one of short"),
        ({"kind": "wall", "symbol": "BTCUSDT", "ending": "out_of_range"}, "ending must be one of consumed"),
        ({"kind": "sweep", "symbol": "BTCUSDT", "ending": "pulled"}, "only a wall"),
        ({"kind": "wall", "symbol": "BTCUSDT", "size": 3, "at": 1}, "a pattern has no at, size"),
    ],
)
def test_a_request_that_makes_no_sense_is_explained(payload: object, words: str) -> None:
    """The error names the field and what it may be."""
    with pytest.raises(ValueError, match=words):
        parse_stage(payload, SIMULATED_SYMBOLS)
