"""For how long the API may answer from a book."""

from hypothesis import given
from hypothesis import strategies as st

from api.feed.messages import ExactBook, FeedBook
from api.newest_book import CONFIRMED_MS, HeldBook, NewestBook
from state.frames import Status
from tests.api.serving import T0, a_book, no_book
from tests.builders import property_settings

NOW = 5_000.0  # steady ms at which T0 is
PART = CONFIRMED_MS // 5


def holding(said: FeedBook, received: float = NOW) -> NewestBook:
    """Return what has an engine that said this."""
    newest = NewestBook()
    newest.connected()
    newest.on_said(said, received)
    return newest


def status_of(newest: NewestBook, wall_ms: float, steady_ms: float) -> Status:
    """Return what is so at these times; each that is not live has a reason."""
    read = newest.read(wall_ms, steady_ms)
    if isinstance(read, HeldBook):
        return Status.LIVE
    assert read.reason
    return read.status


def test_a_book_is_held_for_a_quarter_of_a_second() -> None:
    """Its age is told; one millisecond more and it is stale."""
    newest, said = holding(a_book(7)), a_book(7).book
    assert isinstance(said, ExactBook)
    assert newest.read(T0, NOW) == HeldBook(said, 0)
    assert newest.read(T0 + CONFIRMED_MS, NOW + CONFIRMED_MS) == HeldBook(said, CONFIRMED_MS)
    assert status_of(newest, T0 + CONFIRMED_MS + 1, NOW + CONFIRMED_MS + 1) is Status.STALE


def test_a_book_that_is_said_again_is_held_for_longer() -> None:
    """Unchanged or not, the last word counts."""
    newest = holding(a_book(7))
    for update_id, after in ((7, CONFIRMED_MS), (8, 2 * CONFIRMED_MS), (8, 3 * CONFIRMED_MS)):
        newest.on_said(a_book(update_id, T0 + after), NOW + after)
        read = newest.read(T0 + after + 1, NOW + after + 1)
        assert isinstance(read, HeldBook)
        assert (read.book.last_update_id, read.age_ms) == (update_id, 1)


def test_a_loss_is_known_at_once_with_its_reason() -> None:
    """No book is held once the engine has said that it has none."""
    newest = holding(a_book(7))
    newest.on_said(no_book("rebuilding"), NOW + 1)
    assert newest.read(T0 + 1, NOW + 1) == no_book("rebuilding").book


def test_a_word_that_waited_in_a_buffer_is_old_when_it_is_received() -> None:
    """An API that did not read for a while answers nothing from what it then reads first."""
    newest = holding(a_book(7), received=NOW + CONFIRMED_MS + 1)
    assert status_of(newest, T0 + CONFIRMED_MS + 1, NOW + CONFIRMED_MS + 1) is Status.STALE


def test_a_wall_clock_that_is_set_back_makes_no_book_young() -> None:
    """The steady clock still counts; and a book said in the future has an age of 0, not less."""
    newest = holding(a_book(7))
    assert status_of(newest, T0 - 3_600_000, NOW + CONFIRMED_MS + 1) is Status.STALE
    read = newest.read(T0 - 3_600_000, NOW)
    assert isinstance(read, HeldBook)
    assert read.age_ms == 0


def test_nothing_is_held_without_an_engine() -> None:
    """Before the first connection, after the last, and before a new engine's first word."""
    newest = NewestBook()
    never = newest.read(T0, NOW)
    newest.connected()
    assert status_of(newest, T0, NOW) is Status.SYNCING
    newest.on_said(a_book(7), NOW)
    newest.disconnected()
    assert newest.read(T0, NOW) == never
    newest.on_said(a_book(7), NOW)
    newest.connected()
    assert status_of(newest, T0, NOW) is Status.SYNCING


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["exact", "lost", "connect", "cut", "wait", "delayed"]), st.integers(0, 2 * PART)
    ),
    max_size=40,
)


@given(STEPS)
@property_settings(200)
def test_only_the_last_word_of_the_last_quarter_second_is_answered_from(steps: list[tuple[str, int]]) -> None:
    """Whatever happens in whatever order, a book is held if the newest word is exact and young enough."""
    newest, now = NewestBook(), 0.0
    last: tuple[bool, float] | None = None  # exact, said at
    for what, passed in steps:
        now += passed
        if what == "connect":
            newest.connected()
        elif what == "cut":
            newest.disconnected()
        elif what in ("exact", "delayed"):
            said = now - (2 * PART if what == "delayed" else 0)
            newest.on_said(a_book(7, T0 + said), NOW + now)
            last = (True, said)
        elif what == "lost":
            newest.on_said(no_book("lost", T0 + now), NOW + now)
            last = (False, now)
        if what in ("connect", "cut"):
            last = None
        expected = last is not None and last[0] and now - last[1] <= CONFIRMED_MS
        assert (status_of(newest, T0 + now, NOW + now) is Status.LIVE) == expected
