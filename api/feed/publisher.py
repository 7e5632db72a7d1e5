"""The engine's side of the feed: tells the one API that it connects to each second, and the book between."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from api.feed import handshake
from api.feed.messages import FeedState, encode_feed
from api.feed.voice import Voice
from api.newest_book import SAY_BOOK_EVERY_MS
from data_ingestion.newest_queue import NewestQueue
from data_ingestion.pacing.backoff import Backoff
from data_ingestion.proxies import is_loopback
from state.frames import Frame

log = logging.getLogger(__name__)

WAITING_SECONDS: Final = 8
"""Seconds kept for an API that is slow; the oldest go first, and the next connection brings them all."""

TELL_AFTER: Final = 5
"""Failures in a row after which the log says so; an API that is only starting is no news."""


class NotTheApi(Exception):
    """Who listens where the API should is not the API, or knows another secret."""


class FeedPublisher:
    """Closes the engine's seconds and keeps the API told of them and of the book between them.

    The book is read at the moment at which it is sent, and the next one only after that: a slow API gets
    fewer books, never older ones.
    """

    def __init__(
        self,
        voice: Voice,
        url: str,
        token: str,
        *,
        backoff: Backoff,
        draw_nonce: Callable[[], bytes] = lambda: secrets.token_bytes(handshake.NONCE_BYTES),
    ) -> None:
        self._voice = voice
        self._engine = engine = voice.engine
        self._url = f"{url.rstrip('/')}/feed/{engine.symbol}"
        self._token = token
        self._draw_nonce = draw_nonce
        self._backoff = backoff
        self._clock = voice.clock
        self._queue: NewestQueue[bytes] = NewestQueue(WAITING_SECONDS)

    def close_second(self, timestamp: int) -> Frame:
        """Close the second that ends at `timestamp` (ms since the epoch) and queue it for the API."""
        frame, second = self._voice.close_second(timestamp)
        self._queue.put(encode_feed(second))
        if self._queue.drain_dropped():
            self._engine.resend_book()
        return frame

    async def run(self) -> None:
        """Deliver for as long as it runs; the API may come and go."""
        failures = 0
        while True:
            try:
                async with connect(
                    self._url,
                    compression=None,
                    open_timeout=5,
                    close_timeout=1,
                    proxy=None if is_loopback(self._url) else True,
                ) as connection:
                    await self._know_each_other(connection)
                    log.info("delivering to the API")
                    failures = 0
                    await self._deliver(connection)
            except (OSError, TimeoutError, WebSocketException, NotTheApi) as error:
                failures += 1
                if failures == TELL_AFTER:
                    refused = isinstance(error, InvalidStatus | NotTheApi)
                    hint = " (is FEED_TOKEN the same on both sides?)" if refused else ""
                    log.warning("the API does not take the feed, trying on: %s%s", error, hint)
            await asyncio.sleep(self._backoff.failed(self._clock.steady()))

    async def _know_each_other(self, connection: ClientConnection) -> None:
        """Shake hands; raises `NotTheApi` where the other side does not prove that it knows the secret."""
        symbol, nonce = self._engine.symbol, self._draw_nonce()
        async with asyncio.timeout(2 * handshake.PATIENCE):
            try:
                challenge = handshake.decode(await connection.recv())
                if not isinstance(challenge, handshake.Challenge):
                    raise NotTheApi("what listens there is no API of this program")
                answer = handshake.answer(self._token, symbol, challenge, nonce)
                await connection.send(handshake.encode(answer))
                shown = handshake.decode(await connection.recv())
            except ConnectionClosed as closed:
                raise NotTheApi(closed.rcvd.reason if closed.rcvd else "it hung up") from closed
        if not isinstance(shown, handshake.Welcome) or not handshake.is_api(
            self._token, symbol, challenge, answer, shown
        ):
            raise NotTheApi("what listens there does not know the feed's secret")

    async def _deliver(self, connection: ClientConnection) -> None:
        # No await between these two: a second is either in the state or in the queue, never in both.
        self._queue.clear()
        self._engine.restart_news()
        state = encode_feed(FeedState(self._engine.source, self._voice.rows(), self._voice.latest))
        await connection.send(state)
        while True:
            self._backoff.worked(self._clock.steady())
            await connection.send(encode_feed(self._voice.book()))
            second = await self._next_second()
            if second is not None:
                await connection.send(second)
                await connection.send(encode_feed(self._voice.latencies()))
                await connection.send(encode_feed(self._voice.process()))

    async def _next_second(self) -> bytes | None:
        """Return the next second, or None where the book is to be told first."""
        try:
            async with asyncio.timeout(SAY_BOOK_EVERY_MS / 1000):
                return await self._queue.get()
        except TimeoutError:
            return None
