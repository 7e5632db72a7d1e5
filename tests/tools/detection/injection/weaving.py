"""One run: patterns woven into a recording, one after another, played through the engine, and judged."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from features.detectors.detection import Detection, Event, Kind
from state.engine import Engine, EngineSettings
from tests.replay.playback import Playback
from tests.tools.detection.injection.ahead import Ahead
from tests.tools.detection.injection.hands import WAYS, Hand, Record, Spoiled, Steps
from tests.tools.detection.injection.loom import Loom, messages
from tests.tools.detection.injection.recording import Recording, write

WARM_UP_MS: Final = 32_000  # until the medians are of half a minute
_BETWEEN_MS: Final = 1_500  # after one pattern, before the next on that side
_IDLE_MS: Final = 300
LATE_MS: Final = 300  # after its end in which a pattern may still be flagged: that its last book is out


@dataclass(frozen=True, slots=True)
class Plan:
    """A pattern that is to be woven."""

    kind: Kind
    way: str
    strength: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was woven, and the flags that are about it."""

    record: Record
    flags: tuple[Detection, ...]
    endings: tuple[str, ...]
    withheld: bool  # a flag of the recording's own came less than a cooldown before
    seed: int = 0  # of the run


class _Lane:
    """A side of the book, on which one pattern is woven after another."""

    def __init__(self, side: int, due: int) -> None:
        self.side = side
        self.due = due
        self.hand: Steps | None = None
        self.record: Record | None = None
        self.last: dict[Kind, int] = {}

    def choose(self, loom: Loom, ahead: Ahead, plans: list[Plan], random: Random) -> bool:
        """Take the first plan that there is room for, if any."""
        refused = set[tuple[Kind, str, float]]()
        for plan in plans:
            way = WAYS[plan.kind][plan.way]
            key = (plan.kind, plan.way, plan.strength)
            if key in refused:
                continue
            rested = loom.now - self.last.get(plan.kind, 0) >= way.apart_ms
            if not rested or not way.room(ahead, self.side, loom.now, plan.strength):
                refused.add(key)
                continue
            plans.remove(plan)
            self.record = Record(plan.kind, plan.way, plan.strength, self.side, asked=plan.strength)
            self.hand = way.script(Hand(loom, ahead, random, self.record))
            return True
        return False

    def step(self, loom: Loom, plans: list[Plan]) -> Record | None:
        """Let the hand take its next step; return what it wove once it is done."""
        if self.hand is None or self.record is None:
            raise RuntimeError("there is no hand")
        record = self.record
        try:
            self.due = loom.now + next(self.hand)
        except (Spoiled, StopIteration) as stopped:
            loom.clear(self.side)
            if isinstance(stopped, Spoiled):
                record.spoiled = str(stopped)
                plans.append(Plan(record.kind, record.way, record.asked))
            self.hand = self.record = None
            self.due = loom.now + _IDLE_MS
            if not record.started_at:
                return None
            record.ended_at = max(record.ended_at, loom.now)
            self.last[record.kind] = loom.now
            self.due = loom.now + _BETWEEN_MS
            return record
        return None


def weave(recording: Recording, ahead: Ahead, plans: list[Plan], seed: int) -> tuple[Recording, list[Record]]:
    """Weave as many of the plans as there is room for, taking them from the list; return what came of it."""
    random = Random(seed)  # noqa: S311
    loom = Loom(recording)
    records: list[Record] = []
    first = recording.start + WARM_UP_MS
    lanes = [_Lane(side, first + random.randint(0, 8_000)) for side in (0, 1)]
    for time, is_trade, message in messages(recording):
        while (lane := min(lanes, key=lambda lane: lane.due)).due <= time:
            loom.act(lane.due)
            if lane.hand is None and not lane.choose(loom, ahead, plans, random):
                lane.due = loom.now + random.randint(150, 400)
                continue
            record = lane.step(loom, plans)
            if record is not None:
                records.append(record)
            loom.acted()
        (loom.follow_trade if is_trade else loom.follow_diff)(message)
    return loom.woven(), records


def heard(recording: Recording, symbol: str, settings: EngineSettings | None = None) -> list[Detection]:
    """Play a recording through the decoder and the engine; return all that the detectors say."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "woven.gz"
        write(recording, path, symbol)
        playback = Playback(engine=Engine(symbol, "binance", settings), path=path, symbol=symbol)
        for _ in playback.run():
            pass
    return playback.detections


def judged(records: Sequence[Record], said: Sequence[Detection], seed: int = 0) -> list[Outcome]:
    """Return what was woven, with the flags that are about it."""
    flags = [entry for entry in said if entry.event in (Event.OPENED, Event.FIRED)]
    outcomes = []
    for record in records:
        about = tuple(flag for flag in flags if flag.kind is record.kind and is_about(flag, record))
        ids = {flag.id for flag in about}
        endings = tuple(
            str(entry.reason) for entry in said if entry.id in ids and entry.event is Event.CLOSED
        )
        outcomes.append(Outcome(record, about, endings, _withheld(record, flags), seed))
    return outcomes


def is_about(flag: Detection, record: Record) -> bool:
    """Whether a flag is about what was woven: the side, the prices and the time."""
    low, high = sorted((record.first_price, record.last_price))
    in_time = record.started_at <= flag.time <= record.ended_at + LATE_MS
    if flag.kind is Kind.SWEEP:
        return (
            flag.side == _SIDES[record.side]
            and in_time
            and flag.started_at <= record.ended_at
            and flag.time <= record.ended_at + 400
        )
    if flag.side != _SIDES[record.side] or not in_time:
        return False
    if flag.kind is Kind.LAYERING:  # the touch beside it may be one of its row
        return any(low <= float(str(price)) <= high for price in _level_prices(flag))
    return flag.kind is Kind.EXHAUSTION or low <= flag.price <= high


def _level_prices(flag: Detection) -> list[object]:
    prices = flag.evidence["level_prices"]
    return list(prices) if isinstance(prices, list) else []


def _withheld(record: Record, flags: Sequence[Detection]) -> bool:
    """Whether the recording's own flag came so shortly before that no other may be told."""
    if record.kind not in (Kind.SWEEP, Kind.EXHAUSTION):
        return False
    return any(
        flag.kind is record.kind
        and flag.side == _SIDES[record.side]
        and record.started_at - 6_100 < flag.time < record.started_at
        for flag in flags
    )


_SIDES: Final = ("bid", "ask")
