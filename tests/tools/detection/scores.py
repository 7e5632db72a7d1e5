"""Holds flags against what was staged: recall, precision, delays, and endings told right."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Self

from data_ingestion.simulated_exchange.staging.patterns import Pattern, StagedPattern
from features.detectors.detection import Detection, Event
from tests.tools.detection.scenarios import Heard

LATE_MS: Final = 2_000  # after its end in which a pattern may still be flagged
PRICE_TOLERANCE: Final = 1e-6  # USDT
Z_95: Final = 1.96


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    hits: int
    total: int

    @property
    def value(self) -> float:
        """The share, 0 of nothing."""
        return self.hits / self.total if self.total else 0.0

    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval for the probability behind the share; 0 to 1 of nothing."""
        n, p = self.total, self.value
        if n == 0:
            return 0.0, 1.0
        centre = (p + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
        half = Z_95 / (1 + Z_95**2 / n) * math.sqrt(p * (1 - p) / n + Z_95**2 / (4 * n * n))
        return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(slots=True)
class Score:
    """What the flags of one kind were worth."""

    staged: int = 0
    flagged: int = 0
    near_misses: int = 0
    flags: int = 0
    duplicates: int = 0
    false_flags: Counter[str] = field(default_factory=Counter)
    """By what they were about: the name of a near miss, `pattern` (wrong side or price) or `nothing`."""
    delays: list[int] = field(default_factory=list)
    """Exchange ms from the definition's fulfilment to the flag's time."""
    endings: int = 0
    right_endings: int = 0
    missed: list[StagedPattern] = field(default_factory=list)
    false: list[Detection] = field(default_factory=list)

    @property
    def recall(self) -> Share:
        """Patterns that were flagged."""
        return Share(self.flagged, self.staged)

    @property
    def precision(self) -> Share:
        """Flags that were about a pattern."""
        return Share(self.flags - self.false_flags.total(), self.flags)

    @classmethod
    def of(cls, runs: Iterable[Heard]) -> Self:
        """Add up the scenarios of one kind."""
        score = cls()
        for heard in runs:
            score._add(heard)
        return score

    def _add(self, heard: Heard) -> None:
        found: dict[StagedPattern, Detection] = {}
        for flag in heard.flags:
            self.flags += 1
            pattern = next((p for p in heard.staged if p.near_miss is None and _is_about(flag, p)), None)
            if pattern is None:
                self.false_flags[_subject(flag, heard.staged)] += 1
                self.false.append(flag)
            elif pattern in found:
                self.duplicates += 1
            else:
                found[pattern] = flag
        for pattern in heard.staged:
            if pattern.near_miss is not None:
                self.near_misses += 1
            else:
                self._count(pattern, found.get(pattern), heard)

    def _count(self, pattern: StagedPattern, flag: Detection | None, heard: Heard) -> None:
        self.staged += 1
        if flag is None:
            self.missed.append(pattern)
            return
        self.flagged += 1
        if pattern.fulfilled_at is not None:
            self.delays.append(flag.time - pattern.fulfilled_at)
        if pattern.ending is not None:
            reasons = [e.reason for e in heard.entries if e.id == flag.id and e.event is Event.CLOSED]
            self.endings += 1
            self.right_endings += [str(reason) for reason in reasons] == [str(pattern.ending)]


def _is_during(flag: Detection, pattern: StagedPattern) -> bool:
    return pattern.started_at <= flag.time <= pattern.ended_at + LATE_MS


def _is_about(flag: Detection, pattern: StagedPattern) -> bool:
    return _is_during(flag, pattern) and flag.side == pattern.side and _is_at(flag.price, pattern)


def _is_at(price: float, pattern: StagedPattern) -> bool:
    """Whether a flag with that price is about the pattern: of a layering, any three levels are one."""
    last = pattern.last_price if pattern.kind is Pattern.LAYERING else pattern.price
    low, high = sorted((pattern.price, last))
    return low - PRICE_TOLERANCE < price < high + PRICE_TOLERANCE


def _subject(flag: Detection, staged: Iterable[StagedPattern]) -> str:
    pattern = next((p for p in staged if _is_during(flag, p)), None)
    if pattern is None:
        return "nothing"
    return str(pattern.near_miss or "pattern")
