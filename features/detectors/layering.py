"""Layering: several large levels in a row that keep changing and hardly trade.

Opens when at least `layering_levels` (3) consecutive levels of a side are large (above `large_ratio` times
the median of all top-ten sizes), each has changed its size at least `layering_changes` (5) times within
`layering_ms` (5 s), and trades took at most `layering_traded_share` (a tenth) of their sizes in that time.
Closes when no such row is left that shares a price with it:

- `consumed` if trades took more than that share, while all of its prices are in sight,
- `pulled` if fewer of its levels are large,
- `out_of_range` if one of its prices left the ten levels, where its size is not known any more,
- `ended` if its levels have come to rest.

`magnitude` is the most that its levels held together over the median size; `distance` that of its best price
from the touch. The book shows no owner and no intent, so this is a suspicion. Sizes in base asset, times in
exchange ms. Source: the project's own definition of the pattern that regulators describe (ESMA, MAR Annex II,
"layering and spoofing").
"""

from collections import deque
from collections.abc import Sequence

from features.detectors.book import Book
from features.detectors.cooldown import Cooldown
from features.detectors.detection import Detection, Ending, Event, Evidence, Fill, Kind
from features.detectors.detector import NOTHING, Step
from features.detectors.distance import Distance, distance_of
from features.detectors.settings import DetectorSettings
from features.detectors.subject import Subject
from features.detectors.taker_trade import TakerTrade
from orderbook.rounding import rounded

_UPDATE_MS = 1_000  # between two reports of one layering, at least
_MOST_FILLS = 10_000  # of one side within the window
_MOST_CHANGES = 200  # likewise: ten books a second
_TRACKED = 64  # prices of a side remembered before the old ones are thrown out


class _Layering:
    """An open one."""

    __slots__ = ("first_update_id", "magnitude", "opened_at", "prices", "reported_at", "subject")

    def __init__(self, subject: Subject, prices: list[float], book: Book, opened_at: Distance) -> None:
        self.subject = subject
        self.prices = prices
        self.first_update_id = book.update_id
        self.reported_at = book.time
        self.opened_at = opened_at
        self.magnitude = 0.0  # the most so far


class LayeringDetector:
    """Finds layering. Work per book grows with the number of levels that change."""

    def __init__(self, settings: DetectorSettings) -> None:
        self._settings = settings
        self._span = settings.layering_ms
        self._cooldown = Cooldown(settings.cooldown_ms)
        self._changes: list[dict[float, list[int]]] = [{}, {}]  # times, while the level was large, by price
        self._fills: tuple[deque[Fill], deque[Fill]] = (deque(maxlen=_MOST_FILLS), deque(maxlen=_MOST_FILLS))
        self._open: list[_Layering | None] = [None, None]

    def on_trade(self, trade: TakerTrade) -> None:
        """Remember a trade for as long as the window. Constant time, amortised."""
        fills, fill = self._fills[trade.place[0]], trade.fill
        fills.append(fill)
        since = fill[3] - self._span
        while fills[0][3] <= since:
            fills.popleft()

    def on_book(self, step: Step) -> Sequence[Detection]:
        """Take the next book."""
        found: Sequence[Detection] = NOTHING
        for side, large in enumerate(step.large):
            if large or step.large_before[side]:
                self._note_changes(side, step)
            layering = self._open[side]
            if layering is not None:
                found = [*found, *self._follow(side, layering, step)]
            elif len(large) >= self._settings.layering_levels and _trades_are_known(step):
                found = [*found, *self._look(side, step)]
        return found

    def _note_changes(self, side: int, step: Step) -> None:
        """Note which levels changed that were large before or are so after."""
        changes, large, time = self._changes[side], step.large[side], step.after.time
        before, after = step.before.levels[side], step.after.levels[side]
        for price in large:
            size = before.get(price)
            if size == after[price] or (size is None and step.before.size_at(side, price) is None):
                continue  # still, or it came into sight: that is no change that is known
            _note(changes, price, time)
        for price in step.large_before[side]:
            if price in large or (price not in after and step.after.size_at(side, price) is None):
                continue  # seen above, or it left the sight
            _note(changes, price, time)
        if len(changes) > _TRACKED:
            since = time - self._span
            self._changes[side] = {price: times for price, times in changes.items() if times[-1] > since}

    def _rows(self, side: int, step: Step) -> list[list[float]]:
        """Return the rows of consecutive large levels that change often."""
        changes, least = self._changes[side], self._settings.layering_changes
        since = step.after.time - self._span
        often = []
        for price in step.large[side]:
            times = changes.get(price, ())
            if len(times) >= least and times[-least] > since:
                often.append(price)
        if len(often) < self._settings.layering_levels:
            return []
        rows: list[list[float]] = [[]]
        for price in step.after.levels[side]:
            if price in often:
                rows[-1].append(price)
            elif rows[-1]:
                rows.append([])
        return [row for row in rows if len(row) >= self._settings.layering_levels]

    def _traded_share(self, side: int, prices: list[float], book: Book) -> float:
        """Return what traded within the window at these prices, as a share of that and what rests there."""
        since = book.time - self._span
        traded = sum(size for _, price, size, time in self._fills[side] if time > since and price in prices)
        resting = sum(book.levels[side].get(price, 0.0) for price in prices)
        return rounded(traded / (traded + resting)) if traded else 0.0

    def _look(self, side: int, step: Step) -> Sequence[Detection]:
        book = step.after
        for row in self._rows(side, step):
            place = (side, row[0])
            if (
                self._cooldown.over(place, book.time)
                and self._traded_share(side, row, book) <= self._settings.layering_traded_share
            ):
                since = book.time - self._span
                began = min(time for price in row for time in self._changes[side][price] if time > since)
                opened_at = distance_of(side, row[0], book, step.tick)
                layering = _Layering(Subject(Kind.LAYERING, side, row[0], began), row, book, opened_at)
                self._open[side] = layering
                return [self._detection(side, layering, Event.OPENED, step)]
        return NOTHING

    def _follow(self, side: int, layering: _Layering, step: Step) -> Sequence[Detection]:
        book, settings = step.after, self._settings
        ending = None
        row = next((row for row in self._rows(side, step) if set(row) & set(layering.prices)), None)
        lost = any(book.size_at(side, price) is None for price in layering.prices)
        if not lost and self._traded_share(side, layering.prices, book) > settings.layering_traded_share:
            ending = Ending.CONSUMED
        elif row is None:
            large = [price for price in layering.prices if price in step.large[side]]
            if lost:
                ending = Ending.OUT_OF_RANGE
            else:
                ending = Ending.PULLED if len(large) < len(layering.prices) else Ending.ENDED
        else:
            layering.prices = row
        if ending is not None:
            self._open[side] = None
            self._cooldown.start((side, layering.subject.price), book.time)
            said = self._detection(side, layering, Event.CLOSED, step, ending)
            for price in layering.prices:
                self._changes[side].pop(price, None)  # changes that were told of are no new layering
            return [said]
        self._measure(side, layering, step)
        if book.time - layering.reported_at < _UPDATE_MS:
            return NOTHING
        layering.reported_at = book.time
        return [self._detection(side, layering, Event.UPDATED, step)]

    def _measure(self, side: int, layering: _Layering, step: Step) -> None:
        sizes = step.after.levels[side]
        whole = sum(sizes.get(price, 0.0) for price in layering.prices)
        layering.magnitude = max(layering.magnitude, whole / step.median)

    def _detection(
        self, side: int, layering: _Layering, event: Event, step: Step, reason: Ending | None = None
    ) -> Detection:
        self._measure(side, layering, step)
        time, evidence = step.after.time, self._evidence(side, layering, step)
        if event is Event.CLOSED:
            evidence |= layering.opened_at.evidence_at_open
        return layering.subject.detection(event, time, layering.magnitude, evidence, reason)

    def _evidence(self, side: int, layering: _Layering, step: Step) -> Evidence:
        changes, prices = self._changes[side], layering.prices
        sizes = [step.after.size_at(side, price) for price in prices]
        since = step.after.time - self._span
        counts = [float(sum(time > since for time in changes.get(price, ()))) for price in prices]
        evidence: Evidence = {
            "levels": len(prices),
            "level_prices": list(prices),
            "sizes": sizes,
            "changes": counts,
            "median_size": step.median,
            "threshold": step.threshold,
            "traded_share": None if None in sizes else self._traded_share(side, prices, step.after),
            "first_update_id": layering.first_update_id,
            "last_update_id": step.after.update_id,
        }
        return evidence | distance_of(side, prices[0], step.after, step.tick).evidence

    def stop(self, time: int, reason: Ending) -> Sequence[Detection]:
        """Close what is open."""
        found = [
            layering.subject.detection(
                Event.CLOSED, time, layering.magnitude, {"levels": len(layering.prices)}, reason
            )
            for layering in self._open
            if layering is not None
        ]
        self._open = [None, None]
        for changes, fills in zip(self._changes, self._fills, strict=True):
            changes.clear()
            fills.clear()
        self._cooldown.clear()
        return found


def _note(changes: dict[float, list[int]], price: float, time: int) -> None:
    times = changes.get(price)
    if times is None:
        changes[price] = [time]
        return
    times.append(time)
    if len(times) > _MOST_CHANGES:
        del times[0]


def _trades_are_known(step: Step) -> bool:
    return step.trades_since is not None and not step.trades_doubted
