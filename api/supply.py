"""Where the API's channels get their seconds and books from: the feed, or a bus."""

import contextlib
from collections.abc import AsyncIterator, MutableMapping
from typing import Protocol

from api.channel import Channel

Channels = MutableMapping[str, Channel]
"""By symbol."""


class Supply(Protocol):
    """Hands what engines say to channels. What is not asked for need not come."""

    def channel_of(self, symbol: str, source: str) -> Channel:
        """Return a new channel that this can supply."""

    def attach(self, channels: Channels) -> None:
        """Supply these channels from now on, and add those of symbols that come to be known."""

    async def run(self) -> None:
        """Keep the channels supplied until cancelled."""

    def following(self, symbol: str) -> contextlib.AbstractAsyncContextManager[None]:
        """Have a symbol's seconds come for as long as it is used."""

    async def want_book(self, symbol: str) -> None:
        """Have a symbol's newest book come for a while; return when it is there, or will not be soon."""

    def settle(self, timestamp: int) -> None:
        """Hear that the second that ended at `timestamp` should have come by now."""


class PushedSupply:
    """What comes by itself, asked for or not."""

    def channel_of(self, symbol: str, source: str) -> Channel:
        """Return a new channel."""
        return Channel(symbol, source)

    def attach(self, channels: Channels) -> None:
        """Do nothing: whoever pushes knows them."""

    async def run(self) -> None:
        """Do nothing: engines connect to the API."""

    @contextlib.asynccontextmanager
    async def following(self, symbol: str) -> AsyncIterator[None]:
        """Do nothing."""
        del symbol
        yield

    async def want_book(self, symbol: str) -> None:
        """Do nothing."""

    def settle(self, timestamp: int) -> None:
        """Do nothing: there is one engine a symbol, and nobody else to take the second from."""
