"""The top ten as detectors look at it."""

from typing import Final, final

from features.detectors.detection import SIGNS
from orderbook.book_state import TopOfBook
from orderbook.rounding import rounded

Sizes = dict[float, float]
"""Size (base asset) by price (USDT), best first."""


@final
class Book:
    """The ten best levels a side after a depth event; index 0 is the bids, 1 the asks."""

    __slots__ = ("best", "last", "levels", "mid", "time", "update_id", "volumes")

    def __init__(
        self,
        time: int,
        update_id: int,
        levels: tuple[Sizes, ...],
        best: tuple[float, ...],
        last: tuple[float, ...],
        mid: float,
        volumes: tuple[float, ...],
    ) -> None:
        self.time: Final = time  # T of the event, ms since the epoch
        self.update_id: Final = update_id  # u of the event
        self.levels: Final = levels
        self.best: Final = best
        self.last: Final = last  # price of the tenth level
        self.mid: Final = mid  # middle of the best prices, USDT
        self.volumes: Final = volumes  # of the ten levels, base asset

    @property
    def spread(self) -> float:
        """Best ask minus best bid, USDT."""
        return self.best[1] - self.best[0]

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
    bid_sizes, ask_sizes = dict(bids), dict(asks)
    return Book(
        time,
        update_id,
        (bid_sizes, ask_sizes),
        (bid, ask),
        (bids[-1][0], asks[-1][0]),
        rounded(bid + ask) / 2,
        (rounded(sum(bid_sizes.values())), rounded(sum(ask_sizes.values()))),
    )
