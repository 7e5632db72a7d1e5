"""One symbol at an API that takes it from a bus: its engines, and what of theirs goes out. No I/O."""

import logging
from typing import Final

import msgspec

from api.bus.merger import Merger
from api.channel import Channel
from api.feed.messages import FeedEngine, FeedRow
from api.newest_books import NewestBooks
from api.processes import ProcessReport
from state.frames import Status

log = logging.getLogger(__name__)

GONE_AFTER_MS: Final = 3_000  # without an announcement an engine has gone


class _Engine(msgspec.Struct):
    """What an engine announced last."""

    said: FeedEngine
    steady_ms: float


def _worth(engine: _Engine) -> tuple[bool, int]:
    head = engine.said.head
    return head.status is Status.LIVE, head.timestamp


class BusChannel(Channel):
    """A channel that several engines may deliver to."""

    def __init__(self, symbol: str, source: str) -> None:
        super().__init__(symbol, source)
        self.books = NewestBooks()
        self.book = self.books
        self.idle = True
        self.engines: dict[str, _Engine] = {}
        self.merger = Merger()

    def rows(self) -> list[FeedRow]:
        """Return the window as it went out."""
        return list(self._rows)

    def processes(self) -> list[ProcessReport]:
        """Return what the engines that deliver say of their own processes."""
        return [engine.said.process.report for engine in self.engines.values()]

    def fill_in(self, timestamp: int, reason: str) -> None:
        """Send out a second that no engine delivered."""
        super().fill_in(timestamp, self.merger.trouble or reason)
        self.merger.was_filled_in(self.rows()[-1])

    def announce(self, name: str, said: FeedEngine, steady_ms: float) -> None:
        """Take what an engine says of itself."""
        self.engines[name] = _Engine(said, steady_ms)
        self.drop_gone(steady_ms)
        current = self.engines.get(self.merger.engine or "")
        shown = current or max(self.engines.values(), key=_worth)
        self.announced, self.latencies = shown.said.head, shown.said.latencies
        if self.idle:
            self.heard_ms = steady_ms

    def wait_for_engines(self, steady_ms: float) -> None:
        """Give those that were there a moment again: while the bus did not answer nobody could announce."""
        for engine in self.engines.values():
            engine.steady_ms = steady_ms

    def drop_gone(self, steady_ms: float) -> None:
        """Forget engines that announce nothing any more."""
        for name, engine in list(self.engines.items()):
            if steady_ms - engine.steady_ms > GONE_AFTER_MS:
                log.info("an engine of %s has gone", self.symbol)
                del self.engines[name]
                self.books.forget(name)

    def begin_idle(self) -> None:
        """Forget all that went out: nobody listens, and it will be read anew."""
        self.idle = True
        self.clear()
        self.books.disconnected()
        self.merger = Merger()
