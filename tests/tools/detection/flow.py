"""How often detectors flag where nothing is staged: simulated flow, and the recording."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

import msgspec

from data_ingestion.simulated_exchange.profiles import profile_of
from features.detectors.detection import Event, Kind
from tests.replay.playback import Playback
from tests.tools.detection.listener import Listener

HOUR_MS: Final = 3_600_000


class Mark(msgspec.Struct, frozen=True):
    """As much of a detection as counting needs."""

    id: str
    kind: Kind
    event: Event
    time: int


@dataclass(frozen=True, slots=True)
class Flow:
    """Flags and time open of each kind over `ms` of flow."""

    ms: int
    flags: Counter[Kind]
    open_ms: Counter[Kind]

    def per_hour(self, kind: Kind) -> float:
        """Return the flags in an hour of it."""
        return self.flags[kind] * HOUR_MS / self.ms

    def share_open(self, kind: Kind) -> float:
        """Return the share of the time in which at least one of the kind was open."""
        return self.open_ms[kind] / self.ms

    def __add__(self, other: "Flow") -> "Flow":
        return Flow(self.ms + other.ms, self.flags + other.flags, self.open_ms + other.open_ms)

    @classmethod
    def of(cls, marks: Iterable[Mark], start_ms: int, end_ms: int) -> Self:
        """Count the marks of one market, in order, between two exchange times."""
        flags: Counter[Kind] = Counter()
        open_ms: Counter[Kind] = Counter()
        ids: defaultdict[Kind, set[str]] = defaultdict(set)
        since: dict[Kind, int] = {}
        for mark in marks:
            kind = mark.kind
            if mark.event in (Event.OPENED, Event.FIRED):
                flags[kind] += 1
            if mark.event is Event.OPENED:
                since.setdefault(kind, mark.time)
                ids[kind].add(mark.id)
            elif mark.event is Event.CLOSED:
                ids[kind].discard(mark.id)
                if not ids[kind] and kind in since:
                    open_ms[kind] += mark.time - since.pop(kind)
        for kind, opened in since.items():
            open_ms[kind] += end_ms - opened
        return cls(end_ms - start_ms, flags, open_ms)


@dataclass(frozen=True, slots=True)
class PlainRun:
    """So many minutes of one symbol's simulated market as it is, with nothing staged."""

    symbol: str
    seed: int
    minutes: float


def play(run: PlainRun) -> Flow:
    """Play the run through the engine."""
    listener = Listener(profile_of(run.symbol), run.seed)
    start = listener.market.now_ms
    listener.play(run.minutes * 60_000)
    marks = [msgspec.convert(entry, Mark, from_attributes=True) for entry in listener.detections]
    return Flow.of(marks, start, listener.market.now_ms)


def play_recording() -> Flow:
    """Play the recording beside the project through the engine; it must be there."""
    playback = Playback()
    for _ in playback.run():
        pass
    frames = [msgspec.json.decode(text, type=tuple[_Frame, msgspec.Raw])[0] for text in playback.frames]
    marks = [mark for frame in frames for mark in frame.detections]
    return Flow.of(marks, frames[0].timestamp, frames[-1].timestamp)


class _Frame(msgspec.Struct):
    timestamp: int
    detections: list[Mark]
