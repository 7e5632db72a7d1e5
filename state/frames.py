"""What one second of one symbol looks like to a client: the JSON frame, and its row of the window.

Times are ms since the epoch, prices and distances in USDT, sizes in base asset. The keys never change;
of a frame that is not live every market value is null.
"""

import enum
from collections.abc import Sequence
from typing import Any

import msgspec

from data_ingestion.messages import Levels
from features.basic_metrics import basic_metrics
from features.detectors.detection import Detection
from features.trade_summary import TradeSummary
from orderbook.book_state import TopOfBook
from orderbook.ladder import Ladder
from orderbook.rounding import rounded
from state.updates import EncodedChunk


class Status(enum.StrEnum):
    """Whether a frame's market values are known to be exact."""

    LIVE = "live"
    SYNCING = "syncing"  # never complete yet, or rebuilding
    STALE = "stale"  # no depth event for longer than `stale_after`


class Percentiles(msgspec.Struct, frozen=True):
    """Milliseconds; None where nothing was measured."""

    median: float | None
    p99: float | None


class StreamHealth(msgspec.Struct, frozen=True):
    """One stream."""

    state: str  # connecting, open, silent or down
    reason: str | None  # why it is not open, in words
    age_ms: float | None  # since its last message
    reconnects: int  # connections made after the first
    reconnect_causes: dict[str, int]  # connections lost and tries that failed, by cause
    malformed: int  # messages that were not what the exchange documents
    dropped_in_bursts: int  # messages dropped because the queue was full


class TradeStreamHealth(StreamHealth, frozen=True):
    """The trade stream, whose messages are numbered one by one, over reconnects too."""

    gaps: int  # times that ids were missing, or began anew
    missing: int  # ids that were missing in all
    duplicates: int  # trades that were told before; they add nothing


class AuditHealth(msgspec.Struct, frozen=True):
    """Comparisons of the local book with a fresh snapshot."""

    count: int
    levels_compared: int
    mismatches: int


class Health(msgspec.Struct, frozen=True):
    """How the symbol's engine is doing."""

    depth: StreamHealth
    trades: TradeStreamHealth
    update_rate: float  # depth events a second, over the last ten seconds
    update_interval_ms: Percentiles  # between arrivals of depth events, last ten seconds
    latency_ms: Percentiles  # from the exchange's event time to arrival here, by the exchange's clock
    lag_ms: float | None  # age of the newest depth event by the exchange's clock; None before the first
    clock_offset_ms: float | None  # exchange's clock less this machine's; null while not known
    clock_uncertainty_ms: float | None  # most by which that may be wrong
    gaps: int  # breaks of the depth sequence
    resyncs: int  # times a complete book had to be rebuilt, for whatever cause
    resync_causes: dict[str, int]  # the same by cause
    snapshots: int  # snapshots received
    bursts: int  # times a queue was full
    audits: AuditHealth
    detections: dict[str, int]  # opened or fired so far, by kind
    late_messages: int  # that came too late to be merged with the other stream; detectors left them out
    covered_levels: tuple[int, int] | None  # bids and asks held; None while there is no book
    warnings: list[str]  # what a person should know, in sentences


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One second of the rolling window: all that a frame says of the market, under the same names.

    A second that was not live has no market values.
    """

    timestamp: int  # end of the second, ms since the epoch, a multiple of 1000
    status: Status
    reason: str | None  # in words, when not live
    last_update_id: int | None  # u of the last event applied
    exchange_time: int | None  # T of that event
    unchanged_since: int | None  # the same T, where a small snapshot confirmed the book since; else None
    tick_size: float | None  # price increment, USDT: as listed, else as the snapshot's prices have it
    mid_price: float | None
    spread: float | None
    imbalance: float | None  # of the ten-level volumes
    ofi: float | None  # change of ten-level volumes, summed over the second
    ofi_best: float | None  # order flow imbalance of the best level, summed over the second
    ofi_levels: list[float] | None  # the same of each of the ten ranks, best first
    queue_imbalance: float | None  # of the best level's sizes
    bid_levels: Levels | None
    ask_levels: Levels | None
    best_bid: float | None
    best_ask: float | None
    microprice: float | None
    depth_weighted_price: float | None
    bid_slope: float | None
    ask_slope: float | None
    total_bid_volume: float | None
    total_ask_volume: float | None
    cumulative_bids: list[float] | None
    cumulative_asks: list[float] | None
    trades: TradeSummary | None  # that arrived in the second; null unless it is known that none is missing
    detections: list[Detection]  # what the detectors opened, updated, closed or fired in this second


class Frame(Row, frozen=True, kw_only=True):
    """One second, as `/ws/{symbol}` sends it."""

    symbol: str
    source: str  # binance or simulated
    health: Health | None  # null only where the engine itself cannot be heard


class WindowRow(msgspec.Struct, frozen=True):
    """One entry of the rolling window: a row, and the ladders for those who ask for them."""

    row: Row
    ladders: list[Ladder] | None  # None where the second was not live
    chunk: EncodedChunk = EncodedChunk()  # all that the book knows of the second

    @property
    def timestamp(self) -> int:
        """End of the row's second."""
        return self.row.timestamp


class Market(msgspec.Struct, frozen=True, gc=False):
    """What a book was known to be at one instant at which it was exact."""

    last_update_id: int
    exchange_time: int
    top: TopOfBook


class Flow(msgspec.Struct, frozen=True, gc=False):
    """Order flow of one second, base asset."""

    ofi: float  # change of ten-level volumes
    levels: list[float]  # order flow imbalance of each rank, best first


def live_frame(
    symbol: str,
    source: str,
    timestamp: int,
    market: Market,
    flow: Flow,
    trades: TradeSummary | None,
    health: Health,
    detections: Sequence[Detection] = (),
    unchanged_since: int | None = None,
    tick_size: float | None = None,
) -> Frame:
    """Return the frame of a second whose book is exact.

    Sums of sizes are rounded to the exchange's eight decimals: what lies beyond is the noise of
    adding floats.
    """
    metrics = basic_metrics(market.top)
    return Frame(
        symbol=symbol,
        source=source,
        timestamp=timestamp,
        status=Status.LIVE,
        reason=None,
        last_update_id=market.last_update_id,
        exchange_time=market.exchange_time,
        unchanged_since=unchanged_since,
        tick_size=tick_size,
        mid_price=metrics.mid_price,
        spread=metrics.spread,
        imbalance=metrics.imbalance,
        ofi=rounded(flow.ofi),
        ofi_best=flow.levels[0],
        ofi_levels=flow.levels,
        queue_imbalance=metrics.queue_imbalance,
        bid_levels=market.top.bids,
        ask_levels=market.top.asks,
        best_bid=metrics.best_bid,
        best_ask=metrics.best_ask,
        microprice=metrics.microprice,
        depth_weighted_price=metrics.depth_weighted_price,
        bid_slope=metrics.bid_slope,
        ask_slope=metrics.ask_slope,
        total_bid_volume=rounded(metrics.total_bid_volume),
        total_ask_volume=rounded(metrics.total_ask_volume),
        cumulative_bids=[rounded(size) for size in metrics.cumulative_bids],
        cumulative_asks=[rounded(size) for size in metrics.cumulative_asks],
        trades=trades,
        detections=list(detections),
        health=health,
    )


def not_live_frame(
    symbol: str,
    source: str,
    timestamp: int,
    status: Status,
    reason: str,
    health: Health | None,
    detections: Sequence[Detection] = (),
) -> Frame:
    """Return the frame of a second that is not live: no market value at all.

    `detections` may still tell what was found, or closed, before the book was lost.
    """
    fields: dict[str, Any] = dict.fromkeys(Frame.__struct_fields__)
    fields |= {
        "symbol": symbol,
        "source": source,
        "timestamp": timestamp,
        "status": status,
        "reason": reason,
        "detections": list(detections),
        "health": health,
    }
    return Frame(**fields)


def row_of(frame: Frame) -> Row:
    """Return the part of `frame` that the rolling window keeps."""
    return Row(**{name: getattr(frame, name) for name in Row.__struct_fields__})


def missing_row(timestamp: int) -> WindowRow:
    """Return the row of a second for which no frame was closed."""
    reason = "no frame was closed in this second"
    return WindowRow(row_of(not_live_frame("", "", timestamp, Status.SYNCING, reason, None)), None)
