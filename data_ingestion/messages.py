"""Wire types of Binance USDS-M futures market data: bytes in, typed messages out.

Strict on what the exchange documents (a missing or mistyped field is a `MalformedMessage`), blind to what
it adds. Prices and sizes are decimal strings on the wire and floats here: a float holds every decimal of
up to 15 digits exactly enough to print it again, so equal strings give equal floats.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams
"""

import re
from functools import lru_cache
from typing import Annotated, Final, Literal

import msgspec

from data_ingestion.errors import MalformedMessage

_LIMIT: Final = 1e15  # no price or size comes near it; refuses "inf"
Price = Annotated[float, msgspec.Meta(gt=0, le=_LIMIT)]
"""USDT per unit of the base asset, finite and above 0."""
Size = Annotated[float, msgspec.Meta(ge=0, le=_LIMIT)]
"""Base asset, finite and not below 0; 0 removes a level."""
Levels = list[tuple[Price, Size]]
"""`(price, size)` pairs of one side."""
_LARGEST: Final = 2**63 - 1
Whole = Annotated[int, msgspec.Meta(ge=0, le=_LARGEST)]
"""Ids and times are 64-bit at the exchange."""


class DepthUpdate(msgspec.Struct, frozen=True, gc=False):
    """One `depthUpdate`: the absolute new sizes of the levels that changed in about 100 ms."""

    event_time: int  # E: when the exchange sent it, ms since the epoch
    transaction_time: int  # T: when the matching engine was at final_update_id, ms since the epoch
    symbol: str  # s: e.g. BTCUSDT
    first_update_id: int  # U: first update inside this event; not previous_final_update_id + 1
    final_update_id: int  # u: last update inside this event
    previous_final_update_id: int  # pu: final_update_id of the event before it on this stream
    bids: Levels  # b: buy side
    asks: Levels  # a: sell side
    bids_quoted: bytes = (
        b""  # the bids as the exchange wrote them, `[["61000.10","1.500"]]`; empty: not known
    )
    asks_quoted: bytes = b""


class Snapshot(msgspec.Struct, frozen=True):
    """Reply of `GET /fapi/v1/depth`: the levels nearest to the touch, best first, both sides."""

    last_update_id: int  # lastUpdateId: the update up to which it is true; mostly inside a depth event
    event_time: int  # E: when the reply was made, ms since the epoch
    transaction_time: int  # T: of last_update_id, ms since the epoch
    bids: Levels  # best (highest) first
    asks: Levels  # best (lowest) first


class AggTrade(msgspec.Struct, frozen=True, gc=False):
    """One `aggTrade`: fills of one taker side at one price, put together over at most 100 ms."""

    event_time: int  # E: when the exchange sent it, ms since the epoch
    symbol: str  # s: e.g. BTCUSDT
    trade_id: int  # a: aggregate trade id
    price: float  # p: USDT
    size: float  # q: base asset, with the fills against RPI orders, which the depth stream never shows
    visible_size: float | None  # nq: base asset without those fills; None where the exchange left it out
    first_trade_id: int  # f: first single trade inside
    last_trade_id: int  # l: last single trade inside
    trade_time: int  # T: when it traded, ms since the epoch
    buyer_is_maker: bool  # m: True means that the taker sold


class _DepthWire(msgspec.Struct, frozen=True, gc=False):
    e: Literal["depthUpdate"]  # not a msgspec tag: that may be missing
    E: Whole
    T: Whole
    s: str
    U: Whole
    u: Whole
    pu: Whole
    b: msgspec.Raw
    a: msgspec.Raw


_Number = int | float | str
"""What JSON has as a whole number is an int then, even to a lax decoder, and nothing else is."""


class _PlainDepthWire(msgspec.Struct, frozen=True, gc=False):
    """The same, decoded lax at one go. Says nothing of whether a price was a string."""

    e: Literal["depthUpdate"]
    E: _Number
    T: _Number
    s: str
    U: _Number
    u: _Number
    pu: _Number
    b: Levels
    a: Levels


class _SnapshotWire(msgspec.Struct, frozen=True):
    lastUpdateId: Whole  # noqa: N815 - the exchange's name
    E: Whole
    T: Whole
    bids: msgspec.Raw
    asks: msgspec.Raw


class _AggTradeWire(msgspec.Struct, frozen=True, gc=False):
    e: Literal["aggTrade"]
    E: Whole
    s: str
    a: Whole
    p: msgspec.Raw
    q: msgspec.Raw
    f: int
    l: int  # noqa: E741 - the exchange's name
    T: Whole
    m: bool
    nq: msgspec.Raw = msgspec.Raw()  # empty where the message has none


# What decoding raises: deep nesting ends in RecursionError, lone surrogates in a UnicodeError.
_UNDECODABLE: Final = (msgspec.DecodeError, UnicodeError, RecursionError)
_NOT_PLAIN: Final = (*_UNDECODABLE, TypeError)  # a TypeError: not all are whole
_decode_depth = msgspec.json.Decoder(_DepthWire).decode
_decode_plain_depth = msgspec.json.Decoder(_PlainDepthWire, strict=False).decode
_decode_snapshot = msgspec.json.Decoder(_SnapshotWire).decode
_decode_agg_trade = msgspec.json.Decoder(_AggTradeWire).decode
# Lax, so that a decimal string becomes a float inside the decoder; the rest of a message stays strict.
_decode_levels = msgspec.json.Decoder(Levels, strict=False).decode
_BIDS: Final = b',"b":['
_ASKS: Final = b',"a":['
_LONGEST_END: Final = 200  # bytes after the levels, of a message that is still plain
_DOCUMENTED: Final = re.compile(rb'"(?:e|E|T|s|U|u|pu|b|a)"')
_decode_price = msgspec.json.Decoder(Price, strict=False).decode
_decode_size = msgspec.json.Decoder(Size, strict=False).decode


def _levels(raw: msgspec.Raw) -> Levels:
    quoted = bytes(raw)
    levels = _decode_levels(quoted)
    # Lax decoding would take a bare number for a decimal string: each pair has exactly four quotes.
    if quoted.count(b'"') != 4 * len(levels):
        raise msgspec.ValidationError("prices and sizes must be strings")
    return levels


def _string(raw: msgspec.Raw) -> msgspec.Raw:
    if bytes(raw)[:1] != b'"':
        raise msgspec.ValidationError("prices and sizes must be strings")
    return raw


def decode_depth_update(data: bytes | str) -> DepthUpdate:
    """Return the message in `data`, or raise `MalformedMessage`. Time linear in the levels."""
    try:
        raw = data.encode() if isinstance(data, str) else data
    except UnicodeError as error:
        raise MalformedMessage("depthUpdate", str(error)) from error
    event = _plain_depth(raw)
    if event is None:
        event = strict_depth_update(raw)
    if event.first_update_id > event.final_update_id:
        raise MalformedMessage("depthUpdate", "U is above u")
    return event


def _plain_depth(data: bytes) -> DepthUpdate | None:
    """Return the message if it is certain that strict decoding gives the same, else None.

    Certain it is of a message as the exchange writes it, with `b`, `a`, and then nothing or what is not
    documented. From `b` to the end of `a` there is no key but `a` then, since no other colon and no brace
    is there; so what has quotes there is a price or a size. Two with a bare comma between them are those of
    one pair, and all have quotes if there are as many of these commas as pairs.
    """
    try:
        wire = _decode_plain_depth(data)
        numbers: int = wire.E | wire.T | wire.U | wire.u | wire.pu  # type: ignore[operator]
    except _NOT_PLAIN:
        return None
    bids, asks = wire.b, wire.a
    start = data.find(_BIDS)
    opened = data.find(b":", start + len(_BIDS)) + 1
    key = opened + 1 - len(_ASKS)
    end = opened + 2  # of no asks at all
    if asks:
        end = len(data) - 1 if data.endswith(b"]]}") else data.rfind(b"]]", opened) + 2
    is_plain = (
        0 <= start < key
        and data.startswith(_ASKS, key)
        and data.startswith(b"]", end - 1)
        and data.find(b":", opened, end) < 0
        and data.find(b"}", start, end) < 0
        and data.find(b"\\", start) < 0
        and data.count(b'","', start, end) == len(bids) + len(asks)
        and (end == len(data) - 1 or _is_plain_end(data[end:]))
    )
    if not is_plain or not 0 <= numbers <= _LARGEST:
        return None
    return DepthUpdate(
        wire.E, wire.T, wire.s, wire.U, wire.u, wire.pu,  # type: ignore[arg-type]
        bids, asks, data[start + len(_BIDS) - 1 : key], data[opened:end],
    )  # fmt: skip


@lru_cache(maxsize=64)  # an exchange ends all messages of a symbol alike
def _is_plain_end(end: bytes) -> bool:
    """Return whether what follows `a` closes the message and nothing within it, without a documented key.

    With an odd number of quotes it begins within a key, of which a part was taken for the end of `a`.
    """
    if len(end) > _LONGEST_END or end.count(b"}") != 1 or end.count(b'"') % 2:
        return False
    return not (_DOCUMENTED.search(end) or set(end) & set(b"[{"))


def strict_depth_update(data: bytes | str) -> DepthUpdate:
    """Return the message in `data`, whatever the order of its fields, or raise `MalformedMessage`."""
    try:
        wire = _decode_depth(data)
        bids, asks = _levels(wire.b), _levels(wire.a)
    except _UNDECODABLE as error:
        raise MalformedMessage("depthUpdate", str(error)) from error
    quoted = bytes(wire.b), bytes(wire.a)
    if b"\\" in quoted[0] or b"\\" in quoted[1]:
        quoted = b"", b""
    return DepthUpdate(wire.E, wire.T, wire.s, wire.U, wire.u, wire.pu, bids, asks, *quoted)


def decode_snapshot(data: bytes | str) -> Snapshot:
    """Return the snapshot in `data`, or raise `MalformedMessage`. Time linear in the levels."""
    try:
        wire = _decode_snapshot(data)
        bids, asks = _levels(wire.bids), _levels(wire.asks)
        return Snapshot(wire.lastUpdateId, wire.E, wire.T, bids, asks)
    except _UNDECODABLE as error:
        raise MalformedMessage("snapshot", str(error)) from error


def decode_agg_trade(data: bytes | str) -> AggTrade:
    """Return the trade in `data`, or raise `MalformedMessage`."""
    try:
        wire = _decode_agg_trade(data)
        visible = _decode_size(_string(wire.nq)) if bytes(wire.nq) else None
        price, size = _decode_price(_string(wire.p)), _decode_size(_string(wire.q))
    except _UNDECODABLE as error:
        raise MalformedMessage("aggTrade", str(error)) from error
    return AggTrade(wire.E, wire.s, wire.a, price, size, visible, wire.f, wire.l, wire.T, wire.m)
