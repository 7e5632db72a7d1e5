"""The newest books of several engines of one symbol, of which any that is exact will do. No I/O."""

from api.feed.messages import FeedBook, NoBook
from api.newest_book import HeldBook, NewestBook


class NewestBooks(NewestBook):
    """Answers from the engine that it answered from last, for as long as that one's book is exact.

    `known` belongs to the engine that `read` answered from last.
    """

    def __init__(self) -> None:
        super().__init__()
        self._books: dict[str, NewestBook] = {}
        self._current = ""

    def on_said_by(self, engine: str, said: FeedBook, steady_ms: float) -> None:
        """Take a word of an engine, received at `steady_ms`."""
        book = self._books.get(engine)
        if book is None:
            book = self._books[engine] = NewestBook()
            book.connected()
        book.on_said(said, steady_ms)

    def forget(self, engine: str) -> None:
        """Note that an engine has gone."""
        self._books.pop(engine, None)

    def disconnected(self) -> None:
        """Note that all have gone."""
        super().disconnected()
        self._books.clear()

    @property
    def heard(self) -> bool:
        """Whether any engine has told its book."""
        return bool(self._books)

    def read(self, wall_ms: float, steady_ms: float) -> HeldBook | NoBook:
        """Return the book that is live at this instant, or why none is. Linear in the engines."""
        first: HeldBook | NoBook | None = None
        for engine in sorted(self._books, key=lambda name: (name != self._current, name)):
            book = self._books[engine]
            held = book.read(wall_ms, steady_ms)
            if isinstance(held, HeldBook):
                self._current, self.known = engine, book.known
                return held
            first = first or held
        return first or super().read(wall_ms, steady_ms)
