"""Runs the program on the simulated exchange: time to the first live frame, memory and CPU of each process.

python -m tests.tools.soak --minutes 30 --page --plot docs/soak.svg

With `--page` the page is open in headless Chromium as well, and its heap, its frames and its WebGL contexts
are looked at.
"""

import argparse
import asyncio
import contextlib
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path

import psutil
from playwright.async_api import CDPSession

from tests.dashboard.browser import ON_SWIFTSHADER, Watched, chromium, open_page
from tests.program import Program, listening, next_frame, next_live
from tests.tools.plot import svg

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
        newest = 0
        while True:
            frame = await next_frame(connection)
            counts[symbol] += 1
            counts[f"{symbol} live"] += frame["status"] == "live"
            if newest:
                counts[f"{symbol} lost"] += (frame["timestamp"] - newest) // 1000 - 1
            newest = frame["timestamp"]
            if frame["health"] is not None:
                intervals[symbol].append(frame["health"]["update_interval_ms"]["median"])


class Processes:
    """Memory and CPU of the program's processes, and of a browser as a whole."""

    def __init__(self, program: psutil.Process) -> None:
        own = (program, *program.children(recursive=True))
        self._processes = {_name(process): [process] for process in own}
        known = {process.pid for process in own}
        others = psutil.Process().children(recursive=True)
        if browser := [process for process in others if process.pid not in known and _is_browser(process)]:
            self._processes["browser"] = browser
        self.memory: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self._cpu_before = self._cpu()
        self._began = time.monotonic()

    def sample(self) -> float:
        """Note the memory in MiB; return the minutes that have passed."""
        passed = (time.monotonic() - self._began) / 60
        for name, processes in self._processes.items():
            self.memory[name].append((passed, sum(_memory(process) for process in processes) / MIB))
        return passed

    def cpu(self) -> dict[str, float]:
        """Return the share of one core that each has used, in percent."""
        passed = time.monotonic() - self._began
        return {name: (now - self._cpu_before[name]) / passed * 100 for name, now in self._cpu().items()}

    def _cpu(self) -> dict[str, float]:
        return {
            name: sum(sum(process.cpu_times()[:2]) for process in processes if process.is_running())
            for name, processes in self._processes.items()
        }


def _memory(process: psutil.Process) -> int:
    """Return a process's own memory; what browser processes share would count many times over."""
    if not process.is_running():
        return 0
    if _is_browser(process):
        return int(getattr(process.memory_full_info(), "uss", 0))
    return int(process.memory_info().rss)


def _is_browser(process: psutil.Process) -> bool:
    return "chrom" in process.name()


class Tab:
    """The page in headless Chromium."""

    def __init__(self, page: Watched, inspector: CDPSession) -> None:
        self._page, self._inspector = page, inspector
        self.heap: list[tuple[float, float]] = []

    @classmethod
    async def of(cls, page: Watched) -> "Tab":
        """Wait until the page is live, and look into it."""
        await page.live()
        inspector = await page.context.new_cdp_session(page.page)
        await inspector.send("HeapProfiler.enable")
        return cls(page, inspector)

    async def sample(self, minutes: float) -> None:
        """Note the JavaScript heap in MiB, after a collection."""
        await self._inspector.send("HeapProfiler.collectGarbage")
        usage = await self._inspector.send("Runtime.getHeapUsage")
        self.heap.append((minutes, usage["usedSize"] / MIB))

    async def report(self) -> str:
        """Return what else is to be said of it."""
        drawn = await self._page.do("window.liquidity.page.timings.length")
        missed = await self._page.do("window.liquidity.page.known.missed")
        contexts = await self._page.do("window.webglContexts()")
        return (
            f"page: {missed} frames lost, {drawn} drawings remembered, {contexts} WebGL contexts, "
            f"complaints: {self._page.complaints or 'none'}"
        )


def _row(name: str, cpu: str, points: list[tuple[float, float]], minutes: float) -> str:
    full = [point for point in points if point[0] * 60 >= min(WARM_UP_SECONDS, minutes * 30)] or points
    grows, error = slope(full)
    return (
        f"| {name} | {cpu} | {full[0][1]:.1f} MiB, at the end {full[-1][1]:.1f} MiB | "
        f"{grows * 1024:+.1f} \N{PLUS-MINUS SIGN} {error * 1024:.1f} KiB a minute |"
    )


async def soak(minutes: float, *, page: bool) -> dict[str, list[tuple[float, float]]]:
    """Run, sample, and print a table; return minutes and MiB of each process."""
    counts: dict[str, int] = defaultdict(int)
    intervals: dict[str, list[float]] = defaultdict(list)
    started = time.monotonic()
    async with contextlib.AsyncExitStack() as stack:
        program = await stack.enter_async_context(Program(source="simulated", page=True))
        if program.process is None:
            raise RuntimeError("not started")
        for symbol in SYMBOLS:
            async with listening(program.url(symbol)) as connection:
                await next_live(connection)
        print(f"both symbols live {time.monotonic() - started:.2f} s after the start of main.py")
        tab = None
        if page:
            browser = await stack.enter_async_context(chromium(ON_SWIFTSHADER))
            tab = await Tab.of(await stack.enter_async_context(open_page(browser, program.dashboard_port)))
        readers = [
            asyncio.create_task(_read_frames(program, symbol, counts, intervals)) for symbol in SYMBOLS
        ]
        processes = Processes(psutil.Process(program.process.pid))
        while (passed := processes.sample()) < minutes:
            if tab is not None:
                await tab.sample(passed)
            print(f"\r{passed:5.1f} of {minutes:g} min", end="", file=sys.stderr, flush=True)
            await asyncio.sleep(SAMPLE_SECONDS)
        print(file=sys.stderr)
        lines = dict(processes.memory)
        print("| process | CPU, of one core | memory | slope with full windows |\n|---|---|---|---|")
        for name, share in processes.cpu().items():
            print(_row(name, f"{share:.1f} %", lines[name], minutes))
        if tab is not None:
            lines["page: JavaScript heap"] = tab.heap
            print(_row("page: JavaScript heap", "", tab.heap, minutes))
            print(await tab.report())
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
    for symbol in SYMBOLS:
        between = statistics.median(intervals[symbol])
        print(
            f"{symbol}: {counts[symbol]} frames, {counts[f'{symbol} live']} live, "
            f"{counts[f'{symbol} lost']} lost, depth updates every {between:.1f} ms (median)"
        )
    return lines


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--page", action="store_true", help="also open the page in headless Chromium")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="where to draw the memory, as SVG")
    given = parser.parse_args()
    lines = asyncio.run(soak(given.minutes, page=given.page))
    if given.plot is not None:
        given.plot.parent.mkdir(parents=True, exist_ok=True)
        given.plot.write_text(svg("Memory of each process", "minutes", "MiB", lines), encoding="utf-8")


if __name__ == "__main__":
    main()
