"""What market orders would cost against one book.

Prices and sizes are decimals at the exchange, and are walked as decimals here: in floats an order of 0.3
would still take something from a third level behind levels of 0.1 and 0.2. They are whole numbers of the
smallest unit, 1e-8 or what the book's own digits need, so nothing is rounded before the end. Sums up to
each level are made once a book and side; where an order ends is then found by bisection.
"""

import enum
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import accumulate
from math import isfinite
from operator import eq, mul
from typing import Final, Protocol

import msgspec

from data_ingestion.messages import Levels

DECIMALS: Final = 8  # of prices and sizes at the exchange; what lies beyond is the noise of adding floats
_UNIT: Final = 10**DECIMALS
_SURE: Final = 10**15  # below it a float has just one decimal of so many digits


class OrderSide(enum.StrEnum):
    """What an order does."""

    BUY = "buy"  # takes asks
    SELL = "sell"  # takes bids


class Unit(enum.StrEnum):
    """What an order's size is given in."""

    BASE = "base"  # base asset
    QUOTE = "quote"  # USDT: the order takes as much as these pay for


class BookSides(Protocol):
    """Both sides of a book, best first; each has a level, and they are not crossed."""

    @property
    def bids(self) -> Levels:
        """What can be sold to."""

    @property
    def asks(self) -> Levels:
        """What can be bought."""


class BadSize(ValueError):
    """An order's size that is not finite, or not above 0 at eight decimals, or pays for nothing."""

    def __init__(self, size: float, unit: Unit = Unit.BASE, *, best: float | None = None) -> None:
        name = "size" if unit is Unit.BASE else "quote_size"
        least = "it must be finite and at least 0.00000001"
        if best is not None:
            least = f"at the best price, {best}, it pays for less than 0.00000001 of the base asset"
        super().__init__(f"{name} is {size}: {least}")
        self.size = size


class MarketImpact(msgspec.Struct, frozen=True):
    """Prices in USDT, sizes in base asset, all to eight decimals. What is filled and what is not add up."""

    avg_price: float  # volume-weighted mean price of the filled part
    worst_price: float  # of the last level that was reached
    mid_price: float  # (best bid + best ask) / 2, before the order
    slippage: float | None  # avg_price against mid_price; positive is a cost, whichever the side
    slippage_bps: float | None  # slippage in 1/10,000 of mid_price
    levels_consumed: int  # levels from which anything was taken
    filled: float  # above 0
    unfilled: float | None  # what the levels do not hold; None for an order in USDT
    filled_quote: float  # USDT that the filled part costs or brings
    unfilled_quote: float | None  # the rest of the order's USDT; None for an order in base asset
    complete: bool  # the levels hold enough


def order_size(size: float, unit: Unit = Unit.BASE) -> float:
    """Return `size` as an order can have it: to eight decimals. Raises `BadSize`."""
    rounded = round(size, DECIMALS)
    if not (isfinite(rounded) and rounded > 0):
        raise BadSize(size, unit)
    return rounded


def market_impact(book: BookSides, size: float, side: OrderSide, unit: Unit = Unit.BASE) -> MarketImpact:
    """Walk `book` with a market order of `order_size(size, unit)`. Raises `BadSize`. O(levels)."""
    return Impacts(book).of(size, side, unit)


def market_impacts(
    book: BookSides, sizes: Iterable[float], side: OrderSide, unit: Unit = Unit.BASE, *, whole: bool = False
) -> list[MarketImpact]:
    """Walk `book` with one order a size, each for itself. As `Impacts`, for a book that is used but once."""
    impacts = Impacts(book, whole=whole)
    return [impacts.of(size, side, unit) for size in sizes]


class Impacts:
    """What orders come to against one book that stays as it is.

    `whole` says that the levels are all that is known, and that an order which goes beyond them has no
    slippage; else it has that of its filled part.
    """

    __slots__ = ("_book", "_sides", "_whole")

    def __init__(self, book: BookSides, *, whole: bool = False) -> None:
        self._book = book
        self._whole = whole
        self._sides: dict[OrderSide, _Sums] = {}

    def of(self, size: float, side: OrderSide, unit: Unit = Unit.BASE) -> MarketImpact:
        """Return what an order of `order_size(size, unit)` comes to. Raises `BadSize`.

        O(log n) in the levels; the first order of a side makes its sums, O(n).
        """
        wanted = _scaled(order_size(size, unit), DECIMALS)
        levels = self._book.asks if side is OrderSide.BUY else self._book.bids
        sums = self._sides.get(side)
        if sums is None:
            touch = self._book.bids[0][0], self._book.asks[0][0]
            sums = self._sides[side] = _Sums(levels, touch)
        filled, complete = sums.fill(wanted) if unit is Unit.BASE else sums.fill_for(wanted)
        if not filled:
            raise BadSize(size, unit, best=levels[0][0])
        is_known = complete or not self._whole
        cost, count = sums.cost(filled)
        paid = _rounded(cost, sums.one**2)
        # The mean is cost / filled, the mid twice_mid / 2, and so their difference above / (2 * filled).
        above = (2 * cost - filled * sums.twice_mid) * (1 if side is OrderSide.BUY else -1)
        return MarketImpact(
            avg_price=_rounded(cost, filled * sums.one) / _UNIT,
            worst_price=sums.prices[count - 1] / sums.one,
            mid_price=_rounded(sums.twice_mid, 2 * sums.one) / _UNIT,
            slippage=_rounded(above, 2 * filled * sums.one) / _UNIT if is_known else None,
            slippage_bps=_rounded(above * 10_000, filled * sums.twice_mid) / _UNIT if is_known else None,
            levels_consumed=count,
            filled=filled / sums.one,
            unfilled=(wanted * sums.step - filled) / sums.one if unit is Unit.BASE else None,
            filled_quote=paid / _UNIT,
            unfilled_quote=(wanted - paid) / _UNIT if unit is Unit.QUOTE else None,
            complete=complete,
        )


class _Sums:
    """One side's levels in whole numbers of `1 / one`, and the sums up to each; costs are in its square."""

    __slots__ = ("_costs", "_sizes", "one", "prices", "step", "twice_mid")

    def __init__(self, levels: Levels, touch: tuple[float, float]) -> None:
        columns = [price for price, _ in levels], [size for _, size in levels], touch
        decimals, (self.prices, sizes, (bid, ask)) = _whole_numbers(columns)
        self.one = 10**decimals
        self.step = 10 ** (decimals - DECIMALS)  # that orders are filled in
        self.twice_mid = bid + ask
        self._sizes = [0, *accumulate(sizes)]
        self._costs = [0, *accumulate(map(mul, self.prices, sizes))]

    def fill(self, wanted: int) -> tuple[int, bool]:
        """Return how much there is of `wanted`, in 1e-8 of the base asset, and whether that is all of it."""
        size, there = wanted * self.step, self._sizes[-1]
        return min(size, there), size <= there

    def fill_for(self, quote: int) -> tuple[int, bool]:
        """Return for how much `quote`, in 1e-8 USDT, pays, and whether there is as much."""
        money, there = quote * self.step * self.one, self._costs[-1]
        if money >= there:
            return self._sizes[-1], money == there
        count = bisect_right(self._costs, money) - 1
        size = self._sizes[count] + (money - self._costs[count]) // self.prices[count]
        return size - size % self.step, True

    def cost(self, size: int) -> tuple[int, int]:
        """Return what `size`, which is there and above 0, costs, and of how many levels it is taken."""
        count = bisect_left(self._sizes, size)
        return self._costs[count] - (self._sizes[count] - size) * self.prices[count - 1], count


def _whole_numbers(columns: Sequence[Sequence[float]]) -> tuple[int, list[list[int]]]:
    """Return all numbers in units of 10 to the minus what is returned first, which is at least eight.

    A number is the decimal that the exchange wrote: the shortest that reads as this float.
    """
    quick = [_in_units(column) for column in columns]
    fits = [column for column in quick if column is not None]
    if len(fits) == len(quick):
        return DECIMALS, fits
    exponents = (int(Decimal(repr(number)).as_tuple().exponent) for column in columns for number in column)
    decimals = max(DECIMALS, -min(exponents))
    return decimals, [[_scaled(number, decimals) for number in column] for column in columns]


def _in_units(numbers: Sequence[float]) -> list[int] | None:
    """Return `numbers` in 1e-8; None where one has more decimals, or so many digits that it may have."""
    if max(numbers, default=0.0) * _UNIT >= _SURE:
        return None
    units = [round(number * _UNIT) for number in numbers]
    return units if all(map(eq, [unit / _UNIT for unit in units], numbers)) else None


def _scaled(number: float, decimals: int) -> int:
    return int(Decimal(repr(number)).scaleb(decimals))


def _rounded(numerator: int, denominator: int) -> int:
    """Return a quotient in 1e-8, half to even."""
    quotient, rest = divmod(numerator * _UNIT, denominator)
    return quotient + (2 * rest > denominator or (2 * rest == denominator and quotient % 2))
