"""Sizes to the exchange's eight decimals."""

from typing import Final

_UNITS: Final = 1e8
_EXACT: Final = 2**53 / _UNITS  # below it a float counts units one by one
_APART: Final = 4 / _UNITS  # numbers so far apart are so when rounded: mostly they are


def rounded(number: float) -> float:
    """Round to the exchange's eight decimals: what lies beyond is the noise of adding floats."""
    if -_EXACT < number < _EXACT:
        return round(number * _UNITS) / _UNITS  # in half the time of `round(number, 8)`
    return round(number, 8)


def above(size: float, limit: float) -> bool:
    """Whether a size is above a limit that is not negative, when both are rounded."""
    return size > limit and (size - limit > _APART or rounded(size) > rounded(limit))


def at_least(size: float, limit: float) -> bool:
    """Whether a size is not below a limit that is not negative, when both are rounded."""
    return size >= limit or rounded(size) >= rounded(limit)
