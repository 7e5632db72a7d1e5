"""Feeds an engine from the recording by hand: no sockets, no clock, every update looked at."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from data_ingestion.messages import DepthUpdate, decode_agg_trade, decode_depth_update, decode_snapshot
from data_ingestion.sink import Stream, StreamState
from features.detectors.detection import Detection
from state.engine import Engine
from tests.replay.rig import RECORDING, SYMBOL, rig_module

TopTen = tuple[list[list[float]], list[list[float]]]


def market(resting: int = 0, path: Path = RECORDING, symbol: str = SYMBOL) -> Any:
    """Return a recording as the rig's own book, at its beginning."""
    return rig_module().Market(symbol, str(path), resting)


def connected_engine(engine: Engine | None = None) -> Engine:
    """Return an engine, a new one unless it is given, whose streams have just opened."""
    engine = engine or Engine(SYMBOL, "binance")
    for stream in Stream:
        engine.on_stream(stream, StreamState.CONNECTING, 0)
        engine.on_stream(stream, StreamState.OPEN, 0)
    return engine


class Playback:
    """The whole recording through one engine.

    `frames` are the seconds as JSON, with their rows; `detections` all of their entries, `seconds` the same
    by frame.
    """

    def __init__(
        self,
        *,
        resting: int = 0,
        snapshot_levels: int = 1000,
        engine: Engine | None = None,
        path: Path = RECORDING,
        symbol: str = SYMBOL,
    ) -> None:
        self.engine = connected_engine(engine)
        self.detections: list[Detection] = []
        self.seconds: list[list[Detection]] = []
        self._symbol = symbol
        self.frames: list[bytes] = []
        self._market = market(resting, path, symbol)
        self._snapshot_levels = snapshot_levels
        self._trades: Iterator[Any] = iter(
            {"a": number, **trade} for number, trade in enumerate(self._market.trades, 1)
        )

    def run(self) -> Iterator[tuple[int, TopTen]]:
        """Play; after each depth event yield its final update id and the true top ten."""
        engine, market = self.engine, self._market
        diffs = iter(market.diffs)
        trade = next(self._trades, None)
        start = market.depth[0]["T"]
        second = start // 1000 + 1
        for event in market.depth:
            while (diff := next(diffs)) is not None:
                market.apply(diff)
                if engine.snapshot_request is not None and diff["u"] < event["u"]:
                    self._answer(diff["T"] - start)
                if diff["u"] == event["u"]:
                    break
            while event["T"] >= second * 1000:
                self._close(second * 1000, start)
                second += 1
            while trade is not None and trade["T"] <= event["T"]:
                message = {"e": "aggTrade", **trade, "s": self._symbol}
                engine.on_trade(decode_agg_trade(json.dumps(message)), trade["T"] - start)
                trade = next(self._trades, None)
            data = json.dumps(market.depth_message(event, 0), separators=(",", ":"))
            engine.on_depth(decode_depth_update(data), event["E"], event["T"] - start)
            yield event["u"], market.truth[event["u"]]

    def _answer(self, steady_ms: float) -> None:
        request = self.engine.snapshot_request
        if request is not None:
            body = json.dumps(self._market.snapshot(self._snapshot_levels))
            self.engine.on_snapshot(request, decode_snapshot(body), steady_ms)

    def _close(self, timestamp: int, start: int) -> None:
        frame, row = self.engine.close_second(timestamp, timestamp - start)
        self.detections += frame.detections
        self.seconds.append(frame.detections)
        self.frames.append(msgspec.json.encode((frame, row)))


def raw_diffs() -> tuple[Any, list[DepthUpdate]]:
    """Return the recording's snapshot and its diffs as they were sent, not merged to 100 ms."""
    recorded = market()
    return recorded.first_snapshot, [decode_depth_update(json.dumps(diff)) for diff in recorded.diffs]


def best(engine: Engine) -> tuple[float, float, float, float] | None:
    """Return best bid price and size, best ask price and size."""
    if engine.market is None:
        return None
    (bid, bid_size), (ask, ask_size) = engine.market.top.bids[0], engine.market.top.asks[0]
    return bid, bid_size, ask, ask_size


def top_of(engine: Engine) -> TopTen | None:
    """Return the engine's top ten as the rig writes it, or None while it has none."""
    if engine.market is None:
        return None
    bids, asks = (
        [list(level) for level in islice(side, 10)]
        for side in (engine.market.top.bids, engine.market.top.asks)
    )
    return bids, asks
