"""From a snapshot and the diffs around it to a book that is true, by Binance's steps."""

import enum
from collections import deque
from typing import Final

from data_ingestion.messages import DepthUpdate, Snapshot
from orderbook.book_state import TOP_LEVELS, BookState
from orderbook.findings import Corrupt, Gap
from orderbook.sequence_validator import SequenceValidator, Verdict

__all__ = [
    "Corrupt",
    "LocalBook",
    "Outcome",
    "Progress",
    "Synchronizer",
    "too_few",
]

BUFFERED_EVENTS: Final = 10_000
"""Most events kept while waiting for a snapshot; the oldest go first. At 10 a second, 16 minutes."""
OUTDATED_EVENTS: Final = 600
"""Most events in a row that may be older than the snapshot, before another is asked for: a minute's."""


Outcome = Verdict | Gap | Corrupt


class LocalBook:
    """A book and its place in the sequence of events. `state` is true as of `last_update_id`."""

    __slots__ = ("state", "validator")

    def __init__(self, snapshot: Snapshot, *, book_levels: int) -> None:
        self.state = BookState(snapshot, book_levels=book_levels)
        self.validator = SequenceValidator(snapshot.last_update_id)

    @property
    def last_update_id(self) -> int:
        """The id up to which the book is true."""
        return self.validator.last_update_id

    def apply(self, event: DepthUpdate) -> Outcome:
        """Judge `event` and apply it if it is next. After `Gap` or `Corrupt` the book is not to be used."""
        verdict = self.validator.check(event)
        if verdict is Verdict.APPLY:
            self.state.apply(event)
            reason = self.state.corruption()
            if reason is not None:
                return Corrupt(reason)
        return verdict


def too_few(bids: int, asks: int) -> str:
    """Say that the exchange's own book has too few levels on a side to be shown."""
    short = [f"{count} {side}" for side, count in (("bids", bids), ("asks", asks)) if count < TOP_LEVELS]
    return f"the exchange's book has {' and '.join(short)}; ten are needed"


class Progress(enum.Enum):
    """What a synchronisation waits for."""

    NEEDS_SNAPSHOT = "needs a snapshot"
    NEEDS_EVENT = "needs the event that spans the snapshot"
    DONE = "done"


class Synchronizer:
    """Buffers diffs until a snapshot fits them, then carries on from both.

    `why_rejected` says what was wrong with the last snapshot or event. `exchange_book_unusable` adds that
    it was the exchange's own book, so that another snapshot will hardly do better just now. When `progress`
    is `DONE`, `book` is true as of the last event added, and `changed_bids` and `changed_asks` are the
    prices set since the snapshot.
    """

    __slots__ = (
        "_book_levels",
        "_events",
        "_outdated",
        "book",
        "changed_asks",
        "changed_bids",
        "exchange_book_unusable",
        "progress",
        "why_rejected",
    )

    def __init__(self, *, book_levels: int) -> None:
        self._book_levels = book_levels
        self._events: deque[DepthUpdate] = deque(maxlen=BUFFERED_EVENTS)  # consecutive ones
        self._outdated = 0
        self.book: LocalBook | None = None
        self.progress = Progress.NEEDS_SNAPSHOT
        self.changed_bids: set[float] = set()
        self.changed_asks: set[float] = set()
        self.why_rejected = ""
        self.exchange_book_unusable = False

    def __len__(self) -> int:
        """Return the number of events buffered."""
        return len(self._events)

    def add(self, event: DepthUpdate) -> Progress:
        """Take the next event of the stream."""
        if self.book is None:
            events = self._events
            if events and event.previous_final_update_id != events[-1].final_update_id:
                events.clear()  # no snapshot can lead across the hole, nor across a change of the counter
            events.append(event)
            return self.progress
        self._follow(self.book, [event])
        if self.progress is Progress.NEEDS_EVENT:
            self._outdated += 1
            if self._outdated >= OUTDATED_EVENTS:
                self._reject("the snapshot is far ahead of the stream", [event])
        return self.progress

    def offer(self, snapshot: Snapshot) -> Progress:
        """Take a snapshot; one that does not fit the events leaves all that can still be of use."""
        self.why_rejected, self.exchange_book_unusable = "", False
        self._outdated = 0
        if not snapshot.bids or not snapshot.asks:
            self.why_rejected, self.exchange_book_unusable = (
                too_few(len(snapshot.bids), len(snapshot.asks)),
                True,
            )
            self.progress, self.book = Progress.NEEDS_SNAPSHOT, None
            return self.progress
        events = list(self._events)
        self.book = LocalBook(snapshot, book_levels=self._book_levels)
        self.progress = Progress.NEEDS_EVENT
        self.changed_bids.clear()
        self.changed_asks.clear()
        self._events.clear()
        self._follow(self.book, events)
        return self.progress

    def _follow(self, book: LocalBook, events: list[DepthUpdate]) -> None:
        for index, event in enumerate(events):
            outcome = book.apply(event)
            if outcome is Verdict.APPLY:
                self.progress = Progress.DONE
                self.changed_bids.update(price for price, _ in event.bids)
                self.changed_asks.update(price for price, _ in event.asks)
            elif outcome is not Verdict.OUTDATED:
                too_old = outcome is Verdict.SNAPSHOT_TOO_OLD
                why_rejected = "the snapshot is older than the first event" if too_old else str(outcome)
                self.exchange_book_unusable = isinstance(outcome, Corrupt)
                self._reject(why_rejected, events[index:])
                return

    def _reject(self, why_rejected: str, events: list[DepthUpdate]) -> None:
        self.why_rejected = why_rejected
        self.progress = Progress.NEEDS_SNAPSHOT
        self.book = None
        self._events.extend(events)
