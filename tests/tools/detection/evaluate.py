"""Recall, precision and delay of the detectors on staged patterns, and flags where nothing is staged.

python -m tests.tools.detection.evaluate --patterns 200 --seed 1000 --kinds wall,sweep --hours 1

Prints two tables; progress goes to the standard error. Equal arguments give equal tables.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from multiprocessing import Pool
from statistics import median
from typing import Final, TypeVar

from data_ingestion.simulated_exchange.profiles import SIMULATED_SYMBOLS
from data_ingestion.simulated_exchange.staging.patterns import Pattern
from features.detectors.detection import Kind
from tests.replay.rig import RECORDING
from tests.tools.detection import flow, scenarios
from tests.tools.detection.flow import Flow, PlainRun
from tests.tools.detection.scenarios import Heard, Scenario
from tests.tools.detection.scores import Score, Share

PATTERNS_A_RUN: Final = 10
MINUTES_A_RUN: Final = 10.0

Job = TypeVar("Job")
Result = TypeVar("Result")


def main() -> None:
    """Read the arguments, play, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--patterns", type=int, default=200, help="staged of each kind, and as many near misses"
    )
    parser.add_argument("--seed", type=int, default=1_000)
    parser.add_argument("--kinds", default=",".join(Pattern), help="separated by commas")
    parser.add_argument(
        "--hours", type=float, default=1.0, help="of plain simulated flow a symbol; 0 for none"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes")
    arguments = parser.parse_args()
    try:
        kinds = [Pattern(word) for word in arguments.kinds.split(",")]
    except ValueError as error:
        parser.error(f"{error}; there are {', '.join(Pattern)}")
    print_scores(scores(kinds, arguments.patterns, arguments.seed, arguments.workers))
    print_flows(flows(arguments.hours, arguments.seed, arguments.workers))


def scores(kinds: Iterable[Pattern], patterns: int, seed: int, workers: int) -> dict[Pattern, Score]:
    """Play `patterns` of each kind, in runs of a few on alternating symbols, and add up."""
    jobs = [job for kind in kinds for job in runs_of(kind, patterns, seed)]
    heard: defaultdict[Pattern, list[Heard]] = defaultdict(list)
    for job, result in zip(jobs, _played(scenarios.play, jobs, workers, "scenarios"), strict=True):
        heard[job.kind].append(result)
    return {kind: Score.of(runs) for kind, runs in heard.items()}


def runs_of(kind: Pattern, patterns: int, seed: int) -> list[Scenario]:
    """Cut the patterns of a kind into runs, each with a seed of its own."""
    return [
        Scenario(
            kind,
            SIMULATED_SYMBOLS[number % len(SIMULATED_SYMBOLS)],
            seed + number,
            min(PATTERNS_A_RUN, patterns - number * PATTERNS_A_RUN),
        )
        for number in range(-(-patterns // PATTERNS_A_RUN))
    ]


def flows(hours: float, seed: int, workers: int) -> dict[str, Flow]:
    """Play plain flow of each symbol, and the recording if it is there."""
    runs = round(hours * 60 / MINUTES_A_RUN)
    jobs = [PlainRun(symbol, seed + n, MINUTES_A_RUN) for symbol in SIMULATED_SYMBOLS for n in range(runs)]
    result: dict[str, Flow] = {}
    for job, played in zip(jobs, _played(flow.play, jobs, workers, "plain runs"), strict=True):
        name = f"simulated {job.symbol}"
        result[name] = result[name] + played if name in result else played
    if RECORDING.exists():
        result["recording BTCUSDT"] = flow.play_recording()
    else:
        print(f"no recording at {RECORDING}: left out", file=sys.stderr)
    return result


def _played(play: Callable[[Job], Result], jobs: Sequence[Job], workers: int, what: str) -> list[Result]:
    """Play the jobs in several processes, and say on the standard error how far they are."""
    results: list[Result] = []
    with Pool(workers) as pool:
        for result in pool.imap(play, jobs):
            results.append(result)
            print(f"\r{what}: {len(results)} of {len(jobs)} ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return results


def print_scores(found: dict[Pattern, Score]) -> None:
    """Print a line for each kind."""
    print(
        "| kind | staged | flagged | recall (95 %) | near misses | false flags | precision (95 %) "
        "| duplicates | median delay | endings right |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for kind, score in found.items():
        false = ", ".join(f"{name} {number}" for name, number in sorted(score.false_flags.items())) or "0"
        delay = f"{median(score.delays):.0f} ms" if score.delays else "-"
        endings = f"{score.right_endings} of {score.endings}" if score.endings else "-"
        cells = (
            *(kind, score.staged, score.flagged, _shown(score.recall), score.near_misses, false),
            *(_shown(score.precision), score.duplicates, delay, endings),
        )
        print("| " + " | ".join(map(str, cells)) + " |")


def _shown(share: Share) -> str:
    low, high = share.interval()
    return f"{share.value:.3f} ({low:.3f} to {high:.3f})"


def print_flows(found: dict[str, Flow]) -> None:
    """Print flags an hour and the share of time open, a line for each kind and a column for each market."""
    print()
    print(
        "| kind | " + " | ".join(f"{name}, {one.ms / 60_000:.1f} min" for name, one in found.items()) + " |"
    )
    print("|---" * (len(found) + 1) + "|")
    for kind in Kind:
        cells = [
            f"{one.flags[kind]} flags, {one.per_hour(kind):.1f} an hour, open {one.share_open(kind):.1%}"
            for one in found.values()
        ]
        print(f"| {kind} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
