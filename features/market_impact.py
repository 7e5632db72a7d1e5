"""What a market order would cost against one top ten.

Prices and sizes are decimals at the exchange, and are walked as decimals here: in floats an order of 0.3
would still take something from a third level behind levels of 0.1 and 0.2.
"""

import enum
from decimal import Context, Decimal, localcontext
from math import isfinite
from typing import Final

import msgspec

from orderbook.book_state import TopOfBook

DECIMALS: Final = 8  # of prices and sizes at the exchange; what lies beyond is the noise of adding floats
_EXACT: Final = Context(prec=60)  # digits; no sum of ten products of a price and a size has as many


class Side(enum.StrEnum):
    """What an order does."""

    BUY = "buy"  # takes asks
    SELL = "sell"  # takes bids


class BadSize(ValueError):
    """An order's size that is not finite, or not above 0 at eight decimals."""

    def __init__(self, size: float) -> None:
        super().__init__(f"size is {size}: it must be finite and at least 0.00000001")
        self.size = size


class MarketImpact(msgspec.Struct, frozen=True):
    """Prices in USDT, sizes in base asset, to eight decimals; `filled` and `unfilled` add up to the size."""

    avg_price: float  # volume-weighted mean price of the filled part
    worst_price: float  # of the last level that was reached
    mid_price: float  # (best bid + best ask) / 2, before the order
    slippage: float  # avg_price against mid_price; positive is a cost, whichever the side
    slippage_bps: float  # slippage in 1/10,000 of mid_price
    levels_consumed: int  # levels from which anything was taken, 1 to 10
    filled: float  # above 0
    unfilled: float  # what the ten levels do not hold
    complete: bool  # nothing is left unfilled


def order_size(size: float) -> float:
    """Return `size`, in base asset, as an order can have it: to eight decimals. Raises `BadSize`."""
    rounded = round(size, DECIMALS)
    if not (isfinite(rounded) and rounded > 0):
        raise BadSize(size)
    return rounded


def market_impact(top: TopOfBook, size: float, side: Side) -> MarketImpact:
    """Walk `top` with a market order of `order_size(size)`. Raises `BadSize`. Constant time on ten levels.

    The book is not crossed and has a level a side.
    """
    wanted = _decimal(order_size(size))
    with localcontext(_EXACT):
        mid = (_decimal(top.bids[0][0]) + _decimal(top.asks[0][0])) / 2
        takes = _walk({Side.BUY: top.asks, Side.SELL: top.bids}[side], wanted)
        filled = sum((taken for _, taken in takes), Decimal())
        average = sum((price * taken for price, taken in takes), Decimal()) / filled
        slippage = average - mid if side == Side.BUY else mid - average
        return MarketImpact(
            avg_price=_rounded(average),
            worst_price=_rounded(takes[-1][0]),
            mid_price=_rounded(mid),
            slippage=_rounded(slippage),
            slippage_bps=_rounded(slippage / mid * 10_000),
            levels_consumed=len(takes),
            filled=float(filled),
            unfilled=float(wanted - filled),
            complete=filled == wanted,
        )


def _walk(levels: list[tuple[float, float]], wanted: Decimal) -> list[tuple[Decimal, Decimal]]:
    """Return price and size of what is taken from each level, best first, until `wanted` is reached."""
    takes = []
    for price, size in levels:
        taken = min(wanted, _decimal(size))
        takes.append((_decimal(price), taken))
        wanted -= taken
        if not wanted:
            break
    return takes


def _decimal(value: float) -> Decimal:
    """Return the decimal that the exchange wrote: the shortest that reads as this float."""
    return Decimal(repr(value))


def _rounded(value: Decimal) -> float:
    return float(round(value, DECIMALS))
