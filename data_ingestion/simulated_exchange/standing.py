"""Orders that stand at their price in a simulated book, whatever the small makers at that price do."""

from data_ingestion.simulated_exchange.matching_book import OTHER, SIGN, Fill, MatchingBook, Side


class Standing:
    """The lots of standing orders at each tick, which are part of the levels of the book.

    What a level holds beyond them is that of small makers, who come and go.
    """

    def __init__(self, book: MatchingBook) -> None:
        self.book = book
        self._lots: tuple[dict[int, int], dict[int, int]] = ({}, {})

    def place(self, side: Side, tick: int, lots: int) -> bool:
        """Add an order to a level; False, and nothing done, if the price is at or beyond the other side's."""
        sign = SIGN[side]
        if sign * tick >= sign * self.book.best[OTHER[side]]:
            return False
        self.book.set_level(side, tick, self.book.levels[side].get(tick, 0) + lots)
        self._lots[side][tick] = self.lots(side, tick) + lots
        return True

    def withdraw(self, side: Side, tick: int, lots: int) -> None:
        """Cancel an order of so many lots, or what takers have left of it."""
        standing = self.lots(side, tick)
        self._keep(side, tick, standing - lots)
        gone = min(lots, standing)
        if gone:
            self.book.set_level(side, tick, max(self.book.levels[side].get(tick, 0) - gone, 0))

    def pull(self, side: Side, tick: int) -> None:
        """Cancel the whole level."""
        self._keep(side, tick, 0)
        self.book.set_level(side, tick, 0)

    def quote(self, side: Side, tick: int, lots: int) -> None:
        """Make small makers hold `lots` at a tick, none of them with 0, beside what stands there."""
        self.book.set_level(side, tick, lots + self._lots[side].get(tick, 0))

    def match(self, side: Side, lots: int, limit: int) -> list[Fill]:
        """Let a taker order eat as `MatchingBook.match` does; small makers were there first."""
        fills = self.book.match(side, lots, limit)
        levels, standing = self.book.levels[side], self._lots[side]
        for tick, _ in fills:
            if tick in standing:
                self._keep(side, tick, min(standing[tick], levels.get(tick, 0)))
        return fills

    def lots(self, side: Side, tick: int) -> int:
        """Lots of the standing orders at a tick."""
        return self._lots[side].get(tick, 0)

    def small_lots(self, side: Side, tick: int) -> int:
        """Lots of the small makers at a tick."""
        return max(self.book.levels[side].get(tick, 0) - self._lots[side].get(tick, 0), 0)

    def _keep(self, side: Side, tick: int, lots: int) -> None:
        if lots > 0:
            self._lots[side][tick] = lots
        else:
            self._lots[side].pop(tick, None)
