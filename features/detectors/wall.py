"""Walls: a level that stays large.

Opens when a level's size is above `large_ratio` (3) times the median of all top-ten sizes of the last
60 s at every book for more than `wall_hold_ms` (5 s). From then on it is held against the threshold that
it opened with, and closes when its size is no longer above that:

- `consumed` if trades at its price make up at least `wall_consumed_share` (half) of its last decline,
- `pulled` if they do not, so that most of the loss was cancelled,
- `unexplained` if the trades of that decline are not all known,
- `out_of_range` if the price left the ten levels, beyond which nothing is known.

While trades are in doubt (the stream is quiet or was lost) the next trade's id will tell whether any is
missing. Until then the ending stays open, for at most `wall_settle_ms`: then, or where some are missing, it
is `unexplained`.

The last decline is what the level lost since it last grew; `traded_share` is the part of it that known trades
explain, above 1 where more traded than was visible. Aggregate trades leave out insurance-fund and ADL fills,
so in a liquidation a wall that was eaten can look pulled: what its closing calls `pulled` is what trades do
not explain, no more. `magnitude` is its size (before the last decline, of an ending that shows one) over the
median that it opened with, times the seconds that it was large. Sizes in base asset, times in exchange ms.
Source: the project's own definition; trades tell a pulled wall from a consumed one.
"""

from collections.abc import Sequence
from typing import Final

from features.detectors.book import Book
from features.detectors.closing import Closing
from features.detectors.cooldown import Cooldown, Place
from features.detectors.detection import FILLS_SHOWN, SIDES, Detection, Ending, Event, Evidence, Fill, Kind
from features.detectors.detector import Large, Step
from features.detectors.distance import Distance, distance_of
from features.detectors.settings import DetectorSettings
from features.detectors.subject import Subject
from features.detectors.taker_trade import TakerTrade
from orderbook.rounding import at_least, rounded

_UPDATE_SHARE: Final = 0.25  # change of size since the last report that is worth another
_UPDATE_MS: Final = 1_000  # between two reports of one wall, at least
_SECOND: Final = 1_000  # ms


class _Wall:
    """A level that is large, and what happened to it. `subject` is None until the wall is open."""

    __slots__ = (
        "decline_began", "fills", "first_size", "first_update_id", "hit", "largest", "median", "opened_at",
        "reference", "reported", "reported_at", "since", "size", "subject", "threshold", "traded",
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
        self.opened_at: Distance | None = None
        self.reported = 0.0
        self.reported_at = 0

    def move(self, size: float, time: int) -> None:
        """Take the size at the next book."""
        last = self.size
        if size > last or size == self.reference or (size == last and self.hit):  # more, still, or again
            self.reference, self.decline_began = size, time
            if size > self.largest:  # noqa: PLR1730 - a call takes far longer, and this is done at each book
                self.largest = size
            if self.fills:
                self.traded = 0.0
                self.fills.clear()
        self.size, self.hit = size, False

    def evidence_at_open(self) -> Evidence:
        return {} if self.opened_at is None else self.opened_at.evidence_at_open

    def magnitude(self, size: float, time: int) -> float:
        return size / self.median * (time - self.since) / _SECOND

    def evidence(self, subject: Subject, step: Step) -> Evidence:
        book = step.after
        return {
            "size": self.size,
            "first_size": self.first_size,
            "largest_size": self.largest,
            "median_size": self.median,
            "threshold": self.threshold,
            "held_ms": book.time - self.since,
            "first_update_id": self.first_update_id,
            "last_update_id": book.update_id,
        } | distance_of(SIDES.index(subject.side), subject.price, book, step.tick).evidence


class WallDetector:
    """Finds walls. Work per book grows with the number of large levels."""

    def __init__(self, settings: DetectorSettings) -> None:
        self._hold = settings.wall_hold_ms
        self._settle_ms = settings.wall_settle_ms
        self._closings: list[Closing] = []
        self._share = settings.wall_consumed_share
        self._cooldown = Cooldown(settings.cooldown_ms)
        self._walls: dict[Place, _Wall] = {}
        self._large: Large = ([], [])  # those that were looked through for new ones

    def on_trade(self, trade: TakerTrade) -> None:
        """Count a trade at a large level."""
        wall = self._walls.get(trade.place)
        if wall is not None:
            wall.traded += trade.fill[2]
            wall.hit = True
            wall.fills.append(trade.fill)
            del wall.fills[:-FILLS_SHOWN]

    def on_book(self, step: Step) -> Sequence[Detection]:
        """Take the next book."""
        found = self._overdue(step.after.time)
        gone: list[Place] = []
        book, walls, threshold = step.after, self._walls, step.threshold
        levels, time = book.levels, book.time
        for place, wall in walls.items():
            side, price = place
            size = levels[side].get(price)
            if wall.subject is not None:
                if size is None:
                    size = book.size_at(side, price)
                self._follow(wall, size, step, found)
                if size is None or size <= wall.threshold:
                    gone.append(place)
                    self._cooldown.start(place, time)
            elif size is None or size <= threshold:
                gone.append(place)
            else:
                wall.move(size, time)
                if time - wall.since > self._hold and self._cooldown.over(place, time):
                    found.append(self._open(place, wall, step))
        for place in gone:
            del walls[place]
        if gone or step.large != self._large:
            self._large = step.large
            for side, prices in enumerate(step.large):
                for price in prices:
                    if (side, price) not in walls:
                        walls[side, price] = _Wall(book, levels[side][price])
        return found

    def _open(self, place: Place, wall: _Wall, step: Step) -> Detection:
        wall.subject = subject = Subject(Kind.WALL, *place, wall.since)
        wall.opened_at = distance_of(*place, step.after, step.tick)
        wall.threshold, wall.median = step.threshold, step.median
        return _detection_of(subject, wall, Event.OPENED, step)

    def _follow(self, wall: _Wall, size: float | None, step: Step, found: list[Detection]) -> None:
        book, subject = step.after, wall.subject
        if subject is None:
            return
        if size is None:
            found.append(_detection_of(subject, wall, Event.CLOSED, step, Ending.OUT_OF_RANGE))
            return
        wall.move(size, book.time)
        if size <= wall.threshold:
            closing = self._close(subject, wall, step)
            if step.trades_doubted and closing.reason is not Ending.UNEXPLAINED:
                self._closings.append(closing)
            else:
                found.append(closing.detection(proven=True))
        elif (
            abs(size - wall.reported) > _UPDATE_SHARE * wall.reported
            and book.time - wall.reported_at >= _UPDATE_MS
        ):
            found.append(_detection_of(subject, wall, Event.UPDATED, step))

    def _close(self, subject: Subject, wall: _Wall, step: Step) -> Closing:
        book, lost, traded = step.after, rounded(wall.reference - wall.size), rounded(wall.traded)
        if step.trades_since is None or step.trades_since > wall.decline_began:
            reason = Ending.UNEXPLAINED
        else:
            reason = Ending.CONSUMED if at_least(traded, self._share * lost) else Ending.PULLED
        evidence = (
            wall.evidence(subject, step)
            | wall.evidence_at_open()
            | {
                "size_before": wall.reference,
                "size_after": wall.size,
                "lost": lost,
                "decline_began": wall.decline_began,
                "traded": traded,
                "traded_share": rounded(traded / lost),
                "trades": wall.fills,
            }
        )
        return Closing(subject, book.time, wall.magnitude(wall.reference, book.time), evidence, reason)

    def _overdue(self, time: int) -> list[Detection]:
        waited = self._closings and time - self._closings[0].time >= self._settle_ms
        return self.settle(proven=False) if waited else []

    def settle(self, *, proven: bool) -> list[Detection]:
        """Return the endings that waited; `proven` says that no trade of them was missed."""
        closings, self._closings = self._closings, []
        return [closing.detection(proven=proven) for closing in closings]

    def stop(self, time: int, reason: Ending) -> Sequence[Detection]:
        """Close all walls."""
        found = self.settle(proven=False)
        found += [
            wall.subject.detection(
                Event.CLOSED,
                time,
                wall.magnitude(wall.size, time),
                {"size": wall.size, "median_size": wall.median},
                reason,
            )
            for wall in self._walls.values()
            if wall.subject is not None
        ]
        self._walls.clear()
        self._large = [], []
        self._cooldown.clear()
        return found


def _detection_of(
    subject: Subject, wall: _Wall, event: Event, step: Step, reason: Ending | None = None
) -> Detection:
    """Return an event of an open wall; what is told now is what the next report is held against."""
    time, evidence = step.after.time, wall.evidence(subject, step)
    wall.reported, wall.reported_at = wall.size, time
    if event is Event.CLOSED:
        evidence |= wall.evidence_at_open()
    return subject.detection(event, time, wall.magnitude(wall.size, time), evidence, reason)
