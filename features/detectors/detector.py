"""What each detector promises to the door."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from features.detectors.book import Book
from features.detectors.detection import Detection, Ending
from features.detectors.taker_trade import TakerTrade

Large = tuple[list[float], list[float]]
"""Prices of the large levels of both sides, best first."""

NOTHING: Sequence[Detection] = ()


class Step(msgspec.Struct, frozen=True, gc=False):
    """One depth event: the books before and after it, and what they are held against."""

    before: Book
    after: Book
    large: Large  # levels of `after`
    large_before: Large  # levels of `before`, held against the same threshold
    median: float  # size, base asset
    threshold: float  # size above which a level is large
    depth: tuple[float, float]  # median ten-level volume of each side, base asset
    tick: float  # USDT
    trades_since: int | None  # exchange time from which on all trades are known; None: they are not
    trades_doubted: bool = (
        False  # whether some may be missing since the last one; the next one's id will tell
    )


class Detector(Protocol):
    """A state machine over the merged sequence. It has no clock but the items' own times."""

    def on_book(self, step: Step) -> Sequence[Detection]:
        """Take the book after a depth event; return what is to be said."""

    def stop(self, time: int, reason: Ending) -> Sequence[Detection]:
        """Close what is open and forget everything: the sequence is broken."""


class TradeDetector(Detector, Protocol):
    """One that looks at trades as well."""

    def on_trade(self, trade: TakerTrade) -> None:
        """Take a trade; the book before it is the last one taken."""
