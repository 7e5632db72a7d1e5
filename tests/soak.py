"""Runs the program on the simulated exchange: time to the first live frame, memory and CPU of each process.

python -m tests.soak --minutes 10
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections import defaultdict

import psutil

from tests.program import Program, listening, next_frame, next_live

SYMBOLS = ("BTCUSDT", "ETHUSDT")
SAMPLE_SECONDS = 5.0
WARM_UP_SECONDS = 200.0  # the rolling window alone takes 180 s to fill
MIB = 2**20


def _name(process: psutil.Process) -> str:
    environment: dict[str, str] = process.environ()
    role = environment.get("ROLE", "all")
    return environment["SYMBOLS"] if role == "engine" else {"all": "main"}.get(role, role)


def slope(points: list[tuple[float, float]]) -> tuple[float, float]:
    """Return the least-squares slope of y on x and its standard error."""
    if len(points) < 3:
        return 0.0, float("inf")
    xs, ys = [x for x, _ in points], [y for _, y in points]
    fit = statistics.linear_regression(xs, ys)
    spread = sum((x - statistics.fmean(xs)) ** 2 for x in xs)
    residual = sum((y - fit.slope * x - fit.intercept) ** 2 for x, y in points) / (len(points) - 2)
    return fit.slope, (residual / spread) ** 0.5


async def _read_frames(
    program: Program, symbol: str, counts: dict[str, int], intervals: dict[str, list[float]]
) -> None:
    async with listening(program.url(symbol, "?ladders=1")) as connection:
        while True:
            frame = await next_frame(connection)
            counts[symbol] += 1
            counts[f"{symbol} live"] += frame["status"] == "live"
            if frame["health"] is not None:
                intervals[symbol].append(frame["health"]["update_interval_ms"]["median"])


async def soak(minutes: float) -> None:
    """Run, sample, and print one line a process."""
    memory: dict[str, list[tuple[float, float]]] = defaultdict(list)
    counts: dict[str, int] = defaultdict(int)
    intervals: dict[str, list[float]] = defaultdict(list)
    started = time.monotonic()
    async with Program(source="simulated") as program:
        if program.process is None:
            raise RuntimeError("not started")
        for symbol in SYMBOLS:
            async with listening(program.url(symbol)) as connection:
                await next_live(connection)
        print(f"both symbols live {time.monotonic() - started:.2f} s after the start of main.py")
        readers = [
            asyncio.create_task(_read_frames(program, symbol, counts, intervals)) for symbol in SYMBOLS
        ]
        parent = psutil.Process(program.process.pid)
        processes = {_name(process): process for process in (parent, *parent.children(recursive=True))}
        cpu_before = {name: sum(process.cpu_times()[:2]) for name, process in processes.items()}
        begin = time.monotonic()
        while (passed := time.monotonic() - begin) < minutes * 60:
            for name, process in processes.items():
                memory[name].append((passed, process.memory_info().rss / MIB))
            print(f"\r{passed / 60:5.1f} of {minutes:g} min", end="", file=sys.stderr, flush=True)
            await asyncio.sleep(SAMPLE_SECONDS)
        passed = time.monotonic() - begin
        print(file=sys.stderr)
        for name, process in processes.items():
            cpu = (sum(process.cpu_times()[:2]) - cpu_before[name]) / passed * 100
            points = [point for point in memory[name] if point[0] >= min(WARM_UP_SECONDS, passed / 2)]
            grows, error = slope([(seconds / 60, mib) for seconds, mib in points])
            print(
                f"{name:<9} cpu {cpu:5.1f} % of a core, "
                f"memory {points[0][1]:6.1f} MiB -> {points[-1][1]:6.1f} MiB, "
                f"slope {grows * 1024:+7.1f} +- {error * 1024:.1f} KiB/min"
            )
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
    for symbol in SYMBOLS:
        between = statistics.median(intervals[symbol])
        print(
            f"{symbol}: {counts[symbol]} frames, {counts[f'{symbol} live']} live, "
            f"depth updates every {between:.1f} ms (median)"
        )


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=10.0)
    asyncio.run(soak(parser.parse_args().minutes))


if __name__ == "__main__":
    main()
