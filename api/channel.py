"""One symbol at the API: its latest frame, its window, and the clients that listen. No I/O of its own."""

from typing import Final

import msgspec

from api.feed import FeedLatencies, FeedRow, FeedSecond, FeedState, feed_row
from api.newest_book import NewestBook
from api.processes import ProcessReport
from data_ingestion.latency import LatencyMeter
from data_ingestion.newest_queue import NewestQueue
from state.frames import Health, Status, WindowRow, dark_frame, missing_row, row_of
from state.rolling_buffer import RollingBuffer

LATE_MS: Final = 10_000
"""A second older than the newest by at most this is late; by more, the engine's clock was set back."""

_encode = msgspec.json.Encoder().encode


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


_decode_head = msgspec.json.Decoder(FrameHead).decode


class Outgoing(msgspec.Struct, frozen=True):
    """One frame on its way to clients."""

    text: str
    second: int | None  # its time stamp; None where its delay would say nothing: not live, or with history


class Client:
    """One listener: its queue, and whether it wants ladders. A slow one loses its oldest frames."""

    __slots__ = ("ladders", "queue")

    def __init__(self, *, ladders: bool, queue_size: int) -> None:
        self.ladders = ladders
        self.queue: NewestQueue[Outgoing] = NewestQueue(queue_size)


class ForeignFrame(Exception):
    """A frame of another symbol or source than the channel's; `str()` says which."""


class Channel:
    """Takes seconds from one engine and hands them to all clients, each text encoded once."""

    def __init__(self, symbol: str, source: str) -> None:
        self.symbol = symbol
        self.connected = False  # whether an engine delivers
        self.heard_ms: float | None = None  # steady ms at which the newest second came
        self.clients: set[Client] = set()
        self.frames_dropped = 0  # taken from slow clients' queues
        self.book = NewestBook()
        self.latencies: FeedLatencies | None = None  # as the engine told last
        self.process: ProcessReport | None = None  # the engine's own, while it delivers
        self.delivered = LatencyMeter()  # each live frame: T of its last depth event to here
        self.sent = LatencyMeter()  # each live frame and client: its second to having been written
        self.source = source  # binance or simulated
        self._rows: RollingBuffer[FeedRow] = RollingBuffer(lambda at: feed_row(missing_row(at)))
        self._latest: FeedSecond | None = None
        self._head: FrameHead | None = None
        self._history: dict[bool, str] = {}

    @property
    def head(self) -> FrameHead | None:
        """What the newest frame says of itself."""
        return self._head

    def warnings(self) -> list[str]:
        """Return what a person should know: the engine's warnings, and what the API sees itself."""
        health = self._head.health if self._head is not None else None
        found = list(health.warnings) if health is not None else []
        slow = sum(client.queue.full for client in self.clients)
        if slow:
            found.append(f"{slow} of {len(self.clients)} clients read too slowly and lose frames")
        return found

    def restore(self, state: FeedState) -> None:
        """Take over all that a newly connected engine knows. Rows that only the API has are kept."""
        if state.source != self.source:
            raise ForeignFrame(f"a state of source {state.source!r}, and not {self.source!r}")
        first = state.rows[0].timestamp if state.rows else None
        older = [row for row in self._rows if first is None or row.timestamp < first]
        self._rows = RollingBuffer(lambda at: feed_row(missing_row(at)))
        for row in (*older, *state.rows):
            self._rows.append(row)
        self._history.clear()
        newest = self._head.timestamp if self._head else 0
        if state.latest is not None and state.latest.row.timestamp > newest:
            self._publish(state.latest)

    def take(self, second: FeedSecond) -> bool:
        """Take one second from the engine; return whether it goes out, for one given up as dark does not."""
        newest = self._head.timestamp if self._head else 0
        if 0 <= newest - second.row.timestamp <= LATE_MS:
            return False
        self._publish(second)
        return True

    def go_dark(self, timestamp: int, reason: str) -> None:
        """Send out a second that no engine delivered: no market value, and the reason why."""
        frame = dark_frame(self.symbol, self.source, timestamp, Status.SYNCING, reason, None)
        row = feed_row(WindowRow(row_of(frame), None))
        self._publish(FeedSecond(_encode(frame), row))

    def join(self, client: Client) -> None:
        """Add a client; its first frame, with history, is in its queue at once if there is any."""
        self.clients.add(client)
        if self._latest is not None:
            client.queue.put(Outgoing(self._first_text(self._latest, ladders=client.ladders), None))

    def leave(self, client: Client) -> None:
        """Remove a client."""
        self.clients.discard(client)

    def _publish(self, second: FeedSecond) -> None:
        head = _decode_head(second.frame)  # first: what is no frame must leave nothing behind
        if (head.symbol, head.source) != (self.symbol, self.source):
            raise ForeignFrame(f"a frame of {head.symbol!r}, source {head.source!r}")
        first_for_all = self._latest is None
        self._latest, self._head = second, head
        self._rows.append(second.row)
        self._history.clear()
        timed = head.status is Status.LIVE and not first_for_all
        made: dict[bool, Outgoing] = {}
        for client in self.clients:
            outgoing = made.get(client.ladders)
            if outgoing is None:
                make = self._first_text if first_for_all else _text
                text = make(second, ladders=client.ladders)
                outgoing = made[client.ladders] = Outgoing(text, head.timestamp if timed else None)
            client.queue.put(outgoing)
            self.frames_dropped += client.queue.take_dropped()

    def _first_text(self, second: FeedSecond, *, ladders: bool) -> str:
        text = self._history.get(ladders)
        if text is None:
            rows = (_spliced(row.row, b"ladders", row.ladders) if ladders else row.row for row in self._rows)
            history = b"[" + b",".join(rows) + b"]"
            frame = _text(second, ladders=ladders).encode()
            text = self._history[ladders] = _spliced(frame, b"history", history).decode()
        return text


def _text(second: FeedSecond, *, ladders: bool) -> str:
    frame = _spliced(second.frame, b"ladders", second.row.ladders) if ladders else second.frame
    return frame.decode()


def _spliced(json_object: bytes, key: bytes, value: bytes) -> bytes:
    """Return `json_object`, which has at least one key, with one more; both are encoded JSON."""
    return json_object[:-1] + b',"' + key + b'":' + value + b"}"
