"""What a campaign found, in one sentence and a small table."""

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.tools.campaign.judge import Judge
from tests.tools.campaign.plan import Planned
from tests.tools.campaign.recovery import Recovery


@dataclass(slots=True)
class Part:
    """What one part of a campaign found."""

    name: str
    judge: Judge = field(default_factory=Judge)
    faults: Counter[str] = field(default_factory=Counter)
    recoveries: list[float] = field(default_factory=list)
    rate_limit_waits: float = 0.0
    leaks: list[str] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)
    figures: dict[str, str] = field(default_factory=dict)
    slowest: str = "none"
    seconds: float = 0.0
    """The time that passed for the program, which may be more than passed for us."""

    @property
    def played(self) -> int:
        """How many faults were played."""
        return self.faults.total()

    def take(self, recovery: Recovery, bout: Sequence[Planned]) -> None:
        """Take the times of one symbol after a bout, and remember the bout of the slowest."""
        for seconds in recovery.times:
            if seconds > max(self.recoveries, default=0.0):
                self.slowest = f"{seconds:.2f} s after " + "; ".join(map(str, bout))
            self.recoveries.append(seconds)
        recovery.times.clear()

    def add(self, other: "Part") -> None:
        """Take in what another of the same kind has found."""
        for name in ("frames", "live", "books", "answers", "totals", "wrong"):
            setattr(self.judge, name, getattr(self.judge, name) + getattr(other.judge, name))
        self.judge.sentences.extend(other.judge.sentences)
        self.faults.update(other.faults)
        if max(other.recoveries, default=0.0) > max(self.recoveries, default=0.0):
            self.slowest = other.slowest
        self.recoveries += other.recoveries
        self.rate_limit_waits += other.rate_limit_waits
        self.leaks += other.leaks
        self.counted.update(other.counted)
        self.figures.update(other.figures)
        self.seconds += other.seconds

    def failures(self, bound: float) -> list[str]:
        """Return what makes this part fail, a sentence each."""
        found = list(self.judge.sentences)
        found += [f"leaked: {leak}" for leak in self.leaks]
        slow = [seconds for seconds in self.recoveries if seconds >= bound]
        if slow:
            found.append(f"{len(slow)} recoveries took {bound:g} s or longer, up to {max(slow):.2f} s")
        return found

    def lines(self) -> list[str]:
        """Return the figures, a line each."""
        kinds = ", ".join(f"{name} {count}" for name, count in sorted(self.faults.items()))
        return [
            f"{self.name}: {sentence([self])}",
            f"  played in {self.seconds:,.0f} s of the program's time: {kinds}",
            *(f"  {name}: {count:,}" for name, count in self.counted.items()),
            f"  slowest way back: {self.slowest}",
            *(f"  {name}: {figure}" for name, figure in self.figures.items()),
        ]


def sentence(parts: list[Part]) -> str:
    """Return the verdict."""
    times = [seconds for part in parts for seconds in part.recoveries]
    median, worst = (statistics.median(times), max(times)) if times else (0.0, 0.0)
    leaks = [leak for part in parts for leak in part.leaks]
    judges = [part.judge for part in parts]
    live, books, answers, totals, wrong = (
        sum(getattr(judge, name) for judge in judges)
        for name in ("live", "books", "answers", "totals", "wrong")
    )
    return (
        f"{sum(part.played for part in parts):,} faults; {live:,} live frames, {books:,} books called exact "
        f"between them, {answers:,} simulated orders and the trades of {totals:,} seconds checked "
        f"against the exchange's own, {wrong} wrong; "
        f"live again after {median:.2f} s (median of {len(times):,}), at worst {worst:.2f} s, besides "
        f"{sum(part.rate_limit_waits for part in parts):.0f} s of rate-limit waits; "
        f"{'leaked: ' + '; '.join(leaks) if leaks else 'nothing leaked'}."
    )
