"""What an engine has to say, encoded once, whoever it is told to: its seconds, and its book between them."""

from typing import Protocol

from api.feed.book_report import book_report
from api.feed.messages import (
    ExactBook,
    FeedBook,
    FeedLatencies,
    FeedProcess,
    FeedRow,
    FeedSecond,
    feed_row,
    feed_second,
)
from api.processes import ProcessReader
from data_ingestion.clock import Clock
from data_ingestion.exchange_clock import ExchangeClock
from data_ingestion.pacing.latency import LatencyMeter
from state.engine import Engine
from state.frames import Frame
from state.updates import EncodedNews


class Publisher(Protocol):
    """Tells an engine's seconds and book to one API, or to all that listen."""

    def close_second(self, timestamp: int) -> Frame:
        """Close the second that ends at `timestamp` (ms since the epoch) and see to it that it is told."""

    async def run(self) -> None:
        """Deliver for as long as it runs; who listens may come and go."""


class Voice:
    """Closes the seconds of one engine and reads its book. `applied` is what the ingestor counts."""

    def __init__(
        self,
        engine: Engine,
        *,
        applied: LatencyMeter,
        clock: Clock,
        exchange_clock: ExchangeClock,
        process: ProcessReader,
    ) -> None:
        self.engine = engine
        self.clock = clock
        self.latest: FeedSecond | None = None
        self._exchange_clock = exchange_clock
        self._process = process
        self._applied, self._encoded = applied, LatencyMeter()

    def close_second(self, timestamp: int) -> tuple[Frame, FeedSecond]:
        """Close the second that ends at `timestamp`, ms since the epoch."""
        exchange_clock = self._exchange_clock
        frame, row = self.engine.close_second(
            timestamp, self.clock.steady_ms(), exchange_clock.offset(), exchange_clock.now_ms()
        )
        second = self.latest = feed_second(frame, row)
        if frame.exchange_time is not None:
            self._encoded.add(exchange_clock.now_ms() - frame.exchange_time)
        return frame, second

    def rows(self) -> list[FeedRow]:
        """Return the rolling window, oldest first. Linear in it."""
        return [feed_row(row) for row in self.engine.window]

    def book(self) -> FeedBook:
        """Return the book as it is at this instant."""
        offset = self._exchange_clock.offset()
        report = book_report(
            self.engine,
            self.clock.steady_ms(),
            self._exchange_clock.now_ms(),
            0.0 if offset is None else offset.uncertainty_ms,
        )
        news = self.engine.drain_news() if isinstance(report, ExactBook) else EncodedNews()
        return FeedBook(self.clock.wall_ms(), report, news)

    def latencies(self) -> FeedLatencies:
        """Return how far behind the exchange the engine was, since it began."""
        return FeedLatencies(self._applied.read(), self._encoded.read())

    def process(self) -> FeedProcess:
        """Return how this process is."""
        return FeedProcess(self._process.read())
