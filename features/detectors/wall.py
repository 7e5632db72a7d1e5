"""Walls: a level that stays large.

Opens when a level's size is above `large_ratio` (3) times the median of all top-ten sizes of the last
60 s at every book for more than `wall_hold_ms` (5 s). From then on it is held against the threshold that
it opened with, and closes when its size is no longer above that:

- `consumed` if trades at its price make up at least `wall_consumed_share` (half) of its last decline,
- `pulled` if they do not, so that most of the loss was cancelled,
- `unexplained` if the trades of that decline are not all known,
- `out_of_range` if the price left the ten levels, beyond which nothing is known.

The last decline is what the level lost since it last grew. Sizes in base asset, times in exchange ms.
Source: the project's own definition; trades tell a pulled wall from a consumed one.
"""

from collections.abc import Sequence
from typing import Final

from data_ingestion.messages import AggTrade
from features.detectors.book import Book
from features.detectors.cooldown import Cooldown
from features.detectors.detection import (
    FILLS_SHOWN,
    Detection,
    Ending,
    Event,
    Evidence,
    Fill,
    Kind,
    Subject,
    fill_of,
    rounded,
)
from features.detectors.detector import Step
from features.detectors.settings import DetectorSettings

_UPDATE_SHARE: Final = 0.25  # change of size since the last report that is worth another
_UPDATE_MS: Final = 1_000  # between two reports of one wall, at least


class _Wall:
    """A level that is large, and what happened to it. `subject` is None until the wall is open."""

    __slots__ = (
        "decline_began", "fills", "first_size", "first_update_id", "hit", "largest", "median", "reference",
        "reported", "reported_at", "since", "size", "subject", "threshold", "traded",
    )  # fmt: skip

    def __init__(self, book: Book, size: float) -> None:
        self.since = self.decline_began = book.time
        self.first_update_id = book.update_id
        self.first_size = self.largest = self.size = self.reference = size
        self.threshold = self.median = 0.0
        self.traded = 0.0  # since the decline began
        self.hit = False  # since the last book
        self.fills: list[Fill] = []
        self.subject: Subject | None = None
        self.reported = 0.0
        self.reported_at = 0

    def move(self, size: float, time: int) -> None:
        """Take the size at the next book."""
        whole = size == self.reference or (size == self.size and self.hit)  # still, or again
        if size > self.size or whole:
            self.reference, self.decline_began = size, time
            self.traded = 0.0
            self.fills.clear()
        self.size, self.hit = size, False
        self.largest = max(self.largest, size)

    def evidence(self, book: Book) -> Evidence:
        return {
            "size": self.size,
            "first_size": self.first_size,
            "largest_size": self.largest,
            "median_size": self.median,
            "threshold": self.threshold,
            "held_ms": book.time - self.since,
            "first_update_id": self.first_update_id,
            "last_update_id": book.update_id,
        }


class WallDetector:
    """Finds walls. Work per book grows with the number of large levels."""

    def __init__(self, settings: DetectorSettings) -> None:
        self._hold = settings.wall_hold_ms
        self._share = settings.wall_consumed_share
        self._cooldown = Cooldown(settings.cooldown_ms)
        self._walls: dict[tuple[int, float], _Wall] = {}

    def on_trade(self, trade: AggTrade, side: int, book: Book) -> None:
        """Count a trade at a large level."""
        wall = self._walls.get((side, trade.price))
        if wall is not None:
            fill = fill_of(trade)
            wall.traded = rounded(wall.traded + fill[2])
            wall.hit = True
            wall.fills.append(fill)
            del wall.fills[:-FILLS_SHOWN]

    def on_book(self, step: Step) -> Sequence[Detection]:
        """Take the next book."""
        found: list[Detection] = []
        book, walls = step.after, self._walls
        for place, wall in list(walls.items()):
            size = book.size_at(*place)
            if wall.subject is not None:
                self._follow(wall, size, step, found)
            elif size is None or size <= step.threshold:
                del walls[place]
            else:
                wall.move(size, book.time)
                if book.time - wall.since > self._hold and self._cooldown.over(place, book.time):
                    found.append(self._open(place, wall, step))
            if wall.subject is not None and (size is None or size <= wall.threshold):
                del walls[place]
                self._cooldown.start(place, book.time)
        for side, prices in enumerate(step.large):
            for price in prices:
                if (side, price) not in walls:
                    walls[side, price] = _Wall(book, book.levels[side][price])
        return found

    def _open(self, place: tuple[int, float], wall: _Wall, step: Step) -> Detection:
        wall.subject = Subject(Kind.WALL, *place, wall.since)
        wall.threshold, wall.median = step.threshold, step.median
        wall.reported, wall.reported_at = wall.size, step.after.time
        return wall.subject.say(Event.OPENED, step.after.time, wall.evidence(step.after))

    def _follow(self, wall: _Wall, size: float | None, step: Step, found: list[Detection]) -> None:
        book, subject = step.after, wall.subject
        if subject is None:
            return
        if size is None:
            found.append(subject.say(Event.CLOSED, book.time, wall.evidence(book), Ending.OUT_OF_RANGE))
            return
        wall.move(size, book.time)
        if size <= wall.threshold:
            found.append(self._close(subject, wall, step))
        elif (
            abs(size - wall.reported) > _UPDATE_SHARE * wall.reported
            and book.time - wall.reported_at >= _UPDATE_MS
        ):
            wall.reported, wall.reported_at = size, book.time
            found.append(subject.say(Event.UPDATED, book.time, wall.evidence(book)))

    def _close(self, subject: Subject, wall: _Wall, step: Step) -> Detection:
        book, lost = step.after, rounded(wall.reference - wall.size)
        if step.trades_since is None or step.trades_since > wall.decline_began:
            reason = Ending.UNEXPLAINED
        else:
            reason = Ending.CONSUMED if wall.traded >= rounded(self._share * lost) else Ending.PULLED
        evidence = wall.evidence(book) | {
            "size_before": wall.reference,
            "size_after": wall.size,
            "lost": lost,
            "decline_began": wall.decline_began,
            "traded": wall.traded,
            "trades": wall.fills,
        }
        return subject.say(Event.CLOSED, book.time, evidence, reason)

    def stop(self, time: int, reason: Ending) -> Sequence[Detection]:
        """Close all walls."""
        found = [
            wall.subject.say(Event.CLOSED, time, {"size": wall.size, "median_size": wall.median}, reason)
            for wall in self._walls.values()
            if wall.subject is not None
        ]
        self._walls.clear()
        self._cooldown.clear()
        return found
