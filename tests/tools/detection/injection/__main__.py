"""Recall and false flags of the detectors on patterns woven into a recording, by kind and by strength.

python -m tests.tools.detection.injection --recording ../shared/recordings/btcusdt_20240808.gz

Any recording of the rig's format will do; --symbol says of what. Prints tables, and draws the curves with
--plot. Equal arguments give equal tables. A strength is a multiple of what the definition asks for.
"""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from random import Random
from typing import Final

from features.detectors.detection import Kind
from features.detectors.settings import DetectorSettings
from state.engine import EngineSettings
from tests.replay.rig import RECORDING, SYMBOL
from tests.tools.detection.injection.ahead import Ahead
from tests.tools.detection.injection.hands import WAYS
from tests.tools.detection.injection.recording import read
from tests.tools.detection.injection.weaving import Outcome, Plan, heard, judged, weave
from tests.tools.detection.scores import Share
from tests.tools.plot import svg

STRENGTHS: Final = (0.5, 0.65, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 4.0)
WEAK: Final = 0.8  # at most, a near miss that is to be told apart
STRONG: Final = 1.5  # at least, a pattern that is to be found
GOAL: Final = 0.95
RARE: Final = (Kind.WALL, Kind.LAYERING, Kind.EXHAUSTION, Kind.ABSORPTION, Kind.ICEBERG, Kind.SWEEP)
"""In this order kinds are tried where there is room for several: what needs most of it first."""

Key = tuple[Kind, str]
Found = Mapping[Key, Sequence[Outcome]]


def main() -> None:
    """Read the arguments, weave, play, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--recording", type=Path, default=RECORDING)
    parser.add_argument("--symbol", default=SYMBOL)
    parser.add_argument("--patterns", type=int, default=20, help="of each kind, way and strength, at most")
    parser.add_argument("--runs", type=int, default=30, help="times that the recording is played, at most")
    parser.add_argument("--seed", type=int, default=4_000)
    parser.add_argument("--kinds", default=",".join(Kind), help="separated by commas")
    parser.add_argument("--plot", type=Path, help="an SVG for the curves")
    parser.add_argument(
        "--misses", action="store_true", help="name what was not told right, to look at by hand"
    )
    arguments = parser.parse_args()
    try:
        found, spoiled = woven(
            arguments.recording,
            arguments.symbol,
            arguments.patterns,
            arguments.runs,
            arguments.seed,
            [Kind(word) for word in arguments.kinds.split(",")],
        )
    except (OSError, ValueError) as error:
        parser.exit(2, f"{error}\n")
    print_scores(found, spoiled)
    print_steps(found)
    if arguments.misses:
        print_misses(found)
    if arguments.plot:
        lines = curves(found)
        title = f"Share flagged, by strength: patterns woven into {arguments.symbol}"
        arguments.plot.write_text(svg(title, "times the threshold", "share", lines), encoding="utf-8")


def woven(
    path: Path, symbol: str, patterns: int, most_runs: int, seed: int, kinds: Sequence[Kind] = tuple(Kind)
) -> tuple[dict[Key, list[Outcome]], Counter[Key]]:
    """Weave until all is woven, no more fits or the runs are over; return outcomes and what was spoiled."""
    recording = read(path)
    if recording.end - recording.start < 60_000:
        raise ValueError(f"{path} is shorter than a minute: the medians need half of that.")
    hasty = EngineSettings(detectors=DetectorSettings(cooldown_ms=0))
    told = heard(recording, symbol, hasty) if Kind.SWEEP in kinds else ()
    own = [entry for entry in told if entry.kind is Kind.SWEEP]
    ahead = Ahead(recording, [(entry.time, ("bid", "ask").index(entry.side)) for entry in own])
    plans = [
        Plan(kind, way, strength)
        for kind in kinds
        for way in WAYS[kind]
        for strength in STRENGTHS
        for _ in range(patterns)
    ]
    Random(seed).shuffle(plans)  # noqa: S311
    found: defaultdict[Key, list[Outcome]] = defaultdict(list)
    spoiled: Counter[Key] = Counter()
    for run in range(most_runs):
        plans.sort(key=lambda plan: (RARE.index(plan.kind), -WAYS[plan.kind][plan.way].lasts(plan.strength)))
        changed, records = weave(recording, ahead, plans, seed + run)
        for outcome in judged(records, heard(changed, symbol), seed + run):
            record = outcome.record
            key = (record.kind, record.way)
            if record.spoiled or outcome.withheld:
                spoiled[key] += 1
            else:
                found[key].append(outcome)
        print(f"\rrun {run + 1} of {most_runs}, {len(plans)} left ", end="", file=sys.stderr, flush=True)
        if not plans or not records:
            break
    print(file=sys.stderr)
    return found, spoiled


def print_scores(found: Found, spoiled: Mapping[Key, int]) -> None:
    """Print a line a kind and way: what is clearly above the threshold, and clearly below."""
    print(
        f"| kind | by | woven | spoiled | recall from {STRONG} on (95 %) | flagged up to {WEAK} (95 %) "
        "| precision (95 %) | endings right | goals |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for kind, ways in WAYS.items():
        for way in ways:
            outcomes = found.get((kind, way), ())
            strong = [one for one in outcomes if one.record.strength >= STRONG * 0.98]
            weak = [one for one in outcomes if one.record.strength <= WEAK * 1.02]
            recall, false = _flagged(strong), _flagged(weak)
            precision = Share(recall.hits, recall.hits + false.hits)
            ends = [one for one in strong if one.record.ending and one.flags]
            right = sum(one.record.ending in one.endings for one in ends)
            met = recall.value >= GOAL and precision.value >= GOAL
            cells = (
                *(kind, way, len(outcomes), spoiled.get((kind, way), 0)),
                *(_shown(recall), _shown(false), _shown(precision)),
                *(f"{right} of {len(ends)}" if ends else "-", "met" if met else "not met"),
            )
            print("| " + " | ".join(map(str, cells)) + " |")


def print_steps(found: Found) -> None:
    """Print the share flagged at each strength, as `flagged/woven`."""
    print()
    print("| kind | by | " + " | ".join(f"{strength:g}" for strength in STRENGTHS) + " |")
    print("|---" * (len(STRENGTHS) + 2) + "|")
    for (kind, way), outcomes in _by_kind(found):
        steps = by_strength(outcomes)
        cells = [f"{steps[step].hits}/{steps[step].total}" if step in steps else "-" for step in STRENGTHS]
        print(f"| {kind} | {way} | " + " | ".join(cells) + " |")


def print_misses(found: Found) -> None:
    """Print each pattern that was not flagged, and each near miss that was."""
    print()
    for outcome in chain.from_iterable(found.values()):
        record = outcome.record
        if record.strength >= STRONG * 0.98 and not outcome.flags:
            print(f"not flagged, of seed {outcome.seed}: {record}")
        elif record.strength <= WEAK * 1.02 and outcome.flags:
            print(f"flagged, of seed {outcome.seed}: {record}, {outcome.flags[0]}")


def curves(found: Found) -> dict[str, list[tuple[float, float]]]:
    """Return the share flagged at each strength, by kind and way."""
    return {
        f"{kind}, {way}": [(step, share.value) for step, share in sorted(by_strength(outcomes).items())]
        for (kind, way), outcomes in _by_kind(found)
        if outcomes
    }


def by_strength(outcomes: Iterable[Outcome]) -> dict[float, Share]:
    """Return what was flagged of those nearest to each strength."""
    steps: defaultdict[float, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        strength = outcome.record.strength
        steps[min(STRENGTHS, key=lambda step: abs(step - strength))].append(outcome)
    return {step: _flagged(some) for step, some in steps.items()}


def _by_kind(found: Found) -> list[tuple[Key, Sequence[Outcome]]]:
    return [((kind, way), found.get((kind, way), ())) for kind, ways in WAYS.items() for way in ways]


def _flagged(outcomes: Sequence[Outcome]) -> Share:
    return Share(sum(bool(one.flags) for one in outcomes), len(outcomes))


def _shown(share: Share) -> str:
    if not share.total:
        return "-"
    low, high = share.interval()
    return f"{share.hits}/{share.total} {share.value:.3f} ({low:.3f} to {high:.3f})"


if __name__ == "__main__":
    main()
