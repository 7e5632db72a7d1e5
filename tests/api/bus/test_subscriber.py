"""The API's side of the bus: what it asks for, and when it stops."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from api.bus import subscriber
from api.bus.address import bus_address
from api.bus.bus_channel import GONE_AFTER_MS, BusChannel
from api.bus.connection import Bus
from api.bus.subjects import ANY, Kind, Subject
from api.bus.subscriber import BusSupply
from api.feed.messages import FeedEngine, FeedMessage, FeedProcess, decode_head, encode_feed
from api.newest_book import HeldBook
from api.processes import ProcessReader
from api.websocket_server import Api
from tests.api.serving import SOURCE, HandClock, Served, a_book, a_second, at, frame_of, latencies, until
from tests.nats_server import NatsServer, needs_nats

pytestmark = needs_nats


class Speaker:
    """Says on the bus what engines say."""

    def __init__(self, url: str) -> None:
        self.bus = Bus(bus_address(url), "engines", on_connected=lambda: None)

    async def say(self, engine: str, second: int, *, symbol: str = "BTCUSDT") -> None:
        """Tell a second, announce it, and tell a book."""
        told, process = a_second(at(second), symbol=symbol), ProcessReader("engine", symbol)
        said = FeedEngine(decode_head(told.frame), latencies(1.0), FeedProcess(process.read()))
        book = a_book(second, at(second))
        parts: list[tuple[Kind, FeedMessage]] = [(Kind.SECOND, told), (Kind.ENGINE, said), (Kind.BOOK, book)]
        for kind, message in parts:
            await self.bus.publish(str(Subject(SOURCE, symbol, kind, engine)), encode_feed(message))
        await self.bus.flush()


class Running:
    """An API on a bus, and who speaks there."""

    def __init__(self, url: str) -> None:
        self.clock = HandClock()
        self.supply = BusSupply(bus_address(url), SOURCE, self.clock)
        self.api = Api(["BTCUSDT"], SOURCE, supply=self.supply, clock=self.clock)
        self.served = Served(self.api, self.clock)
        self.speaker = Speaker(url)

    def channel(self, symbol: str = "BTCUSDT") -> BusChannel:
        """Return a channel."""
        found = self.api.channels[symbol]
        assert isinstance(found, BusChannel)
        return found

    def listens_to(self, kind: Kind, symbol: str = "BTCUSDT") -> bool:
        """Say whether the API is subscribed."""
        return str(Subject(SOURCE, symbol, kind, ANY)) in self.supply.bus._listening


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Running]:
    """Run a server, an API and a speaker."""
    async with NatsServer(folder) as server:
        both = Running(server.url)
        await both.served.start()
        speaking = asyncio.create_task(both.speaker.bus.run())
        try:
            await until(lambda: both.speaker.bus.connected and both.supply.bus.connected)
            await both.speaker.bus.make_stream()
            yield both
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)
            await both.served.stop()


async def test_only_what_is_asked_for_is_subscribed_and_let_go_a_while_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Announcements tell how the others are doing."""
    monkeypatch.setattr(subscriber, "LINGER", 0.0)
    async with running(tmp_path) as both:
        both.clock.set(1)
        await both.speaker.say("e1", 1)
        await until(lambda: both.channel().announced)
        assert not both.listens_to(Kind.SECOND)
        assert (await both.served.get("/health")).json()["symbols"]["BTCUSDT"]["status"] == "live"
        async with both.served.client("/ws/BTCUSDT") as client:
            first = await frame_of(client)
            assert (first["timestamp"], first["status"]) == (at(1), "live")
            await both.speaker.say("e1", 2)
            assert (await frame_of(client))["timestamp"] == at(2)
        await until(lambda: not both.listens_to(Kind.SECOND))
        assert both.channel().idle
        async with both.served.client("/ws/BTCUSDT") as client:
            again = [await frame_of(client) for _ in range(2)]
        assert [frame["timestamp"] for frame in again] == [at(1), at(2)]
        assert [row["timestamp"] for row in again[0]["history"]] == [at(1)]


async def test_symbols_that_engines_announce_are_served(tmp_path: Path) -> None:
    """Nobody had to name them."""
    async with running(tmp_path) as both:
        both.clock.set(1)
        await both.speaker.say("e1", 1, symbol="SOLUSDT")
        await until(lambda: "SOLUSDT" in both.api.channels)
        assert (await both.served.get("/symbols")).json()["symbols"] == ["BTCUSDT", "SOLUSDT"]
        async with both.served.client("/ws/solusdt") as client:
            assert (await frame_of(client))["symbol"] == "SOLUSDT"


async def test_an_order_waits_for_the_first_word_of_a_book(tmp_path: Path) -> None:
    """And another engine's answers where one's is not there."""
    async with running(tmp_path) as both:
        both.clock.set(1)
        await both.speaker.say("e1", 1)
        await until(lambda: both.channel().announced)
        asking = asyncio.create_task(both.served.get("/simulate?symbol=BTCUSDT&side=buy&size=1&depth=known"))
        await until(lambda: both.listens_to(Kind.BOOK))
        await both.speaker.bus.flush()
        await both.speaker.say("e1", 1)
        assert (await asking).status_code == 200
        both.clock.set(2)
        await both.speaker.say("e2", 2)
        await until(lambda: isinstance(both.channel().books.read(at(2), at(2)), HeldBook))


async def test_an_engine_that_announces_nothing_has_gone(tmp_path: Path) -> None:
    """Its process is shown no longer, and nothing of it is live."""
    async with running(tmp_path) as both:
        both.clock.set(1)
        await both.speaker.say("e1", 1)
        await until(lambda: both.channel().processes())
        both.clock.set(2 + GONE_AFTER_MS / 1000)
        both.supply.settle(at(5))
        assert both.channel().processes() == []
        assert not both.channel().connected


async def test_no_engine_is_heard_at_the_feed(tmp_path: Path) -> None:
    """Where there is a bus there is no secret that one could know."""
    async with running(tmp_path) as both:
        with pytest.raises(InvalidStatus) as refused:
            async with both.served.client("/feed/BTCUSDT"):
                pass
        assert b"--bus" in (refused.value.response.body or b"")


async def test_what_is_no_message_of_ours_is_passed_over(tmp_path: Path) -> None:
    """Whoever may publish may publish nonsense."""
    async with running(tmp_path) as both:
        both.clock.set(1)
        await both.speaker.say("e1", 1)
        await until(lambda: both.channel().announced)
        async with both.served.client("/ws/BTCUSDT") as client:
            await frame_of(client)
            for kind in Kind:
                for data in (b"", b"nonsense", encode_feed(a_second(at(2), symbol="ETHUSDT"))):
                    await both.speaker.bus.publish(str(Subject(SOURCE, "BTCUSDT", kind, "e9")), data)
            await both.speaker.say("e1", 2)
            frame = await frame_of(client)
            assert (frame["timestamp"], frame["symbol"]) == (at(2), "BTCUSDT")
