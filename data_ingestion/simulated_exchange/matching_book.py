"""The matching book of one simulated market: price levels in whole ticks and lots."""

from random import Random
from typing import Final

BID: Final = 0
ASK: Final = 1
SIGN: Final = (1, -1)  # times a tick: the better price of a side is the greater
OTHER: Final = (ASK, BID)

FEW_LEVELS: Final = 50  # found sooner by looking at each tick than by sorting
ID_JUMPS: Final = 8  # ids between two operations on this book go to other books, up to this many less one

Side = int
Fill = tuple[int, int]
"""Tick and lots."""


class MatchingBook:
    """Price levels of both sides in whole ticks and lots, and the update id of the last operation.

    A side never becomes empty and the sides never cross: an order that would do
    either is cut down to what does not.
    """

    def __init__(self, bids: dict[int, int], asks: dict[int, int], *, update_id: int, random: Random) -> None:
        self.levels = (bids, asks)
        self.best = [max(bids), min(asks)]
        self.update_id = update_id
        self.first_touched_id = 0  # of the operations since the last drain_touched(); 0 when none
        self.taken_lots = 0
        self._touched: tuple[dict[int, None], dict[int, None]] = ({}, {})
        self._random = random.random

    def set_level(self, side: Side, tick: int, lots: int) -> None:
        """Make the level hold `lots`; more lots are added orders, fewer are cancelled ones.

        A price at or beyond the other side's best is refused, and so is cancelling
        the last level of a side.
        """
        levels, sign = self.levels[side], SIGN[side]
        if sign * tick >= sign * self.best[OTHER[side]] or levels.get(tick, 0) == lots:
            return
        if lots > 0:
            levels[tick] = lots
            if sign * tick > sign * self.best[side]:
                self.best[side] = tick
        elif len(levels) > 1:
            self._remove(side, tick)
        else:
            return
        self._touch(side, tick)

    def match(self, side: Side, lots: int, limit: int) -> list[Fill]:
        """Let a taker order eat up to `lots` of `side`, best first and none beyond tick `limit`.

        Returns (tick, lots) of each level it reached. The side's last level is never
        eaten up: one lot of it stays.
        """
        levels, sign, fills = self.levels[side], SIGN[side], []
        while lots > 0 and sign * (tick := self.best[side]) >= sign * limit:
            resting = levels[tick]
            eaten = min(lots, resting if len(levels) > 1 else resting - 1)
            if eaten <= 0:
                break
            if eaten < resting:
                levels[tick] = resting - eaten
            else:
                self._remove(side, tick)
            self._touch(side, tick)
            self.taken_lots += eaten
            fills.append((tick, eaten))
            lots -= eaten
        return fills

    def drain_touched(self) -> tuple[list[int], list[int]]:
        """Ticks of each side that operations have touched since the last call."""
        touched = (list(self._touched[BID]), list(self._touched[ASK]))
        self._touched[BID].clear()
        self._touched[ASK].clear()
        self.first_touched_id = 0
        return touched

    def next_id(self) -> int:
        """Move the update id on, as an operation on any book of the exchange does."""
        self.update_id += 1 + int(self._random() * ID_JUMPS)
        return self.update_id

    def top(self, count: int) -> list[Fill]:
        """Return the best `count` bids and then as many asks, as (tick, lots)."""
        found: list[Fill] = []
        for side in (BID, ASK):
            levels, tick, step = self.levels[side], self.best[side], -SIGN[side]
            if count > FEW_LEVELS:
                found += [(t, levels[t]) for t in sorted(levels, reverse=side == BID)[:count]]
                continue
            left = min(count, len(levels))
            while left:
                lots = levels.get(tick)
                if lots is not None:
                    found.append((tick, lots))
                    left -= 1
                tick += step
        return found

    def check(self) -> None:
        """Raise AssertionError if the book breaks one of its promises."""
        bids, asks = self.levels
        if not bids or not asks or self.best != [max(bids), min(asks)]:
            raise AssertionError(f"best prices {self.best} are not those of the levels")
        if self.best[BID] >= self.best[ASK]:
            raise AssertionError(f"crossed at {self.best}")
        if min(bids.values()) <= 0 or min(asks.values()) <= 0:
            raise AssertionError("a level without size")

    def _remove(self, side: Side, tick: int) -> None:
        levels = self.levels[side]
        if levels.pop(tick, None) is not None and tick == self.best[side]:
            while tick not in levels:
                tick -= SIGN[side]
            self.best[side] = tick

    def _touch(self, side: Side, tick: int) -> None:
        self._touched[side][tick] = None
        update_id = self.next_id()
        if not self.first_touched_id:
            self.first_touched_id = update_id
