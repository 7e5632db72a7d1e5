"""What the benchmarks feed on: depth messages as bytes, with all that an engine needs beside them.

Every input is made before anything is timed, and each message carries the true top ten after it, from a
book that is not this program's.
"""

import json
from collections.abc import Iterator
from itertools import islice
from random import Random

import msgspec

from data_ingestion.messages import AggTrade, decode_agg_trade, decode_depth_update, decode_snapshot
from data_ingestion.simulated_exchange.market import AggTradeMessage as SimulatedTrade
from data_ingestion.simulated_exchange.market import SimulatedMarket
from data_ingestion.simulated_exchange.profiles import profile_of
from data_ingestion.sink import Stream, StreamState
from orderbook.book_state import TOP_LEVELS
from state.engine import Engine, EngineSettings
from tests.builders import START_MS
from tests.replay.playback import market
from tests.replay.rig import SYMBOL

Top = tuple[list[tuple[float, float]], list[tuple[float, float]]]
EVENT_MS = 100
SNAPSHOT_LEVELS = 1_000
RECORDED = "recording"


class Tick(msgspec.Struct, frozen=True):
    """One depth message, and what arrives before it."""

    data: bytes  # the depth message
    now_ms: int  # when it arrives, exchange ms
    trades: list[AggTrade]  # of the time since the message before
    snapshot: bytes | None  # reply that the engine has been waiting for
    truth: Top  # top ten after the message


class Input(msgspec.Struct, frozen=True):
    """A run of depth messages, gapless."""

    name: str
    settings: EngineSettings
    ticks: list[Tick]


def connected_engine(settings: EngineSettings) -> Engine:
    """Return an engine whose streams have just opened."""
    engine = Engine(SYMBOL, "benchmark", settings)
    for stream in Stream:
        engine.on_stream(stream, StreamState.CONNECTING, 0)
        engine.on_stream(stream, StreamState.OPEN, 0)
    return engine


class _Asking:
    """Plays an engine along with an input in the making, to know when it asks for a snapshot."""

    def __init__(self, settings: EngineSettings) -> None:
        self._engine = connected_engine(settings)

    @property
    def waits(self) -> bool:
        return self._engine.snapshot_request is not None

    def answer(self, body: bytes, now_ms: int) -> None:
        if self._engine.snapshot_request is not None:
            self._engine.on_snapshot(self._engine.snapshot_request, decode_snapshot(body), now_ms)

    def hear(self, data: bytes, now_ms: int) -> None:
        self._engine.on_depth(decode_depth_update(data), now_ms, now_ms)


def recorded(messages: int | None = None) -> Input:
    """Return the recording beside the project, merged to events of 100 ms as the exchange sends them."""
    settings = EngineSettings()
    asking, rig = _Asking(settings), market()
    diffs, trades = iter(rig.diffs), iter(rig.trades)
    trade, number = next(trades, None), 0
    ticks = []
    for event in islice(rig.depth, messages):
        reply = None
        while (diff := next(diffs)) is not None:
            rig.apply(diff)
            if asking.waits and diff["u"] < event["u"]:
                reply = _compact(rig.snapshot(SNAPSHOT_LEVELS))
                asking.answer(reply, event["T"])
            if diff["u"] == event["u"]:
                break
        due = []
        while trade is not None and trade["T"] <= event["T"]:
            number += 1
            wire = {"e": "aggTrade", "s": SYMBOL, "a": number, "nq": trade["q"], **trade}
            due.append(decode_agg_trade(_compact(wire)))
            trade = next(trades, None)
        message = rig.depth_message(event, 0)
        for side in ("b", "a"):  # the rig puts several of the exchange's events one after another
            message[side].sort(key=lambda level: float(level[0]))
        data = _compact(message)
        asking.hear(data, event["T"])
        bids, asks = ([(p, q) for p, q in side] for side in rig.truth[event["u"]])
        ticks.append(Tick(data, event["T"], due, reply, (bids, asks)))
    return Input(RECORDED, settings, ticks)


def simulated(messages: int) -> Input:
    """Return the simulated exchange's BTCUSDT."""
    settings = EngineSettings()
    asking = _Asking(settings)
    exchange = SimulatedMarket(profile_of(SYMBOL), seed=6, start_ms=START_MS)
    ticks = []
    for _ in range(messages):
        reply, start = None, exchange.now_ms
        sent = exchange.advance(start + EVENT_MS // 4)
        if asking.waits:  # in the middle of an event, as at the real exchange
            reply = msgspec.json.encode(exchange.snapshot(SNAPSHOT_LEVELS))
            asking.answer(reply, start)
        sent += exchange.advance(start + EVENT_MS)
        *trades, event = sent
        data = msgspec.json.encode(event)
        asking.hear(data, exchange.now_ms)
        due = [decode_agg_trade(msgspec.json.encode(t)) for t in trades if isinstance(t, SimulatedTrade)]
        truth = exchange.truth_at(exchange.last_final_id)
        if truth is None:
            raise RuntimeError("the simulated market forgot its own top ten")
        ticks.append(Tick(data, exchange.now_ms, due, reply, truth))
    return Input("simulated exchange", settings, ticks)


_TICKS_PER_USDT = 10
_MIDDLE = 600_000  # ticks
_CHANGES = 40  # of a side in one message
_NEAR = 900  # ticks from the touch within which four changes in five fall


def of_size(levels: int, messages: int) -> Input:
    """Return a book of `levels` a side, one on every tick.

    Messages change as many levels whatever its size: most of them near the touch, the others anywhere in it.
    """
    random = Random(6)  # noqa: S311 - a seeded stream is no cryptography
    bids = {_MIDDLE - distance: 1 + distance % 50 for distance in range(1, levels + 1)}
    asks = {_MIDDLE + distance: 1 + distance % 50 for distance in range(1, levels + 1)}
    first = _compact({"lastUpdateId": 1, "E": 0, "T": 0, "bids": _texts(bids), "asks": _texts(asks)})
    low, high = min(bids), max(asks)
    settings = EngineSettings(book_levels=levels, coverage_margin=1, audit_interval_ms=1e12)
    ticks = []
    for number in range(messages):
        changed: list[dict[int, int]] = []
        for sign in (-1, 1):
            drawn = dict(_change(random, sign, levels) for _ in range(_CHANGES))
            changed.append(drawn)
        for side, changes, covered in (
            (bids, changed[0], range(low, _MIDDLE)),
            (asks, changed[1], range(_MIDDLE, high + 1)),
        ):
            side.update((tick, lots) for tick, lots in changes.items() if tick in covered)
            for tick in [tick for tick in changes if side.get(tick) == 0]:
                del side[tick]
        low, high = _cut(bids, levels, -1, low), _cut(asks, levels, 1, high)
        at = START_MS + number * EVENT_MS
        data = _compact(
            {"e": "depthUpdate", "E": at, "T": at, "s": SYMBOL, "U": number + 1, "u": number + 1,
             "pu": number, "b": _texts(changed[0]), "a": _texts(changed[1])}
        )  # fmt: skip
        truth = _best(bids, reverse=True), _best(asks, reverse=False)
        ticks.append(Tick(data, at, [], first if number == 0 else None, truth))
    return Input(f"{levels:,} levels a side", settings, ticks)


def _change(random: Random, sign: int, levels: int) -> tuple[int, int]:
    reach = _NEAR if random.random() < 0.8 else levels
    lots = 0 if random.random() < 0.2 else random.randint(1, 5_000)
    return _MIDDLE + sign * (1 + int(random.random() * reach)), lots


def _cut(side: dict[int, int], most: int, sign: int, edge: int) -> int:
    """Drop the farthest levels beyond `most`; return the edge of what is covered."""
    if len(side) <= most:
        return edge
    kept = sorted(side, key=lambda tick: sign * tick)[:most]
    for tick in side.keys() - set(kept):
        del side[tick]
    return kept[-1]


def _best(side: dict[int, int], *, reverse: bool) -> list[tuple[float, float]]:
    best = sorted(side, reverse=reverse)[:TOP_LEVELS]
    return [(tick / _TICKS_PER_USDT, side[tick] / 1000) for tick in best]


def _texts(side: dict[int, int]) -> list[tuple[str, str]]:
    return [(f"{tick / _TICKS_PER_USDT:.2f}", f"{lots / 1000:.3f}") for tick, lots in side.items()]


def _compact(message: object) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()


def blocks(ticks: list[Tick], size: int) -> Iterator[list[Tick]]:
    """Yield `ticks` in blocks of `size`."""
    for start in range(0, len(ticks), size):
        yield ticks[start : start + size]
