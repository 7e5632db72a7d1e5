"""How many clients the API serves, how late they get their frames, and what those who misbehave change.

python -m tests.tools.load --clients 1000

Everything runs on one machine: the clients take their part of its processors.
"""

import argparse
import asyncio
import multiprocessing
import os
import resource
import statistics
import sys
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final

import psutil

from tests.program import Program, listening, next_live
from tests.test_main import processes_of
from tests.tools.load.swarm import Tally, swarm
from tests.tools.load.trouble import be_trouble

SYMBOL: Final = "BTCUSDT"
BOUND_MS: Final = 250.0
SETTLE: Final = 5.0  # seconds from the last connection to the first frame that counts
SLOW, FLOODS = 100, 4
RESERVED_FILES: Final = 200
NEAR: Final = 0.1  # the bisection ends when its bounds are closer than this


@dataclass(frozen=True, slots=True)
class Measured:
    """One row of the table."""

    clients: int
    beside: str
    median: float
    high: float
    worst: float
    missed: int
    api_cpu: float

    def row(self) -> str:
        """Return it as Markdown."""
        return (
            f"| {self.clients:,} | {self.beside} | {self.median:.0f} ms | {self.high:.0f} ms | "
            f"{self.worst:.0f} ms | {self.missed} | {self.api_cpu:.0f} % |"
        )


HEAD: Final = (
    "| clients | beside them | median lag | 99 % | worst | frames lost | API, of one core |\n"
    "|---|---|---|---|---|---|---|"
)


class Crowd:
    """Clients in processes of their own. They can be added to, and not taken away."""

    def __init__(self, port: int, processes: int, query: str = "") -> None:
        context = multiprocessing.get_context("spawn")
        self.clients = 0
        self._lines: list[Connection] = []
        self._processes = []
        path = f"/ws/{SYMBOL}{query}"
        for _ in range(processes):
            ours, theirs = context.Pipe()
            process = context.Process(target=swarm, args=(theirs, port, path), daemon=True)
            process.start()
            self._lines.append(ours)
            self._processes.append(process)

    async def grow(self, clients: int) -> None:
        """Add clients until there are so many."""
        more, count = clients - self.clients, len(self._lines)
        for number, line in enumerate(self._lines):
            line.send(("add", more * (number + 1) // count - more * number // count))
        self.clients = sum([await asyncio.to_thread(line.recv) for line in self._lines])

    async def measure(self, seconds: float) -> list[Tally]:
        """Return what all saw in so many seconds."""
        for line in self._lines:
            line.send(("measure", seconds))
        return [await asyncio.to_thread(line.recv) for line in self._lines]

    def end(self) -> None:
        """End the processes."""
        for line in self._lines:
            line.send(("end", 0))
        for process in self._processes:
            process.join(10)


async def measured(crowd: Crowd, program: Program, seconds: float, beside: str) -> Measured:
    """Measure for so many seconds."""
    await asyncio.sleep(SETTLE)
    api = processes_of(program)["api"]
    cpu, began = sum(api.cpu_times()[:2]), time.monotonic()
    tallies = await crowd.measure(seconds)
    passed = time.monotonic() - began
    lags = sorted(lag for tally in tallies for lag in tally.lags)
    if not lags:
        raise RuntimeError("no client got a frame")
    return Measured(
        crowd.clients,
        beside,
        statistics.median(lags),
        lags[int(0.99 * (len(lags) - 1))],
        lags[-1],
        sum(tally.missed + tally.closed for tally in tallies),
        (sum(api.cpu_times()[:2]) - cpu) / passed * 100,
    )


async def beside(crowd: Crowd, program: Program, seconds: float, slow: int, floods: int) -> Measured:
    """Measure while others misbehave."""
    process = multiprocessing.get_context("spawn").Process(
        target=be_trouble, args=(program.api_port, SYMBOL, slow, floods), daemon=True
    )
    process.start()
    try:
        await asyncio.sleep(3)
        names = [f"{slow} that read nothing"] * bool(slow) + [f"{floods} that flood"] * bool(floods)
        return await measured(crowd, program, seconds, " and ".join(names))
    finally:
        process.kill()
        process.join()


async def with_updates(crowd: Crowd, program: Program, seconds: float, clients: int) -> list[Measured]:
    """Measure clients of every update beside those of frames: while they join, and once they have."""
    others = Crowd(program.api_port, 1, "?updates=1")
    try:
        join = asyncio.create_task(others.grow(clients))
        joining = await measured(crowd, program, seconds, f"{clients} of ?updates=1 that join")
        await join
        both = await asyncio.gather(
            measured(crowd, program, seconds, f"{clients} of ?updates=1"),
            measured(others, program, seconds, f"{crowd.clients:,} of frames, these of ?updates=1"),
        )
        return [joining, *both]
    finally:
        others.end()


async def largest(program: Program, seconds: float, most: int, processes: int) -> list[Measured]:
    """Find the largest number of clients at which 99 % of the frames come in time."""
    rows: list[Measured] = []
    good, bad, clients = 0, most + 1, 1_000
    while good < most and bad - good > NEAR * max(good, 1_000):
        crowd = Crowd(program.api_port, processes)
        try:
            await crowd.grow(clients)
            row = await measured(crowd, program, seconds, "nobody")
        finally:
            crowd.end()
        rows.append(row)
        print(row.row(), file=sys.stderr, flush=True)
        if row.high < BOUND_MS and row.clients >= clients:
            good = clients
        else:
            bad = clients
        clients = min(most, good * 2) if bad > most else (good + bad) // 2
        await asyncio.sleep(3)
    print(f"the largest number of clients with 99 % under {BOUND_MS:.0f} ms: {good:,}", flush=True)
    return rows


async def load(clients: int, updates_clients: int, seconds: float, processes: int) -> None:
    """Measure, and print a table; with clients of every update nothing else but those beside the others."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    most = hard - RESERVED_FILES
    async with Program(source="simulated", symbols=SYMBOL) as program:
        async with listening(program.url(SYMBOL)) as connection:
            await next_live(connection)
        rows, crowd = [], Crowd(program.api_port, processes)
        troubles = ((SLOW, 0), (0, FLOODS), (SLOW, FLOODS))
        try:
            await crowd.grow(clients)
            rows.append(await measured(crowd, program, seconds, "nobody"))
            if updates_clients:
                rows += await with_updates(crowd, program, seconds, updates_clients)
                print(f"{HEAD}\n" + "\n".join(row.row() for row in rows), flush=True)
                return
            rows += [await beside(crowd, program, seconds, *trouble) for trouble in troubles]
            rows.append(await measured(crowd, program, seconds, "nobody, afterwards"))
        finally:
            crowd.end()
        print(f"{HEAD}\n" + "\n".join(row.row() for row in rows), flush=True)
        rows = await largest(program, seconds, most, processes)
        print(f"{HEAD}\n" + "\n".join(row.row() for row in sorted(rows, key=lambda row: row.clients)))
        processors, busy = psutil.cpu_count(), os.getloadavg()[0]
        print(
            f"{processors} processors, with {processes} processes of clients on them; load average {busy:.1f}"
        )


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.load", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--clients", type=int, default=1_000)
    parser.add_argument(
        "--updates-clients", type=int, default=0, help="beside them, of ?updates=1, and nothing else"
    )
    parser.add_argument("--seconds", type=float, default=15.0, help="of each measurement (default 15)")
    parser.add_argument(
        "--processes", type=int, default=2, help="that the clients are spread over (default 2)"
    )
    given = parser.parse_args()
    asyncio.run(load(given.clients, given.updates_clients, given.seconds, given.processes))


if __name__ == "__main__":
    main()
