"""Levels grouped at coarser price steps, as exchanges show them, from the covered book."""

from bisect import bisect_left
from collections.abc import Iterable
from math import gcd
from typing import Any, Final

from data_ingestion.messages import Snapshot
from orderbook.book_state import TOP_LEVELS, BookState
from orderbook.ladder import Ladder, Rung
from orderbook.rounding import rounded
from orderbook.side import CoveredSide

LADDER_TICKS: Final = (1, 10, 50, 100)
"""Price steps of the ladders, in ticks."""

UNITS_PER_USDT: Final = 10**8  # prices have at most eight decimals
_FEW_PRICES: Final = 40
_NEARLY_ALL: Final = 0.95


def tick_of(snapshot: Snapshot, known: int = 0) -> int:
    """Return the tick that the prices of `snapshot` are of, in units of 1e-8 USDT. O(n).

    The coarsest step that nearly all prices are multiples of: an old one off the grid must not make it
    finer. With fewer prices than a few dozen chance would say much, and `known` counts as one of them.
    """
    sides = (snapshot.bids, snapshot.asks)
    prices = [round(price * UNITS_PER_USDT) for levels in sides for price, _ in levels]
    if len(prices) < _FEW_PRICES:
        return gcd(known, *prices)
    part = _FEW_PRICES // 2
    steps = {gcd(*prices[start : start + part]) for start in range(0, len(prices), part)}
    for step in sorted(steps - {0}, reverse=True):
        if sum(price % step == 0 for price in prices) >= _NEARLY_ALL * len(prices):
            return step
    return gcd(*prices)


def ladders(
    book: BookState,
    tick: int,
    multiples: Iterable[int] = LADDER_TICKS,
    known: tuple[float, float] | None = None,
) -> list[Ladder]:
    """Group `book` at each multiple of `tick` (1e-8 USDT). O(log n) a group, once the book is in order.

    `known` is the price range of what is known of it now, where that is less than it covers.
    """
    bids, asks = book.sides()
    rising = bids.prices()[::-1], asks.prices()
    low, high = (round(price * UNITS_PER_USDT) for price in known or (book.low, book.high))
    return [
        Ladder(
            step=multiple * tick / UNITS_PER_USDT,
            bids=_group(bids, rising[0], multiple * tick, 1, low),
            asks=_group(asks, rising[1], multiple * tick, -1, -high),
        )
        for multiple in multiples
    ]


def _group(side: CoveredSide, rising: list[float], step: int, sign: int, edge: int) -> list[Rung]:
    """Group one side. Asks are mirrored (`sign` -1), so that both sides fall away from the touch.

    `rising` are the same prices in rising order.
    """
    prices = side.prices()
    if not prices:
        return []
    rungs: list[Rung] = []
    groups = _groups(prices, rising, step, sign)
    scale: Any = sign * UNITS_PER_USDT  # of whole numbers beyond 2**53 compiled code would make floats first
    sizes, start, group = side.sizes_of_best(groups[-1][1]), 0, 0
    for group, end in groups:
        bottom = group * step
        rungs.append((bottom / scale, rounded(sum(sizes[start:end])) if bottom >= edge else None))
        start = end
    # Whole groups between the last level and the edge of coverage are empty; those past it are unknown.
    unknown = min(group, -(-edge // step)) - 1
    while len(rungs) < TOP_LEVELS:
        bottom = unknown * step
        rungs.append((bottom / scale, 0.0 if bottom >= edge else None))
        unknown -= 1
    return rungs


def _groups(prices: list[float], rising: list[float], step: int, sign: int) -> list[tuple[int, int]]:
    """Return the best groups that have levels, and how many levels there are up to the end of each."""
    groups, scale, count, end = list[tuple[int, int]](), sign * UNITS_PER_USDT, len(prices), 0
    following: int | None = round(prices[0] * scale) // step
    while following is not None and len(groups) < TOP_LEVELS:
        group, end = following, end + 1
        following = round(prices[end] * scale) // step if end < count else None
        if following == group:
            end, following = _end_of(group, end, prices, rising, step, sign)
        groups.append((group, end))
    return groups


def _end_of(
    group: int, known: int, prices: list[float], rising: list[float], step: int, sign: int
) -> tuple[int, int | None]:
    """Return how many levels there are up to the end of `group`, and the next group, if any. O(log n).

    There are `known` at least, and of them the last one is of the group.
    """
    # Between two whole units, where no price is: it need not be told on which side of a float one falls.
    least = group * step
    bound = (least - 0.5) / UNITS_PER_USDT
    end = len(prices) - bisect_left(rising, bound) if sign > 0 else bisect_left(rising, -bound)
    end = max(end, known)  # a bound of more units than a float has may be one of the prices
    # Of a price that is no whole number of units, or above what a float has units of, rounding decides.
    scale = sign * UNITS_PER_USDT
    while round(prices[end - 1] * scale) < least:
        end -= 1
    while end < len(prices):
        following = round(prices[end] * scale) // step
        if following < group:
            return end, following
        end += 1
    return end, None
