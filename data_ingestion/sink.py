"""What ingestion hands over, and what it asks of whoever takes it."""

import enum
from typing import Protocol

import msgspec

from data_ingestion.causes import Cause
from data_ingestion.messages import AggTrade, DepthUpdate, Snapshot


class Stream(enum.Enum):
    """The two streams of a symbol."""

    DEPTH = "depth"
    TRADES = "trade"


class StreamState(enum.StrEnum):
    """What a stream's connection is doing."""

    CONNECTING = "connecting"
    OPEN = "open"
    SILENT = "silent"  # connected, nothing comes
    DOWN = "down"  # not connected; the next try waits for its backoff


class SnapshotRequest(msgspec.Struct, frozen=True):
    """A snapshot that the book wants. The answer is dropped once the book has moved to another epoch."""

    epoch: int
    number: int  # different for each request


class SymbolInfo(msgspec.Struct, frozen=True):
    """What the exchange lists of a symbol."""

    status: str | None  # TRADING, SETTLING, ...; None where it lists no such symbol
    tick_size: float | None  # USDT; None where it does not say


class Notice(msgspec.Struct, frozen=True):
    """Something a person may want to read in the log."""

    warning: bool
    text: str


class MarketDataSink(Protocol):
    """Takes one symbol's market data. Times are those of arrival; no call blocks."""

    @property
    def snapshot_request(self) -> SnapshotRequest | None:
        """The snapshot wanted now, if any."""

    @property
    def confirmation_request(self) -> SnapshotRequest | None:
        """The small snapshot wanted now, to confirm a book of which the stream says nothing."""

    @property
    def wants_symbol_info(self) -> bool:
        """Whether to ask what the exchange lists of the symbol."""

    def watch(self, steady_ms: float, wall_ms: float) -> bool:
        """Hear that time passes; return whether the depth stream has failed and must be made anew."""

    def on_confirmation(
        self, request: SnapshotRequest, snapshot: Snapshot, sent_ms: float, wall_ms: float
    ) -> bool:
        """Take the answer to a `confirmation_request`; return whether it shows that the stream is well."""

    def on_symbol_info(self, info: SymbolInfo) -> None:
        """Take what the exchange lists of the symbol."""

    def on_stream(
        self,
        stream: Stream,
        state: StreamState,
        steady_ms: float,
        reason: str | None = None,
        cause: Cause | None = None,
    ) -> None:
        """Hear what a stream's connection does; `cause` is the word for a `reason` why it is down."""

    def on_malformed(self, stream: Stream) -> None:
        """Hear of a message that is not what the exchange documents."""

    def on_overflow(self, stream: Stream, dropped: int) -> None:
        """Hear that the oldest `dropped` messages of a full queue are gone."""

    def on_depth(self, event: DepthUpdate, wall_ms: float, steady_ms: float) -> None:
        """Take a depth event."""

    def on_trade(self, trade: AggTrade, steady_ms: float) -> None:
        """Take an aggregate trade."""

    def on_snapshot(self, request: SnapshotRequest, snapshot: Snapshot, steady_ms: float) -> None:
        """Take the answer to `request`."""

    def on_snapshot_failed(self, request: SnapshotRequest, reason: str) -> None:
        """Hear that a fetch failed and will be tried again."""

    def drain_notices(self) -> list[Notice]:
        """Return what has been noted for the log since the last call."""
