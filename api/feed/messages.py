"""What an engine tells the API: all it knows first, then each second, its latencies and, between, its book.

The link is a WebSocket that the engine opens to `/feed/{symbol}`, on which both sides first prove that
they know the shared secret (`handshake.py`), so that an engine on another host needs nothing but the
API's address. JSON is passed on as it was encoded; the API never builds a frame of a live second itself.
"""

import msgspec

from api.processes import ProcessReport
from data_ingestion.pacing.latency import LatencyCounts
from orderbook.book_state import TopOfBook
from state.frames import Frame, Health, Status, WindowRow
from state.updates import EncodedNews


class FeedRow(msgspec.Struct, frozen=True, array_like=True):
    """One second of the rolling window, as JSON."""

    timestamp: int  # end of the second, ms since the epoch
    row: bytes
    ladders: bytes  # null where the second was not live
    updates: bytes = b"null"  # the depth events of the second, see state/updates.py
    book: bytes = b"null"  # every covered level before the first of them, now and then
    tape: bytes = b"[]"  # the trades that arrived


class FeedSecond(msgspec.Struct, frozen=True, tag="second"):
    """One second: the frame as JSON, without history or ladders, and its row."""

    frame: bytes
    row: FeedRow


class FeedState(msgspec.Struct, frozen=True, tag="state"):
    """All that an engine knows: sent first on each connection."""

    source: str  # binance or simulated
    rows: list[FeedRow]  # the rolling window, oldest first
    latest: FeedSecond | None  # None before the first second has closed


class ExactBook(msgspec.Struct, frozen=True, tag="exact"):
    """The top ten after the newest depth event, known to be exact."""

    last_update_id: int  # u of that event
    exchange_time: int  # T of that event, ms since the epoch
    top: TopOfBook
    low: float  # between these prices every level is known just now
    high: float


class NoBook(msgspec.Struct, frozen=True, tag="none"):
    """Why no book can be shown as live."""

    status: Status  # any but live
    reason: str  # in words


class FeedBook(msgspec.Struct, frozen=True, tag="book"):
    """The engine's book at one instant, unchanged or not. Said at least every 100 ms or so.

    An exact one comes with what leads to all its levels, as JSON, see `state/updates.py`: the whole book in
    the first of a connection, after anything that was lost, and at least every 30 s; else the updates since
    the exact one before.
    """

    said_at: float  # ms since the epoch by the engine's clock
    book: ExactBook | NoBook
    news: EncodedNews = EncodedNews()


class FeedLatencies(msgspec.Struct, frozen=True, tag="latencies"):
    """How far behind the exchange the engine was, since it began. Said after each second."""

    applied: LatencyCounts  # each depth event: event time to book
    encoded: LatencyCounts  # each live frame: T of its last depth event to JSON


class FeedProcess(msgspec.Struct, frozen=True, tag="process"):
    """The engine's own process. Said after each second."""

    report: ProcessReport


class FrameHead(msgspec.Struct, frozen=True):
    """What the API itself reads of a frame."""

    symbol: str
    source: str
    timestamp: int
    exchange_time: int | None
    status: Status
    reason: str | None
    mid_price: float | None
    spread: float | None
    health: Health | None


decode_head = msgspec.json.Decoder(FrameHead).decode
"""Return the head of a frame's JSON; raises `msgspec.DecodeError`."""


class FeedEngine(msgspec.Struct, frozen=True, tag="engine"):
    """What an engine announces on a bus after each second, to those too who ask for nothing else of it."""

    head: FrameHead
    latencies: FeedLatencies
    process: FeedProcess


FeedMessage = FeedState | FeedSecond | FeedBook | FeedLatencies | FeedProcess | FeedEngine

_encode_json = msgspec.json.Encoder().encode
encode_feed = msgspec.msgpack.Encoder().encode
decode_feed = msgspec.msgpack.Decoder(FeedMessage).decode


def feed_row(row: WindowRow) -> FeedRow:
    """Encode one row of the window."""
    chunk = row.chunk
    return FeedRow(
        row.timestamp,
        _encode_json(row.row),
        _encode_json(row.ladders),
        chunk.updates,
        chunk.book,
        chunk.tape,
    )


def feed_second(frame: Frame, row: WindowRow) -> FeedSecond:
    """Encode one second."""
    return FeedSecond(_encode_json(frame), feed_row(row))
