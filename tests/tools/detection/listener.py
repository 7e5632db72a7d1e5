"""A simulated market and an engine that listens to it, faster than real time: no sockets, no clock."""

import heapq
from itertools import count
from random import Random
from typing import Final

import msgspec

from data_ingestion.messages import decode_agg_trade, decode_depth_update, decode_snapshot
from data_ingestion.simulated_exchange.market import DepthUpdateMessage, MarketMessage, SimulatedMarket
from data_ingestion.simulated_exchange.profiles import MarketProfile
from data_ingestion.sink import Stream, StreamState
from features.detectors.detection import Detection
from state.engine import EngineSettings
from tests.tools.detection.tap import TappedEngine

START_MS: Final = 1_700_000_000_000
STEP_MS: Final = 100
DEPTH_LATE_MS: Final = 20
TRADE_LATE_MS: Final = 100
SNAPSHOT_LEVELS: Final = 1_000
TRADE_SILENT_MS: Final = 20_000  # longer than any pause of the calm market or of a pattern


class Listener:
    """One market from START_MS on, and the engine. Each message arrives up to a seeded delay late.

    `engine.tap` has what its detectors were told; `detections` are the entries of all frames so far,
    `seconds` the same frame by frame.
    """

    def __init__(self, profile: MarketProfile, seed: int) -> None:
        self.market = SimulatedMarket(profile, seed=seed, start_ms=START_MS, truth_kept=1_000)
        self.detections: list[Detection] = []
        self.seconds: list[list[Detection]] = []
        self._random = Random(f"{seed}:arrivals")  # noqa: S311
        self._waiting: list[tuple[float, int, MarketMessage]] = []
        self._numbers = count()
        self._latest = {Stream.DEPTH: 0.0, Stream.TRADES: 0.0}
        self._second = START_MS + 1_000
        self.engine = TappedEngine(
            profile.symbol, "simulated", EngineSettings(trade_silent_after_ms=TRADE_SILENT_MS)
        )
        for stream in Stream:
            self.engine.on_stream(stream, StreamState.CONNECTING, 0)
            self.engine.on_stream(stream, StreamState.OPEN, 0)

    def play(self, ms: float) -> None:
        """Let this much time pass on the market."""
        end = self.market.now_ms + ms
        while self.market.now_ms < end:
            for message in self.market.advance(self.market.now_ms + STEP_MS):
                self._send(message)
            while self._waiting and self._waiting[0][0] <= self.market.now_ms:
                arrival, _, message = heapq.heappop(self._waiting)
                self._close_seconds(arrival)
                self._deliver(message, arrival)
            self._close_seconds(self.market.now_ms)

    def _send(self, message: MarketMessage) -> None:
        is_depth = isinstance(message, DepthUpdateMessage)
        stream, late = (Stream.DEPTH, DEPTH_LATE_MS) if is_depth else (Stream.TRADES, TRADE_LATE_MS)
        arrival = message.event_time + self._random.uniform(0, late)
        # A connection keeps its order.
        self._latest[stream] = arrival = max(arrival, self._latest[stream])
        heapq.heappush(self._waiting, (arrival, next(self._numbers), message))

    def _deliver(self, message: MarketMessage, arrival: float) -> None:
        engine, raw = self.engine, msgspec.json.encode(message)
        if isinstance(message, DepthUpdateMessage):
            engine.on_depth(decode_depth_update(raw), arrival, arrival - START_MS)
        else:
            engine.on_trade(decode_agg_trade(raw), arrival - START_MS)
        if engine.snapshot_request is not None:
            snapshot = decode_snapshot(msgspec.json.encode(self.market.snapshot(SNAPSHOT_LEVELS)))
            engine.on_snapshot(engine.snapshot_request, snapshot, arrival - START_MS)

    def _close_seconds(self, until_ms: float) -> None:
        while self._second <= until_ms:
            frame, _ = self.engine.close_second(self._second, self._second - START_MS)
            self.detections += frame.detections
            self.seconds.append(frame.detections)
            self._second += 1_000
