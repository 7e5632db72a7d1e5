"""All that a book knows, second by second: the depth events applied, at times the whole book.

Starting at any `book` and applying the `updates` that follow gives, at each `u`, every level between `low`
and `high` exactly. Pure.

An update is told in the exchange's own digits: turning floats into text would take longer than all else that
is done with them. Its quotes go once a second, from all updates at a time.
"""

from collections import deque
from itertools import compress
from typing import Final

import msgspec

from data_ingestion.messages import AggTrade, DepthUpdate, Levels
from orderbook.findings import Changes, LeftOut
from orderbook.synchronizer import LocalBook
from state.chunks import Chunk, EncodedChunk, EncodedNews, TapeEntry, Update, WholeBook, encoded

__all__ = [
    "BOOK_EVERY_MS", "MOST_TRADES", "MOST_UNTOLD", "Chunk", "EncodedChunk", "EncodedNews", "Recorder",
    "TapeEntry", "Update", "WholeBook", "encoded", "whole_book",
]  # fmt: skip

BOOK_EVERY_MS: Final = 30_000
"""Between two whole books, at most: who joins needs no more updates than of so long."""
MOST_TRADES: Final = 20_000  # of one second's tape, the newest
MOST_UNTOLD: Final = 600  # updates kept for who hears between the seconds; then a whole book takes less


_MARK: Final = b"\1"  # stands for a quote of ours among the exchange's own, which are to go
_QUOTES: Final = bytes.maketrans(_MARK, b'"')
_BIDS_TO_ASKS: Final = b',"asks":'.replace(b'"', _MARK)
_PIECES: Final = 5  # that an update is put together of, see `_note`

_encode = msgspec.json.Encoder().encode


def whole_book(book: LocalBook, exchange_time: int) -> WholeBook:
    """Return every level that `book` covers. O(n log n)."""
    state = book.state
    bids, asks = state.levels()
    return WholeBook(book.last_update_id, exchange_time, state.low, state.high, bids, asks)


class Recorder:
    """Collects one second's chunk after another, encoded as it comes.

    Between the seconds it gives the news to one listener, who hears the whole book whenever what it was told
    does not lead to the present one, and as often as chunks have one.
    """

    def __init__(self) -> None:
        self._updates: list[bytes] = []  # in pieces of JSON, see `_note`
        self._base: WholeBook | None = None  # before the first of the updates
        self._tape = deque[AggTrade](maxlen=MOST_TRADES)
        self.add_trade = self._tape.append
        """Take a trade that arrived."""
        self._range = (0.0, 0.0)
        self._last = 0
        self._told_at: int | None = None  # second whose chunk had the last whole book
        self._untold: list[bytes] | None = None  # of seconds before; None where news begin anew
        self._heard = 0  # pieces of this second's updates that the listener knows

    def begin(self, book: LocalBook, exchange_time: int) -> None:
        """Begin anew with a book that was not there before: what came before does not lead to it."""
        self._updates, self._untold = [], None
        self._base = whole_book(book, exchange_time)
        self._range, self._last = (book.state.low, book.state.high), book.last_update_id

    def lose(self) -> None:
        """Note that the book is lost."""
        self._updates, self._untold = [], None
        self._base = self._told_at = None

    def resend_book(self) -> None:
        """Send the whole book again with one of the next two seconds: one was lost on its way."""
        self._told_at = None

    def add(self, book: LocalBook, event: DepthUpdate) -> None:
        """Take an event that was the last one applied to `book`. O(changes)."""
        state, bids, asks = book.state, event.bids_quoted, event.asks_quoted
        covered = low, high = state.low, state.high
        if bids and asks and covered == self._range:
            bids_out, asks_out = state.left_out()
            if bids_out[0]:
                bids = _bids_inside(event.bids, bids, bids_out, low)
            if asks_out[0]:
                asks = _asks_inside(event.asks, asks, asks_out, high)
        else:  # what was left out was judged by another range
            bids = _bids_from(low, event.bids, bids)
            asks = _asks_up_to(high, event.asks, asks)
        self._note(event.final_update_id, event.transaction_time, bids, asks, covered)

    def grow(self, book: LocalBook, exchange_time: int, bids: Levels, asks: Levels) -> None:
        """Take levels that a snapshot added to the range that was known."""
        covered = book.state.low, book.state.high
        self._note(book.last_update_id, exchange_time, _encode(bids), _encode(asks), covered)

    def _note(self, u: int, time: int, bids: bytes, asks: bytes, covered: tuple[float, float]) -> None:
        end = b"}"
        if covered != self._range:
            end = self._edges(covered) + end
            self._range = covered
        head = b",{\1u\1:%d,\1pu\1:%d,\1T\1:%d,\1bids\1:" % (u, self._last, time)
        self._updates += (head, bids, _BIDS_TO_ASKS, asks, end)
        self._last = u

    def _edges(self, covered: tuple[float, float]) -> bytes:
        """Return those ends of the covered range that are others than they were, as JSON to go on with."""
        named = zip(("low", "high"), covered, self._range, strict=True)
        return b"".join(
            b",\1%b\1:%b" % (name.encode(), _encode(edge)) for name, edge, before in named if edge != before
        )

    def close(self, timestamp: int, book: LocalBook, exchange_time: int) -> EncodedChunk:
        """End a second that is live."""
        self._keep_untold()
        updates, self._updates = self._updates, []
        base, self._base = self._base, None
        if base is not None:
            self._told_at = timestamp
        if self._told_at is None or timestamp + 1_000 - self._told_at >= BOOK_EVERY_MS:
            self._base = whole_book(book, exchange_time)  # of the next second
            self._untold = None
        return EncodedChunk(_joined(updates), _encode(base), self._drain_tape())

    def close_not_live(self, book: LocalBook | None, exchange_time: int) -> EncodedChunk:
        """End a second that is not live; `book` is one that follows the exchange all the same, or None."""
        self.lose()
        if book is not None:
            self.begin(book, exchange_time)
        return EncodedChunk(tape=self._drain_tape())

    def _drain_tape(self) -> bytes:
        tape = [  # entries of `TapeEntry`, which takes longer to make than to encode
            (t.trade_time, t.price, t.size, t.visible_size, "sell" if t.buyer_is_maker else "buy", t.trade_id)
            for t in self._tape
        ]
        self._tape.clear()
        return _encode(tape)

    def _keep_untold(self) -> None:
        """Keep what the listener does not know of the second that ends; not for one who does not listen."""
        untold = self._untold
        if untold is not None:
            untold += self._updates[self._heard :]
            if len(untold) > MOST_UNTOLD * _PIECES:
                self._untold = None
        self._heard = 0

    def restart_news(self) -> None:
        """Begin the next news with a whole book: a new listener knows none."""
        self._untold = None

    def drain_news(self, book: LocalBook, exchange_time: int) -> EncodedNews:
        """Return what has come of `book` since the last news. Linear in it; O(n log n) for a whole book."""
        untold, heard = self._untold, self._heard
        self._untold, self._heard = [], len(self._updates)
        if untold is None:
            return EncodedNews(book=_encode(whole_book(book, exchange_time)))
        return EncodedNews(_joined(untold + self._updates[heard:]))


def _joined(updates: list[bytes]) -> bytes:
    """Return the updates as JSON, without the exchange's quotes and with their own."""
    if not updates:
        return b"[]"
    return b"".join([b"[", updates[0][1:], *updates[1:], b"]"]).translate(_QUOTES, b'"')


def _bids_inside(levels: Changes, text: bytes, left_out: LeftOut, low: float) -> bytes:
    """Return the JSON of the bids but for those left out, below `low`.

    The exchange sorts a side by price, and then those left out are the first: all else is copied at once.
    """
    count, nearest = left_out
    if count == len(levels):
        return b"[]"
    if levels[count - 1] is nearest:
        return b"[[" + text.split(b"[", count + 2)[-1]
    return _bids_from(low, levels, text)


def _asks_inside(levels: Changes, text: bytes, left_out: LeftOut, high: float) -> bytes:
    """Return the JSON of the asks but for those left out, likewise; they are the last."""
    count, nearest = left_out
    if count == len(levels):
        return b"[]"
    if levels[-count] is nearest:
        return text.rsplit(b"]", count + 2)[0] + b"]]"
    return _asks_up_to(high, levels, text)


def _bids_from(low: float, levels: Changes, text: bytes) -> bytes:
    return _some(levels, text, [price >= low for price, _ in levels])


def _asks_up_to(high: float, levels: Changes, text: bytes) -> bytes:
    return _some(levels, text, [price <= high for price, _ in levels])


def _some(levels: Changes, text: bytes, chosen: list[bool]) -> bytes:
    """Return the JSON of the chosen levels, of which `text` is that of all where it is known."""
    if not text:
        return _encode(list(compress(levels, chosen)))
    if True not in chosen:
        return b"[]"
    levels_json = [part.partition(b"]")[0] for part in text.split(b"[")[2:]]
    return b"[[" + b"],[".join(compress(levels_json, chosen)) + b"]]"
