"""Absorption and icebergs, as their definitions say: prices that takers hit, and that come back."""

from collections.abc import Callable, Iterator

from features.detectors.detection import Detection, Ending, Event, Evidence, Kind
from tests.features.detectors.oracle.told import REPORT_MS, Told, eight, fills_of


class Episode:
    """A price that is being hit, from the trade after the book `start` on, over windows of so many ms."""

    def __init__(self, told: Told, side: int, price: float, start: int, span_ms: int) -> None:
        self.told, self.side, self.price, self.start, self.span = told, side, price, start, span_ms
        self._refills: list[tuple[int, float]] = []
        self._judged = start

    def size(self, book: int) -> float:
        """Return what is visible at the price."""
        return self.told.size(book, self.side, self.price) or 0.0

    def taken(self, after: int, until: int) -> float:
        """Return what trades took between two books."""
        return sum(taken.size for taken in self.told.between(after, until, self.side, self.price))

    def last_hit(self, book: int) -> int:
        """Return the time of the last trade at the price before a book."""
        return self.told.between(self.start, book, self.side, self.price)[-1].time

    def refills(self, book: int) -> list[tuple[int, float]]:
        """Return the books that told a refill, until this one, and what had come back."""
        for number in range(self._judged + 1, book + 1):
            came_back = self._came_back(number, self._refills[-1][0] if self._refills else self.start)
            if came_back is not None:
                self._refills.append((number, came_back))
        self._judged = max(self._judged, book)
        return [refill for refill in self._refills if refill[0] <= book]

    def _came_back(self, book: int, last: int) -> float | None:
        """Return what came back by a book, where that is a refill; `last` is the refill before."""
        told, settings = self.told, self.told.settings
        if eight(self.size(book) + self.taken(book - 1, book)) <= eight(self.size(book - 1)):
            return None
        since, early = told.time(book) - settings.refill_ms, book - 1
        while early > last and told.time(early) >= since:
            early -= 1
        owed = [one for one in told.between(early, book, self.side, self.price) if one.time >= since]
        if not owed:
            return None
        came_back = max(
            eight(self.size(book) - self.size(low) + self.taken(low, book))
            for low in range(owed[0].book, book)
        )
        enough = eight(settings.refill_share * sum(one.size for one in owed))
        return came_back if came_back >= enough else None

    def window(self, book: int) -> int:
        """Return the book with which the window that ends at another begins."""
        told, start = self.told, book
        while start > self.start and told.time(start) > told.time(book) - self.span:
            start -= 1
        return start

    def as_it_was(self, book: int) -> int:
        """Return the book since which nothing has happened at the price until another."""
        while book > self.start and self.size(book) == self.size(book - 1) and not self.taken(book - 1, book):
            book -= 1
        return book

    def volume(self, book: int) -> float:
        """Return what was taken in the window."""
        return eight(self.taken(self.window(book), book))

    def largest(self, book: int) -> float:
        """Return the largest size that was visible in the window."""
        return max(self.size(number) for number in range(self.window(book), book + 1))

    def refills_in_window(self, book: int) -> list[float]:
        """Return what came back in the window, refill by refill."""
        return [back for number, back in self.refills(book) if number > self.window(book)]

    def started_at(self, book: int) -> int:
        """Return the time of the window's first trade."""
        return self.told.between(self.window(book), book, self.side, self.price)[0].time

    def figures(self, book: int) -> Evidence:
        """Return the evidence of the window."""
        told, start = self.told, self.window(book)
        trades, back = told.between(start, book, self.side, self.price), self.refills_in_window(book)
        return {
            "volume": self.volume(book),
            "trade_count": len(trades),
            "trades": fills_of(trades),
            "refills": len(back),
            "refilled": eight(sum(back)),
            "size_before": self.size(start),
            "size_after": told.size(book, self.side, self.price),
            "largest_size": self.largest(book),
            "median_size": told.median(book),
            "first_update_id": told.books[self.as_it_was(start)].update_id,
            "last_update_id": told.books[book].update_id,
        }


Figures = Callable[[Episode, int], Evidence]
Ends = Callable[[Episode, int, int], Ending | None]
"""Episode, book, and the time since which it may be over: that of the last trade, or of the last time met."""


def absorptions(told: Told) -> Iterator[Detection]:
    """Yield what is to be said of absorptions: a fight for each best price that is hit."""
    settings = told.settings

    def met(at: Episode, book: int) -> bool:
        volume = at.volume(book)
        return (
            len(at.refills_in_window(book)) >= settings.absorption_refills
            and at.size(book) > 0
            and volume > told.threshold(book)
            and volume > eight(settings.absorption_ratio * at.largest(book))
        )

    def ends(at: Episode, book: int, alive: int) -> Ending | None:
        ticks = told.ahead(book, at.side, at.price) / told.tick
        if round(ticks) < -1:
            return Ending.GAVE_WAY
        if round(ticks) > 1:
            return Ending.MOVED_AWAY
        return Ending.ENDED if told.time(book) - alive >= settings.absorption_ms else None

    free: dict[tuple[int, float], int] = {}
    closed: tuple[dict[float, int], dict[float, int]] = ({}, {})
    for taken in told.trades:
        place = (taken.side, taken.price)
        if taken.book >= free.get(place, 0) and taken.price == told.books[taken.book].best[taken.side]:
            at = Episode(told, *place, taken.book, settings.absorption_ms)
            free[place], said = _life(at, Kind.ABSORPTION, met, ends, Episode.figures, closed[taken.side])
            yield from said


def icebergs(told: Told) -> Iterator[Detection]:
    """Yield what is to be said of icebergs: an episode for each visible price that is hit."""
    settings = told.settings

    def met(at: Episode, book: int) -> bool:
        volume, start = at.volume(book), at.window(book)
        loss = max(0.0, at.size(start) - at.size(book))
        return (
            len(told.between(start, book, at.side, at.price)) >= settings.iceberg_trades
            and len(at.refills_in_window(book)) >= settings.iceberg_refills
            and at.size(book) > 0
            and volume > told.threshold(book)
            and volume > eight(at.largest(book))
            and volume >= eight(settings.iceberg_ratio * loss)
        )

    def ends(at: Episode, book: int, alive: int) -> Ending | None:
        if told.size(book, at.side, at.price) is None:
            return Ending.OUT_OF_RANGE
        if told.time(book) - min(alive, at.last_hit(book)) >= settings.iceberg_idle_ms:
            return Ending.ENDED
        beyond = told.ahead(book, at.side, at.price) < 0
        gone = at.size(book) == 0 and not told.between(book - 1, book, at.side, at.price)
        return Ending.GAVE_WAY if gone and beyond else None

    def figures(at: Episode, book: int) -> Evidence:
        if told.size(book, at.side, at.price) is None:
            return at.figures(book) | {"visible_loss": None, "hidden_volume": None}
        loss = max(0.0, at.size(at.window(book)) - at.size(book))
        hidden = eight(at.volume(book) - loss)
        return at.figures(book) | {"visible_loss": eight(loss), "hidden_volume": hidden}

    free: dict[tuple[int, float], int] = {}
    closed: tuple[dict[float, int], dict[float, int]] = ({}, {})
    for taken in told.trades:
        place = (taken.side, taken.price)
        if taken.book >= free.get(place, 0) and taken.price in told.books[taken.book].levels[taken.side]:
            at = Episode(told, *place, taken.book, settings.iceberg_ms)
            free[place], said = _life(at, Kind.ICEBERG, met, ends, figures, closed[taken.side])
            yield from said


def _life(
    at: Episode,
    kind: Kind,
    met: Callable[[Episode, int], bool],
    ends: Ends,
    figures: Figures,
    closed: dict[float, int],
) -> tuple[int, list[Detection]]:
    """Follow an episode to its end; return the book of that, and what is said."""
    told, said = at.told, list[Detection]()
    most, met_at, reported = 0.0, 0, 0

    def tell(event: Event, book: int, reason: Ending | None = None) -> None:
        began = said[0].started_at if said else at.started_at(book)
        said.append(told.entry(kind, event, at.side, at.price, began, book, most, figures(at, book), reason))

    for book in range(at.start + 1, len(told.books)):
        is_met = met(at, book)
        if is_met:
            met_at, most = told.time(book), max(most, at.volume(book) / at.largest(book))
        reason = ends(at, book, met_at if said else at.last_hit(book))
        if reason is not None:
            if said:
                tell(Event.CLOSED, book, reason)
                closed[at.price] = told.time(book)
            return book, said
        if not is_met:
            continue
        if not said:
            if told.time(book) - closed.get(at.price, -(10**15)) >= told.settings.cooldown_ms:
                tell(Event.OPENED, book)
                reported = told.time(book)
        elif at.taken(book - 1, book) and told.time(book) - reported >= REPORT_MS:
            tell(Event.UPDATED, book)
            reported = told.time(book)
    return len(told.books), said
