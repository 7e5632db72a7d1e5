"""Nothing is flagged again and again at one place."""

from hypothesis import given
from hypothesis import strategies as st

from features.detectors.cooldown import Cooldown
from tests.builders import property_settings


def test_a_place_is_free_again_after_the_span() -> None:
    """The span's last millisecond is still closed, the next one is open."""
    cooldown = Cooldown(5_000)
    cooldown.start((0, 100.0), 1_000)
    assert not cooldown.over((0, 100.0), 5_999)
    assert cooldown.over((0, 100.0), 6_000)


def test_places_are_sides_and_prices() -> None:
    """The other side and other prices are not held back."""
    cooldown = Cooldown(5_000)
    cooldown.start((0, 100.0), 1_000)
    assert cooldown.over((1, 100.0), 1_000)
    assert cooldown.over((0, 99.9), 1_000)


def test_clear_forgets_all() -> None:
    """After a break nothing is held back."""
    cooldown = Cooldown(5_000)
    cooldown.start((0, 100.0), 1_000)
    cooldown.clear()
    assert cooldown.over((0, 100.0), 1_000)


@given(starts=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3)), max_size=1_500))
@property_settings(20)
def test_forgetting_old_places_forgets_no_young_one(starts: list[tuple[int, int]]) -> None:
    """Among any number of places each is closed exactly as a plain dict of the latest starts has it."""
    cooldown, latest, now = Cooldown(50), dict[int, int](), 1_000
    for price, step in starts:
        now += step
        assert cooldown.over((0, price), now) == (price not in latest or now >= latest[price] + 50)
        cooldown.start((0, price), now)
        latest[price] = now
