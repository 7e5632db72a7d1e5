"""The API's side of the bus: subscribes to the symbols that its clients ask for, and merges their engines."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Final

from api.bus.address import BusAddress
from api.bus.bus_channel import BusChannel
from api.bus.connection import Bus
from api.bus.followed import Followed, decoded
from api.bus.subjects import ANY, Kind, Subject, subject_of
from api.channel import NOT_RUNNING, Channel
from api.feed.messages import FeedEngine
from api.supply import Channels
from data_ingestion.clock import Clock

log = logging.getLogger(__name__)

LINGER: Final = 30.0  # seconds for which a symbol is followed after the last who asked for it has gone
BOOK_PATIENCE: Final = 1.0  # seconds that an order waits for the first word of a book
NO_BUS: Final = "the bus between engines and API does not answer"


class BusSupply:
    """Supplies channels from the bus, those that somebody asks for. `wall_ms` of both sides must agree.

    Symbols that engines announce become channels, beside those that were named.
    """

    def __init__(self, address: BusAddress, source: str, clock: Clock) -> None:
        self._channels: Channels = {}
        self._source = source
        self._clock = clock
        self._asking: dict[str, int] = {}
        self._followed: dict[str, Followed] = {}
        self._loads = asyncio.Lock()
        self.bus = Bus(
            address, "api", on_connected=self._on_connected, on_lost=self._on_lost, steady=clock.steady
        )

    def channel_of(self, symbol: str, source: str) -> Channel:
        """Return a new channel that this supplies."""
        channel = BusChannel(symbol, source)
        channel.absence = NO_BUS
        return channel

    def attach(self, channels: Channels) -> None:
        """Supply these channels, and add to them what engines announce."""
        self._channels = channels

    async def run(self) -> None:
        """Keep the channels supplied until cancelled."""
        await self.bus.listen(str(Subject(self._source, ANY, Kind.ENGINE, ANY)), self._on_engine)
        try:
            await self.bus.run()
        finally:
            for followed in self._followed.values():
                followed.cancel()

    @contextlib.asynccontextmanager
    async def following(self, symbol: str) -> AsyncIterator[None]:
        """Have a symbol's seconds come for as long as it is used, and for `LINGER` after."""
        self._asking[symbol] = self._asking.get(symbol, 0) + 1
        self._follow(symbol)
        try:
            yield
        finally:
            self._asking[symbol] -= 1
            if not self._asking[symbol]:
                self._let_go_later(symbol)

    async def want_book(self, symbol: str) -> None:
        """Follow a symbol for a while, and wait a moment for the first word of its book."""
        if not self._asking.get(symbol):
            self._follow(symbol)
            self._let_go_later(symbol)
        followed = self._followed.get(symbol)
        if followed is not None and not followed.channel.books.heard:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(followed.has_book.wait(), BOOK_PATIENCE)

    def settle(self, timestamp: int) -> None:
        """Take the second of another engine where the one that is followed is missing."""
        now = self._clock.steady_ms()
        for channel in list(self._channels.values()):
            if isinstance(channel, BusChannel):
                if self.bus.connected:
                    channel.drop_gone(now)
                channel.connected = self.bus.connected and bool(channel.engines)
        for followed in self._followed.values():
            followed.settle(timestamp)

    # --- what is followed -----------------------------------------------------------------------------

    def _follow(self, symbol: str) -> None:
        followed = self._followed.get(symbol)
        if followed is None:
            channel = self._channels.get(symbol)
            if not isinstance(channel, BusChannel):
                return
            followed = self._followed[symbol] = Followed(channel, self.bus, self._clock, self._loads)
            followed.begin()
        followed.keep()

    def _let_go_later(self, symbol: str) -> None:
        followed = self._followed.get(symbol)
        if followed is not None:
            followed.end_after(LINGER, lambda: self._let_go(symbol))

    def _let_go(self, symbol: str) -> None:
        followed = self._followed.get(symbol)
        if followed is not None and not self._asking.get(symbol):
            del self._followed[symbol]
            followed.end()

    # --- what the bus says ----------------------------------------------------------------------------

    def _on_connected(self) -> None:
        now = self._clock.steady_ms()
        for channel in self._channels.values():
            channel.absence = NOT_RUNNING
            if isinstance(channel, BusChannel):
                channel.wait_for_engines(now)
                channel.connected = bool(channel.engines)
        for followed in self._followed.values():
            followed.load()

    def _on_lost(self) -> None:
        for channel in self._channels.values():
            channel.connected, channel.absence = False, NO_BUS

    def _on_engine(self, subject: str, data: bytes) -> None:
        said, name = decoded(data), subject_of(subject)
        if name is None or not isinstance(said, FeedEngine) or said.head.symbol != name.symbol:
            return
        channel = self._channels.get(name.symbol)
        if channel is None:
            log.info("an engine of %s is there", name.symbol)
            channel = self._channels[name.symbol] = self.channel_of(name.symbol, self._source)
            channel.absence = NOT_RUNNING
        if isinstance(channel, BusChannel):
            channel.announce(name.speaker, said, self._clock.steady_ms())
            channel.connected = self.bus.connected
