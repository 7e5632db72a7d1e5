"""A connection to the bus that is made again for ever, and says in sentences what is wrong with it."""

import asyncio
import contextlib
import logging
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

from api.bus.address import BusAddress
from api.bus.credentials import option_of
from api.bus.subjects import KEPT_SUBJECTS, STREAM, STREAM_SECONDS

log = logging.getLogger(__name__)

ANSWER_TIMEOUT: Final = 2.0  # seconds for the server to answer
RETRY_EVERY: Final = 0.25  # seconds
PING_EVERY: Final = 1.0  # seconds; after two without an answer the connection is made anew
PING_KEPT: Final = 60.0  # seconds that an answer may come in, long after nobody waits for it
SAID_EVERY: Final = 60.0  # seconds between two words of the same trouble
MOST_WAITING: Final = 64 * 2**20  # bytes of one subscription that are not taken yet

_SENTENCES: Final = {
    "authorization": "refuses this user, password, token or file: check BUS and BUS_CREDENTIALS",
    "authentication": "refuses this user, password, token or file: check BUS and BUS_CREDENTIALS",
    "permissions": "does not allow this user all that the program needs: see docs/cluster.md",
    "no tls": "offers no TLS, which tls:// demands: it was told nothing",
    "empty response": "does not answer, trying on: is nats-server running there?",
    "eof": "does not answer, trying on: is nats-server running there?",
}
"""What is said of errors whose text has these words."""

Heard = Callable[[str, bytes], None]
"""Takes subject and data of a message."""


class Kept(NamedTuple):
    """A message that the stream keeps."""

    subject: str
    data: bytes


class BusLost(Exception):
    """The bus does not answer just now."""


class _CarefulClient(Client):
    """Says nothing to a server that offers no TLS where that is asked for.

    Who stands between could have taken the offer away, and the library goes on in the clear.
    """

    def __init__(self, *, tls: bool) -> None:
        super().__init__()
        self._tls = tls

    def _connect_command(self) -> bytes:
        if self._tls and not self._server_info.get("tls_required"):
            raise nats.errors.Error("nats: no TLS")
        return super()._connect_command()


class Bus:
    """Publishes and listens. `on_connected` is called with each new connection, `on_lost` when it is gone."""

    def __init__(
        self,
        address: BusAddress,
        name: str,
        *,
        on_connected: Callable[[], None],
        on_lost: Callable[[], None] = lambda: None,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = address
        self._proof = option_of(address.credentials)
        self._name = name
        self._on_connected = on_connected
        self._on_lost = on_lost
        self._steady = steady
        self._client: Client = _CarefulClient(tls=address.tls)
        self._closed = asyncio.Event()
        self._listening: dict[str, tuple[Heard, Any]] = {}  # and the subscription, once there is one
        self._subscribing = asyncio.Lock()
        self._said: dict[str, float] = {}

    @property
    def connected(self) -> bool:
        """Whether there is a connection just now."""
        return bool(self._client.is_connected)

    async def run(self) -> None:
        """Keep the connection until cancelled."""
        try:
            while True:
                self._client, self._closed = _CarefulClient(tls=self._address.tls), asyncio.Event()
                self._listening = {subject: (heard, None) for subject, (heard, _) in self._listening.items()}
                await self._connect(self._client)
                await self._ready()
                await self._closed.wait()  # by the server: it makes a new connection by itself otherwise
                self._on_lost()
                await asyncio.sleep(RETRY_EVERY)
        finally:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._client.close(), 1)

    async def publish(self, subject: str, data: bytes) -> None:
        """Send a message on its way. Raises `BusLost`; nothing waits for a connection that is not there."""
        if not self.connected:
            raise BusLost
        try:
            await self._client.publish(subject, data)
        except nats.errors.MaxPayloadError:
            self._say(
                f"a message of {len(data) / 2**20:.1f} MiB is more than the bus takes: "
                "raise max_payload of nats-server, or lower --book-levels"
            )
        except (nats.errors.Error, OSError) as error:
            raise BusLost from error
        _heed_cancellation()

    async def flush(self) -> None:
        """Wait until the server has all that was published. Raises `BusLost`."""
        try:
            await _answered(self._client)
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise BusLost from error
        finally:
            _heed_cancellation()

    async def listen(self, subject: str, heard: Heard) -> None:
        """Hear what is said at `subject` from now on, over all reconnects."""
        self._listening[subject] = heard, None
        if self.connected:
            await self._subscribe(subject)

    async def stop_listening(self, subject: str) -> None:
        """Hear no more of it."""
        _, subscription = self._listening.pop(subject, (None, None))
        if subscription is not None:
            with contextlib.suppress(nats.errors.Error, OSError):
                await subscription.unsubscribe()

    async def make_stream(self) -> None:
        """Have the server keep all seconds of the window, in memory. Raises `BusLost`."""
        config = StreamConfig(
            name=STREAM,
            subjects=[KEPT_SUBJECTS],
            storage=StorageType.MEMORY,
            retention=RetentionPolicy.LIMITS,
            discard=DiscardPolicy.OLD,
            max_age=float(STREAM_SECONDS),
            duplicate_window=float(STREAM_SECONDS) / 2,
        )
        await self._asked(lambda jetstream: jetstream.add_stream(config))

    async def newest(self, subject: str) -> Kept | None:
        """Return the newest message that is kept of a subject. Raises `BusLost`."""
        with contextlib.suppress(nats.js.errors.NotFoundError):
            found = await self._asked(lambda jetstream: jetstream.get_last_msg(STREAM, subject))
            return Kept(found.subject or "", found.data or b"")
        return None

    async def kept(self, subject: str) -> list[Kept]:
        """Return all that is kept of a subject, oldest first. Raises `BusLost`."""
        with contextlib.suppress(nats.js.errors.NotFoundError):
            found: list[Kept] = await self._asked(lambda jetstream: _read_all(jetstream, subject))
            return found
        return []

    async def _asked(self, question: Callable[[JetStreamContext], Awaitable[Any]]) -> Any:
        if not self.connected:
            raise BusLost
        try:
            answer = await question(self._client.jetstream(timeout=ANSWER_TIMEOUT))
        except nats.js.errors.NotFoundError:
            raise
        except (nats.errors.NoRespondersError, nats.js.errors.ServiceUnavailableError) as error:
            self._say("the bus keeps nothing for those who come later: start nats-server with -js")
            raise BusLost from error
        except nats.js.errors.APIError as error:
            self._say(f"the bus does not keep the stream {STREAM} as it should: {error.description}")
            raise BusLost from error
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise BusLost from error
        finally:
            _heed_cancellation()
        return answer

    async def _connect(self, client: Client) -> None:
        address = self._address
        named: dict[str, Any] = dict(self._proof)
        if address.password is not None:
            named |= {"user": address.user, "password": address.password}
        elif address.user is not None:
            named |= {"token": address.user}
        await client.connect(
            list(address.servers),
            name=self._name,
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnected,
            reconnected_cb=self._ready,
            closed_cb=self._on_closed,
            allow_reconnect=True,
            max_reconnect_attempts=-1,
            reconnect_time_wait=RETRY_EVERY,  # type: ignore[arg-type]  # it sleeps for it
            connect_timeout=ANSWER_TIMEOUT,  # type: ignore[arg-type]
            ping_interval=PING_EVERY,  # type: ignore[arg-type]
            max_outstanding_pings=2,
            **named,
        )

    async def _ready(self) -> None:
        for subject in list(self._listening):  # the library says again only what it was told while connected
            await self._subscribe(subject)
        log.info("connected to the bus at %s", self._address.shown)
        self._said.clear()
        self._on_connected()

    async def _on_disconnected(self) -> None:
        self._on_lost()

    async def _on_closed(self) -> None:
        self._closed.set()

    async def _on_error(self, error: Exception) -> None:
        self._say(self._sentence(error))

    def _sentence(self, error: Exception) -> str:
        text, where = str(error).lower(), f"the bus at {self._address.shown}"
        if isinstance(error, ssl.SSLError):
            return f"{where} has a certificate that is not trusted here: {error.reason or error}"
        if isinstance(error, nats.errors.SlowConsumerError):
            return "more came over the bus than could be taken: some of it is lost and read again"
        if isinstance(error, OSError | asyncio.TimeoutError):
            return f"{where} does not answer, trying on: is nats-server running there?"
        for part, sentence in _SENTENCES.items():
            if part in text:
                return f"{where} {sentence}"
        return f"{where}: {error or type(error).__name__}"

    def _say(self, sentence: str) -> None:
        now = self._steady()
        if now - self._said.get(sentence, float("-inf")) >= SAID_EVERY:
            self._said[sentence] = now
            log.warning("%s", sentence)

    async def _subscribe(self, subject: str) -> None:
        """Subscribe to what is listened to, unless that is done; without a connection the next one will."""
        async with self._subscribing:
            heard, subscription = self._listening.get(subject, (None, None))
            if heard is None or subscription is not None:
                return

            async def take(message: Msg, heard: Heard = heard) -> None:
                heard(message.subject, message.data)

            try:
                subscription = await self._client.subscribe(
                    subject, cb=take, pending_msgs_limit=0, pending_bytes_limit=MOST_WAITING
                )
                self._listening[subject] = heard, subscription
                await _answered(self._client)
            except (nats.errors.Error, OSError, TimeoutError) as error:
                log.debug("not subscribed to %s: %s", subject, error)
            finally:
                _heed_cancellation()


async def _answered(client: Client) -> None:
    """Wait until the server answers a ping sent now. Raises `TimeoutError` and the library's errors.

    The library reads no more once a ping is answered that was given up, so none is: it goes on unheard.
    """
    ping = asyncio.ensure_future(client.flush(PING_KEPT))  # type: ignore[arg-type]
    ping.add_done_callback(lambda done: done.cancelled() or done.exception())
    await asyncio.wait({ping}, timeout=ANSWER_TIMEOUT)
    if not ping.done():
        raise TimeoutError
    ping.result()


def _heed_cancellation() -> None:
    """Go on with a cancellation that the library swallowed: it does so while it writes to its socket."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _read_all(jetstream: JetStreamContext, subject: str) -> list[Kept]:
    found: list[Kept] = []
    subscription = await jetstream.subscribe(subject, stream=STREAM, ordered_consumer=True)
    try:
        info = await subscription.consumer_info()
        if not info.num_pending and not (info.delivered and info.delivered.consumer_seq):
            return found
        while True:
            message = await subscription.next_msg(timeout=ANSWER_TIMEOUT)
            found.append(Kept(message.subject, message.data))
            if not message.metadata.num_pending:
                return found
    finally:
        with contextlib.suppress(nats.errors.Error, OSError):
            await subscription.unsubscribe()
