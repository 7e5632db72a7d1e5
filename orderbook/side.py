"""One side of a book: every covered level, and order only where order is asked for."""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from operator import itemgetter
from typing import Any, Final, cast

from sortedcontainers import SortedDict

from data_ingestion.messages import Levels
from orderbook.findings import LeftOut
from orderbook.one_run import order_of, settle

TOP_LEVELS: Final = 10
NEAR_LEVELS: Final = 24
"""Levels that the near end begins with. Fewer cost less to keep in order, but are used up sooner."""
MOST_NEAR: Final = 64
"""Levels of the near end, above which the farther ones go to the middle."""
RIM_LEVELS: Final = 64
"""Levels that the rim begins with: so many can be dropped before the middle is sorted again."""
_TOO_MANY: Final = 4 * NEAR_LEVELS  # levels within the reach, which is halved then
LAID_OUT_EVERY: Final = 16
"""Sortings of the middle, after which its dict is laid out in order again."""

_ABOVE_ALL: Final = 1e16  # no price is as high
_NO_PRICE: Final = 0.0  # every price is higher
_take_level: Final = cast("Callable[[Any, float, None], tuple[float, ...] | None]", dict.pop)
"""Takes a level out of the dict but not out of its order, if it is there."""
_put_level: Final = cast("Callable[[Any, float, tuple[float, ...]], object]", dict.setdefault)
"""Puts a level into the dict, where it is not, but not into its order.

Python calls these two in half the time of `dict.__setitem__` and `dict.__delitem__`, or of asking a subclass
of dict what it contains.
"""
_size_of: Final = itemgetter(1)


class CoveredSide:
    """All bids or all asks inside coverage, at most `most` of them; `edge` is the price where it ends.

    The best levels, the *near* end, are in a `SortedDict`, for the top ten. Of all behind it, the *middle*, a
    plain dict has the sizes, where a change takes constant time however large the book is. Those of them that
    would be dropped first, the *rim*, are listed in order as well, once any had to be. Each of the three is a
    price range of its own, so a price says where its level is.
    """

    __slots__ = (
        "_in_order",
        "_is_bid",
        "_middle",
        "_middle_end",
        "_most",
        "_near",
        "_near_end",
        "_reach",
        "_rim",
        "_sizes_in_order",
        "_sorted",
        "count",
        "edge",
        "left_out",
        "top",
    )

    def __init__(self, levels: Levels, *, is_bid: bool, most: int) -> None:
        """Take over `levels`, whatever their order; one of size 0 is none. O(n log n)."""
        self._is_bid = is_bid
        self._most = most
        self.left_out: LeftOut = (0, None)
        """Which of the last changes lay beyond the edge as it was before them."""
        self._in_order: list[float] | None = None  # all prices, since they were last asked for
        self._sizes_in_order: list[float] = []  # of the first of them
        self.top: Levels | None = None
        """The ten best levels, best first, or None if there are fewer."""
        self._near: SortedDict[float, Any] = SortedDict()  # the level of each price
        self._middle = {price: size for price, size in levels if size}
        self._rim: list[float] = []  # worst first
        self._sorted = 0  # how often the middle was
        self._reach = 0.0  # USDT behind the near end within which there were enough to fill it; 0: not known
        # A snapshot that shows fewer levels than were asked for may still not be the whole side; of a side
        # that it does not show nothing is known.
        nothing = _ABOVE_ALL if is_bid else _NO_PRICE
        prices = self._best_first(self._middle) or [nothing]
        self.edge = self._middle_end = prices[-1]
        self._near_end = prices[0]  # until it is filled; then the farthest price of it, as of the middle
        self.count = len(self._middle)  # levels held
        order = self._fill_near()
        self._trim()
        self._keep_top(order)

    def merged(self, other: "CoveredSide") -> "CoveredSide":
        """Return a side of what both know, `self` where they overlap. O(n log n)."""
        farther = min if self._is_bid else max
        edge = farther(self.edge, other.edge)
        low, high = self._up_to(self.edge)
        beyond = {price: size for price, size in other.sizes().items() if not low <= price <= high}
        sizes = beyond | self.sizes()
        made = CoveredSide(list(sizes.items()), is_bid=self._is_bid, most=self._most)
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
        return self.count

    def apply(self, changes: Levels) -> None:
        """Set absolute sizes; 0 removes, and what lies beyond the edge is left out.

        O(k log m) for k changes and m levels of near end or rim; amortised, for now and then the middle is
        sorted, O(n log n).
        """
        self._in_order = None
        near = self._near
        order = order_of(near)
        if self._is_bid:
            self._apply_bids(changes, order)
        else:
            self._apply_asks(changes, order)
        settle(near)
        if not TOP_LEVELS <= len(order) <= MOST_NEAR:
            order = self._balance_near()
        self.count = len(near) + len(self._middle)
        if self.count > self._most:
            self._trim()
        self._keep_top(order)

    # A loop a side: one for both would compare each price with both ends of a range. What both do near the
    # touch stands in each of them, too: put aside for a third loop, which both call, it took 4 % more time.
    # A price has two names: compiled, the one is the event's own object, as which the dicts keep it, and the
    # other a number to compare. To make an object of the number anew takes a tenth of all that is done here.

    def _apply_bids(self, changes: list[tuple[Any, ...]], order: list[float]) -> None:
        near = self._near
        middle: dict[Any, Any] = self._middle
        near_end, middle_end, edge = self._near_end, self._middle_end, self.edge
        out, nearest, drop = 0, None, middle.pop
        for level in changes:
            key, size = level
            price: float = key
            if price >= near_end:
                before = _take_level(near, key, None)
                if size:
                    _put_level(near, key, level)
                    if before is None:
                        insort(order, key)
                elif before is not None:
                    del order[bisect_left(order, key)]
            elif price >= middle_end:
                if size:
                    middle[key] = size
                else:
                    drop(key, None)
            elif price >= edge:
                self._set_rim(key, size)
            else:
                out += 1
                nearest = level
        self.left_out = out, nearest

    def _apply_asks(self, changes: list[tuple[Any, ...]], order: list[float]) -> None:
        near = self._near
        middle: dict[Any, Any] = self._middle
        near_end, middle_end, edge = self._near_end, self._middle_end, self.edge
        out, nearest, drop = 0, None, middle.pop
        for level in changes:
            key, size = level
            price: float = key
            if price <= near_end:
                before = _take_level(near, key, None)
                if size:
                    _put_level(near, key, level)
                    if before is None:
                        insort(order, key)
                elif before is not None:
                    del order[bisect_left(order, key)]
            elif price <= middle_end:
                if size:
                    middle[key] = size
                else:
                    drop(key, None)
            elif price <= edge:
                self._set_rim(key, size)
            else:
                if not out:
                    nearest = level
                out += 1
        self.left_out = out, nearest

    def _set_rim(self, price: float, size: float) -> None:
        middle, rim = self._middle, self._rim
        is_there = price in middle
        if size:
            middle[price] = size
            if not is_there:
                insort(rim, price, key=self._goodness)
        elif is_there:
            del middle[price]
            del rim[bisect_left(rim, self._goodness(price), key=self._goodness)]

    def _goodness(self, price: float) -> float:
        return price if self._is_bid else -price

    def _up_to(self, end: float) -> tuple[float, float]:
        """Return the prices from the best one to `end`, lowest and highest."""
        return (end, _ABOVE_ALL) if self._is_bid else (_NO_PRICE, end)

    def _balance_near(self) -> list[float]:
        """Fill the near end or make it shorter; return its prices in rising order."""
        return self._fill_near() if len(self._near) < TOP_LEVELS else self._thin_near()

    def _best_first(self, prices: Iterable[float]) -> list[float]:
        # Sorting all floats beats picking some with heapq.
        return sorted(prices, reverse=self._is_bid)

    def _middle_in_order(self) -> list[float]:
        """Return the prices of the middle, best first. O(n log n).

        Now and then the dict is laid out anew in that order, for what is mostly in order is sorted in half
        the time, and levels that are neighbours lie beside each other in memory.
        """
        middle = self._middle
        prices = self._best_first(middle)
        self._sorted += 1
        if self._sorted % LAID_OUT_EVERY == 0:
            in_order = {price: middle[price] for price in prices}
            middle.clear()
            middle.update(in_order)
        return prices

    def _nearest_in_order(self) -> list[float]:
        """Return the best prices of the middle, best first: `NEAR_LEVELS` or more of them, or all there are.

        O(n), for as long as so many lie within `_reach` of the near end; else all are sorted, O(n log n),
        and the reach is what it would have had to be, twice.
        """
        middle, reach, found = self._middle, self._reach, list[float]()
        if reach and self._is_bid:
            bound = self._near_end - reach
            found = [price for price in middle if price >= bound]
        elif reach:
            bound = self._near_end + reach
            found = [price for price in middle if price <= bound]
        if len(found) < NEAR_LEVELS:
            found = self._middle_in_order()
            if len(found) > NEAR_LEVELS:
                self._reach = 2 * abs(found[NEAR_LEVELS] - self._near_end)
            return found
        if len(found) > _TOO_MANY:
            self._reach = reach / 2
        return self._best_first(found)

    def _fill_near(self) -> list[float]:
        """Move the best levels behind the near end into it; return its prices. See `_nearest_in_order`."""
        prices = self._nearest_in_order()
        near, middle, rim, order = self._near, self._middle, self._rim, order_of(self._near)
        if len(middle) - len(rim) < NEAR_LEVELS:
            rim.clear()
            self._middle_end = self.edge
        best = prices[:NEAR_LEVELS]
        for price in best:
            _put_level(near, price, (price, middle.pop(price)))
        if self._is_bid:
            order[:0] = best[::-1]
        else:
            order += best
        settle(near)
        self._near_end = self._worst_near() if middle else self._middle_end
        return order

    def _thin_near(self) -> list[float]:
        """Move the worst levels of the near end behind it; return its prices."""
        near, middle, order = self._near, self._middle, order_of(self._near)
        worse = slice(None, -NEAR_LEVELS) if self._is_bid else slice(NEAR_LEVELS, None)
        for price in order[worse]:
            middle[price] = near[price][1]
            _take_level(near, price, None)
        del order[worse]
        settle(near)
        self._near_end = self._worst_near()
        return order

    def _trim(self) -> None:
        """Drop the worst levels beyond `most`; coverage ends with the worst that stays."""
        near, middle = self._near, self._middle
        if self.count <= self._most:
            return
        while (excess := len(near) + len(middle) - self._most) > 0:
            if middle:
                self._trim_middle(excess)
            else:
                near.popitem(0 if self._is_bid else -1)
        self.count = self._most
        if middle:
            self._fill_rim()
            self.edge = self._rim[0]
        else:
            self._near_end = self._middle_end = self.edge = self._worst_near()

    def _trim_middle(self, excess: int) -> None:
        """Drop some of the worst levels of the middle, at most `excess`."""
        self._fill_rim()
        rim = self._rim
        for price in rim[:excess]:
            del self._middle[price]
        del rim[:excess]

    def _fill_rim(self) -> None:
        """List the worst levels of the middle, if none are; there must be some. O(n log n)."""
        rim = self._rim
        if not rim:
            prices = self._middle_in_order()
            rim += prices[: -RIM_LEVELS - 1 : -1]
            self._middle_end = prices[-RIM_LEVELS - 1] if len(prices) > RIM_LEVELS else self._near_end

    def _keep_top(self, order: list[float]) -> None:
        prices = order[: -TOP_LEVELS - 1 : -1] if self._is_bid else order[:TOP_LEVELS]
        self.top = [*itemgetter(*prices)(self._near)] if len(prices) == TOP_LEVELS else None

    def _worst_near(self) -> float:
        return self._near.peekitem(0 if self._is_bid else -1)[0]

    def best(self) -> float | None:
        """Return the best price, or None if there is no level. Constant time."""
        near = self._near
        return near.peekitem(-1 if self._is_bid else 0)[0] if near else None

    def sizes(self) -> dict[float, float]:
        """Return the size of every level by price, in no order. O(n)."""
        return dict(chain(self._near.values(), self._middle.items()))

    def prices(self) -> list[float]:
        """Return all prices, best first. O(n log n), constant time until the next change."""
        if self._in_order is None:
            best_first = self._best_first(self._near)
            self._sizes_in_order = [size for _, size in _values(self._near, best_first)]
            # Sorting floats takes a third of what sorting pairs does.
            self._in_order = best_first + self._middle_in_order()
        return self._in_order

    def sizes_of_best(self, count: int) -> list[float]:
        """Return the sizes of the best levels, in the order of `prices`: of `count` of them, or of more.

        O(n) once, constant time until the next change. Looking up takes longer than ordering.
        """
        prices, sizes = self.prices(), self._sizes_in_order
        if len(sizes) < count:
            sizes += _values(self._middle, prices[len(sizes) : count])
        return sizes

    def levels(self) -> Levels:
        """Return all levels, best first. O(n log n)."""
        prices = self.prices()
        return list(zip(prices, self.sizes_of_best(len(prices)), strict=True))

    def check(self) -> None:
        """Raise AssertionError unless every invariant holds. O(n)."""
        self._near._check()  # type: ignore[attr-defined]  # noqa: SLF001 - sortedcontainers' own
        near, middle, rim = self._near, self._middle, self._rim
        sizes = self.sizes()
        if not len(sizes) == len(near) + len(middle) == self.count <= self._most:
            raise AssertionError(f"{len(self)} levels at {len(sizes)} prices, at most {self._most}")
        if len(near) < min(TOP_LEVELS, len(self)):
            raise AssertionError(f"only {len(near)} of {len(self)} levels are in order")
        if any(price != level[0] for price, level in near.items()):
            raise AssertionError("a level of another price")
        best = [near[price] for price in self._best_first(near)[:TOP_LEVELS]]
        if self.top != (best if len(best) == TOP_LEVELS else None):
            raise AssertionError(f"{self.top} are not the best levels, which are {best}")
        sign = 1 if self._is_bid else -1
        if rim != [price for price in self._best_first(middle)[::-1] if price in set(rim)]:
            raise AssertionError(f"the rim is not in order, or of levels that are not there: {rim}")
        bounds = [_ABOVE_ALL, *(sign * end for end in (self._near_end, self._middle_end, self.edge))]
        parts = (near, middle.keys() - set(rim), rim)
        for prices, better, worse in zip(parts, bounds, bounds[1:], strict=False):
            for price in prices:
                if not worse <= sign * price <= better:
                    raise AssertionError(f"a level at {price}, outside [{worse}, {better}]")
                if not 0 < sizes[price] < float("inf"):
                    raise AssertionError(f"size {sizes[price]} at {price}")


def _values(of: Mapping[float, Any], keys: list[float]) -> Iterable[Any]:
    """Return the values of some keys, in order. `itemgetter` takes two thirds of the time of `map`.

    It wants one key at least, and of one alone it gives the value and no tuple.
    """
    return itemgetter(*keys)(of) if len(keys) > 1 else [of[key] for key in keys]
