"""Whether a small snapshot confirms a book of which the stream has said nothing for a while. Pure.

A quiet market is not a lost stream, and an open connection proves nothing. So the exchange itself is
asked: its best levels, at a tenth of a snapshot's weight.
"""

import enum
from collections.abc import Callable
from typing import Final

import msgspec

from data_ingestion.messages import Snapshot
from data_ingestion.sink import SnapshotRequest
from orderbook.book_state import BookState
from orderbook.retry_timer import RetryTimer
from orderbook.synchronizer import LocalBook

ON_ITS_WAY_MS: Final = 400
"""For so long an event may still come that a small snapshot knew of already."""


class Agreement(enum.Enum):
    """What a small snapshot says of a book."""

    CONFIRMED = "confirmed"  # it is as of the snapshot's own time
    OUTDATED = "outdated"  # the snapshot is older than the book, and says nothing
    DISAGREES = "disagrees"  # something has happened of which the stream has not told, yet or at all


class ConfirmedRange(msgspec.Struct, frozen=True):
    """The prices that a small snapshot confirmed; of levels beyond them it says nothing."""

    low: float
    high: float


def agreement(book: BookState, last_update_id: int, snapshot: Snapshot) -> Agreement:
    """Compare `snapshot` with `book`, which is true as of `last_update_id`. O(levels of both).

    The exchange's ids move on for what its depth does not show, so levels that all agree confirm as well as
    an equal id.
    """
    if snapshot.last_update_id < last_update_id:
        return Agreement.OUTDATED
    if snapshot.last_update_id == last_update_id:
        return Agreement.CONFIRMED
    bids, asks = book.levels()
    same = bool(snapshot.bids and snapshot.asks)
    for held, said in ((bids, snapshot.bids), (asks, snapshot.asks)):
        same = same and held[: len(said)] == said
    return Agreement.CONFIRMED if same else Agreement.DISAGREES


def confirmed_range(snapshot: Snapshot) -> ConfirmedRange:
    """Return the prices from the lowest bid to the highest ask of `snapshot`, which has both."""
    return ConfirmedRange(snapshot.bids[-1][0], snapshot.asks[-1][0])


class Confirmation:
    """Has a quiet book confirmed: `request` is the question, `confirmed` what was since the last event."""

    __slots__ = ("_disagreed_at", "_disagrees", "_retry", "confirmed", "request")

    def __init__(self) -> None:
        self.request: SnapshotRequest | None = None
        self.confirmed: ConfirmedRange | None = None
        self._retry = RetryTimer()  # after small snapshots that say nothing
        self._disagrees = False  # one shows another book, and no event has come since
        self._disagreed_at: float | None = None

    def reset(self) -> None:
        """Note an event, or the book's end: what was confirmed is of the past. Constant time."""
        self.request = self.confirmed = self._disagreed_at = None
        self._disagrees = False

    def watch(self, now: float, *, is_quiet: bool, new_request: Callable[[], SnapshotRequest]) -> bool:
        """Ask if the book `is_quiet`; return whether the stream has failed. Constant time; ms.

        It has where the exchange showed another book, and no event came for it.
        """
        if self._disagrees:
            if self._disagreed_at is None:
                self._disagreed_at = now
            if now - self._disagreed_at <= ON_ITS_WAY_MS:
                return False
            self._disagrees, self._disagreed_at = False, None
            return True
        if is_quiet and self.request is None and self._retry.is_due(now):
            self.request = new_request()
        return False

    def answer(self, book: LocalBook, snapshot: Snapshot, now: float, *, is_newer: bool) -> bool:
        """Compare the answer to `request` with `book`; return whether it confirms it. O(levels of the book).

        `is_newer` tells whether it was made after the last event. One that disagrees may have overtaken an
        event on its way.
        """
        self.request = None
        said = agreement(book.state, book.last_update_id, snapshot)
        if said is Agreement.DISAGREES and is_newer:
            self._disagrees = True
            return False
        if said is not Agreement.CONFIRMED or not is_newer:
            self._retry.on_failure(now)
            return False
        self._retry.on_success()
        self.confirmed = confirmed_range(snapshot)
        return True
