"""Exhaustion, as its definition says: a side empties, the spread opens, the price breaks out through it."""

from collections.abc import Iterator

from features.detectors.detection import Detection, Event, Kind
from tests.features.detectors.oracle.told import SIGN, Told, eight


def exhaustions(told: Told) -> Iterator[Detection]:
    """Yield what is to be said of exhaustion, side by side."""
    for side in (0, 1):
        fired_at, used, free = -(10**15), told.first - 1, 0
        for start in told.steps():
            span = _range_before(told, start)
            if start < free or span is None or _peak(told, side, used, start) is None:
                continue
            end, breaks, fall = _fall(told, side, used, start, span)
            free = end + 1
            if breaks:
                used = end
                if told.time(end) - fired_at >= told.settings.cooldown_ms:
                    fired_at = told.time(end)
                    yield _breakout(told, side, start, end, fall, span)


def _depth(told: Told, side: int, book: int) -> float:
    return eight(sum(told.books[book].levels[side].values()))


def _peak(told: Told, side: int, used: int, book: int) -> int | None:
    """Return the deepest book of the last two seconds, the latest such, where the side has fallen since."""
    since = told.time(book) - told.settings.exhaustion_fall_ms
    early = book
    while early - 1 > used and told.time(early - 1) >= since:
        early -= 1
    peak = max(range(early, book + 1), key=lambda number: (_depth(told, side, number), number))
    lost = eight(_depth(told, side, peak) - _depth(told, side, book))
    enough = told.settings.exhaustion_share * told.depth_medians(book)[side]
    return peak if lost > eight(enough) else None


def _range_before(told: Told, book: int) -> tuple[float, float] | None:
    """Return lowest and highest mid of the whole seconds of half a minute, until the time of a fall ago."""
    settings = told.settings
    last = told.time(book) // 1000 - -(-settings.exhaustion_fall_ms // 1000)
    first = last - settings.exhaustion_median_ms // 1000
    mids = []
    for number in range(book, -1, -1):
        second = told.time(number) // 1000
        if second < first:
            break
        if second < last:
            mids.append(told.books[number].mid)
    return (min(mids), max(mids)) if mids else None


def _fall(
    told: Told, side: int, used: int, start: int, span: tuple[float, float]
) -> tuple[int, bool, tuple[int, int, float]]:
    """Follow a fall; return its last book, whether the price breaks out with it, and its deepest point."""
    settings = told.settings
    fall = (-1, start, 0.0)
    for book in range(start, len(told.books)):
        peak = _peak(told, side, used, book)
        deeper = fall[0] < 0 or _depth(told, side, book) < _depth(told, side, fall[1])
        if peak is not None and deeper:
            fall = peak, book, told.depth_medians(book)[side]
        if told.time(book) - told.time(fall[1]) > settings.exhaustion_break_ms:
            return book, False, fall
        widest = max(eight(one.best[1] - one.best[0]) for one in told.books[start : book + 1])
        wide = widest >= eight(settings.exhaustion_spread_ratio * told.spread_median(book))
        mid, (low, high) = told.books[book].mid, span
        if wide and (mid < low if side == 0 else mid > high):
            return book, True, fall
    return len(told.books), False, fall


def _breakout(
    told: Told, side: int, start: int, end: int, fall: tuple[int, int, float], span: tuple[float, float]
) -> Detection:
    peak, deepest, usual = fall
    before, after = _depth(told, side, peak), _depth(told, side, deepest)
    return told.entry(
        Kind.EXHAUSTION,
        Event.FIRED,
        side,
        told.books[peak].best[side],
        told.time(peak),
        end,
        (before - after) / usual,
        {
            "depth_before": before,
            "depth_after": after,
            "fall_ms": told.time(deepest) - told.time(peak),
            "median_depth": eight(usual),
            "spread": eight(max(one.best[1] - one.best[0] for one in told.books[start : end + 1])),
            "median_spread": eight(told.spread_median(end)),
            "mid": told.books[end].mid,
            "range_low": span[0],
            "range_high": span[1],
            "direction": "down" if SIGN[side] == 1 else "up",
            "first_update_id": told.books[peak].update_id,
            "last_update_id": told.books[end].update_id,
        },
    )
