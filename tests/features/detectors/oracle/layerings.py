"""Layering, as its definition says: three large levels in a row that keep changing and hardly trade."""

from collections.abc import Iterator

from features.detectors.detection import Detection, Ending, Event, Evidence, Kind
from tests.features.detectors.oracle.told import REPORT_MS, Told, at_open, eight


def layerings(told: Told) -> Iterator[Detection]:
    """Yield what is to be said of layering, side by side."""
    for side in (0, 1):
        yield from _of_side(told, side)


class _Side:
    """A side of the market; `told_of` are the books by which a price's earlier changes were told of."""

    def __init__(self, told: Told, side: int) -> None:
        self.told, self.side = told, side
        self.told_of: dict[float, int] = {}

    def changed(self, price: float, book: int) -> bool:
        """Whether a level that was large, or is, is known to have changed with this book."""
        told, side = self.told, self.side
        if book < told.first:
            return False
        before, after = told.size(book - 1, side, price), told.size(book, side, price)
        threshold = told.threshold(book)
        if before is None or after is None or before == after:
            return False
        return before > threshold or after > threshold

    def changes(self, price: float, book: int) -> list[int]:
        """Return the times of the changes of the last five seconds."""
        told, number = self.told, book
        times = []
        while number >= 0 and told.time(number) > told.time(book) - told.settings.layering_ms:
            if self.changed(price, number) and number > self.told_of.get(price, -1):
                times.append(told.time(number))
            number -= 1
        return times[::-1]

    def rows(self, book: int) -> list[list[float]]:
        """Return the rows of neighbours that are large and change often, best first."""
        told = self.told
        large = told.large(book, self.side, book)
        if len(large) < told.settings.layering_levels:
            return []
        rows: list[list[float]] = [[]]
        for price in told.books[book].levels[self.side]:
            if price in large and len(self.changes(price, book)) >= told.settings.layering_changes:
                rows[-1].append(price)
            else:
                rows.append([])
        return [row for row in rows if len(row) >= told.settings.layering_levels]

    def traded_share(self, prices: list[float], book: int) -> float:
        """Return what traded at these prices in five seconds, over that and what rests there."""
        told, side = self.told, self.side
        since, start = told.time(book) - told.settings.layering_ms, book
        while start > 0 and told.time(start) > since:
            start -= 1
        traded = sum(
            taken.size
            for taken in told.between(start, book, side)
            if taken.time > since and taken.price in prices
        )
        return eight(traded / (traded + self.whole(prices, book))) if traded else 0.0

    def whole(self, prices: list[float], book: int) -> float:
        """Return what rests at these prices, where it is in sight."""
        return sum(self.told.size(book, self.side, price) or 0.0 for price in prices)


def _of_side(told: Told, side: int) -> Iterator[Detection]:
    at, free = _Side(told, side), 0
    closed: dict[float, int] = {}
    for start in told.steps():
        if start < free or told.trades_since is None or told.trades_since > told.time(start):
            continue
        for row in at.rows(start):
            rested = told.time(start) - closed.get(row[0], -(10**15)) >= told.settings.cooldown_ms
            if rested and at.traded_share(row, start) <= told.settings.layering_traded_share:
                free, said = _life(at, row, start)
                yield from said
                if said[-1].event is Event.CLOSED:
                    closed[row[0]] = said[-1].time
                    for price in said[-1].evidence["level_prices"]:  # type: ignore[union-attr]
                        at.told_of[price] = free - 1  # type: ignore[index]
                break


def _life(at: _Side, row: list[float], start: int) -> tuple[int, list[Detection]]:
    """Follow a layering from its opening; return the first book after it, and what is said."""
    told, side = at.told, at.side
    began = min(time for price in row for time in at.changes(price, start))
    most = at.whole(row, start) / told.median(start)

    def said(event: Event, prices: list[float], book: int, reason: Ending | None = None) -> Detection:
        sizes = [told.size(book, side, price) for price in prices]
        evidence: Evidence = {
            "levels": len(prices),
            "level_prices": prices,
            "sizes": sizes,
            "changes": [len(at.changes(price, book)) for price in prices],
            "median_size": told.median(book),
            "threshold": told.threshold(book),
            "traded_share": None if None in sizes else at.traded_share(prices, book),
            "first_update_id": told.books[start].update_id,
            "last_update_id": told.books[book].update_id,
        }
        evidence |= told.distance(book, side, prices[0])
        if reason is not None:
            evidence |= at_open(told.distance(start, side, row[0]))
        return told.entry(Kind.LAYERING, event, side, row[0], began, book, most, evidence, reason)

    entries, prices, reported = [said(Event.OPENED, row, start)], row, start
    for book in range(start + 1, len(told.books)):
        others = [other for other in at.rows(book) if set(other) & set(prices)]
        reason = _ending(at, prices, book, lives=bool(others))
        prices = others[0] if reason is None else prices
        most = max(most, at.whole(prices, book) / told.median(book))
        if reason is not None:
            return book + 1, [*entries, said(Event.CLOSED, prices, book, reason)]
        if told.time(book) - told.time(reported) >= REPORT_MS:
            entries.append(said(Event.UPDATED, prices, book))
            reported = book
    return len(told.books), entries


def _ending(at: _Side, prices: list[float], book: int, *, lives: bool) -> Ending | None:
    told = at.told
    in_sight = all(told.size(book, at.side, price) is not None for price in prices)
    if in_sight and at.traded_share(prices, book) > told.settings.layering_traded_share:
        return Ending.CONSUMED
    if lives:
        return None
    if not in_sight:
        return Ending.OUT_OF_RANGE
    large = told.large(book, at.side, book)
    return Ending.ENDED if all(price in large for price in prices) else Ending.PULLED
