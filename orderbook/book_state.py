"""One symbol's order book: every level inside the price range in which everything is known.

A snapshot shows only part of the book, and diffs tell only what changes. So a book knows its *coverage*,
the closed price range `[low, high]` in which no level can be missing; it stores no bid below and no ask
above. The range shrinks with levels that are dropped, and grows where two books are merged. The exact top
ten exist for as long as ten levels a side lie inside.
"""

from collections.abc import Set as AbstractSet

from data_ingestion.messages import DepthUpdate, Levels, Snapshot
from orderbook.findings import LeftOut, Mismatch, TopOfBook
from orderbook.side import TOP_LEVELS, CoveredSide

__all__ = ["TOP_LEVELS", "BookState", "Mismatch", "TopOfBook"]


class BookState:
    """Both sides inside coverage, at most `book_levels` levels each; farther ones are dropped.

    The coverage shrinks with what is dropped. Memory is bounded by `2 * book_levels` levels.
    """

    __slots__ = ("_asks", "_bids")

    def __init__(self, snapshot: Snapshot, *, book_levels: int) -> None:
        """Take over `snapshot`. O(n log n) in its levels."""
        self._bids = CoveredSide(snapshot.bids, is_bid=True, most=book_levels)
        self._asks = CoveredSide(snapshot.asks, is_bid=False, most=book_levels)

    @property
    def low(self) -> float:
        """The lowest price covered."""
        return self._bids.edge

    @property
    def high(self) -> float:
        """The highest price covered."""
        return self._asks.edge

    def left_out(self) -> tuple[LeftOut, LeftOut]:
        """Return those bids and asks of the last event that lay beyond the range as it was before it."""
        return self._bids.left_out, self._asks.left_out

    def apply(self, event: DepthUpdate) -> None:
        """Set the sizes that `event` carries; 0 removes. O(k log n) for k changed levels, amortised.

        The caller has judged the event's place in the sequence. A bid above `high` is kept: if an ask is
        left below, the book is crossed, and that must show.
        """
        self._bids.apply(event.bids)
        self._asks.apply(event.asks)

    def top(self) -> TopOfBook | None:
        """Return the exact ten best levels a side, or None where coverage holds fewer. Constant time."""
        bids, asks = self._bids.top, self._asks.top
        return None if bids is None or asks is None else TopOfBook(bids, asks)

    def depth(self) -> tuple[int, int]:
        """Return how many bids and asks are held, all inside coverage."""
        return self._bids.count, self._asks.count

    def corruption(self) -> str | None:
        """Say why no real book can look like this, or None. Constant time."""
        bids, asks = self._bids.top, self._asks.top
        if bids is not None and asks is not None and bids[0][0] < asks[0][0]:
            return None
        bid, ask = self._bids.best(), self._asks.best()
        if bid is None or ask is None:
            return f"no {'bids' if bid is None else 'asks'} left in the covered price range"
        if bid >= ask:
            return f"crossed: best bid {bid:g} is not below best ask {ask:g}"
        return None

    def levels(self) -> tuple[Levels, Levels]:
        """Return all covered levels, bids then asks, best first. O(n log n)."""
        return self._bids.levels(), self._asks.levels()

    def sides(self) -> tuple[CoveredSide, CoveredSide]:
        """Return bids and asks themselves, to be read until the next event."""
        return self._bids, self._asks

    def compare(
        self, other: "BookState", *, ignored_bids: AbstractSet[float], ignored_asks: AbstractSet[float]
    ) -> tuple[int, list[Mismatch]]:
        """Compare all levels that both books cover, to the digit, except those at ignored prices. O(n).

        Returns the number of levels compared and the mismatches.
        """
        low, high = max(self.low, other.low), min(self.high, other.high)
        compared, found = 0, []
        for side, mine, theirs, left_out in (
            ("bid", self._bids.sizes(), other._bids.sizes(), ignored_bids),  # noqa: SLF001 - of this class
            ("ask", self._asks.sizes(), other._asks.sizes(), ignored_asks),  # noqa: SLF001
        ):
            for price in mine.keys() | theirs.keys():
                if low <= price <= high and price not in left_out:
                    compared += 1
                    if mine.get(price) != theirs.get(price):
                        found.append(Mismatch(side, price, mine.get(price), theirs.get(price)))
        found.sort(key=lambda mismatch: mismatch.price)
        return compared, found

    def merge(self, other: "BookState") -> tuple[Levels, Levels]:
        """Take over what `other`, true as of the same event, covers beyond this; return what `other` lacked.

        Both ranges contain the touch, so together they are one range. At most `book_levels` a side stay, the
        best. O(n log n).
        """
        before = other._bids.edge, other._asks.edge  # noqa: SLF001 - of this class
        self._bids = self._bids.merged(other._bids)  # noqa: SLF001
        self._asks = self._asks.merged(other._asks)  # noqa: SLF001
        return (
            [level for level in self._bids.levels() if level[0] < before[0]],
            [level for level in self._asks.levels() if level[0] > before[1]],
        )

    def check(self) -> None:
        """Raise AssertionError unless every invariant holds. O(n); for tests and for hunting a bug."""
        self._bids.check()
        self._asks.check()
        if self._bids and self._asks and self.corruption():
            raise AssertionError(self.corruption())
