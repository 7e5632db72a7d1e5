"""How many symbols one machine carries: the real program with more and more simulated ones.

python -m tests.tools.benchmarks scale [--symbols 2,10,50] [--seconds 30] [--plot docs/scale.svg]

All are in one program: an engine's process each, one API, one page. Each symbol is as lively as BTCUSDT, and
their messages arrive at once. The exchange is a process of its own that a real machine would not have, and
this one reads the frames of every symbol as a client does.
"""

import argparse
import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import psutil
from websockets.asyncio.client import ClientConnection

from tests.program import ROOT, Program, free_port, listening, next_frame, next_live
from tests.test_main import processes_of
from tests.tools.benchmarks.many_symbols import names
from tests.tools.benchmarks.table import table
from tests.tools.benchmarks.timing import spread
from tests.tools.plot import svg

COUNTS = (2, 10, 50)
SETTLE = 12.0  # seconds from the last symbol's first live frame: health looks ten seconds back
START_PATIENCE = 60.0  # seconds, and two for each symbol
MIB = 2**20


class Usage(msgspec.Struct, frozen=True):
    """CPU in percent of one core, and memory."""

    engine: float  # mean
    engines: float  # sum
    api: float
    others: float  # supervisor and page
    exchange: float
    machine: float  # all that ran, whoever's it was, of all cores
    memory_mib: float  # of the program's processes

    @property
    def program(self) -> float:
        """All that is the program's own."""
        return self.engines + self.api + self.others


class Measured(msgspec.Struct, frozen=True):
    """One run."""

    symbols: int
    live_after: float  # seconds from the start until every symbol was live
    usage: Usage
    latency_p99: float | None  # of depth messages, ms: median of what frames say
    lag_median: float  # second's end to the frame at a client, ms
    lag_p99: float
    live: int
    frames: int
    due: int  # frames that should have come

    def row(self) -> list[str]:
        """Return it for the table."""
        usage, latency = self.usage, self.latency_p99
        return [
            str(self.symbols), f"{usage.engine:.1f} %", f"{usage.engines:.0f} %", f"{usage.api:.1f} %",
            f"{usage.program:.0f} %", f"{usage.memory_mib:,.0f} MiB",
            f"{self.live_after:.0f} s", "none" if latency is None else f"{latency:.0f} ms",
            f"{self.lag_median:.0f} ms", f"{self.lag_p99:.0f} ms",
            f"{self.live} of {self.due}",
        ]  # fmt: skip


HEAD = (
    "symbols", "CPU of an engine, mean, of one core", "all engines", "API", "the program", "memory",
    "all live after", "event time to engine, 99 %",
    "second over to frame at a client, median", "99 %", "live frames",
)  # fmt: skip


class _Clients:
    """One client of each symbol. Counts only between `begin` and the end."""

    def __init__(self) -> None:
        self.counting = False
        self.frames = 0
        self.live = 0
        self.lags: list[float] = []
        self.latencies: list[float] = []

    async def read(self, program: Program, symbol: str, live: asyncio.Semaphore) -> None:
        """Read the frames of `symbol`; release `live` at the first live one."""
        async with listening(program.url(symbol)) as connection:
            await _live(connection)
            live.release()
            while True:
                frame = await next_frame(connection)
                if not self.counting:
                    continue
                self.frames += 1
                self.live += frame["status"] == "live"
                self.lags.append(time.time() * 1000 - frame["timestamp"])
                high = frame["health"]["latency_ms"]["p99"]
                if high is not None:
                    self.latencies.append(high)


async def _live(connection: ClientConnection) -> None:
    """Wait for a live frame: many engines that start at once take longer than a test has patience."""
    while True:
        with contextlib.suppress(TimeoutError):
            await next_live(connection)
            return


@contextlib.asynccontextmanager
async def _exchange(symbols: int) -> AsyncIterator[tuple[psutil.Process, dict[str, object]]]:
    """Start an exchange; give its process, and the settings of a program that uses it."""
    port = free_port()
    command = [sys.executable, "-m", "tests.tools.benchmarks.many_symbols", str(port), str(symbols)]
    process = subprocess.Popen(command, cwd=ROOT)  # noqa: S603, ASYNC220 - it returns at once
    try:
        yield (
            psutil.Process(process.pid),
            {
                "source": "binance",
                "symbols": ",".join(names(symbols)),
                "binance_public_ws_url": f"ws://127.0.0.1:{port}/public",
                "binance_market_ws_url": f"ws://127.0.0.1:{port}/market",
                "binance_rest_url": f"http://127.0.0.1:{port}",
            },
        )
    finally:
        process.terminate()
        process.wait()


class _Cpu:
    """CPU time of the program's roles since it was made."""

    def __init__(self, program: Program, exchange: psutil.Process) -> None:
        if program.process is None:
            raise RuntimeError("not started")
        self._processes = processes_of(program) | {"main": psutil.Process(program.process.pid)}
        self._exchange = exchange
        self._before, self._began = self._read(), time.monotonic()
        psutil.cpu_percent()

    def _read(self) -> dict[str, float]:
        every = self._processes | {"exchange": self._exchange}
        return {name: sum(process.cpu_times()[:2]) for name, process in every.items()}

    def usage(self) -> Usage:
        """Return what was used since."""
        passed, machine = time.monotonic() - self._began, psutil.cpu_percent()
        shares = {name: (now - self._before[name]) / passed * 100 for name, now in self._read().items()}
        roles: dict[str, list[float]] = defaultdict(list)
        for name, share in shares.items():
            roles[name if name in ("api", "exchange", "main", "dashboard") else "engine"].append(share)
        memory = sum(process.memory_info().rss for process in self._processes.values()) / MIB
        engines = roles["engine"]
        others = sum(roles["main"]) + sum(roles["dashboard"])
        return Usage(
            statistics.fmean(engines), sum(engines), sum(roles["api"]), others, sum(roles["exchange"]),
            machine, memory,
        )  # fmt: skip


async def measure(symbols: int, seconds: float, settle: float = SETTLE) -> Measured:
    """Run the program with so many symbols."""
    clients, live = _Clients(), asyncio.Semaphore(0)
    began = time.monotonic()
    async with _exchange(symbols) as (exchange, settings), Program(**settings, page=True) as program:
        tasks = [asyncio.create_task(clients.read(program, symbol, live)) for symbol in names(symbols)]
        try:
            for _ in tasks:
                await asyncio.wait_for(live.acquire(), START_PATIENCE + 2 * symbols)
            live_after = time.monotonic() - began
            await asyncio.sleep(settle)
            await asyncio.sleep(1.5 - time.time() % 1)  # half a second after one, so that whole ones count
            cpu, clients.counting = _Cpu(program, exchange), True
            await asyncio.sleep(seconds)
            clients.counting = False
            usage = cpu.usage()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    lags = spread(clients.lags)
    latency = statistics.median(clients.latencies) if clients.latencies else None
    return Measured(
        symbols, live_after, usage, latency, lags.median, lags.p99, clients.live, clients.frames,
        round(symbols * seconds),
    )  # fmt: skip


def plot(found: Sequence[Measured]) -> Mapping[str, list[tuple[float, float]]]:
    """Return the lines of CPU and latency over symbols."""
    return {
        "engines, % of a core": [(one.symbols, one.usage.engines) for one in found],
        "API, % of a core": [(one.symbols, one.usage.api) for one in found],
        "program, % of a core": [(one.symbols, one.usage.program) for one in found],
        "frame at a client, 99 %, ms": [(one.symbols, one.lag_p99) for one in found],
    }


def report(counts: Sequence[int], seconds: float, drawing: Path | None) -> Iterator[str]:
    """Yield a row as each run ends, and the table; draw it where wanted."""
    found = []
    for symbols in counts:
        one = asyncio.run(measure(symbols, seconds))
        found.append(one)
        yield (
            f"{symbols} symbols: {one.live} live frames of {one.due}; exchange {one.usage.exchange:.0f} % "
            f"of a core, machine {one.usage.machine:.0f} % of all cores, load {os.getloadavg()[0]:.1f}"
        )
    yield "\n" + table(HEAD, [one.row() for one in found])
    if drawing is not None:
        drawing.parent.mkdir(parents=True, exist_ok=True)
        title = "CPU and latency by symbols"
        drawing.write_text(svg(title, "symbols", "% and ms", plot(found)), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, run, print."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.benchmarks scale", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--symbols", default=",".join(map(str, COUNTS)), help="how many, one run for each")
    parser.add_argument("--seconds", type=float, default=30.0, help="that are measured, for each")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="where to draw it, as SVG")
    chosen = parser.parse_args(arguments)
    counts = [int(count) for count in chosen.symbols.split(",")]
    for part in report(counts, chosen.seconds, chosen.plot):
        sys.stdout.write(part + "\n")
        sys.stdout.flush()
    return 0
