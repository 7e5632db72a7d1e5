"""Sweeps, as their definition says: trades through the three best levels at once, which are gone after it."""

from collections.abc import Iterator, Sequence

from features.detectors.detection import Detection, Event, Kind
from tests.features.detectors.oracle.told import SHOWN, Taken, Told, eight


def sweeps(told: Told) -> Iterator[Detection]:
    """Yield what is to be said of sweeps, side by side."""
    for side in (0, 1):
        used, fired_at, withheld = told.first - 1, -(10**15), 0
        for book in told.steps():
            trades, levels = _most(told, side, used, book)
            if not levels:
                continue
            used = book
            if told.time(book) - fired_at < told.settings.cooldown_ms:
                withheld += 1
                continue
            yield _sweep(told, side, trades, levels, withheld, book)
            fired_at, withheld = told.time(book), 0


def _most(told: Told, side: int, used: int, book: int) -> tuple[Sequence[Taken], list[float]]:
    """Return the trades until a book, of one sweep, that ate the most levels: the latest such."""
    best: tuple[Sequence[Taken], list[float]] = [], []
    if not told.between(book - 1, book, side):
        return best
    early = book - 1
    while early > used and told.time(early) > told.time(book - 1) - told.settings.sweep_ms:
        early -= 1
    trades = told.between(early, book, side)
    for number, first in enumerate(trades):
        run = [taken for taken in trades[number:] if taken.time - first.time < told.settings.sweep_ms]
        levels = []
        for price in told.books[first.book].levels[side]:
            if told.size(book, side, price) != 0 or price not in {taken.price for taken in run}:
                break
            levels.append(price)
        ends_here = run[-1].book == book - 1
        if ends_here and len(levels) >= max(told.settings.sweep_levels, len(best[1])):
            best = run, levels
    return best


def _sweep(
    told: Told, side: int, run: Sequence[Taken], levels: list[float], withheld: int, book: int
) -> Detection:
    first, last = run[0], run[-1]
    stood = told.books[first.book]
    volume, usual = eight(sum(taken.size for taken in run)), told.depth_medians(book)[side]
    return told.entry(
        Kind.SWEEP,
        Event.FIRED,
        side,
        first.price,
        first.time,
        book,
        volume / usual,
        {
            "levels": len(levels),
            "level_prices": levels,
            "sizes_before": [stood.levels[side][price] for price in levels],
            "volume": volume,
            "median_depth": eight(usual),
            "first_price": first.price,
            "last_price": last.price,
            "duration_ms": last.time - first.time,
            "trade_count": len(run),
            "withheld": withheld,
            "trades": [taken.fill for taken in run[:SHOWN]],
            "first_update_id": stood.update_id,
            "last_update_id": told.books[book].update_id,
        },
    )
