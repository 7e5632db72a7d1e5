"""The frames of a running program, typed, joined over reconnects, and checked; whole books at every update.

    async for frame in frames("BTCUSDT"):                    # in a coroutine
        print(frame.timestamp, frame.mid_price)

    with Recorder("BTCUSDT", updates=True) as recorder:      # in a notebook or a script
        recorder.wait(10)
    recorder.seconds.to_pandas()                             # one row a second, the last 180 s included
    recorder.updates.to_pandas()                             # one row an update, ten levels a side
    recorder.book.at(recorder.book.last)                     # every level that was known at an update

This file needs `websockets` (15 or newer), `msgspec`, Python 3.11 and nothing else of the program: it may be
copied beside a notebook. pandas, polars and pyarrow are imported when a table of theirs is asked for.

What is promised. Seconds come in order, each once, and none is left out in silence: after a lost connection
the program's window of 180 s fills what was missed, and a second that nobody knows any more is a frame of
status `unknown`. With `updates=True` the client rebuilds the book by itself and checks it against the ten
levels of each live frame and against each whole book that is sent; a difference is `WrongBook`.

Times are ms since the epoch (UTC), prices and distances in USDT, sizes in base asset. What is not known is
None, and NaN in tables.
"""

import asyncio
import contextlib
import importlib
import logging
import random
import threading
import zlib
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from ipaddress import ip_address
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple
from urllib.parse import quote, urlsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI, WebSocketException

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped, import-not-found, unused-ignore]
    import polars as pl  # type: ignore[import-not-found, unused-ignore]
    import pyarrow as pa  # type: ignore[import-untyped, import-not-found, unused-ignore]

__all__ = [
    "Book",
    "Books",
    "ClientError",
    "ClockSetBack",
    "Frame",
    "MissingPackage",
    "NoFrame",
    "NobodyListens",
    "Recorder",
    "Refused",
    "Row",
    "Table",
    "UnknownSymbol",
    "UnknownUpdate",
    "Update",
    "WholeBook",
    "WrongBook",
    "frames",
]

log = logging.getLogger(__name__)

URL: Final = "ws://127.0.0.1:8000"
SECOND_MS: Final = 1_000
TOP: Final = 10  # levels a side of a frame
WINDOW_S: Final = 3_600  # seconds that a recorder keeps unless told otherwise
LEADING_S: Final = 31  # kept beyond them, of updates alone: a whole book comes every 30 s
WAIT_S: Final = 0.5  # at one go, at most, of whoever waits for a recorder
SET_BACK_MS: Final = 10_000  # a frame that is older than the newest by more: the program's clock was set back
SILENCE_S: Final = 10.0  # a frame comes each second: after so long without one the connection is dead
OPEN_S: Final = 10.0  # for a handshake
SHORTEST_S, LONGEST_S = 0.25, 10.0  # waits between tries, doubling, each times a random number up to 1
STABLE_S: Final = 10.0  # a connection that lived so long lets them begin anew


# --- errors ---------------------------------------------------------------------------------------------


class ClientError(Exception):
    """Whatever this client raises by itself; `str()` is a sentence for a person."""


class UnknownSymbol(ClientError):
    """The program does not follow this symbol; the sentence lists those that it follows."""


class Refused(ClientError):
    """Whoever listens there refuses to talk: another program, or a host name that it does not know."""


class NobodyListens(ClientError):
    """No frame came for `give_up_after` seconds."""


class NoFrame(ClientError):
    """A message that is no frame as this file knows them: the program may be of another version."""


class ClockSetBack(ClientError):
    """The program's clock went back: seconds would come twice. A new recording begins anew."""


class WrongBook(ClientError):
    """The book rebuilt from updates is not the one that the program shows: trust nothing after it."""


class UnknownUpdate(ClientError, LookupError):
    """No book of this update was recorded."""


class MissingPackage(ClientError, ImportError):
    """A table was asked for whose package is not installed."""


# --- what the program sends: the types of its `/schema` -----------------------------------------------------

Levels = list[tuple[float, float]]
"""`(price, size)` pairs of one side, best first."""
Fill = tuple[int, float, float, int]
"""Aggregate trade id, price, size without RPI fills, exchange ms."""
Figure = float | int | str | Sequence[float | Fill | None] | None
DetectionKind = Literal["wall", "sweep", "absorption", "layering", "iceberg", "exhaustion"]
Ending = Literal[
    "consumed", "pulled", "unexplained", "out_of_range", "gave_way", "moved_away", "ended", "interrupted"
]
Status = Literal["live", "syncing", "stale", "unknown"]
"""`unknown` is this client's own: the program no longer has that second."""


class TapeEntry(NamedTuple):
    """One aggregate trade."""

    time: int  # T
    price: float
    size: float
    visible_size: float | None  # without RPI fills; None where the exchange left it out
    side: str  # of the taker: buy or sell
    id: int


class Print(NamedTuple):
    """One of the largest trades of a second."""

    price: float
    size: float
    side: str  # of the taker: buy or sell
    time: int


class Percentiles(msgspec.Struct, frozen=True):
    """Milliseconds."""

    median: float | None
    p99: float | None


class StreamHealth(msgspec.Struct, frozen=True):
    """One of the exchange's streams."""

    state: str  # connecting, open, silent or down
    reason: str | None
    age_ms: float | None  # since its last message
    reconnects: int
    reconnect_causes: dict[str, int]
    malformed: int
    dropped_in_bursts: int


class TradeStreamHealth(StreamHealth, frozen=True):
    """The trade stream, whose messages are numbered."""

    gaps: int
    missing: int
    duplicates: int


class AuditHealth(msgspec.Struct, frozen=True):
    """Comparisons of the program's book with fresh snapshots."""

    count: int
    levels_compared: int
    mismatches: int


class Health(msgspec.Struct, frozen=True):
    """How the symbol's engine is doing."""

    depth: StreamHealth
    trades: TradeStreamHealth
    update_rate: float  # depth events a second
    update_interval_ms: Percentiles
    latency_ms: Percentiles  # exchange event time to arrival
    lag_ms: float | None  # age of the newest depth event
    clock_offset_ms: float | None
    clock_uncertainty_ms: float | None
    gaps: int
    resyncs: int
    resync_causes: dict[str, int]
    snapshots: int
    bursts: int
    audits: AuditHealth
    detections: dict[str, int]
    late_messages: int
    covered_levels: tuple[int, int] | None  # bids, asks
    warnings: list[str]


class TradeSummary(msgspec.Struct, frozen=True):
    """Taker trades that arrived in a second."""

    buy_volume: float
    sell_volume: float
    vwap: float | None  # None without trades
    rpi_volume: float | None
    count: int
    largest: list[Print]  # at most twenty


class Detection(msgspec.Struct, frozen=True):
    """What a detector says; `id` is the same over the life of what it found."""

    id: str
    kind: DetectionKind
    event: Literal["opened", "updated", "closed", "fired"]
    side: str  # bid or ask
    price: float
    started_at: int
    time: int
    reason: Ending | None  # when closed
    magnitude: float  # by its kind's own measure
    rank: float | None  # share of its kind's last hour that it exceeds; None until 20 are known
    evidence: dict[str, Figure]


class Ladder(msgspec.Struct, frozen=True):
    """Ten groups a side, best first; a size is None where the group reaches past what is known."""

    step: float
    bids: list[tuple[float, float | None]]
    asks: list[tuple[float, float | None]]


class Update(msgspec.Struct, frozen=True):
    """One depth event; one whose `u` is that of the one before brings levels that a snapshot added."""

    u: int
    pu: int  # the `u` before it
    T: int
    bids: Levels  # absolute sizes, 0 removes; in no order that matters
    asks: Levels
    low: float | None = None  # the covered range from then on, where it changed
    high: float | None = None


class WholeBook(msgspec.Struct, frozen=True):
    """Every level known at one update, best first, and the price range in which there are no others."""

    u: int
    T: int
    low: float
    high: float
    bids: Levels
    asks: Levels


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One second of one symbol. Unless `live`, every market value is None. docs/definitions.md has each."""

    timestamp: int  # end of the second, a multiple of 1000
    status: Status
    reason: str | None  # in words, when not live
    last_update_id: int | None  # u of the last depth event
    exchange_time: int | None  # T of that event
    unchanged_since: int | None
    tick_size: float | None
    mid_price: float | None
    spread: float | None
    imbalance: float | None
    ofi: float | None
    ofi_best: float | None
    ofi_levels: list[float] | None  # ten
    queue_imbalance: float | None
    bid_levels: Levels | None  # ten
    ask_levels: Levels | None
    best_bid: float | None
    best_ask: float | None
    microprice: float | None
    depth_weighted_price: float | None
    bid_slope: float | None
    ask_slope: float | None
    total_bid_volume: float | None
    total_ask_volume: float | None
    cumulative_bids: list[float] | None  # ten
    cumulative_asks: list[float] | None
    trades: TradeSummary | None  # None also where some are missing
    detections: list[Detection]
    ladders: list[Ladder] | None = None  # if asked for, as are those below
    updates: list[Update] | None = None  # in order
    book: WholeBook | None = (
        None  # before the first of these updates; where a chain of them begins, and at times
    )
    tape: list[TapeEntry] | None = None  # each aggregate trade


class Frame(Row, frozen=True, kw_only=True):
    """One second of one symbol, as it came or out of the program's window."""

    symbol: str
    source: str  # binance or simulated
    health: Health | None  # None out of the window, and where the engine itself cannot be heard

    @property
    def is_live(self) -> bool:
        """Whether every market value is known to be exact."""
        return self.status == "live"


class _Message(Frame, frozen=True, kw_only=True):
    history: list[Row] | None = None


_OF_MARKET: Final = frozenset(Row.__struct_fields__) - {"timestamp", "status", "reason", "detections"}
_decode = msgspec.json.Decoder(_Message).decode


def _frame(row: Row, symbol: str, source: str, health: Health | None) -> Frame:
    fields = {name: getattr(row, name) for name in Row.__struct_fields__}
    return Frame(**fields, symbol=symbol, source=source, health=health)


# --- the book, rebuilt: pure ------------------------------------------------------------------------------


class Book:
    """Every level known at one update, moved on by the next. `u`, `T`, `low`, `high` as in `WholeBook`."""

    __slots__ = ("T", "_asks", "_bids", "high", "low", "u")

    def __init__(self, whole: WholeBook) -> None:
        self.u, self.T, self.low, self.high = whole.u, whole.T, whole.low, whole.high
        self._bids, self._asks = _Side(whole.bids), _Side(whole.asks)

    def apply(self, update: Update) -> bool:
        """Move on by one update and return True, or False if it does not follow. O(changes log levels)."""
        if update.pu != self.u:
            return False
        self._bids.change(update.bids)
        self._asks.change(update.asks)
        if update.low is not None:
            self.low = update.low
            self._bids.drop_below(update.low)
        if update.high is not None:
            self.high = update.high
            self._asks.drop_above(update.high)
        self.u, self.T = update.u, update.T
        return True

    def top(self, levels: int = TOP) -> tuple[Levels, Levels]:
        """Return the best bids and the best asks, best first. O(levels)."""
        return self._bids.highest(levels), self._asks.lowest(levels)

    def whole(self) -> WholeBook:
        """Return a copy that stays as it is. Linear in the levels known, some 2,000 to 10,000."""
        return WholeBook(self.u, self.T, self.low, self.high, *self.top(len(self)))

    def __len__(self) -> int:
        return len(self._bids.sizes) + len(self._asks.sizes)


class _Side:
    """Sizes by price, and the prices in ascending order."""

    __slots__ = ("prices", "sizes")

    def __init__(self, levels: Levels) -> None:
        self.sizes = dict(levels)
        self.prices = sorted(self.sizes)

    def change(self, levels: Levels) -> None:
        sizes, prices = self.sizes, self.prices
        for price, size in levels:
            if size:
                if price not in sizes:
                    insort(prices, price)
                sizes[price] = size
            elif sizes.pop(price, None) is not None:
                del prices[bisect_left(prices, price)]

    def drop_below(self, low: float) -> None:
        self._drop(slice(0, bisect_left(self.prices, low)))

    def drop_above(self, high: float) -> None:
        self._drop(slice(bisect_right(self.prices, high), None))

    def _drop(self, part: slice) -> None:
        for price in self.prices[part]:
            del self.sizes[price]
        del self.prices[part]

    def lowest(self, count: int) -> Levels:
        return [(price, self.sizes[price]) for price in self.prices[:count]]

    def highest(self, count: int) -> Levels:
        return [(price, self.sizes[price]) for price in self.prices[: -count - 1 : -1]]


class _Follower:
    """Rebuilds the book over the seconds that it is given in order, and checks it against each."""

    def __init__(self) -> None:
        self.book: Book | None = None  # None where the updates seen lead to none

    def apply(self, second: Row) -> Iterator[tuple[Update, Book]]:
        """Yield each update of a second with the book after it. Raises `WrongBook`."""
        if second.book is not None:
            self._begin(second.book, second.timestamp)
        for update in second.updates or ():
            if self.book is None or not self.book.apply(update):
                self.book = None
                return
            yield update, self.book
        if second.updates is None:
            self.book = None
        elif self.book is not None and second.status == "live":
            self._compare(self.book, second)

    def follow(self, second: Row) -> None:
        """Take a whole second."""
        for _ in self.apply(second):
            pass

    def lacks_book_of(self, second: Row) -> bool:
        """Whether a second's updates are known and no book that they lead on from."""
        if second.book is not None or second.updates is None:
            return False
        return self.book is None or self.misses(second)

    def misses(self, second: Row) -> bool:
        """Whether updates between the last second's and these were not sent."""
        if self.book is None or second.book is not None or not second.updates:
            return False
        return second.updates[0].pu != self.book.u

    def _begin(self, whole: WholeBook, timestamp: int) -> None:
        held = self.book
        if held is not None and held.u == whole.u:
            told = msgspec.structs.replace(whole, T=held.T)
            if held.whole() != told:
                raise WrongBook(
                    f"before the second {timestamp}, u {whole.u}, the updates give another book than was sent"
                )
        self.book = Book(whole)

    def _compare(self, book: Book, second: Row) -> None:
        if book.u != second.last_update_id:
            raise WrongBook(
                f"the second {second.timestamp} has u {second.last_update_id}, its updates end with {book.u}"
            )
        ours, theirs = book.top(), (second.bid_levels, second.ask_levels)
        for name, mine, told in zip(("bid", "ask"), ours, theirs, strict=True):
            if mine != told:
                odd = next((pair for pair in zip(mine, told or (), strict=False) if pair[0] != pair[1]), None)
                raise WrongBook(
                    f"in the second {second.timestamp}, u {book.u}, the updates give other {name} levels "
                    f"than the frame: {odd[0]} and not {odd[1]}"
                    if odd
                    else f"in the second {second.timestamp}, u {book.u}, one has fewer {name} levels"
                )


# --- seconds, joined: pure --------------------------------------------------------------------------------


class _Missed(Exception):
    """Something was not sent on this connection that the history of a new one may have."""


class _Timeline:
    """Makes one row of seconds of the messages of one connection after another.

    Each second comes once, in order. One that is in no message is told as `unknown`.
    """

    def __init__(self, *, history: bool = True) -> None:
        self._follower = _Follower()
        self._newest: int | None = None  # the second told last
        self._fresh = True
        self._wants_history = history

    def connected(self) -> None:
        """Note that the next message is the first of a connection, and so has all that the program knows."""
        self._fresh = True

    def receive(self, message: _Message) -> Iterator[Frame]:
        """Return the seconds that are new in a message, to be used up before the next one is taken.

        Raises `_Missed`, before anything is changed, where a new connection would tell more, and
        `ClockSetBack`; on the way `WrongBook`.
        """
        at, newest = message.timestamp, self._newest
        if newest is not None and newest - at > SET_BACK_MS:
            raise ClockSetBack(f"after the second {newest} came {at}: the program's clock was set back")
        rows: list[Row] = [row for row in message.history or () if row.timestamp < at]
        rows.append(message)
        if newest is None and not self._wants_history:
            newest = at - SECOND_MS
        elif newest is None:
            newest = rows[0].timestamp - SECOND_MS
        first = bisect_right(rows, newest, key=lambda row: row.timestamp)
        known, new = rows[:first], rows[first:]
        if new and not self._fresh and self._misses(newest, new[0]):
            raise _Missed
        self._fresh = False
        self._newest = max(newest, at)
        return self._told(message, newest, known, new)

    def _misses(self, newest: int, second: Row) -> bool:
        return second.timestamp > newest + SECOND_MS or self._follower.misses(second)

    def _told(self, message: _Message, newest: int, known: list[Row], new: list[Row]) -> Iterator[Frame]:
        follower = self._follower
        if new and new[0].timestamp == newest + SECOND_MS and follower.lacks_book_of(new[0]):
            new[0] = msgspec.structs.replace(new[0], book=_book_after(known))
        for row in new:
            for second in range(newest + SECOND_MS, row.timestamp, SECOND_MS):
                frame = _unknown(message, second)
                follower.follow(frame)
                yield frame
            newest = row.timestamp
            follower.follow(row)
            yield _frame(
                row, message.symbol, message.source, message.health if newest == message.timestamp else None
            )


def _book_after(rows: Iterable[Row]) -> WholeBook | None:
    """Return the book that seconds told before lead to."""
    follower = _Follower()
    for row in rows:
        follower.follow(row)
    return None if follower.book is None else follower.book.whole()


def _unknown(message: _Message, timestamp: int) -> Frame:
    return Frame(
        **dict.fromkeys(_OF_MARKET),
        timestamp=timestamp,
        status="unknown",
        reason="no frame of this second came, and the program no longer has it in its window",
        detections=[],
        symbol=message.symbol,
        source=message.source,
        health=None,
    )


# --- frames, as they come -----------------------------------------------------------------------------------


def frames(
    symbol: str,
    url: str = URL,
    *,
    updates: bool = False,
    ladders: bool = False,
    history: bool = True,
    give_up_after: float | None = None,
) -> "Frames":
    """Return the seconds of a symbol (any letter case), for ever: for use with `async for`.

    With `history` the program's window, up to 180 s, comes first. `updates` adds each second's depth events
    and trades, some 20 KB a second and 3.5 MB at the start, and rebuilds the book, under 1 ms a second;
    `ladders` adds grouped levels. Reconnects by itself; meanwhile nothing is yielded, and afterwards all that
    was missed. Without `give_up_after` (seconds without a frame, then `NobodyListens`) it tries for ever.
    Through a proxy of the environment, but not to this machine.
    """
    return Frames(
        _Batches(symbol, url, updates=updates, ladders=ladders, history=history, give_up_after=give_up_after)
    )


class Frames(AsyncIterator[Frame]):
    """The seconds of a symbol, see `frames`. A loop that is left ends the connection, and so does `aclose`.

    No generator: one that is left early is to be closed by the event loop, which may be ending itself.
    """

    def __init__(self, batches: "_Batches") -> None:
        self._batches = batches
        self._batch: Iterator[Frame] = iter(())

    async def __anext__(self) -> Frame:
        try:
            while True:
                for frame in self._batch:
                    return frame
                self._batch = await anext(self._batches)
        except Exception:
            await self.aclose()  # what was wrong does not get right by going on
            raise

    async def aclose(self) -> None:
        """End the connection; nothing comes any more."""
        self._batch = iter(())
        await self._batches.aclose()


class _Batches(AsyncIterator[Iterator[Frame]]):
    """For each message the seconds that are new in it."""

    def __init__(
        self,
        symbol: str,
        url: str,
        *,
        updates: bool,
        ladders: bool,
        history: bool,
        give_up_after: float | None,
    ) -> None:
        self._symbol, self._url = symbol, url
        self._address, self._proxy = _address(url, symbol, updates=updates, ladders=ladders)
        self._timeline = _Timeline(history=history)
        self._give_up_after = give_up_after
        self._outage: _Outage | None = None  # until the first is asked for
        self._socket: ClientConnection | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    async def __anext__(self) -> Iterator[Frame]:
        outage = self._outage
        if outage is None:
            self._outage = outage = _Outage(self._url, self._give_up_after)
        elif self._socket is not None:
            outage.over()  # who takes their time is no outage
        while not self._closed:
            try:
                socket = self._socket or await self._connect(outage)
                async with asyncio.timeout(outage.patience(SILENCE_S)):
                    data = await socket.recv(decode=False)
                batch = self._timeline.receive(_message(data, self._url))
            except _Missed:
                log.info("frames of %s were lost on the way: asking anew", self._symbol)
            except (OSError, WebSocketException) as error:
                refusal = _refusal_of(error, self._symbol, self._url)
                if refusal is not None:
                    raise refusal from error
                outage.note(error)
            else:
                outage.over()
                return batch
            await self._disconnect()
            await asyncio.sleep(outage.wait())
        raise StopAsyncIteration

    async def _connect(self, outage: "_Outage") -> ClientConnection:
        self._loop = asyncio.get_running_loop()
        self._socket = socket = await connect(
            self._address,
            proxy=self._proxy,
            max_size=None,
            open_timeout=outage.patience(OPEN_S),
            close_timeout=1,
            ping_interval=None,  # a frame comes each second; a busy notebook answers no ping
        )
        self._timeline.connected()
        return socket

    async def _disconnect(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close()

    async def aclose(self) -> None:
        self._closed = True
        await self._disconnect()

    def __del__(self) -> None:
        """End the connection of a loop that was left, from any thread; the event loop may have ended."""
        socket, loop = getattr(self, "_socket", None), getattr(self, "_loop", None)
        if socket is not None and loop is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(socket.transport.abort)


class _Outage:
    """How long nobody has answered, and when to try again."""

    def __init__(self, url: str, give_up_after: float | None) -> None:
        self._url, self._give_up_after = url, give_up_after
        self._since = self._up_since = monotonic()
        self._said = self._up = False
        self._tries = 0

    def patience(self, seconds: float) -> float:
        """Return how long to wait for something at most."""
        if self._give_up_after is None:
            return seconds
        return max(0.05, min(seconds, self._since + self._give_up_after - monotonic()))

    def over(self) -> None:
        """Note that a frame came."""
        now = monotonic()
        if not self._up:
            self._up, self._up_since = True, now
        if self._said:
            log.info("frames again from %s after %.0f s", self._url, now - self._since)
        self._since, self._said = now, False

    def note(self, error: Exception) -> None:
        """Take what went wrong. The first try in vain is said, the others are not."""
        gone = monotonic() - self._since
        if self._give_up_after is not None and gone >= self._give_up_after:
            raise NobodyListens(f"no frame from {self._url} for {gone:.0f} s: {_words(error)}") from error
        if not self._up and not self._said:
            log.warning(
                "nobody sends frames at %s (%s): trying until somebody does", self._url, _words(error)
            )
            self._said = True

    def wait(self) -> float:
        """Return the seconds until the next try."""
        if self._up and monotonic() - self._up_since >= STABLE_S:
            self._tries = 0
        self._up = False
        longest = min(LONGEST_S, SHORTEST_S * 2**self._tries)
        self._tries = min(self._tries + 1, 10)
        return self.patience(random.uniform(0, longest))  # noqa: S311


def _words(error: Exception) -> str:
    return "no answer" if isinstance(error, TimeoutError) else str(error) or type(error).__name__


def _address(url: str, symbol: str, *, updates: bool, ladders: bool) -> tuple[str, Literal[True] | None]:
    """Return the URL of a symbol's frames, and whether a proxy may be used."""
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise ValueError(f"url is {url!r}: it must be like {URL}")
    asked = [name for name, wanted in (("updates", updates), ("ladders", ladders)) if wanted]
    query = "?" + "&".join(f"{name}=1" for name in asked) if asked else ""
    local = parts.hostname == "localhost"
    with contextlib.suppress(ValueError):
        local = local or ip_address(parts.hostname).is_loopback
    return f"{url.rstrip('/')}/ws/{quote(symbol, safe='')}{query}", None if local else True


def _message(data: bytes | str, url: str) -> _Message:
    try:
        return _decode(data)
    except msgspec.DecodeError as error:
        raise NoFrame(f"{url} sent what is no frame as this client knows them: {error}") from error


def _refusal_of(error: Exception, symbol: str, url: str) -> ClientError | None:
    """Return what trying again would not mend."""
    if isinstance(error, ConnectionClosed) and error.rcvd is not None:
        if error.rcvd.code == 4404:
            return UnknownSymbol(f"{symbol}: {error.rcvd.reason}")
        if 4000 <= error.rcvd.code < 5000:
            return Refused(f"{url} closed with code {error.rcvd.code}: {error.rcvd.reason}")
    if isinstance(error, InvalidStatus) and error.response.status_code < 500:
        return Refused(f"{url} answers HTTP {error.response.status_code}: it sends this client no frames")
    return Refused(str(error)) if isinstance(error, InvalidURI) else None


# --- tables: pure but for the import ------------------------------------------------------------------------


_Kind = Literal["time", "float", "count", "id", "text", "flag"]
"""An id may be missing, a count and a flag not."""
_KINDS: Final[tuple[_Kind, ...]] = ("time", "float", "count", "id", "text", "flag")
_IN_PANDAS: Final = dict(zip(_KINDS, ("Int64", "float64", "int64", "Int64", "string", "bool"), strict=True))
_IN_POLARS: Final = dict(
    zip(_KINDS, ("Int64", "Float64", "Int64", "Int64", "String", "Boolean"), strict=True)
)
_IN_ARROW: Final = dict(zip(_KINDS[1:], ("float64", "int64", "int64", "string", "bool_"), strict=True))


class _Column(NamedTuple):
    kind: _Kind
    values: list[Any]


class Table:
    """Columns of equal length. `columns` has the names; the first is the time, the index in pandas."""

    def __init__(self, columns: dict[str, _Column]) -> None:
        self._columns = columns

    @property
    def columns(self) -> list[str]:
        """The names, the time's first."""
        return list(self._columns)

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())).values)

    def to_pandas(self) -> "pd.DataFrame":
        """Return a DataFrame on a UTC DatetimeIndex; NaN, NaT or <NA> where nothing is known."""
        pandas: Any = _package("pandas")
        made = {}
        for name, (kind, values) in self._columns.items():
            series = pandas.Series(values, dtype=_IN_PANDAS[kind])
            made[name] = pandas.to_datetime(series, unit="ms", utc=True) if kind == "time" else series
        return pandas.DataFrame(made).set_index(self.columns[0])

    def to_polars(self) -> "pl.DataFrame":
        """Return a DataFrame whose times are UTC, with null where nothing is known."""
        polars: Any = _package("polars")
        made = []
        for name, (kind, values) in self._columns.items():
            series = polars.Series(name, values, dtype=getattr(polars, _IN_POLARS[kind]))
            made.append(series.cast(polars.Datetime("ms", "UTC")) if kind == "time" else series)
        table: pl.DataFrame = polars.DataFrame(made)
        return table

    def to_arrow(self) -> "pa.Table":
        """Return a table whose times are UTC, with null where nothing is known."""
        arrow: Any = _package("pyarrow")
        time = arrow.timestamp("ms", tz="UTC")
        return arrow.table(
            {
                name: arrow.array(values, time if kind == "time" else getattr(arrow, _IN_ARROW[kind])())
                for name, (kind, values) in self._columns.items()
            }
        )


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingPackage(
            f"this table needs {name}, which is not installed: pip install {name}"
        ) from error


def _level_columns(sides: Sequence[tuple[Levels | None, Levels | None]]) -> dict[str, _Column]:
    """Return forty columns, `bid_px_1` to `ask_sz_10`."""
    columns = {}
    for number, side in enumerate(("bid", "ask")):
        for rank in range(TOP):
            for part, name in enumerate(("px", "sz")):
                values = [
                    levels[rank][part] if levels is not None and rank < len(levels) else None
                    for levels in (pair[number] for pair in sides)
                ]
                columns[f"{side}_{name}_{rank + 1}"] = _Column("float", values)
    return columns


_WORDS: Final = ("symbol", "source", "status", "reason")
_TIMES: Final = ("exchange_time", "unchanged_since")
_FIGURES: Final = (
    *("tick_size", "mid_price", "spread", "best_bid", "best_ask", "microprice", "depth_weighted_price"),
    *("imbalance", "queue_imbalance", "ofi", "ofi_best", "bid_slope", "ask_slope"),
    *("total_bid_volume", "total_ask_volume"),
)
_OF_TRADES: Final = ("buy_volume", "sell_volume", "vwap", "rpi_volume")


def _seconds_table(seconds: Sequence[Frame]) -> Table:
    columns = {"timestamp": _Column("time", [frame.timestamp for frame in seconds])}
    kinds: dict[str, _Kind] = {
        **dict.fromkeys(_WORDS, "text"),
        "last_update_id": "id",
        **dict.fromkeys(_TIMES, "time"),
        **dict.fromkeys(_FIGURES, "float"),
    }
    for name, kind in kinds.items():
        columns[name] = _Column(kind, [getattr(frame, name) for frame in seconds])
    trades = [frame.trades for frame in seconds]
    for name in _OF_TRADES:
        columns[name] = _Column("float", [None if one is None else getattr(one, name) for one in trades])
    columns["trade_count"] = _Column("id", [None if one is None else one.count for one in trades])
    known = [None if frame.status == "unknown" else len(frame.detections) for frame in seconds]
    columns["detections"] = _Column("id", known)
    for rank in range(TOP):
        flows = [None if frame.ofi_levels is None else frame.ofi_levels[rank] for frame in seconds]
        columns[f"ofi_{rank + 1}"] = _Column("float", flows)
    return Table(columns | _level_columns([(frame.bid_levels, frame.ask_levels) for frame in seconds]))


def _updates_table(seconds: Iterable[Row], first: int) -> Table:
    """Return the table of the updates in the seconds from `first` on; those before only lead to them."""
    follower, before = _Follower(), None
    times: list[int] = []
    ids: list[int] = []
    after_gap: list[bool] = []
    sides: list[tuple[Levels, Levels]] = []
    for second in seconds:
        for update, book in follower.apply(second):
            if second.timestamp < first or update.u == update.pu:  # what a snapshot added changes no top
                before = update.u
                continue
            times.append(update.T)
            ids.append(update.u)
            after_gap.append(before != update.pu)
            sides.append(book.top())
            before = update.u
    columns = {
        "time": _Column("time", times),
        "u": _Column("count", ids),
        "after_gap": _Column("flag", after_gap),
        "mid_price": _Column("float", [_mid(*side) for side in sides]),
        "best_bid": _Column("float", [bids[0][0] if bids else None for bids, _ in sides]),
        "best_ask": _Column("float", [asks[0][0] if asks else None for _, asks in sides]),
    }
    return Table(columns | _level_columns(sides))


def _mid(bids: Levels, asks: Levels) -> float | None:
    """Return the mid on the grid of half ticks, to the exchange's eight decimals and one more."""
    return round((bids[0][0] + asks[0][0]) / 2, 9) if bids and asks else None


def _trades_table(seconds: Iterable[Row]) -> Table:
    tape = [entry for second in seconds for entry in second.tape or ()]
    kinds: tuple[_Kind, ...] = ("time", "float", "float", "float", "text", "count")
    names = zip(TapeEntry._fields, kinds, strict=True)
    return Table({name: _Column(kind, [getattr(entry, name) for entry in tape]) for name, kind in names})


# --- a recorder, in a thread of its own ---------------------------------------------------------------------


class _Chunk(msgspec.Struct, frozen=True):
    """What a second has besides its frame."""

    updates: list[Update] | None
    book: WholeBook | None
    tape: list[TapeEntry] | None


_encode_chunk = msgspec.json.Encoder().encode
_decode_chunk = msgspec.json.Decoder(_Chunk).decode


class _Span(NamedTuple):
    """The updates that a second leads over."""

    first: int  # u before its first update, or of its book
    last: int  # u of its last update, or of its book


class _Kept(NamedTuple):
    """One second as it is kept: the frame without its large parts, and those compressed."""

    frame: Frame
    chunk: bytes
    span: _Span | None  # None where it has neither updates nor a book
    begins: bool  # whether it has a whole book

    def full(self) -> Frame:
        """Return the frame as it came."""
        chunk = _decode_chunk(zlib.decompress(self.chunk))
        return msgspec.structs.replace(self.frame, updates=chunk.updates, book=chunk.book, tape=chunk.tape)


def _kept(frame: Frame) -> _Kept:
    book, updates = frame.book, frame.updates
    chunk = zlib.compress(_encode_chunk(_Chunk(updates, book, frame.tape)), 1)
    span = None
    if book is not None or updates:
        ids = ([book.u] if book is not None else []) + ([updates[0].pu, updates[-1].u] if updates else [])
        span = _Span(ids[0], ids[-1])
    light = msgspec.structs.replace(frame, updates=None, book=None, tape=None)
    return _Kept(light, chunk, span, book is not None)


_NO_BOOK: Final = "no book was recorded: a Recorder has them with updates=True"


class Books:
    """The whole books that a recorder with `updates=True` can tell."""

    def __init__(self, seconds: Sequence[_Kept]) -> None:
        self._seconds = seconds

    @property
    def first(self) -> int:
        """The oldest update id whose book is known; raises `UnknownUpdate` without one."""
        for kept in self._seconds:
            if kept.begins and kept.span is not None:
                return kept.span.first
        raise UnknownUpdate(_NO_BOOK)

    @property
    def last(self) -> int:
        """The newest; raises `UnknownUpdate` without one."""
        for index in range(len(self._seconds) - 1, -1, -1):
            span = self._seconds[index].span
            if span is not None and self._rebuilt(index, span.last) is not None:
                return span.last
        raise UnknownUpdate(_NO_BOOK)

    def at(self, update_id: int) -> WholeBook:
        """Return every level known just after the update with this `u`, and the range that they are of.

        Raises `UnknownUpdate`. Applies the updates of at most 30 s: some 20 ms.
        """
        for index in range(len(self._seconds) - 1, -1, -1):
            span = self._seconds[index].span
            if span is not None and span.first <= update_id <= span.last:
                found = self._rebuilt(index, update_id)
                if found is not None:
                    return found
        if not any(kept.span is not None for kept in self._seconds):
            raise UnknownUpdate(_NO_BOOK)
        raise UnknownUpdate(f"no book after an update with u {update_id} was recorded")

    def _rebuilt(self, index: int, update_id: int) -> WholeBook | None:
        start = next((at for at in range(index, -1, -1) if self._seconds[at].begins), None)
        if start is None:
            return None
        follower, found = _Follower(), None
        for kept in self._seconds[start : index + 2]:  # a snapshot may have added levels in the second after
            second = kept.full()
            if second.book is not None and second.book.u == update_id:
                found = second.book
            for update, book in follower.apply(second):
                if update.u == update_id:
                    found = book.whole()
                elif found is not None:
                    return found
        return found


class Recorder:
    """Records the seconds of a symbol in a thread of its own, so that it works beside a notebook's own loop.

    Parameters as of `frames`. Keeps the newest `keep_seconds`: an hour of BTCUSDT takes some 30 MiB, with
    `updates` some 60. An error ends the recording and is raised, once, by whatever is called next and at the
    end of the `with` block; what was recorded before stays, and is right.
    """

    def __init__(
        self,
        symbol: str,
        url: str = URL,
        *,
        updates: bool = False,
        ladders: bool = False,
        history: bool = True,
        give_up_after: float | None = None,
        keep_seconds: int = WINDOW_S,
    ) -> None:
        _address(url, symbol, updates=updates, ladders=ladders)  # what cannot be is said here and now
        if keep_seconds < 1:
            raise ValueError(f"keep_seconds is {keep_seconds}: it must be at least 1")
        self._symbol, self._url, self._history, self._give_up_after = symbol, url, history, give_up_after
        self._updates, self._ladders = updates, ladders
        self._window = keep_seconds
        self._kept = deque[_Kept](maxlen=keep_seconds + (LEADING_S if updates else 0))
        self._newest: int | None = None  # the second that the newest message closed
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self._stopped = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "Recorder":
        self.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.stop()
        if kind is None:
            self._raise()

    def start(self) -> None:
        """Begin. For use without `with`, over several cells; `stop` ends it."""
        if self._thread is not None:
            raise RuntimeError("a recorder records once; make another")
        self._thread = threading.Thread(target=self._run, name=f"recorder of {self._symbol}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; what was recorded stays."""
        with self._changed:
            self._stopped = True
            if self._loop is not None and self._task is not None:
                with contextlib.suppress(RuntimeError):  # it has just ended by itself
                    self._loop.call_soon_threadsafe(self._task.cancel)
        if self._thread is not None:
            self._thread.join()

    def wait(self, seconds: float, *, timeout: float | None = None) -> None:
        """Block until so many more seconds are recorded, counted from the newest by now, or the first.

        Raises what ended the recording, and TimeoutError after `timeout` seconds.
        """
        until = None if timeout is None else monotonic() + timeout
        with self._changed:
            self._until(lambda: self._newest is not None, until)
            target = (self._newest or 0) + seconds * SECOND_MS
            self._until(lambda: (self._newest or 0) >= target, until)

    @property
    def frames(self) -> list[Frame]:
        """The seconds, oldest first; `updates`, `book` and `tape` are left out, for which see `replay`."""
        return [kept.frame for kept in self._read()[0]]

    def replay(self) -> Iterator[Frame]:
        """Yield the seconds as they came, oldest first, with all that was asked for."""
        return (kept.full() for kept in self._read()[0])

    @property
    def seconds(self) -> Table:
        """One row a second, at its end, `timestamp`.

        Every scalar of a frame and of its `trades`, how many `detections` there are, `ofi_1` to `ofi_10`, and
        `bid_px_1`, `bid_sz_1` to `ask_sz_10`.
        """
        return _seconds_table(self.frames)

    @property
    def updates(self) -> Table:
        """One row an update, ten a second, at the exchange's own `time`. With `updates=True`.

        `u`, `mid_price`, `best_bid`, `best_ask` and ten exact levels a side, named as in `seconds`;
        `after_gap` says that the update before is not known. Rebuilt on each use, about 1 ms a second.
        """
        kept, lead = self._read()
        first = kept[0].frame.timestamp if kept else 0
        return _updates_table((one.full() for one in (*lead, *kept)), first)

    @property
    def trades(self) -> Table:
        """One row an aggregate trade: `time`, `price`, `size`, `visible_size`, `side`, `id`; of the tape."""
        return _trades_table(self.replay())

    @property
    def book(self) -> Books:
        """The whole books of the updates recorded so far, as it is now."""
        kept, lead = self._read()
        return Books([*lead, *kept])

    # --- the thread's side --------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            asyncio.run(self._record())
        except asyncio.CancelledError:
            pass
        except BaseException as error:  # told in the thread that reads
            self._error = error
        with self._changed:
            self._loop = self._task = None
            self._changed.notify_all()

    async def _record(self) -> None:
        with self._changed:
            if self._stopped:
                return
            self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        batches = _Batches(
            self._symbol,
            self._url,
            updates=self._updates,
            ladders=self._ladders,
            history=self._history,
            give_up_after=self._give_up_after,
        )
        async with contextlib.aclosing(batches):
            async for batch in batches:
                newest = None
                for frame in batch:
                    kept = _kept(frame)
                    newest = frame.timestamp
                    with self._changed:
                        self._kept.append(kept)
                with self._changed:
                    self._newest = newest or self._newest
                    self._changed.notify_all()

    # --- the reader's side --------------------------------------------------------------------------------

    def _read(self) -> tuple[list[_Kept], list[_Kept]]:
        """Return the seconds of the window, and those before it that lead to its first book."""
        self._raise()
        with self._changed:
            kept = list(self._kept)
        return kept[-self._window :], kept[: -self._window]

    def _until(self, condition: Callable[[], bool], until: float | None) -> None:
        """Wait with the lock held, until a time by the steady clock at most."""
        while not condition():
            self._raise()
            if self._thread is None or not self._thread.is_alive():
                raise RuntimeError("nothing is being recorded")
            left = WAIT_S if until is None else until - monotonic()
            if left <= 0:
                raise TimeoutError("the seconds waited for did not come in time")
            self._changed.wait(min(WAIT_S, left))  # on Windows a long wait cannot be interrupted

    def _raise(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error
