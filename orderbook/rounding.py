"""Sizes to the exchange's eight decimals."""

from typing import Final

_UNITS: Final = 1e8
_WHOLE: Final = (
    1.5 * 2**52
)  # what is added to it loses all beyond the point: the floats there are whole numbers
_EXACT: Final = 2**51 / _UNITS  # nearer to 0 a number stays among those floats
_APART: Final = 4 / _UNITS  # numbers so far apart are so when rounded: mostly they are


def rounded(number: float) -> float:
    """Round to the exchange's eight decimals: what lies beyond is the noise of adding floats."""
    if -_EXACT < number < _EXACT:
        return (number * _UNITS + _WHOLE - _WHOLE) / _UNITS  # in a third of the time of `round(number, 8)`
    return round(number, 8)


def above(size: float, limit: float) -> bool:
    """Whether a size is above a limit that is not negative, when both are rounded."""
    return size > limit and (size - limit > _APART or rounded(size) > rounded(limit))


def at_least(size: float, limit: float) -> bool:
    """Whether a size is not below a limit that is not negative, when both are rounded."""
    return size >= limit or rounded(size) >= rounded(limit)
