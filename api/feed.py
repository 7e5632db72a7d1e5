"""What an engine tells the API: all it knows first, each second after that. Bytes in, messages out.

The link is a WebSocket that the engine opens to `/feed/{symbol}` with the shared secret as bearer token,
so that an engine on another host needs nothing but the API's address. JSON is passed on as it was
encoded; the API never builds a frame of a live second itself.
"""

import msgspec

from state.frames import Frame, WindowRow


class FeedRow(msgspec.Struct, frozen=True, array_like=True):
    """One second of the rolling window, as JSON."""

    timestamp: int  # end of the second, ms since the epoch
    row: bytes
    ladders: bytes  # null where the second was not live


class FeedSecond(msgspec.Struct, frozen=True, tag="second"):
    """One second: the frame as JSON, without history or ladders, and its row."""

    frame: bytes
    row: FeedRow


class FeedState(msgspec.Struct, frozen=True, tag="state"):
    """All that an engine knows: sent first on each connection."""

    source: str  # binance or simulated
    rows: list[FeedRow]  # the rolling window, oldest first
    latest: FeedSecond | None  # None before the first second has closed


FeedMessage = FeedState | FeedSecond

_encode_json = msgspec.json.Encoder().encode
encode_feed = msgspec.msgpack.Encoder().encode
decode_feed = msgspec.msgpack.Decoder(FeedMessage).decode


def feed_row(row: WindowRow) -> FeedRow:
    """Encode one row of the window."""
    return FeedRow(row.timestamp, _encode_json(row.row), _encode_json(row.ladders))


def feed_second(frame: Frame, row: WindowRow) -> FeedSecond:
    """Encode one second."""
    return FeedSecond(_encode_json(frame), feed_row(row))
