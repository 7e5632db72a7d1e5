"""What one stream brings, on its way to the book: the connection's listener and the queue behind it."""

import logging
from typing import Final, Generic, TypeVar

from data_ingestion.causes import cause_of
from data_ingestion.errors import ExchangeError, MalformedMessage
from data_ingestion.messages import AggTrade, DepthUpdate
from data_ingestion.newest_queue import NewestQueue
from data_ingestion.quiet_log import QuietLog
from data_ingestion.resources import Resources
from data_ingestion.sink import MarketDataSink, Stream, StreamState

log = logging.getLogger(__name__)

MALFORMED_LOG_INTERVAL: Final = 10.0  # seconds

M = TypeVar("M", AggTrade, DepthUpdate)
Arrival = tuple[M, float, float]
"""A message with its times of arrival by the exchange's and by the steady clock, ms."""


class Inbox(Generic[M]):
    """One stream's `StreamListener`: tells the sink of the connection, queues the messages."""

    def __init__(
        self,
        stream: Stream,
        sink: MarketDataSink,
        queue_size: int,
        resources: Resources,
    ) -> None:
        self.queue: NewestQueue[Arrival[M]] = NewestQueue(queue_size)
        self._stream = stream
        self._sink = sink
        self._budget = resources.budget
        self._clock = resources.clock
        self._exchange_clock = resources.exchange_clock
        self.heard = False  # whether anything has come on this connection
        self._since = 0.0  # steady seconds, of the last sign of life
        self._malformed = 0
        self._malformed_logged = float("-inf")
        self._quiet_log = QuietLog(log, resources.clock)

    def connecting(self) -> None:
        """Tell that a connection is being made."""
        log.debug("%s stream: connecting", self._stream.value)
        self._sink.on_stream(self._stream, StreamState.CONNECTING, self._clock.steady_ms())

    def quiet(self, now: float) -> float:
        """Return the seconds since the last message, or since the connection was made."""
        return now - self._since

    def on_confirmed(self) -> None:
        """Note that the stream is known to be well although it is silent."""
        self._since = self._clock.steady()

    def opened(self) -> None:
        """Tell that the connection stands."""
        log.debug("%s stream: connected", self._stream.value)
        self.heard, self._since = False, self._clock.steady()
        self._sink.on_stream(self._stream, StreamState.OPEN, self._clock.steady_ms())

    def received(self, message: M) -> None:
        """Queue a message with its times of arrival."""
        wall_ms = self._exchange_clock.arrival_ms(message.event_time)
        if not self.heard:
            log.debug("%s stream: the first message is %s", self._stream.value, ids_of(message))
        self.heard, self._since = True, self._clock.steady()
        self.queue.put((message, wall_ms, self._clock.steady_ms()))

    def malformed(self, error: MalformedMessage) -> None:
        """Count what could not be read, and log it once in a while."""
        self._sink.on_malformed(self._stream)
        self._malformed += 1
        now = self._clock.steady()
        if now - self._malformed_logged >= MALFORMED_LOG_INTERVAL:
            log.warning(
                "%d on the %s stream so far, the last one: %s", self._malformed, self._stream.value, error
            )
            self._malformed_logged = now

    def lost(self, error: ExchangeError) -> None:
        """Tell that the connection is gone; what it left behind is thrown away."""
        self._budget.obey(self._clock.steady(), error)  # the exchange counts by address
        self.queue.clear()  # what a broken connection left behind must not meet the next one's book
        self._sink.on_stream(
            self._stream, StreamState.DOWN, self._clock.steady_ms(), str(error), cause_of(error)
        )
        self._quiet_log.write(logging.WARNING, str(error))


def ids_of(message: AggTrade | DepthUpdate) -> str:
    """Return the ids by which a message follows another."""
    if isinstance(message, AggTrade):
        return f"a {message.trade_id}"
    return f"U {message.first_update_id}, u {message.final_update_id}, pu {message.previous_final_update_id}"
