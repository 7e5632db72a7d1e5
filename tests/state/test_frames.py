"""What a client sees of one second."""

import json

import msgspec
import pytest

from features.trade_summary import TradeSummary
from state.frames import Flow, Frame, Market, Row, Status, live_frame, missing_row, not_live_frame, row_of
from state.health import EngineHealth
from tests.builders import START_MS, json_of, side, top_of

CONTRACT = {
    "symbol",
    "source",
    "timestamp",
    "status",
    "reason",
    "last_update_id",
    "exchange_time",
    "unchanged_since",
    "tick_size",
    "mid_price",
    "spread",
    "imbalance",
    "ofi",
    "ofi_best",
    "ofi_levels",
    "queue_imbalance",
    "bid_levels",
    "ask_levels",
    "best_bid",
    "best_ask",
    "microprice",
    "depth_weighted_price",
    "bid_slope",
    "ask_slope",
    "total_bid_volume",
    "total_ask_volume",
    "cumulative_bids",
    "cumulative_asks",
    "trades",
    "detections",
    "health",
}
NOT_MARKET = {"symbol", "source", "timestamp", "status", "reason", "detections", "health"}

TOP = top_of(side(100, -0.1, 10, 0.1), side(100.1, 0.1, 10, 0.2))
TRADES = TradeSummary(1.0, 2.0, 100.5, 0.25, 3, [])
HEALTH = EngineHealth().read(0.0, None, {}, 0)


def live(trades: TradeSummary | None = None) -> Frame:
    """Return the live frame of `TOP`."""
    market = Market(42, START_MS - 7, TOP)
    return live_frame(
        "BTCUSDT",
        "binance",
        START_MS,
        market,
        Flow(0.1 + 0.2, [0.5, *[0.0] * 9]),
        trades,
        HEALTH,
        tick_size=0.1,
    )


def dark(status: Status = Status.SYNCING) -> Frame:
    """Return a frame that is not live."""
    return not_live_frame("BTCUSDT", "binance", START_MS, status, "because", HEALTH)


def test_a_live_frame_carries_the_book_and_its_metrics() -> None:
    """The levels are those of the book, the figures those of its metrics."""
    frame = live(TRADES)
    assert (frame.symbol, frame.source, frame.timestamp) == ("BTCUSDT", "binance", START_MS)
    assert (frame.status, frame.reason) == (Status.LIVE, None)
    assert (frame.last_update_id, frame.exchange_time) == (42, START_MS - 7)
    assert (frame.bid_levels, frame.ask_levels) == (TOP.bids, TOP.asks)
    assert (frame.best_bid, frame.best_ask) == (100, 100.1)
    assert (frame.tick_size, frame.mid_price) == (0.1, 100.05)
    assert frame.imbalance == pytest.approx(-1 / 3)
    assert frame.trades == TRADES
    assert (frame.ofi_best, frame.ofi_levels) == (0.5, [0.5, *[0.0] * 9])
    assert frame.queue_imbalance == pytest.approx(-1 / 3)
    assert frame.health == HEALTH


def test_sums_and_differences_carry_no_float_noise() -> None:
    """What is added or subtracted is rounded to the exchange's eight decimals."""
    frame = live()
    assert frame.spread == 0.1
    assert frame.ofi == 0.3
    assert frame.cumulative_bids == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    assert (frame.total_bid_volume, frame.total_ask_volume) == (1.0, 2.0)


@pytest.mark.parametrize("status", [Status.SYNCING, Status.STALE])
def test_a_dark_frame_has_no_market_value(status: Status) -> None:
    """All but the frame's own facts is null, and the reason is given."""
    frame = dark(status)
    fields = msgspec.structs.asdict(frame)
    assert {name for name, value in fields.items() if value is not None} == NOT_MARKET
    assert (frame.status, frame.reason, frame.detections) == (status, "because", [])


@pytest.mark.parametrize("frame", [live(), dark()], ids=["live", "dark"])
def test_the_keys_are_the_contracts(frame: Frame) -> None:
    """Live or not, a frame has exactly the documented keys."""
    assert json.loads(json_of(frame)).keys() == CONTRACT


def test_levels_are_pairs_of_numbers() -> None:
    """Levels are encoded as `[price, size]`, ten a side."""
    frame = json.loads(json_of(live()))
    assert frame["bid_levels"][:2] == [[100.0, 0.1], [99.9, 0.1]]
    assert frame["ask_levels"][:2] == [[100.1, 0.2], [100.2, 0.2]]
    assert len(frame["bid_levels"]) == len(frame["ask_levels"]) == 10


@pytest.mark.parametrize("frame", [live(TRADES), dark()], ids=["live", "dark"])
def test_a_row_is_part_of_its_frame(frame: Frame) -> None:
    """Every field of a row equals the frame's field of that name."""
    row = row_of(frame)
    assert {name: getattr(frame, name) for name in Row.__struct_fields__} == msgspec.structs.asdict(row)


def test_a_row_has_all_of_the_market_that_a_frame_has() -> None:
    """Joining the window and the frames is a concatenation: only what is not of the market differs."""
    assert set(Frame.__struct_fields__) - set(Row.__struct_fields__) == {"symbol", "source", "health"}


def test_a_missing_row_invents_nothing() -> None:
    """The row of a second without a frame has its time, a reason, and no values."""
    row = missing_row(START_MS)
    assert row.timestamp == START_MS
    assert row.ladders is None
    assert row.row.status is not Status.LIVE
    assert row.row.reason
    values = msgspec.structs.asdict(row.row)
    kept = {"timestamp", "status", "reason", "detections"}
    assert {name for name, value in values.items() if value is not None} == kept
