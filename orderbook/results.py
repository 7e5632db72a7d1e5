"""What comes of telling a symbol's book something: values."""

from collections.abc import Sequence

import msgspec

from data_ingestion.causes import Cause
from data_ingestion.messages import DepthUpdate, Levels
from data_ingestion.sink import Notice
from orderbook.findings import TopOfBook
from orderbook.synchronizer import LocalBook


class Applied(msgspec.Struct, frozen=True, gc=False):
    """An event followed on the book; `top` is None where ten levels a side are not covered."""

    book: LocalBook
    event: DepthUpdate
    top: TopOfBook | None


class Began(msgspec.Struct, frozen=True, gc=False):
    """A book is in step that has nothing to do with one before it."""

    book: LocalBook
    top: TopOfBook | None


class Grew(msgspec.Struct, frozen=True, gc=False):
    """The second book took the first one's place and covers both ranges, at the same event."""

    book: LocalBook
    top: TopOfBook | None
    bids: Levels  # that the first did not cover
    asks: Levels


class Audited(msgspec.Struct, frozen=True, gc=False):
    """The book was compared with one made from a fresh snapshot."""

    compared: int  # levels
    mismatches: int


class Lost(msgspec.Struct, frozen=True, gc=False):
    """What was known is known no more, and is built anew."""

    cause: Cause
    had_book: bool  # whether one was complete


Result = Applied | Began | Grew | Audited | Lost | Notice


Results = Sequence[Result]
"""What came of one call, in order."""
