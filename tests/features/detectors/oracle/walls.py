"""Walls, as their definition says: a level above three medians at every book for more than five seconds."""

from collections.abc import Iterator

from features.detectors.detection import Detection, Ending, Event, Evidence, Kind
from tests.features.detectors.oracle.told import REPORT_MS, Told, at_open, eight, fills_of


def walls(told: Told) -> Iterator[Detection]:
    """Yield what is to be said of walls, place by place."""
    places: dict[tuple[int, float], list[int]] = {}
    for book in told.steps():
        for side in (0, 1):
            for price in told.large(book, side, book):
                places.setdefault((side, price), []).append(book)
    for (side, price), books in places.items():
        free, closed_at = 0, -(10**15)
        for start in books:
            if start >= free:
                free, said = _run(told, side, price, start, closed_at)
                yield from said
                if said and said[-1].event is Event.CLOSED:
                    closed_at = told.time(free)


def _run(told: Told, side: int, price: float, start: int, closed_at: int) -> tuple[int, list[Detection]]:
    """Follow a level from the first book at which it is large; return the book at which that ends."""
    settings = told.settings
    opened = None
    for book in range(start, len(told.books)):
        if told.books[book].levels[side].get(price, 0.0) <= told.threshold(book):
            return book, []
        rested = told.time(book) - closed_at >= settings.cooldown_ms
        if told.time(book) - told.time(start) > settings.wall_hold_ms and rested:
            opened = book
            break
    if opened is None:
        return len(told.books), []
    threshold = told.threshold(opened)
    said, reported = [_said(told, Event.OPENED, side, price, start, opened, opened)], opened
    for book in range(opened + 1, len(told.books)):
        size = told.size(book, side, price)
        if size is None:
            ending = _said(
                told, Event.CLOSED, side, price, start, opened, book - 1, Ending.OUT_OF_RANGE, at=book
            )
            return book, [*said, ending]
        if size <= threshold:
            return book, [*said, _ended(told, side, price, start, opened, book)]
        last = told.size(reported, side, price) or 0.0
        if abs(size - last) > last / 4 and told.time(book) - told.time(reported) >= REPORT_MS:
            said.append(_said(told, Event.UPDATED, side, price, start, opened, book))
            reported = book
    return len(told.books), said


def _figures(told: Told, side: int, price: float, start: int, opened: int, book: int, at: int) -> Evidence:
    """Return the evidence as of the book `at`, when `book` is the last in which the level was in sight."""
    sizes = [told.size(number, side, price) or 0.0 for number in range(start, book + 1)]
    return {
        "size": sizes[-1],
        "first_size": sizes[0],
        "largest_size": max(sizes),
        "median_size": told.median(opened),
        "threshold": told.threshold(opened),
        "held_ms": told.time(at) - told.time(start),
        "first_update_id": told.books[start].update_id,
        "last_update_id": told.books[at].update_id,
    } | told.distance(at, side, price)


def _said(
    told: Told,
    event: Event,
    side: int,
    price: float,
    start: int,
    opened: int,
    book: int,
    reason: Ending | None = None,
    *,
    at: int | None = None,
) -> Detection:
    at = book if at is None else at
    evidence = _figures(told, side, price, start, opened, book, at)
    if reason is not None:
        evidence |= at_open(told.distance(opened, side, price))
    seconds = (told.time(at) - told.time(start)) / 1000
    magnitude = (told.size(book, side, price) or 0.0) / told.median(opened) * seconds
    return told.entry(Kind.WALL, event, side, price, told.time(start), at, magnitude, evidence, reason)


def _ended(told: Told, side: int, price: float, start: int, opened: int, end: int) -> Detection:
    """Return the closing of a wall that was large until the book before `end`."""
    sizes = {book: told.size(book, side, price) or 0.0 for book in range(start, end + 1)}
    grew = start
    for book in range(start + 1, end + 1):
        same_though_hit = sizes[book] == sizes[book - 1] and told.between(book - 1, book, side, price)
        if sizes[book] > sizes[book - 1] or same_though_hit:
            grew = book
    began = max(book for book in range(grew, end + 1) if sizes[book] == sizes[grew])
    lost = eight(sizes[began] - sizes[end])
    trades = told.between(began, end, side, price)
    traded = eight(sum(taken.size for taken in trades))
    if told.trades_since is None or told.trades_since > told.time(began):
        reason = Ending.UNEXPLAINED
    elif traded >= eight(told.settings.wall_consumed_share * lost):
        reason = Ending.CONSUMED
    else:
        reason = Ending.PULLED
    evidence: Evidence = {
        "size_before": sizes[began],
        "size_after": sizes[end],
        "lost": lost,
        "decline_began": told.time(began),
        "traded": traded,
        "traded_share": eight(traded / lost),
        "trades": fills_of(trades),
    }
    seconds = (told.time(end) - told.time(start)) / 1000
    return told.entry(
        Kind.WALL,
        Event.CLOSED,
        side,
        price,
        told.time(start),
        end,
        sizes[began] / told.median(opened) * seconds,
        _figures(told, side, price, start, opened, end, end)
        | at_open(told.distance(opened, side, price))
        | evidence,
        reason,
    )
