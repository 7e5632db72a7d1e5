"""Whether a small snapshot confirms a book of which the stream has said nothing for a while. Pure.

A quiet market is not a lost stream, and an open connection proves nothing. So the exchange itself is
asked: its best levels, at a tenth of a snapshot's weight.
"""

import enum

import msgspec

from data_ingestion.messages import Snapshot
from orderbook.book_state import BookState


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
    """Hold `snapshot` against `book`, which is true as of `last_update_id`. O(levels of both).

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
