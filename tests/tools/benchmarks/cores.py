"""The pure core and the compiled one beside each other, as multiples of decoding.

python -m tests.tools.benchmarks cores [--turns 3] [--messages 3000] [--rounds 3]

Each turn is a process of its own, pure and compiled one after the other; the median of all turns counts.
"""

import argparse
import subprocess
import sys
from statistics import median
from typing import Final

import msgspec

from processes.core import ROOT, Core, fits
from tests.replay.rig import RECORDING, RIG
from tests.tools.benchmarks.stages import agree, timed
from tests.tools.benchmarks.streams import Input, recorded, simulated
from tests.tools.benchmarks.table import table, times
from tests.tools.benchmarks.timing import Spread

MODULE: Final = "tests.tools.benchmarks.cores"
TELL: Final = "tell"
Figures = dict[str, dict[str, Spread]]
"""Multiples of decoding by input and by what was timed."""


def figures(sources: list[Input], *, rounds: int, skip: int) -> Figures:
    """Check and time what this process runs."""
    for source in sources:
        agree(source)
    return {source.name: timed(source, rounds=rounds, skip=skip).reached() for source in sources}


def _of_another(core: Core, arguments: list[str]) -> Figures:
    command = [sys.executable, "-m", "tests.tools.with_core", core, MODULE, TELL, *arguments]
    ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)  # noqa: S603 - our own
    return msgspec.json.decode(ended.stdout, type=Figures)


def compared(turns: dict[Core, list[Figures]]) -> str:
    """Return a table an input: the medians of the turns, and how much less the compiled core takes."""
    parts = []
    first = turns[Core.PURE][0]
    for source, names in first.items():
        rows = []
        for name in names:
            row = [name]
            for figure in ("mean", "p99"):
                pure, compiled = (
                    median(getattr(turn[source][name], figure) for turn in turns[core]) for core in Core
                )
                row += [times(pure), times(compiled), f"{compiled / pure - 1:+.0%}" if pure else ""]
            rows.append(row)
        head = ["x decode", "pure, mean", "compiled", "", "pure, 99 %", "compiled", ""]
        parts.append(f"**{source}**\n\n{table(head, rows)}\n")
    return "\n".join(parts)


def main(arguments: list[str] | None = None) -> int:
    """Read the command line; measure and print."""
    given = sys.argv[1:] if arguments is None else arguments
    tells, given = given[:1] == [TELL], [word for word in given if word != TELL]
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.benchmarks cores", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--messages", type=int, default=3_000, help="of each input")
    parser.add_argument("--rounds", type=int, default=3, help="of each turn; the least time counts")
    parser.add_argument("--skip", type=int, default=200, help="first messages that are not counted")
    parser.add_argument("--turns", type=int, default=3, help="of each core")
    chosen = parser.parse_args(given)
    if tells:
        sources = [recorded(chosen.messages)] if RIG.exists() and RECORDING.exists() else []
        sources.append(simulated(chosen.messages))
        found = figures(sources, rounds=chosen.rounds, skip=chosen.skip)
        sys.stdout.buffer.write(msgspec.json.encode(found))
        return 0
    if not fits():
        sys.stderr.write("No compiled core is of these sources; `make fast` compiles them.\n")
        return 2
    turns: dict[Core, list[Figures]] = {core: [] for core in Core}
    for _ in range(chosen.turns):
        for core, done in turns.items():
            done.append(_of_another(core, given))
    sys.stdout.write(compared(turns))
    return 0


if __name__ == "__main__":
    sys.exit(main())
