"""A sink that passes everything on to an engine, for those who look on."""

from data_ingestion.causes import Cause
from data_ingestion.messages import AggTrade, DepthUpdate, Snapshot
from data_ingestion.sink import Notice, SnapshotRequest, Stream, StreamState, SymbolInfo
from state.engine import Engine


class PassingSink:
    """Stands before an engine as the engine itself would."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def snapshot_request(self) -> SnapshotRequest | None:
        """The engine's."""
        return self.engine.snapshot_request

    @property
    def confirmation_request(self) -> SnapshotRequest | None:
        """The engine's."""
        return self.engine.confirmation_request

    @property
    def wants_symbol_info(self) -> bool:
        """Whether the engine does."""
        return self.engine.wants_symbol_info

    def watch(self, steady_ms: float, wall_ms: float) -> bool:
        """Pass on."""
        return self.engine.watch(steady_ms, wall_ms)

    def on_confirmation(
        self, request: SnapshotRequest, snapshot: Snapshot, sent_ms: float, wall_ms: float
    ) -> bool:
        """Pass on."""
        return self.engine.on_confirmation(request, snapshot, sent_ms, wall_ms)

    def on_symbol_info(self, info: SymbolInfo) -> None:
        """Pass on."""
        self.engine.on_symbol_info(info)

    def on_stream(
        self,
        stream: Stream,
        state: StreamState,
        steady_ms: float,
        reason: str | None = None,
        cause: Cause | None = None,
    ) -> None:
        """Pass on."""
        self.engine.on_stream(stream, state, steady_ms, reason, cause)

    def on_malformed(self, stream: Stream) -> None:
        """Pass on."""
        self.engine.on_malformed(stream)

    def on_overflow(self, stream: Stream, dropped: int) -> None:
        """Pass on."""
        self.engine.on_overflow(stream, dropped)

    def on_depth(self, event: DepthUpdate, wall_ms: float, steady_ms: float) -> None:
        """Pass on."""
        self.engine.on_depth(event, wall_ms, steady_ms)

    def on_trade(self, trade: AggTrade, steady_ms: float) -> None:
        """Pass on."""
        self.engine.on_trade(trade, steady_ms)

    def on_snapshot(self, request: SnapshotRequest, snapshot: Snapshot, steady_ms: float) -> None:
        """Pass on."""
        self.engine.on_snapshot(request, snapshot, steady_ms)

    def on_snapshot_failed(self, request: SnapshotRequest, reason: str) -> None:
        """Pass on."""
        self.engine.on_snapshot_failed(request, reason)

    def drain_notices(self) -> list[Notice]:
        """Return the engine's."""
        return self.engine.drain_notices()
