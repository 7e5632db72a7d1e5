"""One market-data stream, kept open: connects, decodes, watches for silence, reconnects."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from data_ingestion.clock import Clock
from data_ingestion.errors import (
    ExchangeError,
    HttpRefusal,
    MalformedMessage,
    StreamSilent,
    Unreachable,
    is_ban,
    least_ban,
    names_wait,
    retry_after,
)
from data_ingestion.pacing.backoff import Backoff, BanBackoff
from data_ingestion.proxies import is_loopback
from data_ingestion.rest import retry_after_seconds

log = logging.getLogger(__name__)

OPEN_TIMEOUT: Final = 5.0
CLOSE_TIMEOUT: Final = 1.0  # a peer that has gone answers no closing handshake
MAX_MESSAGE_BYTES: Final = 4 * 2**20
_CONNECT_ERRORS: Final = (OSError, WebSocketException, ValueError, LookupError, ImportError)
"""What a connection attempt raises: a ValueError where an address, a redirect or a proxy makes no sense, a
LookupError for a redirect to two places, an ImportError for a SOCKS proxy without the package for it."""

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class StreamListener(Protocol[T_contra]):
    """Hears what happens on one stream. Called on the event loop; must not block."""

    def connecting(self) -> None:
        """Hear that a connection is being made."""

    def opened(self) -> None:
        """Hear that the connection stands."""

    def received(self, message: T_contra) -> None:
        """Hear a message."""

    def malformed(self, error: MalformedMessage) -> None:
        """Hear of a message that could not be read."""

    def lost(self, error: ExchangeError) -> None:
        """Hear that the connection ended or could not be made."""


class StreamClient(Generic[T]):
    """Keeps the stream at `url` open for as long as `run` runs.

    A connection on which no readable message arrives for `silence` seconds is given up: an open, silent
    connection is the commonest failure of all, and raises no error by itself.
    """

    def __init__(
        self,
        name: str,
        url: str,
        decode: Callable[[bytes | str], T],
        listener: StreamListener[T],
        *,
        silence: float,
        backoff: Backoff,
        clock: Clock,
    ) -> None:
        self._name = name
        self._url = url
        self._decode = decode
        self._listener = listener
        self._silence = silence
        self._backoff = backoff
        self._clock = clock
        self._ban = BanBackoff()
        self._watchdog: asyncio.Timeout | None = None  # while it is connected
        self._failure: ExchangeError | None = None
        self._connection: ClientConnection | None = None

    def on_confirmed(self) -> None:
        """Note that the stream is known to be well although it is silent: its silence counts from now."""
        if self._watchdog is not None:
            self._watchdog.reschedule(asyncio.get_running_loop().time() + self._silence)

    def fail(self, error: ExchangeError) -> None:
        """Give up the connection at once, for the stream is known to have failed, and make another."""
        if self._connection is not None:
            self._failure = error
            self._connection.transport.abort()  # no closing handshake with what may be gone

    async def run(self) -> None:
        """Connect, listen, and connect again, until cancelled."""
        while True:
            self._listener.connecting()
            try:
                await self._connect_and_listen()
            except ExchangeError as error:
                delay = max(self._backoff.failed(self._clock.steady()), self._wait_asked_for(error))
                self._listener.lost(error)
                await asyncio.sleep(delay)

    def _wait_asked_for(self, error: ExchangeError) -> float:
        if is_ban(error) and not names_wait(error):
            return self._ban.banned(least_ban(error))
        return retry_after(error)

    async def _connect_and_listen(self) -> None:
        """Raise the `ExchangeError` that ended the connection."""
        connection = self._connection = await self._connect()
        since = self._clock.steady()
        try:
            async with connection:
                self._ban.over()
                self._listener.opened()
                await self._listen(connection)
        except ConnectionClosed as error:
            if self._failure is not None:
                raise self._failure from None
            lasted = self._clock.steady() - since
            raise Unreachable(f"{self._name} stream closed", str(error), lasted) from error
        except (OSError, WebSocketException) as error:
            lasted, words = self._clock.steady() - since, str(error) or type(error).__name__
            raise Unreachable(f"{self._name} stream broken", words, lasted) from error
        finally:
            self._connection = self._failure = None

    async def _connect(self) -> ClientConnection:
        try:
            return await connect(
                self._url,
                open_timeout=OPEN_TIMEOUT,
                close_timeout=CLOSE_TIMEOUT,
                max_size=MAX_MESSAGE_BYTES,
                compression=None,
                proxy=None if is_loopback(self._url) else True,
            )
        except InvalidStatus as error:
            response = error.response
            date = next(iter(response.headers.get_all("Date")), "")
            wait = retry_after_seconds(response.headers.get_all("Retry-After"), date)
            raise HttpRefusal(f"{self._name} stream refused", response.status_code, wait) from error
        except _CONNECT_ERRORS as error:
            raise Unreachable(
                f"{self._name} stream not reachable", str(error) or type(error).__name__
            ) from error

    async def _listen(self, connection: ClientConnection) -> None:
        clock, listener, decode = asyncio.get_running_loop().time, self._listener, self._decode
        silence = self._silence
        try:
            async with asyncio.timeout(silence) as watchdog:
                self._watchdog = watchdog
                while True:
                    data = await connection.recv()
                    try:
                        message = decode(data)
                    except MalformedMessage as error:
                        listener.malformed(error)
                        continue
                    watchdog.reschedule(clock() + silence)
                    self._backoff.worked(self._clock.steady())
                    listener.received(message)
        except TimeoutError:
            # No closing handshake with a peer that may be gone.
            connection.transport.abort()
            raise StreamSilent(self._name, silence) from None
        finally:
            self._watchdog = None
