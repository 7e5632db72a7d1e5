"""The engine's side of the bus: tells all that listen each second, and the book between."""

import asyncio
import logging
from typing import Final

import msgspec

from api.bus.address import BusAddress
from api.bus.connection import Bus, BusLost
from api.bus.subjects import ANY, Kind, Subject
from api.feed.messages import FeedEngine, FeedSecond, decode_feed, decode_head, encode_feed
from api.feed.voice import Voice
from api.newest_book import SAY_BOOK_EVERY_MS
from data_ingestion.newest_queue import NewestQueue
from state.frames import Frame

log = logging.getLogger(__name__)

WAITING_SECONDS: Final = 8
"""Seconds kept for a bus that is slow; the oldest go first, and are told again once there is a connection."""
TELL_WHOLE_EVERY: Final = 1.0
"""Seconds between two whole books told because somebody asked, at least."""
RETRY_EVERY: Final = 0.5  # seconds
AT_ONCE: Final = 20  # seconds told again before the server is waited for


class BusPublisher:
    """Closes the engine's seconds and tells them, each as it was encoded once.

    The stream of the bus keeps them for who comes later. After a connection was lost, or the server was begun
    anew and remembers nothing, it is told again what it lacks of the window.
    """

    def __init__(self, voice: Voice, address: BusAddress, name: str) -> None:
        engine = voice.engine
        self._voice = voice
        self._queue: NewestQueue[FeedSecond] = NewestQueue(WAITING_SECONDS)
        self._subjects = {kind: str(Subject(engine.source, engine.symbol, kind, name)) for kind in Kind}
        self._wanted = str(Subject(engine.source, engine.symbol, Kind.WANTED, ANY))
        self._connected = asyncio.Event()  # since the last connection began
        self._told_whole = float("-inf")
        self._bus = Bus(address, f"engine {engine.symbol}", on_connected=self._connected.set)

    def close_second(self, timestamp: int) -> Frame:
        """Close the second that ends at `timestamp` (ms since the epoch) and queue it for the bus."""
        frame, second = self._voice.close_second(timestamp)
        self._queue.put(second)
        if self._queue.drain_dropped():
            self._voice.engine.resend_book()
        return frame

    async def run(self) -> None:
        """Deliver for as long as it runs; the bus and who listens may come and go."""
        await self._bus.listen(self._wanted, self._on_wanted)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._bus.run())
            tasks.create_task(self._deliver_for_ever())

    async def _deliver_for_ever(self) -> None:
        while True:
            await self._connected.wait()
            self._connected.clear()
            try:
                await self._deliver()
            except BusLost:
                await asyncio.sleep(RETRY_EVERY)
                if self._bus.connected:  # it is slow, or keeps nothing: begin anew on the same connection
                    self._connected.set()

    async def _deliver(self) -> None:
        """Deliver until the connection is made anew."""
        await self._bus.make_stream()
        await self._tell_again()
        self._voice.engine.restart_news()
        self._voice.engine.resend_book()
        log.info("delivering to the bus")
        while not self._connected.is_set():
            await self._bus.publish(self._subjects[Kind.BOOK], encode_feed(self._voice.book()))
            second = await self._next_second()
            if second is not None:
                await self._tell(second)
            await self._bus.flush()  # so that no more than one round is on its way to a slow server

    async def _tell(self, second: FeedSecond) -> None:
        await self._bus.publish(self._subjects[Kind.SECOND], encode_feed(second))
        said = FeedEngine(decode_head(second.frame), self._voice.latencies(), self._voice.process())
        await self._bus.publish(self._subjects[Kind.ENGINE], encode_feed(said))

    async def _tell_again(self) -> None:
        """Tell what the stream lacks of the window: without their frames, which no longer are news."""
        subject = self._subjects[Kind.SECOND]
        kept = await self._bus.newest(subject)
        newest = _time_of(kept.data) if kept is not None else 0
        # No await between these two: a second is either in the rows or in the queue, never in both.
        rows, latest = self._voice.rows(), self._voice.latest
        self._queue.clear()
        missing = [row for row in rows if row.timestamp > newest]
        for number, row in enumerate(missing, 1):
            is_latest = latest is not None and latest.row.timestamp == row.timestamp
            second = latest if is_latest and latest is not None else FeedSecond(b"", row)
            await self._bus.publish(subject, encode_feed(second))
            if number % AT_ONCE == 0:
                await self._bus.flush()

    async def _next_second(self) -> FeedSecond | None:
        """Return the next second, or None where the book is to be told first."""
        try:
            async with asyncio.timeout(SAY_BOOK_EVERY_MS / 1000):
                return await self._queue.get()
        except TimeoutError:
            return None

    def _on_wanted(self, subject: str, data: bytes) -> None:
        del subject, data
        now = self._voice.clock.steady()
        if now - self._told_whole >= TELL_WHOLE_EVERY:
            self._told_whole = now
            self._voice.engine.restart_news()


def _time_of(data: bytes) -> int:
    """Return the time stamp of a second that the stream keeps; 0 where it is none."""
    try:
        message = decode_feed(data)
    except (msgspec.DecodeError, UnicodeError):
        return 0
    return message.row.timestamp if isinstance(message, FeedSecond) else 0
