"""The API's copy of one engine's newest book, and for how long it may be answered from. No I/O.

While its book is exact an engine says so every `SAY_BOOK_EVERY_MS`, whether or not the book has changed:
a quiet market sends no depth events for a while, and its book is still the newest. So *live* means here
that the engine said within the last `CONFIRMED_MS` that this is its newest exact book. Two words of the
engine may come late, not three. How old the newest depth event may be is the engine's to judge
(`stale_after`); `exchange_time` tells each caller.

A word's age is counted from when it was said, by the wall clocks of both sides, and from when it was
received, by the API's steady clock; the larger counts. The first finds words that waited in a buffer while
the API did not read, the second holds where a wall clock is set back. An engine on another host needs
what frames need as well: that both clocks agree to a fraction of a second. Where they do not, nothing is
answered, and the reason says so.
"""

from typing import Final

import msgspec

from api.feed.messages import ExactBook, FeedBook, NoBook
from api.known_book import KnownBook
from state.frames import Status

SAY_BOOK_EVERY_MS: Final = 100
CONFIRMED_MS: Final = 250

_NO_ENGINE: Final = NoBook(Status.SYNCING, "the engine of this symbol is not running")
_NO_WORD: Final = NoBook(Status.SYNCING, "the engine of this symbol has not told its book yet")


class HeldBook(msgspec.Struct, frozen=True):
    """A book that may be answered from."""

    book: ExactBook
    age_ms: float  # since the engine said that it is its newest, 0 to CONFIRMED_MS


class NewestBook:
    """Keeps the last word of one engine; `known` has the levels beyond its ten, if they are asked for."""

    def __init__(self) -> None:
        self.known = KnownBook()
        self._last: FeedBook | None = None
        self._received = 0.0
        self._nothing = _NO_ENGINE

    def connected(self) -> None:
        """Note that an engine has connected: what an earlier one said no longer counts."""
        self._last, self._nothing = None, _NO_WORD
        self.known.forget()

    def disconnected(self) -> None:
        """Note that the engine has gone."""
        self._last, self._nothing = None, _NO_ENGINE
        self.known.forget()

    def on_said(self, said: FeedBook, steady_ms: float) -> None:
        """Take a word of the engine, received at `steady_ms`."""
        self._last, self._received = said, steady_ms
        self.known.apply(said.news)

    def read(self, wall_ms: float, steady_ms: float) -> HeldBook | NoBook:
        """Return the book that is live at this instant, or why none is. Constant time."""
        last = self._last
        if last is None:
            return self._nothing
        age = max(wall_ms - last.said_at, steady_ms - self._received, 0.0)
        if age > CONFIRMED_MS:
            return NoBook(
                Status.STALE, f"the engine last told its book {age / 1000:.1f} s ago, by this machine's clock"
            )
        return last.book if isinstance(last.book, NoBook) else HeldBook(last.book, age)
