"""Levels grouped at coarser price steps, as exchanges show them, from the covered book."""

from collections.abc import Iterable
from math import gcd
from typing import Final

import msgspec

from data_ingestion.messages import Levels, Snapshot
from orderbook.book_state import TOP_LEVELS, BookState

LADDER_TICKS: Final = (1, 10, 50, 100)
"""Price steps of the ladders, in ticks."""

UNITS_PER_USDT: Final = 10**8  # prices have at most eight decimals
_FEW_PRICES: Final = 40
_NEARLY_ALL: Final = 0.95
Rung = tuple[float, float | None]
"""`(price, size)` of one group; the size is None where the group reaches past coverage."""


class Ladder(msgspec.Struct, frozen=True):
    """The ten best groups that are not empty on each side, best first.

    A bid group at price `p` holds the bids in `[p, p + step)`, an ask group the asks in `(p - step, p]`.
    """

    step: float  # USDT
    bids: list[Rung]
    asks: list[Rung]


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
    """Group `book` at each multiple of `tick` (1e-8 USDT). O(levels of the coarsest ten groups).

    `known` is the price range of what is known of it now, where that is less than it covers.
    """
    bids, asks = book.levels()
    low, high = (round(price * UNITS_PER_USDT) for price in known or (book.low, book.high))
    return [
        Ladder(
            step=multiple * tick / UNITS_PER_USDT,
            bids=_group(bids, multiple * tick, 1, low),
            asks=_group(asks, multiple * tick, -1, -high),
        )
        for multiple in multiples
    ]


def _group(levels: Levels, step: int, sign: int, edge: int) -> list[Rung]:
    """Group one side. Asks are mirrored (`sign` -1), so that both sides fall away from the touch."""
    rungs: list[Rung] = []
    group, size = None, 0.0
    for price, level_size in levels:
        at = sign * round(price * UNITS_PER_USDT) // step
        if at != group:
            if group is not None:
                rungs.append(_rung(group * step, size, sign, edge))
                if len(rungs) == TOP_LEVELS:
                    return rungs
            group, size = at, 0.0
        size += level_size
    if group is None:
        return []
    rungs.append(_rung(group * step, size, sign, edge))
    # Whole groups between the last level and the edge of coverage are empty; those past it are unknown.
    unknown = min(group, -(-edge // step)) - 1
    while len(rungs) < TOP_LEVELS:
        rungs.append(_rung(unknown * step, 0.0, sign, edge))
        unknown -= 1
    return rungs


def _rung(bottom: int, size: float, sign: int, edge: int) -> Rung:
    return sign * bottom / UNITS_PER_USDT, round(size, 8) if bottom >= edge else None
