"""The engine's side of the bus, against a real nats-server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from api.bus.address import bus_address
from api.bus.connection import Bus
from api.bus.publisher import WAITING_SECONDS, BusPublisher
from api.bus.subjects import ANY, Kind, Subject, subject_of
from api.feed.messages import FeedBook, FeedEngine, FeedSecond, decode_feed
from api.feed.voice import Voice
from api.processes import ProcessReader
from data_ingestion.clock import Clock
from data_ingestion.exchange_clock import ExchangeClock
from data_ingestion.pacing.latency import LatencyMeter
from tests.api.serving import T0, at, until
from tests.builders import SYMBOL
from tests.engine_rig import live
from tests.nats_server import NatsServer, needs_nats

pytestmark = needs_nats

SECONDS = str(Subject("simulated", SYMBOL, Kind.SECOND, ANY))


class Delivery:
    """A publisher at work, whose seconds a test closes, and who listens to it."""

    def __init__(self, url: str) -> None:
        rig = self.rig = live()
        clock = Clock(wall=lambda: T0 / 1000, steady=lambda: rig.now / 1000)
        voice = Voice(
            rig.engine,
            applied=LatencyMeter(),
            clock=clock,
            exchange_clock=ExchangeClock(clock),
            process=ProcessReader("engine", SYMBOL),
        )
        self.publisher = BusPublisher(voice, bus_address(url), "e1")
        self.listener = Bus(bus_address(url), "test", on_connected=lambda: None)
        self.seconds: list[FeedSecond] = []
        self.books: list[FeedBook] = []
        self.announced: list[FeedEngine] = []

    def hear(self, subject: str, data: bytes) -> None:
        """Take what is said."""
        name = subject_of(subject)
        assert name is not None
        if name.kind is Kind.WANTED:
            return
        said = decode_feed(data)
        if isinstance(said, FeedSecond):
            self.seconds.append(said)
        elif isinstance(said, FeedBook):
            self.books.append(said)
        elif isinstance(said, FeedEngine):
            self.announced.append(said)

    def close(self, *seconds: int) -> None:
        """Close these seconds, an event in each."""
        for second in seconds:
            self.rig.emit((True, 1, 1 + second % 3))
            self.publisher.close_second(at(second))

    def stamps(self) -> list[int]:
        """Return the seconds that were heard, by number."""
        return [(second.row.timestamp - T0) // 1000 for second in self.seconds]

    async def kept(self) -> list[int]:
        """Return the seconds that the stream keeps, by number."""
        found = [decode_feed(one.data) for one in await self.listener.kept(SECONDS)]
        return [(second.row.timestamp - T0) // 1000 for second in found if isinstance(second, FeedSecond)]


@contextlib.asynccontextmanager
async def delivering(server: NatsServer) -> AsyncIterator[Delivery]:
    """Run a publisher and a listener."""
    running = Delivery(server.url)
    await running.listener.listen(str(Subject("simulated", SYMBOL, ANY, ANY)), running.hear)  # type: ignore[arg-type]
    tasks = [asyncio.create_task(running.listener.run())]
    await until(lambda: running.listener.connected)
    tasks.append(asyncio.create_task(running.publisher.run()))
    await until(lambda: running.books)
    try:
        yield running
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_seconds_are_told_as_they_close_kept_and_announced(tmp_path: Path) -> None:
    """And the book between them, whole at first."""
    async with NatsServer(tmp_path) as server, delivering(server) as running:
        running.close(1, 2, 3)
        await until(lambda: len(running.seconds) >= 3 and len(running.announced) >= 3)
        assert running.stamps()[-3:] == [1, 2, 3]
        assert (await running.kept())[-3:] == [1, 2, 3]
        assert running.announced[-1].head.timestamp == at(3)
        assert running.announced[-1].process.report.role == "engine"
        assert running.books[0].news.book != b"null"
        await until(lambda: running.books[-1].news.book == b"null")


async def test_whoever_asks_for_a_whole_book_gets_one(tmp_path: Path) -> None:
    """But a crowd that asks all at once gets one."""
    async with NatsServer(tmp_path) as server, delivering(server) as running:
        await until(lambda: running.books[-1].news.book == b"null")
        told = len(running.books)
        for _ in range(20):
            await running.listener.publish(str(Subject("simulated", SYMBOL, Kind.WANTED, "api")), b"")
        await until(lambda: any(book.news.book != b"null" for book in running.books[told:]))
        await until(lambda: running.books[-1].news.book == b"null")
        assert sum(book.news.book != b"null" for book in running.books[told:]) == 1


async def test_what_a_new_server_lacks_is_told_again(tmp_path: Path) -> None:
    """All of the window, also what waited too long while nobody listened; only the newest with its frame."""
    async with NatsServer(tmp_path) as server, delivering(server) as running:
        running.close(1, 2)
        await until(lambda: running.stamps()[-2:] == [1, 2])
        await server.kill()
        await until(lambda: not running.listener.connected)
        seconds = range(3, 4 + WAITING_SECONDS)
        running.close(*seconds)
        running.seconds.clear()
        await server.start()
        await until(lambda: running.stamps()[-1:] == [seconds[-1]])
        assert (await running.kept())[-len(seconds) - 2 :] == [1, 2, *seconds]
        assert running.seconds[-1].frame
        assert not any(second.frame for second in running.seconds[:-1])
