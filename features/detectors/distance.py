"""How far a level lies from the touch.

Models of spoofing that leave it out are inadequate: Fabre and Challet, "Learning the spoofability of limit
order books with interpretable probabilistic neural networks" (2025, arXiv 2504.15908).
"""

from typing import Final

import msgspec

from features.detectors.book import Book
from features.detectors.detection import SIGNS, Evidence
from orderbook.rounding import rounded

_BPS: Final = 10_000


class Distance(msgspec.Struct, frozen=True, gc=False):
    """From the best price of its own side: 0 at it, above 0 behind it, below 0 once it was gone through."""

    ticks: int | None  # None where the tick is not known
    bps: float  # basis points of the mid

    @property
    def evidence(self) -> Evidence:
        """The figures, as of the event that carries them."""
        return {"distance_ticks": self.ticks, "distance_bps": self.bps}

    @property
    def evidence_at_open(self) -> Evidence:
        """The same, as of the opening."""
        return {"distance_ticks_at_open": self.ticks, "distance_bps_at_open": self.bps}


def distance_of(side: int, price: float, book: Book, tick: float) -> Distance:
    """Return the distance of a price in a book; `tick` is 0 where it is not known. Constant time."""
    behind = SIGNS[side] * (book.best[side] - price)
    return Distance(round(behind / tick) if tick else None, rounded(_BPS * behind / book.mid))
