"""Prints what the engine's work costs, as multiples of what only decoding its messages costs.

python -m tests.tools.benchmarks [--peers] [--messages 3000] [--rounds 5]
python -m tests.tools.benchmarks latency     an engine on sockets, at 1x and 50x the speed of life
python -m tests.tools.benchmarks cores       the pure core and the compiled one, in turns
python -m tests.tools.benchmarks scale       the program with more and more symbols
"""

import argparse
import asyncio
import platform
import sys
from collections.abc import Iterator

import msgspec

from processes.core import running_core
from tests.replay.rig import RECORDING, RIG
from tests.tools.benchmarks import cores, growth, latency, peers, program, scale, stages, timing
from tests.tools.benchmarks.streams import Input, recorded, simulated

METHOD = f"""\
Each message's time is the least of all rounds; mean, median and 99 % are taken over the messages, and every
one is divided by the same figure of decoding alone: msgspec, typed, to pairs of floats, nothing checked.
`99 % of own` divides message by message instead, where small messages come out worst. Contenders take turns
by blocks of {timing.BLOCK} messages in one process. The garbage collector is on; each starts a block right
after a collection and pays for its own garbage. The first messages, while detectors warm up, do not count."""


def main(arguments: list[str] | None = None) -> int:
    """Read the command line, run, print."""
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["latency"]:
        return latency.main(given[1:])
    if given[:1] == ["scale"]:
        return scale.main(given[1:])
    if given[:1] == ["cores"]:
        return cores.main(given[1:])
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.benchmarks", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--messages", type=int, default=3_000, help="of each input")
    parser.add_argument("--rounds", type=int, default=5, help="over each input; the least time counts")
    parser.add_argument("--skip", type=int, default=200, help="first messages that are not counted")
    parser.add_argument("--peers", action="store_true", help="compare with others, in .venv-peers")
    parser.add_argument("--no-program", action="store_true", help="leave out start-up and fan-out")
    chosen = parser.parse_args(given)
    for section in _sections(chosen):
        sys.stdout.write(section + "\n")
        sys.stdout.flush()
    return 0


def _sections(chosen: argparse.Namespace) -> Iterator[str]:
    rounds, skip = chosen.rounds, chosen.skip
    versions = f"Python {platform.python_version()}, msgspec {msgspec.__version__}"
    yield f"{versions}, {running_core()} core, {_machine()}.\n\n{METHOD}\n"
    inputs = list(_inputs(chosen.messages))
    if len(inputs) == 1:
        yield "(No recording: ../shared is not beside the project. Only the simulated exchange is used.)\n"
    for source in inputs:
        yield stages.report(source, rounds=rounds, skip=skip)
    yield "### Growth of the book\n"
    yield growth.report(max(chosen.messages // 2, skip + 50), rounds=rounds, skip=skip)
    if chosen.peers:
        yield f"### Others on the {inputs[0].name}, each in a process of its own\n"
        yield peers.compare(inputs[0])
    if not chosen.no_program:
        yield "### The program: start-up and fan-out\n"
        yield program.import_times()
        yield asyncio.run(program.start_and_fan_out())


def _inputs(messages: int) -> Iterator[Input]:
    if RIG.exists() and RECORDING.exists():
        yield recorded(messages)
    yield simulated(messages)


def _machine() -> str:
    try:
        with open("/proc/cpuinfo") as lines:  # noqa: PTH123 - a device, not a file of ours
            names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return f"{len(names)} cores of {names[0]}" if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    sys.exit(main())
