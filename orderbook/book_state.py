"""One symbol's order book: every level inside the price range in which everything is known.

A snapshot shows only part of the book, and diffs tell only what changes. So a book knows its *coverage*,
the closed price range `[low, high]` in which no level can be missing; it stores no bid below and no ask
above, and the range only ever shrinks. The exact top ten exist for as long as ten levels a side lie inside.
"""

from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Final

import msgspec
from sortedcontainers import SortedDict

from data_ingestion.messages import DepthUpdate, Levels, Snapshot

TOP_LEVELS: Final = 10
_ABOVE_ALL: Final = 1e16  # no price is as high


class TopOfBook(msgspec.Struct, frozen=True):
    """The ten best levels of both sides, best first, `(price in USDT, size in base asset)`."""

    bids: Levels
    asks: Levels


class Mismatch(msgspec.Struct, frozen=True):
    """A price at which two books disagree; a size of None is no level."""

    side: str  # bid or ask
    price: float
    size: float | None
    other_size: float | None


class BookState:
    """Levels of both sides in `SortedDict`s, best first (bids are keyed by the negative price).

    At most `book_levels` a side are kept; farther ones are dropped, and the coverage shrinks with them.
    Memory is bounded by `2 * book_levels` levels.
    """

    __slots__ = ("_asks", "_bids", "_book_levels", "high", "low")

    def __init__(self, snapshot: Snapshot, *, book_levels: int) -> None:
        """Take over `snapshot`. O(n log n) in its levels."""
        self._book_levels = book_levels
        self._bids = SortedDict({-price: size for price, size in snapshot.bids if size})
        self._asks = SortedDict({price: size for price, size in snapshot.asks if size})
        # A snapshot that shows fewer levels than were asked for may still not be the whole book; of a side
        # that it does not show nothing is known.
        self.low: float = -self._bids.peekitem()[0] if self._bids else _ABOVE_ALL
        self.high: float = self._asks.peekitem()[0] if self._asks else 0.0
        self._trim()

    def apply(self, event: DepthUpdate) -> None:
        """Set the sizes that `event` carries; 0 removes. O(k log n) for k changed levels.

        The caller has judged the event's place in the sequence.
        """
        low, high = self.low, self.high
        bids, asks = self._bids, self._asks
        # A bid above `high` is kept: if an ask is left below, the book is crossed, and that must show.
        for price, size in event.bids:
            if price >= low:
                if size:
                    bids[-price] = size
                else:
                    bids.pop(-price, None)
        for price, size in event.asks:
            if price <= high:
                if size:
                    asks[price] = size
                else:
                    asks.pop(price, None)
        if len(bids) > self._book_levels or len(asks) > self._book_levels:
            self._trim()

    def _trim(self) -> None:
        bids, asks, most = self._bids, self._asks, self._book_levels
        if len(bids) > most:
            while len(bids) > most:
                bids.popitem()
            self.low = -bids.peekitem()[0]
        if len(asks) > most:
            while len(asks) > most:
                asks.popitem()
            self.high = asks.peekitem()[0]

    def top(self) -> TopOfBook | None:
        """Return the exact ten best levels a side, or None where coverage holds fewer. Constant time."""
        bids, asks = self._bids, self._asks
        if len(bids) < TOP_LEVELS or len(asks) < TOP_LEVELS:
            return None
        return TopOfBook(
            [(-key, bids[key]) for key in islice(bids, TOP_LEVELS)],
            [(key, asks[key]) for key in islice(asks, TOP_LEVELS)],
        )

    def depth(self) -> tuple[int, int]:
        """Return how many bids and asks are held, all inside coverage."""
        return len(self._bids), len(self._asks)

    def corruption(self) -> str | None:
        """Say why no real book can look like this, or None. O(log n)."""
        bids, asks = self._bids, self._asks
        if not bids or not asks:
            return f"no {'asks' if bids else 'bids'} left in the covered price range"
        bid, ask = -bids.peekitem(0)[0], asks.peekitem(0)[0]
        if bid >= ask:
            return f"crossed: best bid {bid:g} is not below best ask {ask:g}"
        return None

    def levels(self) -> tuple[Levels, Levels]:
        """Return all covered levels, bids then asks, best first. O(n)."""
        return [(-key, size) for key, size in self._bids.items()], list(self._asks.items())

    def disagreements(
        self, other: "BookState", *, but_bids: AbstractSet[float], but_asks: AbstractSet[float]
    ) -> tuple[int, list[Mismatch]]:
        """Compare all levels that both books cover, to the digit, but for the prices left out. O(n).

        Returns the number of levels compared and the mismatches.
        """
        low, high = max(self.low, other.low), min(self.high, other.high)
        compared, found = 0, []
        for side, mine, theirs, sign, left_out in (
            ("bid", self._bids, other._bids, -1, but_bids),  # noqa: SLF001 - of this class
            ("ask", self._asks, other._asks, 1, but_asks),  # noqa: SLF001
        ):
            for key in mine.keys() | theirs.keys():
                price = sign * key
                if low <= price <= high and price not in left_out:
                    compared += 1
                    if mine.get(key) != theirs.get(key):
                        found.append(Mismatch(side, price, mine.get(key), theirs.get(key)))
        found.sort(key=lambda mismatch: mismatch.price)
        return compared, found

    def check(self) -> None:
        """Raise AssertionError unless every invariant holds. O(n); for tests and for hunting a bug."""
        for name, side, sign in (("bids", self._bids, -1), ("asks", self._asks, 1)):
            side._check()  # type: ignore[attr-defined]  # noqa: SLF001 - sortedcontainers' own
            if len(side) > self._book_levels:
                raise AssertionError(f"{len(side)} {name}, more than {self._book_levels}")
            for key, size in side.items():
                if not 0 < size < float("inf"):
                    raise AssertionError(f"{name} have size {size} at {sign * key}")
                if not (sign * key >= self.low if sign < 0 else key <= self.high):
                    raise AssertionError(f"{name} have a level at {sign * key}, outside coverage")
        if self._bids and self._asks and self.corruption():
            raise AssertionError(self.corruption())
