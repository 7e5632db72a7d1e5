"""What a replay at any speed needs: messages with their times, a full book to begin with, and the truth."""

import gzip
from typing import Any

import msgspec

from data_ingestion.messages import AggTrade
from data_ingestion.simulated_exchange.market import SimulatedMarket
from data_ingestion.simulated_exchange.profiles import profile_of
from tests.builders import START_MS
from tests.replay.rig import RECORDING, RIG, SYMBOL
from tests.tools.benchmarks.streams import Input, Top, recorded, simulated

_ALL_LEVELS = 1_000_000
_encode = msgspec.json.Encoder().encode


class Line(msgspec.Struct, frozen=True, array_like=True):
    """One message. Its times are the replay's to write, between the parts."""

    at_ms: int  # when it is sent, at the speed of life
    depth_id: int | None  # u; None for a trade
    parts: tuple[bytes, bytes, bytes]  # up to E, between E and T, the rest


class Script(msgspec.Struct, frozen=True):
    """A run of messages, gapless, from the book that they change."""

    symbol: str
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]
    last_update_id: int
    lines: list[Line]


class Truth(msgspec.Struct, frozen=True):
    """The top ten after each depth event, by its u."""

    name: str
    tops: dict[int, Top]


def script_of(messages: int, *, recording: bool = True) -> tuple[Script, Truth]:
    """Return the first depth `messages` of the recording if it is there, else of the simulated exchange."""
    if recording and RIG.exists() and RECORDING.exists():
        first = _first_snapshot()
        return _of(recorded(messages), first["bids"], first["asks"], first["lastUpdateId"])
    source = simulated(messages)  # of the same seed and start as this one
    book = SimulatedMarket(profile_of(SYMBOL), seed=6, start_ms=START_MS).snapshot(_ALL_LEVELS)
    return _of(source, book.bids, book.asks, book.last_update_id)


def _first_snapshot() -> dict[str, Any]:
    with gzip.open(RECORDING) as lines:
        for line in lines:
            message: dict[str, Any] = msgspec.json.decode(line.partition(b" ")[2])
            if "stream" not in message:
                return message
    raise ValueError("the recording has no snapshot")


def _of(source: Input, bids: Any, asks: Any, last_update_id: int) -> tuple[Script, Truth]:
    lines, tops = [], {}
    for tick in source.ticks:
        lines += [Line(trade.trade_time, None, _trade_parts(trade)) for trade in tick.trades]
        final, parts = _depth_parts(tick.data)
        lines.append(Line(tick.now_ms, final, parts))
        tops[final] = tick.truth
    lines.sort(key=lambda line: line.at_ms)
    bid_levels, ask_levels = ([(price, size) for price, size in side] for side in (bids, asks))
    return Script(SYMBOL, bid_levels, ask_levels, last_update_id, lines), Truth(source.name, tops)


def _depth_parts(data: bytes) -> tuple[int, tuple[bytes, bytes, bytes]]:
    message: dict[str, Any] = msgspec.json.decode(data)
    rest = {name: value for name, value in message.items() if name not in ("e", "E", "T")}
    return message["u"], (b'{"e":"depthUpdate","E":', b',"T":', b"," + _encode(rest)[1:])


def _trade_parts(trade: AggTrade) -> tuple[bytes, bytes, bytes]:
    visible = trade.size if trade.visible_size is None else trade.visible_size
    rest = {
        "s": trade.symbol, "a": trade.trade_id, "p": f"{trade.price:.2f}", "q": f"{trade.size:.3f}",
        "nq": f"{visible:.3f}", "f": trade.first_trade_id, "l": trade.last_trade_id,
        "m": trade.buyer_is_maker,
    }  # fmt: skip
    return b'{"e":"aggTrade","E":', b',"T":', b"," + _encode(rest)[1:]
