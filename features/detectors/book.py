"""The top ten as detectors look at it."""

import msgspec

from features.detectors.detection import SIGNS
from orderbook.book_state import TopOfBook

Sizes = dict[float, float]
"""Size (base asset) by price (USDT), best first."""


class Book(msgspec.Struct, frozen=True, gc=False):
    """The ten best levels a side after a depth event; index 0 is the bids, 1 the asks."""

    time: int  # T of the event, ms since the epoch
    update_id: int  # u of the event
    levels: tuple[Sizes, Sizes]
    best: tuple[float, float]
    last: tuple[float, float]  # price of the tenth level
    mid: float  # middle of the best prices, USDT

    @property
    def spread(self) -> float:
        """Best ask minus best bid, USDT."""
        return self.best[1] - self.best[0]

    def depth(self, side: int) -> float:
        """Return the volume of the ten levels, base asset, but for the noise of adding floats."""
        return sum(self.levels[side].values())

    def size_at(self, side: int, price: float) -> float | None:
        """Return the size at a price: 0 where nothing rests, None beyond the tenth level."""
        size = self.levels[side].get(price)
        if size is not None:
            return size
        return None if SIGNS[side] * price < SIGNS[side] * self.last[side] else 0.0


def book_of(time: int, update_id: int, top: TopOfBook) -> Book:
    """Return the view of a top ten. Constant time."""
    bids, asks = top.bids, top.asks
    bid, ask = bids[0][0], asks[0][0]
    return Book(
        time,
        update_id,
        (dict(bids), dict(asks)),
        (bid, ask),
        (bids[-1][0], asks[-1][0]),
        round((bid + ask) / 2, 9),
    )
