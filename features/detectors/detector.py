"""What each detector promises to the door."""

from collections.abc import Sequence
from typing import Final, Protocol, final

from features.detectors.book import Book
from features.detectors.detection import Detection, Ending
from features.detectors.taker_trade import TakerTrade

Large = tuple[list[float], ...]
"""Prices of the large levels of both sides, best first."""

NOTHING: Sequence[Detection] = ()


@final
class Step:
    """One depth event: the books before and after it, and what they are held against."""

    __slots__ = (
        "after", "before", "depth", "large", "large_before", "median", "threshold", "tick", "trades_doubted",
        "trades_since",
    )  # fmt: skip

    def __init__(
        self,
        before: Book,
        after: Book,
        large: Large,
        large_before: Large,
        median: float,
        threshold: float,
        depth: tuple[float, ...],
        tick: float,
        trades_since: int | None,
        trades_doubted: bool = False,
    ) -> None:
        self.before: Final = before
        self.after: Final = after
        self.large: Final = large  # levels of `after`
        self.large_before: Final = large_before  # levels of `before`, held against the same threshold
        self.median: Final = median  # size, base asset
        self.threshold: Final = threshold  # size above which a level is large
        self.depth: Final = depth  # median ten-level volume of each side, base asset
        self.tick: Final = tick  # USDT
        self.trades_since: Final = (
            trades_since  # exchange time from which on all are known; None: they are not
        )
        self.trades_doubted: Final = trades_doubted  # some may be missing since: the next one's id will tell


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
