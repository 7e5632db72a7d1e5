"""The whole covered book, rebuilt from one that was told and the updates that followed. Pure."""

import heapq
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

import msgspec

from api.feed.messages import FeedRow
from data_ingestion.messages import Levels
from state.updates import Update, WholeBook

NULL: Final = b"null"

_decode_updates = msgspec.json.Decoder(list[Update] | None).decode
_decode_book = msgspec.json.Decoder(WholeBook).decode
_encode = msgspec.json.Encoder().encode


class DoesNotFollow(ValueError):
    """An update that does not follow on the one before it."""

    def __init__(self, pu: int, u: int) -> None:
        super().__init__(f"an update follows on {pu}, and the book is at {u}")


class RebuiltBook:
    """A book of which a whole one was told, and what changed since."""

    __slots__ = ("_asks", "_bids", "_has_shrunk", "_high", "_low", "_time", "_whole", "u")

    def __init__(self, book: WholeBook) -> None:
        self._whole: WholeBook | None = book
        self._bids, self._asks = dict(book.bids), dict(book.asks)
        self._has_shrunk = False  # levels beyond the range may be held
        self.u, self._time, self._low, self._high = book.u, book.T, book.low, book.high

    def apply(self, update: Update) -> None:
        """Take the next update. O(changes), but where the range grows. Raises `DoesNotFollow`."""
        if update.pu != self.u:
            raise DoesNotFollow(update.pu, self.u)
        low = self._low if update.low is None else update.low
        high = self._high if update.high is None else update.high
        if low < self._low or high > self._high:
            self._drop_what_left()  # and may have changed since
        self._has_shrunk = self._has_shrunk or low > self._low or high < self._high
        for held, changes in ((self._bids, update.bids), (self._asks, update.asks)):
            for price, size in changes:
                if size:
                    held[price] = size
                else:
                    held.pop(price, None)
        self.u, self._time, self._low, self._high = update.u, update.T, low, high
        self._whole = None

    def top(self, count: int) -> tuple[Levels, Levels]:
        """Return the best bids and asks, best first. Linear in the levels."""
        self._drop_what_left()
        bids, asks = self._bids, self._asks
        best_bids, best_asks = heapq.nlargest(count, bids), heapq.nsmallest(count, asks)
        return [(price, bids[price]) for price in best_bids], [(price, asks[price]) for price in best_asks]

    def whole(self) -> WholeBook:
        """Return the book as it is now. O(n log n), constant time until the next update."""
        if self._whole is None:
            self._drop_what_left()
            bids, asks = _in_order(self._bids, highest_first=True), _in_order(self._asks, highest_first=False)
            self._whole = WholeBook(self.u, self._time, self._low, self._high, bids, asks)
        return self._whole

    def _drop_what_left(self) -> None:
        """Forget levels that the range has shrunk away from."""
        if not self._has_shrunk:
            return
        self._has_shrunk = False
        low, high = self._low, self._high
        self._bids = {price: size for price, size in self._bids.items() if price >= low}
        self._asks = {price: size for price, size in self._asks.items() if price <= high}


def _in_order(levels: dict[float, float], *, highest_first: bool) -> Levels:
    prices = sorted(levels, reverse=highest_first)  # sorting floats takes a third of what sorting pairs does
    return list(zip(prices, map(levels.__getitem__, prices), strict=True))


def decode_updates(text: bytes) -> list[Update] | None:
    """Return the updates of one row, or of news."""
    updates: list[Update] | None = _decode_updates(text)
    return updates


def decode_book(text: bytes) -> WholeBook:
    """Return a whole book that is there."""
    return _decode_book(text)


def within(book: WholeBook, low: float, high: float) -> WholeBook:
    """Return that part of `book` which lies in `[low, high]`. Constant time where that is all of it."""
    low, high = max(low, book.low), min(high, book.high)
    if (low, high) == (book.low, book.high):
        return book
    bids = book.bids[: bisect_right(book.bids, -low, key=lambda level: -level[0])]
    asks = book.asks[: bisect_right(book.asks, high, key=lambda level: level[0])]
    return WholeBook(book.u, book.T, low, high, bids, asks)


def book_after(rows: Sequence[FeedRow]) -> bytes:
    """Return, as JSON, the whole book after the newest of `rows`; null where they do not lead to one.

    O(n log n) in the levels, and linear in the updates since the newest whole book, half a minute's at most.
    """
    start = next((index for index in range(len(rows) - 1, -1, -1) if rows[index].book != NULL), None)
    if start is None:
        return NULL
    book = RebuiltBook(decode_book(rows[start].book))
    for row in rows[start:]:
        updates = decode_updates(row.updates)
        if updates is None:
            return NULL  # not live since: what came after began anew
        try:
            for update in updates:
                book.apply(update)
        except DoesNotFollow:
            return NULL  # seconds are missing, or replaced: the clock was set back
    return _encode(book.whole())
