"""Sizes to the exchange's eight decimals."""

import math

from hypothesis import example, given
from hypothesis import strategies as st

from orderbook.rounding import above, at_least, rounded
from tests.builders import property_settings


@given(st.floats(0, 1e10), st.one_of(st.floats(0, 1e10), st.floats(-1e-7, 1e-7)))
@property_settings(300)
def test_above_is_what_rounding_both_says(limit: float, other: float) -> None:
    """However far apart they are, or however near."""
    for size in (other, limit + other):
        assert above(size, limit) == (size > limit and rounded(size) > rounded(limit))


@given(st.integers(-(10**15), 10**15), st.floats(-1e-10, 1e-10))
@property_settings(300)
def test_rounded_is_what_python_rounds_to(units: int, noise: float) -> None:
    """Around every number of eight decimals, whatever adding floats leaves beyond them."""
    number = units / 10**8 + noise
    assert rounded(number) == round(number, 8)


def test_float_noise_is_rounded_away() -> None:
    """The exchange's eight decimals are kept, and nothing beyond them."""
    assert (rounded(0.1 + 0.2), rounded(1.1 - 0.5), rounded(0.12345678)) == (0.3, 0.6, 0.12345678)


@given(st.integers(-(10**17), 10**17), st.integers(0, 8), st.integers(-2, 2))
@example(9 * 10**15, 8, 1)
@example(2**53, 8, -1)
@property_settings(500)
def test_whatever_has_eight_decimals_is_rounded_to_itself(units: int, decimals: int, off: int) -> None:
    """Of any magnitude, and from the floats beside it too, where those are nearer than half a unit."""
    number = units / 10**decimals
    near = number
    for _ in range(abs(off)):
        near = math.nextafter(near, math.inf * off)
    assert rounded(number) == number
    if abs(near - number) < 4e-9:
        assert rounded(near) == number


@given(st.integers(0, 10**10), st.integers(0, 10**10), st.integers(-2, 2))
@property_settings(300)
def test_limits_are_held_against_decimals(size: int, limit: int, off: int) -> None:
    """Above and not below say of noisy floats what they say of the whole numbers behind them."""
    for a, b in ((size, limit), (limit, limit), (limit + 1, limit), (limit - 1, limit)):
        noisy = a / 1000 * (1 + off * 1e-16)
        assert above(noisy, b / 1000) == (a > b)
        assert at_least(noisy, b / 1000) == (a >= b)
