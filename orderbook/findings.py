"""What is found in a book, and wrong with one: values."""

from collections.abc import Sequence

import msgspec

from data_ingestion.messages import Levels

Changes = Sequence[tuple[float, ...]]
"""Levels of an event as the very objects that they are: of pairs compiled code would make others."""

LeftOut = tuple[int, tuple[float, ...] | None]
"""How many changes of a side, in an event, lay beyond the edge as it was before it, and one of them.

That is the event's own object that is the nearest to the edge if the side is sorted by price, low to high: it
stands so many places from the far end then. A pair, as one is made with every event.
"""


class TopOfBook(msgspec.Struct, frozen=True, gc=False):
    """The ten best levels of both sides, best first, `(price in USDT, size in base asset)`."""

    bids: Levels
    asks: Levels


class Mismatch(msgspec.Struct, frozen=True):
    """A price at which two books disagree; a size of None is no level."""

    side: str  # bid or ask
    price: float
    size: float | None
    other_size: float | None


class Gap(msgspec.Struct, frozen=True):
    """At least one event between two is missing, or they changed places."""

    expected: int  # the `pu` that would have continued the sequence
    got: int  # the `pu` that came

    def __str__(self) -> str:
        return f"gap in the depth sequence: expected pu {self.expected}, got {self.got}"


class Corrupt(msgspec.Struct, frozen=True):
    """After an event the book looks like no real one."""

    reason: str

    def __str__(self) -> str:
        return f"corrupt book, {self.reason}"
