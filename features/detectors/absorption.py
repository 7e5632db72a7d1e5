"""Absorption: takers keep hitting the best price, and it does not give way.

Opens when, within `absorption_ms` (3 s), takers took more at one best price than `absorption_ratio` (1.5)
times the largest size visible there and than a large level holds, what they took came back within
`refill_ms` (1 s) at least `absorption_refills` (2) times, something is visible there still, and the best
price of that side stayed within a tick of it. `TradedLevel` says what a refill is. Closes with

- `gave_way` when the best price goes through it, by more than a tick,
- `moved_away` when the best price leaves it behind, by more than a tick,
- `ended` when this has no longer been so for `absorption_ms`.

`magnitude` is the most that takers took over the largest size visible, in any one window while this was so.
Sizes in base asset, times in exchange ms. Source: the project's own definition of what order-flow traders
call absorption.
"""

from collections.abc import Sequence

from features.detectors.cooldown import Cooldown, Place
from features.detectors.detection import SIGNS, Detection, Ending, Event, Kind
from features.detectors.detector import NOTHING, Step
from features.detectors.settings import DetectorSettings
from features.detectors.subject import Subject
from features.detectors.taker_trade import TakerTrade
from features.detectors.traded_level import TradedLevel
from orderbook.rounding import above


class _Fight:
    """A best price that is being hit. `subject` is None until the absorption is open."""

    __slots__ = ("absorbed_at", "level", "magnitude", "price", "reported_at", "subject")

    def __init__(self, price: float, level: TradedLevel) -> None:
        self.price = price
        self.level = level
        self.subject: Subject | None = None
        self.magnitude = 0.0  # the most so far
        self.reported_at = 0
        self.absorbed_at = 0  # when it last met the definition


class AbsorptionDetector:
    """Finds absorptions; follows the few prices within a tick of the best. Work per book grows with them."""

    def __init__(self, settings: DetectorSettings) -> None:
        self._settings = settings
        self._refills = settings.absorption_refills
        self._cooldown = Cooldown(settings.cooldown_ms)
        self._fights: dict[Place, _Fight] = {}

    def on_trade(self, trade: TakerTrade) -> None:
        """Take a trade; one at the best price begins or carries on a fight for it."""
        fight = self._fights.get(trade.place)
        if fight is None:
            (side, price), book = trade.place, trade.before
            if price != book.best[side]:
                return
            level = TradedLevel(book, book.levels[side][price], self._settings.absorption_ms, self._settings)
            fight = self._fights[trade.place] = _Fight(price, level)
        fight.level.on_trade(trade.fill)

    def on_book(self, step: Step) -> Sequence[Detection]:
        """Take the next book."""
        if not self._fights:
            return NOTHING
        found: Sequence[Detection] = NOTHING
        for place, fight in list(self._fights.items()):
            said = self._follow(place[0], fight, step)
            if said:
                found = [*found, *said]
        return found

    def _follow(self, side: int, fight: _Fight, step: Step) -> Sequence[Detection]:
        book, level = step.after, fight.level
        level.on_book(book.levels[side].get(fight.price, 0.0), book.time, book.update_id)
        absorbs = level.refills >= self._refills and self._absorbs(level, step)
        if absorbs:
            fight.absorbed_at = book.time
            fight.magnitude = max(fight.magnitude, level.volume_over_largest())
        ending = self._ending(side, fight, step)
        if ending is not None:
            del self._fights[side, fight.price]
            if fight.subject is None:
                return NOTHING
            self._cooldown.start((side, fight.price), book.time)
            evidence = level.evidence(step.median, book, book.size_at(side, fight.price))
            return [fight.subject.detection(Event.CLOSED, book.time, fight.magnitude, evidence, ending)]
        if fight.subject is None:
            if not absorbs or not self._cooldown.over((side, fight.price), book.time):
                return NOTHING
            fight.subject = Subject(Kind.ABSORPTION, side, fight.price, level.fills[0][3])
            event = Event.OPENED
        elif absorbs and level.last_taken and book.time - fight.reported_at >= _UPDATE_MS:
            event = Event.UPDATED
        else:
            return NOTHING
        fight.reported_at = book.time
        evidence = level.evidence(step.median, book, level.size)
        return [fight.subject.detection(event, book.time, fight.magnitude, evidence)]

    def _ending(self, side: int, fight: _Fight, step: Step) -> Ending | None:
        ahead = SIGNS[side] * (step.after.best[side] - fight.price)
        if ahead < -_NEARLY_TWO * step.tick:
            return Ending.GAVE_WAY
        if ahead > _NEARLY_TWO * step.tick:
            return Ending.MOVED_AWAY
        alive_at = fight.level.last_hit if fight.subject is None else fight.absorbed_at
        if step.after.time - alive_at >= self._settings.absorption_ms:
            return Ending.ENDED
        return None

    def _absorbs(self, level: TradedLevel, step: Step) -> bool:
        settings = self._settings
        return (
            level.size > 0
            and above(level.volume, step.threshold)
            and above(level.volume, settings.absorption_ratio * level.largest_size())
        )

    def stop(self, time: int, reason: Ending) -> Sequence[Detection]:
        """Close what is open."""
        found = [
            fight.subject.detection(Event.CLOSED, time, fight.magnitude, {"size": fight.level.size}, reason)
            for fight in self._fights.values()
            if fight.subject is not None
        ]
        self._fights.clear()
        self._cooldown.clear()
        return found


_UPDATE_MS = 1_000  # between two reports of one absorption, at least
_NEARLY_TWO = 1.5  # ticks: further than one, whatever floats make of it
