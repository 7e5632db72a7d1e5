"""One symbol that somebody asks for: its window, and each second and book from then on."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

import msgspec

from api.bus.bus_channel import BusChannel
from api.bus.connection import Bus, BusLost, Kept
from api.bus.merger import WINDOW_MS, is_second
from api.bus.subjects import ANY, Kind, Subject, subject_of
from api.channel import ForeignFrame
from api.feed.messages import FeedBook, FeedMessage, FeedSecond, FeedState, decode_feed
from data_ingestion.clock import Clock

log = logging.getLogger(__name__)

RETRY_EVERY: Final = 0.1  # seconds between tries to read the window
LOAD_PATIENCE: Final = 1.0  # seconds
SETTLED: Final = 0.5  # seconds until what engines tell again after a new connection is in the stream
SECOND_MS: Final = 1_000

Heard = tuple[str, FeedSecond]
"""An engine and its second."""


def decoded(data: bytes) -> FeedMessage | None:
    """Return what an engine said; None where it is none of our messages."""
    try:
        message: FeedMessage = decode_feed(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return message


class Followed:
    """Listens to all engines of a symbol. What comes while the window is read waits until it is there."""

    def __init__(self, channel: BusChannel, bus: Bus, clock: Clock, one_at_a_time: asyncio.Lock) -> None:
        self.channel = channel
        self.has_book = asyncio.Event()
        self._bus = bus
        self._clock = clock
        self._one_at_a_time = one_at_a_time
        self._waiting: list[Heard] | None = []  # None while seconds go out as they come
        self._newest: dict[str, int] = {}  # by engine, its newest second
        self._foreign: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loading: asyncio.Task[None] | None = None
        self._ending: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Subscribe, and read the window; until it is there, or will not be soon, nothing goes out."""
        self._start(self._listen())

    def keep(self) -> None:
        """Note that somebody asks for it."""
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None

    def end_after(self, seconds: float, then: Callable[[], None]) -> None:
        """Have `then` called after so many seconds, unless somebody asks again."""
        self.keep()
        self._ending = asyncio.get_running_loop().call_later(seconds, then)

    def end(self) -> None:
        """Listen no more, and forget."""
        self.cancel()
        self.channel.begin_idle()
        self._start(self._stop())

    def cancel(self) -> None:
        """End all that is under way."""
        self.keep()
        for task in self._tasks:
            task.cancel()

    def load(self, after: float = 0.0) -> None:
        """Read the window anew: something may have been missed."""
        if self._loading is None or self._loading.done():
            self._loading = self._start(self._load(after))

    def settle(self, timestamp: int) -> None:
        """Let another engine's second go out, if this one is missing."""
        if self._waiting is None:
            self._go_out(self.channel.merger.settle(timestamp))

    # --- tasks ----------------------------------------------------------------------------------------

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _subject(self, kind: Kind, speaker: str = ANY) -> str:
        return str(Subject(self.channel.source, self.channel.symbol, kind, speaker))

    async def _listen(self) -> None:
        await self._bus.listen(self._subject(Kind.BOOK), self._on_book)
        await self._bus.listen(self._subject(Kind.SECOND), self._on_second)
        self.load()

    async def _stop(self) -> None:
        await self._bus.stop_listening(self._subject(Kind.BOOK))
        await self._bus.stop_listening(self._subject(Kind.SECOND))

    async def _load(self, after: float) -> None:
        """Read the window until nothing is missing between it and what came meanwhile."""
        await asyncio.sleep(after)
        self._waiting = self._waiting or []
        with contextlib.suppress(BusLost):
            await self._bus.publish(self._subject(Kind.WANTED, "api"), b"")
        kept: list[Kept] = []
        with contextlib.suppress(TimeoutError, BusLost):  # live seconds wait no longer for older ones
            async with asyncio.timeout(LOAD_PATIENCE):
                while not self._bus.connected:  # noqa: ASYNC110 - it tells only that it is
                    await asyncio.sleep(RETRY_EVERY)
                kept = await self._bus.kept(self._subject(Kind.SECOND))
                while _has_hole(kept, self._waiting or []):
                    await asyncio.sleep(RETRY_EVERY)
                    kept = await self._bus.kept(self._subject(Kind.SECOND))
        async with self._one_at_a_time:  # many at once must not hold up the seconds of the others
            await asyncio.sleep(0)
            self._take_window([one for subject, data in kept if (one := _heard(subject, data)) is not None])

    def _take_window(self, heard: list[Heard]) -> None:
        channel, waiting = self.channel, self._waiting or []
        self._waiting, channel.idle = None, False
        since = self._clock.wall_ms() - WINDOW_MS
        known = sorted(
            (one for one in (*heard, *waiting) if one[1].row.timestamp > since),
            key=lambda one: (one[1].row.timestamp, not one[1].frame),
        )
        newest = max((second.row.timestamp for _, second in known), default=0)
        # Of the newest second not all engines may have told yet: it goes out as those that come live do.
        went_out = channel.rows()
        until = max(newest, went_out[-1].timestamp + 1 if went_out else 0)
        older = [one for one in known if one[1].row.timestamp < until]
        seconds = channel.merger.window(went_out, older)
        latest = seconds[-1] if seconds and seconds[-1].frame else None
        with contextlib.suppress(ForeignFrame):
            channel.restore(FeedState(channel.source, [second.row for second in seconds], latest))
        for engine, second in known:
            self._newest[engine] = max(second.row.timestamp, self._newest.get(engine, 0))
        for engine, second in known:
            if second.row.timestamp >= until:
                self._offer(engine, second)

    # --- what engines say -----------------------------------------------------------------------------

    def _on_second(self, subject: str, data: bytes) -> None:
        said = _heard(subject, data)
        if said is None:
            self._tell_foreign(subject)
            return
        engine, second = said
        if self._waiting is not None:
            self._waiting.append(said)
            return
        newest = self._newest.get(engine)
        self._newest[engine] = second.row.timestamp
        if not second.frame:  # told again after the connection was lost: it fills holes of the window
            self.load(SETTLED)
            return
        if newest is not None and second.row.timestamp > newest + SECOND_MS:
            self._waiting = [said]
            self.load()
            return
        self._offer(engine, second)

    def _offer(self, engine: str, second: FeedSecond) -> None:
        self._go_out(self.channel.merger.offer(engine, second))

    def _go_out(self, second: FeedSecond | None) -> None:
        if second is None:
            return
        try:
            went_out = self.channel.add(second)
        except (ForeignFrame, msgspec.DecodeError):
            self._tell_foreign(str(self.channel.merger.engine))
            return
        if went_out:
            self.channel.arrived(self._clock.wall_ms(), self._clock.steady_ms())

    def _tell_foreign(self, speaker: str) -> None:
        if speaker not in self._foreign:
            self._foreign.add(speaker)
            log.warning("%s said what is no second of ours: is it of another version?", speaker)

    def _on_book(self, subject: str, data: bytes) -> None:
        said, name = decoded(data), subject_of(subject)
        if name is not None and isinstance(said, FeedBook):
            self.channel.books.on_said_by(name.speaker, said, self._clock.steady_ms())
            self.has_book.set()


def _heard(subject: str, data: bytes) -> Heard | None:
    name, said = subject_of(subject), decoded(data)
    if name is None or not isinstance(said, FeedSecond) or not is_second(said):
        return None
    return name.speaker, said


def _has_hole(kept: list[Kept], since: list[Heard]) -> bool:
    """Say whether seconds of an engine are missing between what is kept and what came since."""
    newest = dict(kept)  # of each subject the last
    ends = {one[0]: one[1].row.timestamp for one in map(_heard, newest, newest.values()) if one is not None}
    begins: dict[str, int] = {}
    for engine, second in since:
        begins.setdefault(engine, second.row.timestamp)
    return any(at > ends[engine] + SECOND_MS for engine, at in begins.items() if engine in ends)
