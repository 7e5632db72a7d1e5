"""The API's side of the feed: takes what engines say on connections that they opened."""

import asyncio
import logging
import secrets
from collections.abc import Mapping
from typing import Final

import msgspec
from fastapi import WebSocket, WebSocketDisconnect

from api.channel import Channel, ForeignFrame
from api.feed import handshake
from api.feed.messages import (
    FeedBook,
    FeedLatencies,
    FeedMessage,
    FeedProcess,
    FeedSecond,
    FeedState,
    decode_feed,
)
from api.sockets import GONE, close_quietly, refuse_handshake
from api.supply import PushedSupply
from api.websocket_protocol import trust
from data_ingestion.clock import Clock

log = logging.getLogger(__name__)

FEED_REFUSED: Final = 4401  # close code of a feed whose sender does not know the secret
SUPERSEDED: Final = 4409  # close code of a feed whose engine has connected again


class FeedReceiver(PushedSupply):
    """Takes the seconds and books of one engine a symbol."""

    def __init__(self, channels: Mapping[str, Channel], token: str, clock: Clock) -> None:
        if not token:
            raise ValueError("a feed without a secret would take everybody's word")
        self._channels = channels
        self._token = token
        self._clock = clock
        self._feeds: dict[str, WebSocket] = {}

    async def serve(self, socket: WebSocket, symbol: str) -> None:
        """Take the seconds of one engine. A newer connection of a symbol takes the place of an older."""
        channel = self._channels.get(symbol)
        if channel is None:
            why_not = f"unknown symbol; there are {', '.join(self._channels)}"
            await refuse_handshake(socket, why_not)
            return
        await socket.accept()
        if not await self._know_each_other(socket, symbol):
            log.warning("who wanted to deliver frames of %s does not know the feed's secret", symbol)
            await close_quietly(socket, FEED_REFUSED, "the feed's secret is another")
            return
        trust(socket)
        older = self._feeds.get(symbol)
        self._feeds[symbol] = socket
        if older is not None:
            await close_quietly(older, SUPERSEDED)
        channel.connected = True
        channel.book.connected()
        try:
            while self._feeds.get(symbol) is socket:
                self._on_feed(channel, decode_feed(await _receive_bytes(socket)))
        except WebSocketDisconnect:
            log.info("the engine of %s has gone", symbol)
        except (msgspec.DecodeError, UnicodeError, ForeignFrame) as error:
            log.warning("the engine of %s sent what is no feed message of ours: %s", symbol, error)
            await close_quietly(socket, 1008)
        finally:
            if self._feeds.get(symbol) is socket:
                del self._feeds[symbol]
                channel.connected, channel.process = False, None
                channel.book.disconnected()

    async def _know_each_other(self, socket: WebSocket, symbol: str) -> bool:
        """Shake hands with whoever wants to deliver; return whether it is an engine of ours."""
        challenge = handshake.Challenge(secrets.token_bytes(handshake.NONCE_BYTES))
        try:
            async with asyncio.timeout(handshake.PATIENCE):
                await socket.send_bytes(handshake.encode(challenge))
                said = handshake.decode(await _receive_bytes(socket))
                if not isinstance(said, handshake.Answer) or not handshake.is_engine(
                    self._token, symbol, challenge, said
                ):
                    return False
                shown = handshake.welcome(self._token, symbol, challenge, said)
                await socket.send_bytes(handshake.encode(shown))
        except (TimeoutError, *GONE):
            return False
        return True

    def _on_feed(self, channel: Channel, message: FeedMessage) -> None:
        if isinstance(message, FeedBook):
            channel.book.on_said(message, self._clock.steady_ms())
        elif isinstance(message, FeedLatencies):
            channel.latencies = message
        elif isinstance(message, FeedProcess):
            channel.process = message.report
        elif isinstance(message, FeedState):
            channel.restore(message)
            channel.heard_ms = self._clock.steady_ms()
        elif isinstance(message, FeedSecond) and channel.add(message):
            channel.arrived(self._clock.wall_ms(), self._clock.steady_ms())


async def _receive_bytes(socket: WebSocket) -> bytes:
    """Return the next binary message; a text is returned as bytes that are no feed message."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message["code"])
    data: bytes | None = message.get("bytes")
    return b"" if data is None else data
