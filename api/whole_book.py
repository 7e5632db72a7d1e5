"""The whole covered book at the end of some rows of updates, for a client that begins there. Pure."""

from collections.abc import Sequence
from typing import Final

import msgspec

from api.feed import FeedRow
from state.updates import Update, WholeBook

NULL: Final = b"null"

_decode_updates = msgspec.json.Decoder(list[Update] | None).decode
_decode_book = msgspec.json.Decoder(WholeBook).decode
_encode = msgspec.json.Encoder().encode


def book_after(rows: Sequence[FeedRow]) -> bytes:
    """Return, as JSON, the whole book after the newest of `rows`; null where they do not lead to one.

    O(n log n) in the levels, and linear in the updates since the newest whole book, half a minute's at most.
    """
    start = next((index for index in range(len(rows) - 1, -1, -1) if rows[index].book != NULL), None)
    if start is None:
        return NULL
    book = _decode_book(rows[start].book)
    bids, asks = dict(book.bids), dict(book.asks)
    u, time, low, high = book.u, book.T, book.low, book.high
    for row in rows[start:]:
        updates = _decode_updates(row.updates)
        if updates is None:
            return NULL  # dark since: what came after began anew
        for update in updates:
            for held, changes in ((bids, update.bids), (asks, update.asks)):
                for price, size in changes:
                    if size:
                        held[price] = size
                    else:
                        held.pop(price, None)
            u, time = update.u, update.T
            low = low if update.low is None else update.low
            high = high if update.high is None else update.high
    inside_bids = sorted((level for level in bids.items() if level[0] >= low), reverse=True)
    inside_asks = sorted(level for level in asks.items() if level[0] <= high)
    return _encode(WholeBook(u, time, low, high, inside_bids, inside_asks))
