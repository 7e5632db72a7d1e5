"""Who is timed: the floor, this program by stage and as a whole, and the obvious way."""

import time
from itertools import islice

import msgspec
from sortedcontainers import SortedDict

from data_ingestion.messages import decode_depth_update, decode_snapshot
from features.basic_metrics import BasicMetrics, basic_metrics
from features.detectors.detection import Detection
from features.level_ofi import LevelOrderFlow
from features.liquidity_detection import LiquidityDetection
from features.ofi import OrderFlowImbalance
from orderbook.book_state import TOP_LEVELS
from orderbook.ladders import UNITS_PER_USDT, ladders, tick_of
from orderbook.synchronizer import LocalBook
from state.engine import EngineSettings
from state.frames import Frame
from state.updates import Recorder
from tests.tools.benchmarks.streams import Tick, Top, connected_engine

_now = time.perf_counter_ns
_Pairs = list[tuple[float, float]]


class FloorMessage(msgspec.Struct, gc=False):
    """A depth message as cheaply as msgspec makes floats of it: nothing is checked."""

    E: int
    T: int
    s: str
    U: int
    u: int
    pu: int
    b: _Pairs
    a: _Pairs


floor_decode = msgspec.json.Decoder(FloorMessage, strict=False).decode


class Floor:
    """Only decodes: the measure of everything else."""

    columns: tuple[str, ...] = ("decode only",)

    def take(self, tick: Tick) -> tuple[int, int]:
        """Decode."""
        start = _now()
        self.message = floor_decode(tick.data)
        return start, _now()

    def answer(self) -> Top | None:
        """Return nothing: no book is kept."""
        return None


class Stages:
    """This program's parts in the order in which the engine calls them, with a mark between any two."""

    columns: tuple[str, ...] = (
        "decode",
        "sequence",
        "book",
        "check",
        "top ten",
        "metrics and OFI",
        "detectors",
    )

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._book: LocalBook | None = None
        self._before = b""
        self._ofi = OrderFlowImbalance()
        self._level_flow = LevelOrderFlow()
        self._detection = LiquidityDetection(settings.detectors)
        self._tick = 0
        self._top: Top | None = None
        self.metrics: BasicMetrics | None = None

    def take(self, tick: Tick) -> list[int]:
        """Take the message through all stages."""
        if tick.snapshot is not None:
            self._begin_book(tick.snapshot)
        self._before = tick.data
        book, detection = self._book, self._detection
        if book is None:
            return [0] * (len(self.columns) + 1)
        state = book.state
        marks = [_now()]
        event = decode_depth_update(tick.data)
        marks.append(_now())
        book.validator.check(event)
        marks.append(_now())
        state.apply(event)
        marks.append(_now())
        corrupt = state.corruption()
        marks.append(_now())
        top = state.top()
        marks.append(_now())
        if corrupt is not None or top is None:
            self._top = None
            return marks + marks[-1:] * 2
        self.metrics = basic_metrics(top)
        self._ofi.update(self.metrics.total_bid_volume, self.metrics.total_ask_volume)
        self._level_flow.update(top)
        marks.append(_now())
        for trade in tick.trades:
            detection.on_trade(trade)
        detection.on_book(event.transaction_time, event.final_update_id, top)
        marks.append(_now())
        self._top = top.bids, top.asks
        return marks

    def _begin_book(self, body: bytes) -> None:
        snapshot = decode_snapshot(body)
        self._book = LocalBook(snapshot, book_levels=self._settings.book_levels)
        if self._before:  # the message that spans the snapshot may be the one before
            self._book.apply(decode_depth_update(self._before))
        self._tick = tick_of(snapshot, self._tick)
        self._detection.tick = self._tick / UNITS_PER_USDT

    def answer(self) -> Top | None:
        """Return the top ten after the last message."""
        return self._top


class Whole:
    """The engine as the program runs it, from bytes: bookkeeping, second books and all.

    `frames` holds the seconds closed on the way, and `frame_ns` what it took to close and encode each.
    `detections` holds all that was found.
    """

    columns: tuple[str, ...] = ("engine",)

    def __init__(self, settings: EngineSettings) -> None:
        self._engine = connected_engine(settings)
        self._encode = msgspec.json.Encoder().encode
        self._second = 0
        self.last_frame: Frame | None = None
        self.frames: list[bytes] = []
        self.frame_ns: list[int] = []
        self.snapshot_ns: list[int] = []
        self.detections: list[Detection] = []

    def take(self, tick: Tick) -> tuple[int, int]:
        """Take the trades and the message; before them, untimed here, a snapshot or a second's end."""
        engine, now = self._engine, tick.now_ms
        if now // 1000 > self._second:
            self._second = now // 1000
            self._close(now)
        if tick.snapshot is not None and engine.snapshot_request is not None:
            start = _now()
            engine.on_snapshot(engine.snapshot_request, decode_snapshot(tick.snapshot), now)
            self.snapshot_ns.append(_now() - start)
        start = _now()
        for trade in tick.trades:
            engine.on_trade(trade, now)
        engine.on_depth(decode_depth_update(tick.data), now, now)
        return start, _now()

    def _close(self, now: int) -> None:
        start = _now()
        frame, _ = self._engine.close_second(self._second * 1000, now)
        encoded = self._encode(frame)
        self.frame_ns.append(_now() - start)
        self.frames.append(encoded)
        self.last_frame = frame
        self.detections += frame.detections

    def answer(self) -> Top | None:
        """Return the top ten after the last message."""
        market = self._engine.market
        return None if market is None else (market.top.bids, market.top.asks)

    @property
    def metrics(self) -> BasicMetrics | None:
        """Return the metrics after the last message."""
        market = self._engine.market
        return None if market is None else basic_metrics(market.top)


class Recording:
    """What `?updates=1` costs: each event noted, and at a second's end the chunk encoded.

    A second's end is counted to the message after it, and a whole book twice a minute with it. The book is
    kept untimed, and its ladders made, as in an engine in each second.
    """

    columns: tuple[str, ...] = ("recorder",)

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._book: LocalBook | None = None
        self._before = b""
        self._recorder = Recorder()
        self._second = self._tick = 0

    def take(self, tick: Tick) -> tuple[int, int]:
        """Apply the message, and record it."""
        if tick.snapshot is not None:
            snapshot = decode_snapshot(tick.snapshot)
            self._tick = tick_of(snapshot, self._tick)
            self._book = LocalBook(snapshot, book_levels=self._settings.book_levels)
            if self._before:
                self._book.apply(decode_depth_update(self._before))
            self._recorder.begin(self._book, tick.now_ms)
        self._before = tick.data
        book = self._book
        if book is None:
            return 0, 0
        event = decode_depth_update(tick.data)
        ended = tick.now_ms // 1000 > self._second
        self._second = tick.now_ms // 1000
        if ended:
            ladders(book.state, self._tick)
        start = _now()
        if ended:
            self._recorder.close(self._second * 1000, book, event.transaction_time)
        for trade in tick.trades:
            self._recorder.add_trade(trade)
        paused = _now()
        book.apply(event)
        resumed = _now()
        self._recorder.add(book, event)
        return start, _now() - (resumed - paused)

    def answer(self) -> Top | None:
        """Return the top ten after the last message."""
        top = None if self._book is None else self._book.state.top()
        return None if top is None else (top.bids, top.asks)


class ObviousWay:
    """What most would write: the cheapest decoding, and every level of a side in one SortedDict."""

    columns: tuple[str, ...] = ("to top ten",)

    def __init__(self) -> None:
        self._bids: SortedDict[float, float] | None = None
        self._asks: SortedDict[float, float] = SortedDict()
        self._top: Top | None = None

    def take(self, tick: Tick) -> tuple[int, int]:
        """Apply the message."""
        if tick.snapshot is not None:
            snapshot = decode_snapshot(tick.snapshot)
            self._bids = SortedDict((-price, size) for price, size in snapshot.bids)
            self._asks = SortedDict(snapshot.asks)
        bids, asks = self._bids, self._asks
        if bids is None:
            return 0, 0
        start = _now()
        message = floor_decode(tick.data)
        for price, size in message.b:
            if size:
                bids[-price] = size
            else:
                bids.pop(-price, None)
        for price, size in message.a:
            if size:
                asks[price] = size
            else:
                asks.pop(price, None)
        self._top = (
            [(-key, bids[key]) for key in islice(bids, TOP_LEVELS)],
            [(key, asks[key]) for key in islice(asks, TOP_LEVELS)],
        )
        return start, _now()

    def answer(self) -> Top | None:
        """Return the top ten after the last message."""
        return self._top
