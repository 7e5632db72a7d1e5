"""The fault campaign: thousands of random, seeded faults, and all that is shown as live held to the truth.

python -m tests.tools.campaign --faults 10000 --seed 1

prints one sentence, and exits 1 if anything shown as live was wrong, if a way back took too long, or if
something leaked. Most faults are played in one process in virtual time; `--processes` of them on the real
program with its processes, in real time.
"""

import argparse
import os
import sys
import time

from tests.tools.campaign.in_process import run_shards
from tests.tools.campaign.processes import run_processes
from tests.tools.campaign.verdict import Part, sentence

BOUND = 5.0
"""Seconds that a way back may take, rate-limit waits apart."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.campaign", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--faults", type=int, default=10_000, help="of both parts together (default 10000)")
    parser.add_argument(
        "--processes", type=int, default=300, help="of these on the real program (default 300)"
    )
    parser.add_argument("--seed", type=int, default=1, help="decides which (default 1)")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes that share the first part"
    )
    return parser.parse_args()


def main() -> int:
    """Run both parts; return the exit code."""
    given = _arguments()
    began = time.monotonic()

    def progress(part: Part) -> None:
        print(
            f"\r{part.name}: {part.played:,} faults, {part.judge.live:,} live frames, "
            f"{part.judge.wrong} wrong, "
            f"{time.monotonic() - began:,.0f} s ",
            end="",
            file=sys.stderr,
            flush=True,
        )

    parts = []
    if given.faults > given.processes:
        parts.append(run_shards(given.faults - given.processes, given.seed, progress, given.jobs))
        print(file=sys.stderr)
    if given.processes:
        parts.append(run_processes(given.processes, given.seed, progress))
        print(file=sys.stderr)
    for part in parts:
        print("\n".join(part.lines()))
    failures = [failure for part in parts for failure in part.failures(BOUND)]
    for failure in failures:
        print("FAILED:", failure)
    print(sentence(parts))
    if failures:
        print(
            f"again: python -m tests.tools.campaign --faults {given.faults} --processes {given.processes} "
            f"--seed {given.seed}"
        )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
