"""Labelled runs: patterns of one kind and their near misses on a calm market, and what was flagged in it."""

from dataclasses import dataclass
from random import Random
from typing import Final

from data_ingestion.simulated_exchange.profiles import calm, profile_of
from data_ingestion.simulated_exchange.staging.patterns import (
    NEAR_MISSES,
    BookSide,
    NearMiss,
    Pattern,
    StagedPattern,
    StageRequest,
)
from features.detectors.detection import Detection, Event
from tests.tools.detection.listener import Listener

WARM_UP_MS: Final = 62_000  # until the rolling minute is full
SETTLING_MS: Final = 3_000  # after the last pattern, for flags that come late
GAP_MS: Final = (6_500, 9_000)
# A breakout is one from the range of the last 30 s, which must not hold the one before.
EXHAUSTION_GAP_MS: Final = (34_000, 38_000)


@dataclass(frozen=True, slots=True)
class Scenario:
    """How many patterns of which kind, and as many near misses, on which symbol's calm market."""

    kind: Pattern
    symbol: str
    seed: int
    patterns: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What was staged in a scenario, and the detector's entries of that kind."""

    staged: tuple[StagedPattern, ...]
    entries: tuple[Detection, ...]

    @property
    def flags(self) -> list[Detection]:
        """The entries that say that something was found."""
        return [entry for entry in self.entries if entry.event in (Event.OPENED, Event.FIRED)]


def play(scenario: Scenario) -> Heard:
    """Play a scenario through the engine; equal scenarios give equal results."""
    random = Random(f"{scenario.seed}:{scenario.kind}:{scenario.symbol}")  # noqa: S311
    listener = Listener(calm(profile_of(scenario.symbol)), scenario.seed)
    listener.play(WARM_UP_MS)
    for near_miss in _programme(scenario, random):
        listener.market.stage(StageRequest(scenario.kind, random.choice(list(BookSide)), near_miss))
        while listener.market.staging:
            listener.play(100)
        listener.play(random.uniform(*(EXHAUSTION_GAP_MS if scenario.kind is Pattern.EXHAUSTION else GAP_MS)))
    listener.play(SETTLING_MS)
    listener.market.check()
    entries = tuple(entry for entry in listener.detections if entry.kind.value == scenario.kind.value)
    return Heard(tuple(listener.market.staged), entries)


def _programme(scenario: Scenario, random: Random) -> list[NearMiss | None]:
    """Return positives (None) and as many near misses of every sort, in random order."""
    sorts = NEAR_MISSES[scenario.kind]
    near_misses = [sorts[i % len(sorts)] for i in range(scenario.patterns)]
    programme: list[NearMiss | None] = [None] * scenario.patterns + near_misses
    random.shuffle(programme)
    return programme
