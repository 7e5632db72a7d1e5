"""One side of a book: every covered level, and order only where order is asked for."""

from collections.abc import Callable
from itertools import islice
from typing import Any, Final, cast

from sortedcontainers import SortedDict

from data_ingestion.messages import Levels

TOP_LEVELS: Final = 10
NEAR_LEVELS: Final = 48
"""Levels that the near end begins with. Fewer cost less to keep in order, but are used up sooner."""
MOST_NEAR: Final = 144
"""Levels of the near end, above which the farther ones go to the middle."""
RIM_LEVELS: Final = 64
"""Levels that the rim begins with: so many can be dropped before the middle is sorted again."""


_ABOVE_ALL: Final = 1e16  # no price is as high
_NO_PRICE: Final = 0.0  # every price is higher
_set_size: Final = cast("Callable[[Any, float, float], None]", dict.__setitem__)
"""Sets the size of a price that is there: its place stays, so the order need not be told."""


class Side:
    """All bids or all asks inside coverage, at most `most` of them; `edge` is the price where it ends.

    `left_out` are the prices of the last changes that lay beyond the edge as it was before them, in order.

    The best levels, the *near* end, are in a `SortedDict`, for the top ten. Those that would be dropped
    first, the *rim*, are in another, once any had to be. The *middle* is never asked for in order and is a
    plain dict, where a change takes constant time however large the book is. Each of the three holds the
    levels of a price range of its own, so a price says where its level is.
    """

    __slots__ = (
        "_is_bid",
        "_listed",
        "_middle",
        "_middle_end",
        "_most",
        "_near",
        "_near_end",
        "_rim",
        "edge",
        "left_out",
    )

    def __init__(self, levels: Levels, *, is_bid: bool, most: int) -> None:
        """Take over `levels`, whatever their order; one of size 0 is none. O(n log n)."""
        self._is_bid = is_bid
        self._most = most
        self.left_out: list[float] = []
        self._listed: Levels | None = None  # all levels in order, since they were last asked for
        self._near: SortedDict[float, float] = SortedDict()
        self._middle = {price: size for price, size in levels if size}
        self._rim: SortedDict[float, float] = SortedDict()
        # A snapshot that shows fewer levels than were asked for may still not be the whole side; of a side
        # that it does not show nothing is known.
        nothing = _ABOVE_ALL if is_bid else _NO_PRICE
        self.edge: float = self._best_first(self._middle)[-1] if self._middle else nothing
        self._near_end = self._middle_end = self.edge  # the farthest prices of near end and middle
        self._fill_near()
        self._trim()

    def united(self, other: "Side") -> "Side":
        """Return a side of what both know, `self` where they overlap. O(n log n)."""
        farther = min if self._is_bid else max
        edge = farther(self.edge, other.edge)
        low, high = self._up_to(self.edge)
        beyond = {price: size for price, size in other.sizes().items() if not low <= price <= high}
        sizes = beyond | self.sizes()
        made = Side(list(sizes.items()), is_bid=self._is_bid, most=self._most)
        if len(sizes) <= self._most:
            made._widen(edge)
        return made

    def _widen(self, edge: float) -> None:
        """Say that up to `edge` there is nothing beyond the levels held."""
        if self._near_end == self._middle_end == self.edge:
            self._near_end = self._middle_end = edge
        elif self._middle_end == self.edge:
            self._middle_end = edge
        self.edge = edge

    def __len__(self) -> int:
        return len(self._near) + len(self._middle) + len(self._rim)

    def apply(self, changes: Levels) -> None:
        """Set absolute sizes; 0 removes, and what lies beyond the edge is left out.

        O(k log m) for k changes and m levels of near end or rim; amortised, for now and then the middle is
        sorted, O(n log n).
        """
        near, middle, rim = self._near, self._middle, self._rim
        # Both ends of each range, so that one loop does for bids and asks.
        near_low, near_high = self._up_to(self._near_end)
        middle_low, middle_high = self._up_to(self._middle_end)
        low, high = self._up_to(self.edge)
        left_out: list[float] = []
        for price, size in changes:
            if near_low <= price <= near_high:
                if price in near:
                    if size:
                        _set_size(near, price, size)
                    else:
                        del near[price]
                elif size:
                    near[price] = size
            elif middle_low <= price <= middle_high:
                middle[price] = size
                if not size:
                    del middle[price]
            elif low <= price <= high:
                rim[price] = size
                if not size:
                    del rim[price]
            else:
                left_out.append(price)
        self.left_out = left_out
        self._listed = None
        self._balance()

    def _balance(self) -> None:
        near = self._near
        if not TOP_LEVELS <= len(near) <= MOST_NEAR:
            self._balance_near()
        if len(near) + len(self._middle) + len(self._rim) > self._most:
            self._trim()

    def _up_to(self, end: float) -> tuple[float, float]:
        """Return the prices from the best one to `end`, lowest and highest."""
        return (end, _ABOVE_ALL) if self._is_bid else (_NO_PRICE, end)

    def _balance_near(self) -> None:
        if len(self._near) < TOP_LEVELS:
            self._fill_near()
        else:
            self._thin_near()

    def _best_first(self, levels: dict[float, float]) -> list[float]:
        # Sorting all floats beats picking some with heapq, and a dict still mostly in order takes less.
        return sorted(levels, reverse=self._is_bid)

    def _fill_near(self) -> None:
        """Move the best levels behind the near end into it. O(n log n)."""
        near, middle, rim = self._near, self._middle, self._rim
        if len(middle) < NEAR_LEVELS:
            middle.update(rim)
            rim.clear()
            self._middle_end = self.edge
        near.update({price: middle.pop(price) for price in self._best_first(middle)[:NEAR_LEVELS]})
        self._near_end = self._worst(near) if middle else self._middle_end

    def _thin_near(self) -> None:
        """Move the worst levels of the near end behind it."""
        near, worst = self._near, 0 if self._is_bid else -1
        while len(near) > NEAR_LEVELS:
            price, size = near.popitem(worst)
            self._middle[price] = size
        self._near_end = self._worst(near)

    def _trim(self) -> None:
        """Drop the worst levels beyond `most`; coverage ends with the worst that stays."""
        excess, worst = len(self) - self._most, 0 if self._is_bid else -1
        if excess <= 0:
            return
        for _ in range(excess):
            self._last_sorted().popitem(worst)
        self.edge = self._worst(self._last_sorted())
        if not self._rim:  # then there is no middle either
            self._near_end = self._middle_end = self.edge

    def _last_sorted(self) -> "SortedDict[float, float]":
        """Return what holds the worst level: the rim, filled from the middle if need be, or the near end."""
        middle, rim = self._middle, self._rim
        if middle and not rim:
            prices = self._best_first(middle)
            rim.update({price: middle.pop(price) for price in prices[-RIM_LEVELS:]})
            self._middle_end = prices[-RIM_LEVELS - 1] if middle else self._near_end
        return rim or self._near

    def _worst(self, levels: "SortedDict[float, float]") -> float:
        return levels.peekitem(0 if self._is_bid else -1)[0]

    def best(self) -> float | None:
        """Return the best price, or None if there is no level. Constant time."""
        near = self._near
        return near.peekitem(-1 if self._is_bid else 0)[0] if near else None

    def top(self) -> Levels | None:
        """Return the ten best levels, best first, or None if there are fewer. Constant time."""
        near = self._near
        if len(near) < TOP_LEVELS:
            return None
        prices = list(islice(reversed(near) if self._is_bid else near, TOP_LEVELS))
        return list(zip(prices, map(near.__getitem__, prices), strict=True))

    def sizes(self) -> dict[float, float]:
        """Return the size of every level by price, in no order. O(n)."""
        return {**self._near, **self._middle, **self._rim}

    def levels(self) -> Levels:
        """Return all levels, best first. O(n log n), constant time until the next change."""
        if self._listed is None:
            sizes = self.sizes()
            prices = self._best_first(sizes)  # sorting floats takes a third of what sorting pairs does
            self._listed = list(zip(prices, map(sizes.__getitem__, prices), strict=True))
        return self._listed

    def check(self) -> None:
        """Raise AssertionError unless every invariant holds. O(n)."""
        for ordered in (self._near, self._rim):
            ordered._check()  # type: ignore[attr-defined]  # noqa: SLF001 - sortedcontainers' own
        sizes = self.sizes()
        if not len(sizes) == len(self) <= self._most:
            raise AssertionError(f"{len(self)} levels at {len(sizes)} prices, at most {self._most}")
        if len(self._near) < min(TOP_LEVELS, len(self)):
            raise AssertionError(f"only {len(self._near)} of {len(self)} levels are in order")
        sign = 1 if self._is_bid else -1
        bounds = [_ABOVE_ALL, *(sign * end for end in (self._near_end, self._middle_end, self.edge))]
        for levels, better, worse in zip(
            (self._near, self._middle, self._rim), bounds, bounds[1:], strict=False
        ):
            for price, size in levels.items():
                if not worse <= sign * price <= better:
                    raise AssertionError(f"a level at {price}, outside [{worse}, {better}]")
                if not 0 < size < float("inf"):
                    raise AssertionError(f"size {size} at {price}")
