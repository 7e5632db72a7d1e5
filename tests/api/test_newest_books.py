"""Which engine's newest book answers, where several tell theirs."""

from api.feed.messages import NoBook
from api.newest_book import CONFIRMED_MS, HeldBook
from api.newest_books import NewestBooks
from tests.api.serving import T0, a_book, no_book


def id_of(held: HeldBook | NoBook) -> int:
    """Return the update that is answered from."""
    assert isinstance(held, HeldBook)
    return held.book.last_update_id


def test_it_stays_with_one_engine_while_that_ones_book_is_exact() -> None:
    """And then answers from another at once."""
    books = NewestBooks()
    books.on_said_by("b", a_book(7), 0.0)
    assert id_of(books.read(T0, 0.0)) == 7
    books.on_said_by("a", a_book(8), 0.0)
    assert id_of(books.read(T0, 0.0)) == 7
    books.on_said_by("b", no_book("it resynchronises"), 0.0)
    assert id_of(books.read(T0, 0.0)) == 8
    books.on_said_by("b", a_book(9), 0.0)
    assert id_of(books.read(T0, 0.0)) == 8


def test_a_host_that_is_lost_is_answered_for_by_the_other() -> None:
    """As soon as its last word is too old."""
    books = NewestBooks()
    books.on_said_by("a", a_book(7), 0.0)
    assert id_of(books.read(T0, 0.0)) == 7
    later = CONFIRMED_MS + 1.0
    books.on_said_by("b", a_book(8, T0 + later), later)
    assert id_of(books.read(T0 + later, later)) == 8


def test_known_levels_are_those_of_the_engine_that_answers() -> None:
    """So that the ten best of both agree."""
    books = NewestBooks()
    books.on_said_by("a", no_book("not yet"), 0.0)
    books.on_said_by("b", a_book(8), 0.0)
    held = books.read(T0, 0.0)
    assert isinstance(held, HeldBook)
    assert not isinstance(books.known.impacts(held.book), str)


def test_without_any_engine_there_is_no_book() -> None:
    """Nor is one of an engine that has gone."""
    books = NewestBooks()
    assert isinstance(books.read(T0, 0.0), NoBook)
    books.on_said_by("a", a_book(7), 0.0)
    books.forget("a")
    assert isinstance(books.read(T0, 0.0), NoBook)
    books.on_said_by("a", no_book("it resynchronises"), 0.0)
    held = books.read(T0, 0.0)
    assert isinstance(held, NoBook)
    assert held.reason == "it resynchronises"
