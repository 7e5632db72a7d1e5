"""Faults put into each detector, one at a time, and whether the definitions find them.

python -m tests.tools.detection.mutants --kinds wall,sweep

Source is patched in memory. A fault is found where the detectors say anything else of some market than their
definitions do of the whole of it. Prints a table; ends with 1 if a fault was not found.
"""

import argparse
import contextlib
import importlib
import inspect
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from types import ModuleType
from typing import Final

from features.detectors.detection import Detection, Kind
from features.detectors.settings import DetectorSettings
from tests.features.detectors.market import TICK
from tests.features.detectors.noise import KEEN, noise
from tests.features.detectors.oracle.definitions import Item, by_definition, by_detectors
from tests.features.test_liquidity_detection import HASTY, Story
from tests.replay.rig import RECORDING
from tests.tools.detection.oracle import recorded

STORIES: Final = 60
NOISES: Final = 300


@dataclass(frozen=True, slots=True)
class Mutant:
    """A fault: in the module of that name, `good` replaced by `bad` where it stands first."""

    kind: Kind
    module: str
    good: str
    bad: str


@dataclass(frozen=True, slots=True)
class Case:
    """A market, and what the definitions say of it."""

    name: str
    items: Sequence[Item]
    settings: DetectorSettings
    tick: float
    expected: list[Detection]


MUTANTS: Final = (
    Mutant(Kind.WALL, "wall", "time - wall.since > self._hold", "time - wall.since >= self._hold"),
    Mutant(Kind.WALL, "wall", "size is None or size <= threshold", "size is None or size < threshold"),
    Mutant(Kind.WALL, "wall", "size is None or size <= wall.threshold", "size is None or size <= threshold"),
    Mutant(Kind.WALL, "wall", "at_least(traded, self._share * lost)", "traded > self._share * lost"),
    Mutant(Kind.WALL, "wall", "(size == last and self.hit)", "(size == last)"),
    Mutant(Kind.WALL, "wall", "size > last or size == self.reference", "size == self.reference"),
    Mutant(Kind.WALL, "wall", "self._cooldown.start(place, time)", "pass"),
    Mutant(Kind.WALL, "wall", "rounded(wall.reference - wall.size)", "rounded(wall.largest - wall.size)"),
    Mutant(Kind.WALL, "wall", "if gone or step.large != self._large", "if step.large != self._large"),
    Mutant(Kind.SWEEP, "sweep", "_span = settings.sweep_ms", "_span = settings.sweep_ms + 1"),
    Mutant(Kind.SWEEP, "sweep", "len(eaten) >= max(self._levels, len(prices))", "len(eaten) > len(prices)"),
    Mutant(Kind.SWEEP, "sweep", "list(takewhile(printed.get, gone))", "list(filter(printed.get, gone))"),
    Mutant(Kind.SWEEP, "sweep", "if price in left or sign * price < in_sight:", "if price in left:"),
    Mutant(Kind.SWEEP, "sweep", "ordered[end - 1].before is ordered[-1].before", "end"),
    Mutant(Kind.SWEEP, "sweep", "trades.clear()\n                    if", "if"),
    Mutant(Kind.SWEEP, "sweep", "self._withheld[side] += 1", "pass"),
    Mutant(Kind.SWEEP, "sweep", "and trades[-1].before is step.before", ""),
    Mutant(Kind.ABSORPTION, "absorption", "level.refills >= self", "level.refills > self"),
    Mutant(Kind.ABSORPTION, "absorption", "level.size > 0\n            and", "True\n            and"),
    Mutant(Kind.ABSORPTION, "absorption", "and above(level.volume, step.threshold)", ""),
    Mutant(Kind.ABSORPTION, "absorption", "settings.absorption_ratio * level.largest_size()", "level.size"),
    Mutant(
        Kind.ABSORPTION, "absorption", "if price != book.best[side]:", "if price not in book.levels[side]:"
    ),
    Mutant(Kind.ABSORPTION, "absorption", "_NEARLY_TWO = 1.5", "_NEARLY_TWO = 0.5"),
    Mutant(Kind.ABSORPTION, "absorption", "alive_at >= self._settings", "alive_at > self._settings"),
    Mutant(Kind.ABSORPTION, "traded_level", "_refill_share * self._owed)", "_refill_share * taken)"),
    Mutant(Kind.ABSORPTION, "traded_level", "if left > before and above(left, before):", "if True:"),
    Mutant(Kind.LAYERING, "layering", "times[-least] > since", "times[-least] >= since"),
    Mutant(Kind.LAYERING, "layering", "_trades_are_known(step)", "True"),
    Mutant(
        Kind.LAYERING,
        "layering",
        "self._traded_share(side, row, book) <= self._settings",
        "self._traded_share(side, row, book) < self._settings",
    ),
    Mutant(Kind.LAYERING, "layering", "(size is None and step.before.size_at(side, price) is None)", "False"),
    Mutant(
        Kind.LAYERING,
        "layering",
        "price in large or (price not in after and step.after.size_at(side, price) is None)",
        "price in large",
    ),
    Mutant(Kind.LAYERING, "layering", "            elif rows[-1]:\n                rows.append([])", ""),
    Mutant(Kind.LAYERING, "layering", "self._changes[side].pop(price, None)", "pass"),
    Mutant(Kind.LAYERING, "layering", "layering.prices = row", "pass"),
    Mutant(Kind.LAYERING, "layering", "traded / (traded + resting)", "traded / max(resting, 0.1)"),
    Mutant(Kind.ICEBERG, "iceberg", "len(level.fills) >= settings", "len(level.fills) > settings"),
    Mutant(Kind.ICEBERG, "iceberg", "and above(level.volume, level.largest_size())", ""),
    Mutant(Kind.ICEBERG, "iceberg", "level.refills >= refills and self", "level.refills > refills and self"),
    Mutant(
        Kind.ICEBERG,
        "iceberg",
        "max(0.0, level.first_size - level.size)",
        "abs(level.first_size - level.size)",
    ),
    Mutant(Kind.ICEBERG, "iceberg", "not level.last_taken and SIGNS", "SIGNS"),
    Mutant(Kind.ICEBERG, "iceberg", "level.last_hit <= alive_since", "level.last_hit < alive_since"),
    Mutant(Kind.ICEBERG, "traded_level", "if time >= before:", "if time > before:"),
    Mutant(Kind.ICEBERG, "traded_level", "lows[-1][1] >= reached", "lows"),
    Mutant(Kind.ICEBERG, "traded_level", "if book >= first:", "if True:"),
    Mutant(Kind.ICEBERG, "traded_level", "self.refills -= came_back is not None", "pass"),
    Mutant(Kind.EXHAUSTION, "exhaustion", "peak[0].time < since", "peak[0].time <= since"),
    Mutant(Kind.EXHAUSTION, "exhaustion", "peaks[-1][1] <= volume", "peaks[-1][1] < volume"),
    Mutant(Kind.EXHAUSTION, "exhaustion", "if after[1] < fall.after[1]:", "if True:"),
    Mutant(Kind.EXHAUSTION, "exhaustion", "if spread > fall.widest:", "if True:"),
    Mutant(Kind.EXHAUSTION, "exhaustion", "book.mid < fall.low", "book.mid <= fall.low"),
    Mutant(Kind.EXHAUSTION, "exhaustion", "            self._peaks[side].clear()\n", ""),
    Mutant(
        Kind.EXHAUSTION,
        "exhaustion",
        "> self._settings.exhaustion_break_ms",
        ">= self._settings.exhaustion_break_ms",
    ),
    Mutant(Kind.EXHAUSTION, "baseline", "if first <= second < last", "if first <= second <= last"),
)


def main() -> None:
    """Read the arguments, put the faults in, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kinds", default=",".join(Kind), help="separated by commas")
    kinds = parser.parse_args().kinds.split(",")
    known = cases()
    print("| kind | module | fault | found in |")
    print("|---|---|---|---|")
    missed = 0
    for mutant in (one for one in MUTANTS if one.kind in kinds):
        found = found_in(mutant, known)
        missed += found is None
        fault = " ".join(f"`{mutant.good}` becomes `{mutant.bad}`".split()).replace("|", "\\|")
        print(f"| {mutant.kind} | {mutant.module} | {fault} | {found or '**nothing**'} |", flush=True)
    sys.exit(1 if missed else 0)


def cases(stories: int = STORIES, noises: int = NOISES, *, recording: bool = True) -> list[Case]:
    """Return markets with what the definitions say of them, the small ones first."""
    told: list[tuple[str, Sequence[Item], DetectorSettings, float]] = [
        *((f"story {seed}", Story(seed, 8).market.items, HASTY, TICK) for seed in range(stories)),
        *((f"noise {seed}", noise(Random(seed)), KEEN, TICK) for seed in range(noises)),  # noqa: S311
    ]
    if recording and RECORDING.exists():
        told.append(("the recording", *recorded()))
    return [
        Case(name, items, settings, tick, by_definition(items, settings, tick))
        for name, items, settings, tick in told
    ]


def found_in(mutant: Mutant, known: Sequence[Case]) -> str | None:
    """Return the first market of which a faulty detector says something else, or None."""
    with _patched(mutant):
        for case in known:
            try:
                said = by_detectors(case.items, case.settings, case.tick)
            except (ArithmeticError, LookupError, TypeError, ValueError) as error:
                return f"{case.name}, as {type(error).__name__}"
            if said != case.expected:
                return case.name
    return None


@contextlib.contextmanager
def _patched(mutant: Mutant) -> Iterator[None]:
    """Let a module's classes be those of a faulty source wherever the detectors use them."""
    module = importlib.import_module(f"features.detectors.{mutant.module}")
    source = inspect.getsource(module)
    if mutant.good not in source:
        raise ValueError(f"{mutant.module} has no {mutant.good!r}")
    faulty = ModuleType(module.__name__)
    faulty.__file__ = module.__file__
    exec(compile(source.replace(mutant.good, mutant.bad, 1), f"<{mutant.module}>", "exec"), faulty.__dict__)  # noqa: S102
    changed = [
        (user, name, value)
        for user in [m for key, m in sys.modules.items() if key.startswith("features.")]
        for name, value in vars(user).items()
        if inspect.isclass(value) and value.__module__ == module.__name__ and hasattr(faulty, name)
    ]
    for user, name, _ in changed:
        setattr(user, name, getattr(faulty, name))
    try:
        yield
    finally:
        for user, name, value in changed:
            setattr(user, name, value)


if __name__ == "__main__":
    main()
