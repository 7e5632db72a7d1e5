"""One symbol at the API: its latest frame, its window, and the clients that listen. No I/O of its own."""

from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec

from api.feed.messages import FeedLatencies, FeedRow, FeedSecond, FeedState, FrameHead, decode_head, feed_row
from api.newest_book import NewestBook
from api.processes import ProcessReport
from api.whole_book import NULL, book_after
from data_ingestion.newest_queue import NewestQueue
from data_ingestion.pacing.latency import LatencyMeter
from state.frames import Status, WindowRow, missing_row, not_live_frame, row_of
from state.rolling_buffer import WINDOW_SECONDS, RollingBuffer
from state.updates import BOOK_EVERY_MS

LATE_MS: Final = 10_000
"""A second older than the newest by at most this is late; by more, the engine's clock was set back."""

_LEADING_SECONDS: Final = BOOK_EVERY_MS // 1000 + 1
"""Kept beyond the window: they lead to the whole book that its oldest row begins with."""

NOT_RUNNING: Final = "the engine of this symbol is not running"
NO_ANSWER: Final = "the engine of this symbol does not answer"

_encode = msgspec.json.Encoder().encode


class Outgoing(msgspec.Struct, frozen=True):
    """One frame on its way to clients."""

    text: str
    second: int | None  # its time stamp; None where its delay would say nothing: not live, or with history


class Wants(msgspec.Struct, frozen=True):
    """What a client asked for besides the frames."""

    ladders: bool = False
    updates: bool = False


class Client:
    """One listener: its queue, and what it wants. A slow one loses its oldest frames.

    With `updates` it is `behind` once it has lost one: the next frame brings what it needs to begin anew.
    """

    __slots__ = ("behind", "queue", "wants")

    def __init__(self, *, ladders: bool = False, updates: bool = False, queue_size: int) -> None:
        self.wants = Wants(ladders, updates)
        self.behind = False
        self.queue: NewestQueue[Outgoing] = NewestQueue(queue_size)


class ForeignFrame(Exception):
    """A frame of another symbol or source than the channel's; `str()` says which."""


class Channel:
    """Takes seconds from one engine and hands them to all clients, each text encoded once."""

    def __init__(self, symbol: str, source: str) -> None:
        self.symbol = symbol
        self.connected = False  # whether an engine delivers
        self.absence = NOT_RUNNING  # why a second is dark while none does
        self.silence = NO_ANSWER  # and why while one does, and says nothing
        self.idle = False  # whether nobody asks for its seconds, so that they need not come
        self.announced: FrameHead | None = None  # what engines say of themselves, asked for or not
        self.heard_ms: float | None = None  # steady ms at which the newest second came
        self.clients: set[Client] = set()
        self.frames_dropped = 0  # taken from slow clients' queues
        self.book = NewestBook()
        self.latencies: FeedLatencies | None = None  # as the engine told last
        self.process: ProcessReport | None = None  # the engine's own, while it delivers
        self.delivered = LatencyMeter()  # each live frame: T of its last depth event to here
        self.sent = LatencyMeter()  # each live frame and client: its second to having been written
        self.source = source  # binance or simulated
        self._rows = _no_rows()  # as they went out
        # As the engine told them, in that order, sent out or not: they lead from book to book.
        self._told: deque[FeedRow] = deque(maxlen=2 * _LEADING_SECONDS)
        self._follows = False  # what the clients have of the book leads to the next second
        self._latest: FeedSecond | None = None
        self._head: FrameHead | None = None
        self._history: dict[tuple[Wants, bool], str] = {}

    @property
    def head(self) -> FrameHead | None:
        """What the newest frame says of itself."""
        return self._head or self.announced

    def processes(self) -> list[ProcessReport]:
        """Return what the engines that deliver say of their own processes."""
        return [] if self.process is None else [self.process]

    def arrived(self, wall_ms: float, steady_ms: float) -> None:
        """Note that the newest second came from an engine at these times."""
        self.heard_ms, head = steady_ms, self._head
        if head is not None and head.exchange_time is not None:
            # An engine elsewhere has another offset: then its clock's difference to ours shows here.
            offset = (head.health.clock_offset_ms if head.health else None) or 0.0
            self.delivered.add(wall_ms + offset - head.exchange_time)

    def warnings(self) -> list[str]:
        """Return what a person should know: the engine's warnings, and what the API sees itself."""
        head = self.head
        health = head.health if head is not None else None
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
        self._rows = _no_rows()
        for row in (*older, *state.rows):
            self._rows.append(row)
        self._told.clear()
        self._told.extend(state.rows)
        self._follows = False
        self._history.clear()
        newest = self._head.timestamp if self._head else 0
        if state.latest is not None and state.latest.row.timestamp > newest:
            leading = [row for row in state.rows if row.timestamp < state.latest.row.timestamp]
            self._publish(state.latest, leading)

    def add(self, second: FeedSecond) -> bool:
        """Take one second from the engine; return whether it goes out: one that was filled in does not."""
        newest = self._head.timestamp if self._head else 0
        if 0 <= newest - second.row.timestamp <= LATE_MS:
            self._told.append(second.row)
            self._follows = False
            return False
        self._publish(second)
        self._told.append(second.row)
        return True

    def fill_in(self, timestamp: int, reason: str) -> None:
        """Send out a second that no engine delivered: not live, with the reason and no market value."""
        frame = not_live_frame(self.symbol, self.source, timestamp, Status.SYNCING, reason, None)
        row = feed_row(WindowRow(row_of(frame), None))
        self._publish(FeedSecond(_encode(frame), row))

    def clear(self) -> None:
        """Forget all that went out."""
        self._rows = _no_rows()
        self._told.clear()
        self._follows = False
        self._latest = self._head = None
        self._history.clear()

    def join(self, client: Client) -> None:
        """Add a client; its first frame, with history, is in its queue at once if there is any."""
        self.clients.add(client)
        if self._latest is not None:
            client.queue.put(Outgoing(self._first_text(self._latest, client.wants), None))

    def leave(self, client: Client) -> None:
        """Remove a client."""
        self.clients.discard(client)

    def _publish(self, second: FeedSecond, leading: Sequence[FeedRow] | None = None) -> None:
        """Send out a second; `leading` are the rows that lead to it, unless those told so far do."""
        head = decode_head(second.frame)  # first: what is no frame must leave nothing behind
        if (head.symbol, head.source) != (self.symbol, self.source):
            raise ForeignFrame(f"a frame of {head.symbol!r}, source {head.source!r}")
        second = self._with_book(second, tuple(self._told) if leading is None else leading)
        self._follows = head.status is Status.LIVE
        first_for_all = self._latest is None
        self._latest, self._head = second, head
        self._rows.append(second.row)
        self._history.clear()
        made: dict[tuple[Wants, bool], Outgoing] = {}
        for client in self.clients:
            kind = client.wants, client.behind
            outgoing = made.get(kind)
            if outgoing is None:
                outgoing = made[kind] = self._outgoing(second, head, *kind, first=first_for_all)
            client.behind = False
            client.queue.put(outgoing)
            dropped = client.queue.drain_dropped()
            self.frames_dropped += dropped
            client.behind = bool(dropped) and client.wants.updates

    def _with_book(self, second: FeedSecond, leading: Sequence[FeedRow]) -> FeedSecond:
        """Return `second` with a whole book before its updates, if what went out does not lead to it."""
        row = second.row
        if self._follows or row.updates == NULL or row.book != NULL:
            return second
        return msgspec.structs.replace(second, row=msgspec.structs.replace(row, book=book_after(leading)))

    def _outgoing(
        self, second: FeedSecond, head: FrameHead, wants: Wants, behind: bool, *, first: bool
    ) -> Outgoing:
        if first:
            return Outgoing(self._first_text(second, wants), None)
        if behind:
            return Outgoing(self._first_text(second, wants, behind=True), None)
        timed = head.status is Status.LIVE
        return Outgoing(_text(second, wants), head.timestamp if timed else None)

    def _first_text(self, second: FeedSecond, wants: Wants, *, behind: bool = False) -> str:
        """Return a frame with history: all of it, or for who is `behind` from the newest whole book on."""
        text = self._history.get((wants, behind))
        if text is None:
            kept = list(self._rows)
            older, rows = kept[:-WINDOW_SECONDS], kept[-WINDOW_SECONDS:]
            if wants.updates:
                rows = _with_first_book(older, rows)
                # The frame itself has the newest second's updates, which must not be applied twice.
                rows = [row for row in rows if row.timestamp < second.row.timestamp]
                if behind:
                    rows = _since_newest_book(rows)
            history = b"[" + b",".join(_with_wanted(row.row, row, wants) for row in rows) + b"]"
            frame = second
            if wants.updates and second.row.updates != NULL and second.row.book == NULL:
                row = msgspec.structs.replace(second.row, book=book_after(rows))
                frame = msgspec.structs.replace(second, row=row)
            text = _spliced(_text(frame, wants).encode(), b"history", history).decode()
            self._history[wants, behind] = text
        return text


def _no_rows() -> RollingBuffer[FeedRow]:
    return RollingBuffer(lambda at: feed_row(missing_row(at)), WINDOW_SECONDS + _LEADING_SECONDS)


def _with_first_book(older: list[FeedRow], rows: list[FeedRow]) -> list[FeedRow]:
    """Return `rows` with a whole book in the first of them, where `older` ones lead to it."""
    if not rows or rows[0].book != NULL or rows[0].updates == NULL:
        return rows
    return [msgspec.structs.replace(rows[0], book=book_after(older)), *rows[1:]]


def _since_newest_book(rows: list[FeedRow]) -> list[FeedRow]:
    for index in range(len(rows) - 1, -1, -1):
        if rows[index].book != NULL:
            return rows[index:]
    return []


def _text(second: FeedSecond, wants: Wants) -> str:
    return _with_wanted(second.frame, second.row, wants).decode()


def _with_wanted(json_object: bytes, row: FeedRow, wants: Wants) -> bytes:
    if wants.ladders:
        json_object = _spliced(json_object, b"ladders", row.ladders)
    if wants.updates:
        for key, value in ((b"updates", row.updates), (b"book", row.book), (b"tape", row.tape)):
            json_object = _spliced(json_object, key, value)
    return json_object


def _spliced(json_object: bytes, key: bytes, value: bytes) -> bytes:
    """Return `json_object`, which has at least one key, with one more; both are encoded JSON."""
    return json_object[:-1] + b',"' + key + b'":' + value + b"}"
