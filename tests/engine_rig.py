"""An engine with a clock and a naive exchange in front of it, and what may be asserted of its frames."""

from collections.abc import Sequence
from math import isfinite

import pytest

from data_ingestion.messages import DepthUpdate, Snapshot
from data_ingestion.sink import SnapshotRequest, Stream, StreamState
from orderbook.book_state import TOP_LEVELS
from orderbook.phases import Phase
from state.engine import Engine, EngineSettings
from state.frames import Frame, Health, Status
from tests.builders import START_MS, SYMBOL, NaiveExchange, Op

PHASES_AFTER = {
    Phase.DISCONNECTED: {Phase.BUFFERING},
    Phase.BUFFERING: {Phase.BUFFERING, Phase.FETCHING, Phase.DISCONNECTED},
    Phase.FETCHING: {Phase.FETCHING, Phase.BRIDGING, Phase.SYNCED, Phase.BUFFERING, Phase.DISCONNECTED},
    Phase.BRIDGING: {Phase.BRIDGING, Phase.FETCHING, Phase.SYNCED, Phase.BUFFERING, Phase.DISCONNECTED},
    Phase.SYNCED: {Phase.FETCHING, Phase.BUFFERING, Phase.DISCONNECTED},
}
"""Which phases may follow each one, written down once more."""

OWN_FIELDS = {"symbol", "source", "timestamp", "status", "reason", "detections", "health"}


class Rig:
    """An engine, a clock, and a naive exchange in front of it."""

    def __init__(self, settings: EngineSettings | None = None, levels: int = 60) -> None:
        self.engine = Engine(SYMBOL, "simulated", settings)
        self.exchange = NaiveExchange(levels)
        self.now = 5_000.0
        self.seconds = START_MS // 1000
        self.last_ms = self.now  # of the last event
        self.late_ms = 0.0  # by which events arrive after the exchange sent them

    def open(self, stream: Stream = Stream.DEPTH) -> None:
        """Connect a stream."""
        self.engine.on_stream(stream, StreamState.CONNECTING, self.now)
        self.engine.on_stream(stream, StreamState.OPEN, self.now)

    def down(self, stream: Stream = Stream.DEPTH) -> None:
        """Lose a stream."""
        self.engine.on_stream(stream, StreamState.DOWN, self.now, "connection lost")

    def deliver(self, event: DepthUpdate, after_ms: float = 100) -> None:
        """Let an event arrive."""
        self.now += after_ms
        self.last_ms = self.now
        self.engine.on_depth(event, event.event_time + self.late_ms, self.now)

    def emit(self, *ops: Op, after_ms: float = 100) -> DepthUpdate:
        """Let the exchange make `ops`, and the event of them arrive."""
        event = self.exchange.emit(ops)
        self.deliver(event, after_ms)
        return event

    def lose(self, *ops: Op) -> None:
        """Let the exchange make `ops`, and the event of them be lost."""
        self.exchange.emit(ops)

    def request(self) -> SnapshotRequest:
        """Return the snapshot that the engine wants."""
        assert self.engine.snapshot_request is not None
        return self.engine.snapshot_request

    def answer(self, taken: Snapshot | None = None, limit: int = 1_000) -> None:
        """Answer the engine's request, with a fresh snapshot unless told otherwise."""
        self.engine.on_snapshot(self.request(), taken or self.exchange.snapshot(limit), self.now)

    def close(self, after_ms: float = 0) -> Frame:
        """End a second."""
        self.now += after_ms
        self.seconds += 1
        return self.engine.close_second(self.seconds * 1000, self.now)[0]

    def health(self) -> Health:
        """Return the health of the next frame."""
        read = self.close().health
        assert read is not None
        return read

    def play(self, what: str, ops: Sequence[Op] | None) -> None:
        """Let happen what a step of a random run says; an answer only where one is asked for."""
        if what == "emit":
            self.emit(*(ops or ()))
        elif what == "lose":
            self.lose((True, 1, 2))
        elif what == "refill":
            self.exchange.refill()
        elif what == "reopen":
            self.down()
            self.open()
        elif what not in ("answer", "small answer"):
            raise ValueError(what)
        elif self.engine.snapshot_request is not None:
            self.answer(limit=25 if what == "small answer" else 60)

    def sync(self, limit: int = 1_000) -> None:
        """Come to a live book."""
        self.emit((True, 1, 2))
        self.answer(limit=limit)
        self.emit((False, 1, 2))
        assert self.engine.phase is Phase.SYNCED


def opened(settings: EngineSettings | None = None) -> Rig:
    """Return a rig whose depth stream is open."""
    rig = Rig(settings)
    rig.open()
    return rig


def live(settings: EngineSettings | None = None, limit: int = 1_000) -> Rig:
    """Return a rig with a live book."""
    rig = opened(settings)
    rig.sync(limit)
    assert_true(rig.close(), rig.exchange, rig.exchange.events[-1])
    return rig


def assert_true(frame: Frame, exchange: NaiveExchange, event: DepthUpdate) -> None:
    """Assert that `frame` is live and shows the exchange's own top ten after `event`."""
    assert frame.status is Status.LIVE
    assert frame.reason is None
    bids, asks = exchange.book_at(event)
    assert frame.bid_levels == bids[:TOP_LEVELS]
    assert frame.ask_levels == asks[:TOP_LEVELS]
    assert frame.last_update_id == event.final_update_id
    assert frame.exchange_time == event.transaction_time
    assert frame.best_bid == bids[0][0]
    assert frame.best_ask == asks[0][0]
    assert frame.mid_price == pytest.approx((bids[0][0] + asks[0][0]) / 2)
    assert frame.total_bid_volume == pytest.approx(sum(size for _, size in bids[:TOP_LEVELS]))
    assert frame.total_ask_volume == pytest.approx(sum(size for _, size in asks[:TOP_LEVELS]))
    assert frame.ofi is not None
    assert isfinite(frame.ofi)


def assert_follows(rig: Rig, *ops: Op) -> None:
    """Assert that after an event of `ops` the frame is live and true."""
    event = rig.emit(*ops)
    assert_true(rig.close(), rig.exchange, event)


def assert_dark(frame: Frame, status: Status | None = None) -> None:
    """Assert that `frame` has a reason and no market value."""
    assert frame.status is not Status.LIVE
    assert status in (None, frame.status)
    assert frame.reason
    for name in set(Frame.__struct_fields__) - OWN_FIELDS:
        assert getattr(frame, name) is None, name
