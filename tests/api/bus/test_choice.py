"""Which engine's second goes out."""

from hypothesis import given
from hypothesis import strategies as st

from api.bus.choice import FORGOTTEN_AFTER, LATE_MS, EngineChoice
from tests.builders import START_MS, property_settings

A, B = "a", "b"


def at(second: int) -> int:
    """Return the time stamp of a second."""
    return START_MS + 1_000 * second


def follow(choice: EngineChoice, engine: str, second: int, *, live: bool = True) -> str | None:
    """Hear a second and take it, if it is time."""
    order = choice.hear(engine, at(second), live=live)
    if not order:
        return None
    choice.decide(at(second), order[0])
    return order[0]


def settled(choice: EngineChoice, second: int) -> str | None:
    """Let the moment given to a second be over."""
    order = choice.settle(at(second))
    if not order:
        return None
    choice.decide(at(second), order[0])
    return order[0]


def test_one_engine_is_followed_at_once() -> None:
    """Nobody else is waited for."""
    choice = EngineChoice()
    assert [follow(choice, A, second) for second in range(3)] == [A, A, A]


def test_it_stays_with_an_engine_for_as_long_as_that_is_live() -> None:
    """Whichever comes first."""
    choice = EngineChoice()
    assert follow(choice, A, 0) == A
    assert follow(choice, B, 0) is None
    assert follow(choice, B, 1) is None
    assert follow(choice, A, 1) == A


def test_another_takes_over_where_the_one_is_not_live_or_silent_and_keeps_it() -> None:
    """At once where both have spoken, else after the moment."""
    choice = EngineChoice()
    follow(choice, A, 0)
    follow(choice, B, 0)
    assert follow(choice, A, 1, live=False) is None
    assert follow(choice, B, 1) == B
    assert follow(choice, A, 2) is None
    assert settled(choice, 2) == A
    assert follow(choice, B, 3) is None
    assert follow(choice, A, 3) == A


def test_a_second_that_is_not_live_goes_out_where_no_live_one_is() -> None:
    """The engine itself says why."""
    choice = EngineChoice()
    follow(choice, A, 0)
    assert follow(choice, A, 1, live=False) == A
    follow(choice, B, 1, live=False)
    assert follow(choice, A, 2, live=False) is None
    assert settled(choice, 2) == A


def test_a_late_second_never_goes_out() -> None:
    """It would come after a later one."""
    choice = EngineChoice()
    follow(choice, A, 0)
    choice.decide(at(1), None)
    assert follow(choice, A, 1) is None
    assert follow(choice, A, 2) == A


def test_a_clock_that_is_set_back_is_followed_back_and_anothers_is_not() -> None:
    """Only of the engine that is followed."""
    choice = EngineChoice()
    follow(choice, A, 100)
    assert follow(choice, B, 100 - LATE_MS // 1000 - 1) is None
    assert follow(choice, A, 100 - LATE_MS // 1000 - 1) == A


def test_who_is_silent_for_long_is_not_waited_for() -> None:
    """And one whose clock was far ahead holds nobody up after its end."""
    choice = EngineChoice()
    follow(choice, A, 5_000)
    for second in range(FORGOTTEN_AFTER + 2):
        choice.hear(B, at(second), live=True)
        choice.look()
    assert choice.current is None


DEEDS = ("hear", "hear", "settle", "missed")
STEP = st.tuples(
    st.sampled_from((A, B)),
    st.integers(0, 2),
    st.booleans(),
    st.sampled_from(("hear", "hear", "settle", "missed")),
)


@given(st.lists(STEP, max_size=40))
@property_settings(300)
def test_each_second_is_decided_once_and_in_order(steps: list[tuple[str, int, bool, str]]) -> None:
    """Whatever comes, in whichever order; and a live one is never passed over for one that is not."""
    choice, decided, second = EngineChoice(), [], 0
    said: dict[int, dict[str, bool]] = {}
    for engine, ahead, live, what in steps:
        if what == "hear":
            stamp = second + ahead
            said.setdefault(stamp, {})[engine] = live
            order = choice.hear(engine, at(stamp), live=live)
        else:
            stamp = second
            order = choice.settle(at(stamp)) if what == "settle" else []
        if order:
            assert said[stamp][order[0]] or not any(said[stamp].values())
            choice.decide(at(stamp), order[0])
            decided.append(stamp)
            second = stamp + 1
        elif what == "missed":
            choice.decide(at(stamp), None)
            decided.append(stamp)
            second += 1
    assert decided == sorted(set(decided))
