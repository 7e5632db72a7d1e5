"""The API's copy of every level that one engine knows just now. No I/O.

An engine tells a whole book at times, and with each word of its newest book the updates since the word
before (`FeedBook.news`). They are kept as they come, and worked out when somebody asks: a symbol of which
nobody asks more than ten levels costs next to nothing. What is worked out must hold together: each update
follows on the one before it, and the ten best levels are those which the engine says. Where it does not,
nothing is known until the engine tells a whole book again.
"""

from collections import deque
from typing import Final

import msgspec

from api.feed.messages import ExactBook
from api.whole_book import NULL, DoesNotFollow, RebuiltBook, decode_book, decode_updates, within
from features.market_impact import Impacts
from orderbook.book_state import TOP_LEVELS
from state.updates import BOOK_EVERY_MS, EncodedNews

MOST_WAITING: Final = 4 * 2**20
"""Bytes of updates that wait to be worked out; a usual half minute's are a seventh of it."""

_NOTHING: Final = b"[]"
_UNDECODABLE: Final = (msgspec.DecodeError, UnicodeError, RecursionError)
_UNTIL: Final = f"it tells it anew within {BOOK_EVERY_MS // 1000} s"
_NOT_TOLD: Final = f"the engine of this symbol has not told its whole book yet; {_UNTIL}"


class KnownBook:
    """Follows the news of one engine."""

    def __init__(self) -> None:
        self._told: bytes | None = None  # a whole book that is not worked out yet
        self._waiting: deque[bytes] = deque()  # updates that follow on it, or on the book
        self._bytes = 0
        self._book: RebuiltBook | None = None
        self._trouble = _NOT_TOLD
        self._impacts: tuple[tuple[int, float, float], Impacts] | None = None  # at this id, of this range

    def forget(self) -> None:
        """Begin anew: another engine, or none."""
        self._begin(None, _NOT_TOLD)

    def apply(self, news: EncodedNews) -> None:
        """Take the news that came with a word of the engine. Constant time, but now and then."""
        if news.book != NULL:
            self._begin(news.book)
        elif news.updates != _NOTHING and (self._told is not None or self._book is not None):
            self._waiting.append(news.updates)
            self._bytes += len(news.updates)
            if self._bytes > MOST_WAITING:
                self._catch_up()

    def impacts(self, newest: ExactBook) -> Impacts | str:
        """Return what orders come to against all that is known at `newest`, or why that is not known.

        O(n log n) in the levels and linear in the news since the last call, constant time without any.
        """
        self._catch_up()
        if self._book is None:
            return self._trouble
        state = newest.last_update_id, newest.low, newest.high
        if self._impacts is not None and self._impacts[0] == state:
            return self._impacts[1]
        whole = self._book.whole()
        if (whole.u, whole.bids[:TOP_LEVELS], whole.asks[:TOP_LEVELS]) != (
            newest.last_update_id,
            newest.top.bids,
            newest.top.asks,
        ):
            self._lose(f"the updates lead to another book at {whole.u} than the engine's at {state[0]}")
            return self._trouble
        impacts = Impacts(within(whole, newest.low, newest.high), whole=True)
        self._impacts = state, impacts
        return impacts

    def _begin(self, told: bytes | None, trouble: str = "") -> None:
        self._told, self._trouble = told, trouble
        self._book = self._impacts = None
        self._waiting.clear()
        self._bytes = 0

    def _lose(self, why: str) -> None:
        self._begin(None, f"the whole book that the engine told does not hold together ({why}); {_UNTIL}")

    def _catch_up(self) -> None:
        """Work out what waits."""
        try:
            if self._told is not None:
                self._book, self._told = RebuiltBook(decode_book(self._told)), None
            while self._waiting and self._book is not None:
                for update in decode_updates(self._waiting.popleft()) or ():
                    self._book.apply(update)
                    self._impacts = None
            self._bytes = 0
        except DoesNotFollow as error:
            self._lose(str(error))
        except _UNDECODABLE:
            self._lose("an update is none")
