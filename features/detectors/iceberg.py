"""Icebergs: a price gives more than it shows.

Opens when, within `iceberg_ms` (10 s), at least `iceberg_trades` (3) trades hit one price, took more than
the largest size visible there, more than a large level holds and at least `iceberg_ratio` (2) times what
the visible size lost, what they took came back within `refill_ms` (1 s) at least `iceberg_refills` (2)
times, and something is visible there still. `TradedLevel` says what a refill is. Closes with

- `gave_way` when nothing is left at the price and the best price is beyond it,
- `out_of_range` when the price left the ten levels,
- `ended` when nobody has hit it, or this has no longer been so, for `iceberg_idle_ms` (3 s).

`hidden_volume` estimates what was never visible before it traded: the volume less the visible loss.
`magnitude` is the most that was taken over the largest size visible, in any one window while this was so. A
suspicion: makers who quote anew look the same as one hidden order. Sizes in base asset, times in exchange
ms. Source: the project's own heuristic; compare Frey and Sandas, "The Impact of Iceberg Orders in Limit
Order Books" (2009), whose exchange marks them.
"""

from collections.abc import Sequence

from features.detectors.book import Book
from features.detectors.cooldown import Cooldown, Place
from features.detectors.detection import SIGNS, Detection, Ending, Event, Evidence, Kind
from features.detectors.detector import Step
from features.detectors.settings import DetectorSettings
from features.detectors.subject import Subject
from features.detectors.taker_trade import TakerTrade
from features.detectors.traded_level import TradedLevel
from orderbook.rounding import above, at_least, rounded

_UPDATE_MS = 1_000  # between two reports of one iceberg, at least


class _Suspect:
    """A price that is being hit. `subject` is None until it is suspected."""

    __slots__ = ("level", "magnitude", "met_at", "reported_at", "subject")

    def __init__(self, level: TradedLevel) -> None:
        self.level = level
        self.subject: Subject | None = None
        self.magnitude = 0.0  # the most so far
        self.reported_at = 0
        self.met_at = 0  # when it last met the definition

    def evidence(self, step: Step, visible: float | None) -> Evidence:
        """Return the figures; `visible` is None where the price is out of sight, and what hangs on it too."""
        loss = None if visible is None else max(0.0, self.level.first_size - visible)
        return self.level.evidence(step.median, step.after, visible) | {
            "visible_loss": None if loss is None else rounded(loss),
            "hidden_volume": None if loss is None else rounded(self.level.volume - loss),
        }


class IcebergDetector:
    """Finds icebergs. Work per book grows with the number of prices hit lately, few as they are."""

    def __init__(self, settings: DetectorSettings) -> None:
        self._settings = settings
        self._refills = settings.iceberg_refills
        self._idle = settings.iceberg_idle_ms
        self._cooldown = Cooldown(settings.cooldown_ms)
        self._suspects: dict[Place, _Suspect] = {}

    def on_trade(self, trade: TakerTrade) -> None:
        """Take a trade; one at a visible level makes its price a suspect."""
        suspect = self._suspects.get(trade.place)
        if suspect is None:
            side, price = trade.place
            size = trade.before.levels[side].get(price)
            if size is None:
                return
            level = TradedLevel(trade.before, size, self._settings.iceberg_ms, self._settings)
            suspect = self._suspects[trade.place] = _Suspect(level)
        suspect.level.on_trade(trade.fill)

    def on_book(self, step: Step) -> Sequence[Detection]:
        """Take the next book."""
        found: list[Detection] = []
        gone: list[Place] = []
        book, suspects = step.after, self._suspects
        levels, time, refills = book.levels, book.time, self._refills
        idle_since, update_id = time - self._idle, book.update_id
        for place, suspect in suspects.items():
            side, price = place
            size, level = levels[side].get(price), suspect.level
            level.on_book(size or 0.0, time, update_id)
            subject = suspect.subject
            if size and subject is None and level.refills < refills and level.last_hit > idle_since:
                continue  # mostly
            is_iceberg = level.refills >= refills and self._is_iceberg(level, step)
            if is_iceberg:
                suspect.met_at = time
                suspect.magnitude = max(suspect.magnitude, level.volume_over_largest())
            ending, visible = self._ending(place, suspect, size, book), book.size_at(side, price)
            if ending is not None:
                gone.append(place)
                if subject is not None:
                    self._cooldown.start(place, book.time)
                    evidence = suspect.evidence(step, visible)
                    found.append(subject.detection(Event.CLOSED, time, suspect.magnitude, evidence, ending))
            elif subject is None:
                if is_iceberg and self._cooldown.over(place, book.time):
                    suspect.subject = Subject(Kind.ICEBERG, *place, suspect.level.fills[0][3])
                    suspect.reported_at = book.time
                    found.append(
                        suspect.subject.detection(
                            Event.OPENED, time, suspect.magnitude, suspect.evidence(step, visible)
                        )
                    )
            elif is_iceberg and suspect.level.last_taken and book.time - suspect.reported_at >= _UPDATE_MS:
                suspect.reported_at = book.time
                found.append(
                    subject.detection(Event.UPDATED, time, suspect.magnitude, suspect.evidence(step, visible))
                )
        for place in gone:
            del suspects[place]
        return found

    def _ending(self, place: Place, suspect: _Suspect, size: float | None, book: Book) -> Ending | None:
        if size is None and book.size_at(*place) is None:
            return Ending.OUT_OF_RANGE
        alive_since, level = book.time - self._idle, suspect.level
        if level.last_hit <= alive_since or (suspect.subject is not None and suspect.met_at <= alive_since):
            return Ending.ENDED
        side, price = place
        if size is None and not level.last_taken and SIGNS[side] * (book.best[side] - price) < 0:
            return Ending.GAVE_WAY
        return None

    def _is_iceberg(self, level: TradedLevel, step: Step) -> bool:
        settings = self._settings
        return (
            level.size > 0
            and above(level.volume, step.threshold)
            and at_least(level.volume, settings.iceberg_ratio * max(0.0, level.first_size - level.size))
            and len(level.fills) >= settings.iceberg_trades
            and above(level.volume, level.largest_size())
        )

    def stop(self, time: int, reason: Ending) -> Sequence[Detection]:
        """Close what is open."""
        found = [
            suspect.subject.detection(
                Event.CLOSED, time, suspect.magnitude, {"size": suspect.level.size}, reason
            )
            for suspect in self._suspects.values()
            if suspect.subject is not None
        ]
        self._suspects.clear()
        self._cooldown.clear()
        return found
