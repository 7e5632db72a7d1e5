"""Measures the page in headless Chromium on the simulated exchange, and takes its pictures.

python -m tests.dashboard.measure --minutes 10 --screenshots pictures [--mesa] [--clock]
"""

import argparse
import asyncio
import contextlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.async_api import Browser

from tests.dashboard.browser import ON_MESA, ON_SWIFTSHADER, SURFACE_DRAWN, Watched, Wire, chromium, open_page
from tests.dashboard.main_thread import MARK_PARTS, shown, traced
from tests.dashboard.main_thread import PARTS as MARKED
from tests.program import Program
from tests.tools.soak import slope

PARTS = ("map", "depth", "surface", "all")
LARGE = (2560, 1440)
SAMPLE_SECONDS = 15.0
WINDOW_SECONDS = 185.0  # until then the page still fills
WATCH_LONG_TASKS = """
window.longTasks = [];
new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.longTasks.push(entry.duration); })
  .observe({ type: "longtask", buffered: true });
"""
LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"


async def _settled(page: Watched) -> None:
    """Wait until the window is full and drawn."""
    await page.live()
    await page.until("() => window.liquidity.page.known.seconds.length > 170")


async def _run(page: Watched, minutes: float) -> tuple[list[tuple[float, float]], set[int]]:
    """Let the page run; return minutes and MiB of JavaScript heap, each after a collection, and which seconds came right after one.

    Such a second takes more than twice as long as others: a collection that is asked for has the browser forget compiled code.
    """
    cdp = await page.context.new_cdp_session(page.page)
    await cdp.send("HeapProfiler.enable")
    begin, heap = time.monotonic(), []
    spoilt = set()
    while (passed := time.monotonic() - begin) < minutes * 60:
        await cdp.send("HeapProfiler.collectGarbage")
        usage: dict[str, Any] = await cdp.send("Runtime.getHeapUsage")
        heap.append((passed / 60, usage["usedSize"] / 2**20))
        spoilt.add(await page.do("window.liquidity.page.timings.length"))
        print(f"\r{passed / 60:5.1f} of {minutes:g} min", end="", file=sys.stderr, flush=True)
        await asyncio.sleep(SAMPLE_SECONDS)
    print(file=sys.stderr)
    return heap, spoilt


async def _left_alone(minutes: float) -> tuple[list[tuple[float, float]], set[int]]:
    """Let the page run as it does for a person: nobody collects its heap, and nobody knows how large that is."""
    await asyncio.sleep(minutes * 60)
    return [], set()


def _watched(page: Watched, *, clock: bool) -> contextlib.AbstractAsyncContextManager[dict[str, list[float]]]:
    """Have the browser trace the main thread's CPU, which takes of both cores itself; not if it is by the clock alone."""
    return contextlib.nullcontext({}) if clock else traced(page)


async def _gestures(page: Watched, *, clock: bool) -> None:
    """Zoom and drag as a hand would, and print what each step took."""
    await page.do("window.liquidity.page.gestureTimings.length = window.longTasks.length = 0")
    async with _watched(page, clock=clock) as cpu:
        await page.page.mouse.move(400, 300)
        for step in range(60):
            await page.page.mouse.wheel(0, 60 if step % 30 < 15 else -60)
            await asyncio.sleep(0.03)
        await page.page.mouse.down()
        await page.page.mouse.move(650, 380, steps=60)
        await page.page.mouse.up()
        await page.until("window.liquidity.page.nextDrawing === 0 && !window.liquidity.page.map.isBehind")
    times = await page.do("window.liquidity.page.gestureTimings")
    print(
        f"a step of a gesture: {shown(times)} of {len(times)}"
        + (f"; of CPU {shown(cpu['step'])}" if cpu else "")
    )
    print(f"long tasks meanwhile: {await page.do('window.longTasks.map(Math.round)')}")
    await page.page.keyboard.press("f")


async def _report(page: Watched, minutes: float, *, clock: bool) -> None:
    await page.context.add_init_script(WATCH_LONG_TASKS)
    await page.page.reload()
    await page.until("() => window.liquidity?.page?.timings.length > 0")
    first = await page.do(f"performance.now() - {LOADED}")
    print(f"first drawing with data {first / 1000:.2f} s after the page's load event")
    await page.until("() => window.liquidity.page.timings.some(({ surface }) => surface)")
    loading = await page.do("Math.max(...window.longTasks)")
    print(f"longest task while loading, in which the surface's scene is made, {loading:.0f} ms")
    if clock:
        await _settled(page)
    else:
        await page.do(MARK_PARTS, MARKED)
    async with _watched(page, clock=clock) as cpu:
        await page.do("window.longTasks.length = window.liquidity.page.timings.length = 0")
        heap, spoilt = await _left_alone(minutes) if clock else await _run(page, minutes)
        timings = await page.do("window.liquidity.page.timings")
    _seconds(timings, cpu, spoilt)
    long_tasks = await page.do("window.longTasks")
    print(
        f"long tasks over 50 ms: {len(long_tasks) / minutes:.1f} a minute, longest {max(long_tasks, default=0):.0f} ms"
    )
    if heap:
        full = [point for point in heap if point[0] * 60 > WINDOW_SECONDS] or heap
        grows, error = slope(full)
        print(
            f"heap {heap[0][1]:.1f} MiB, full window {full[0][1]:.1f} MiB, at the end {heap[-1][1]:.1f} MiB"
        )
        print(f"heap slope with a full window {grows * 1024:+.0f} +- {error * 1024:.0f} KiB/min")
    print(f"WebGL contexts {await page.do('window.webglContexts()')}")
    await _gestures(page, clock=clock)
    print(
        f"seconds missed {await page.do('window.liquidity.page.known.missed')}, complaints {page.complaints}"
    )


def _seconds(timings: list[dict[str, float]], cpu: dict[str, list[float]], spoilt: set[int]) -> None:
    """Print what the parts of a second took, but for seconds right after a collection."""
    left = [index for index in range(len(timings)) if index not in spoilt]
    for part in PARTS:
        print(f"{part:<8} {shown([timings[index][part] for index in left])} of {len(left)} updates")
    if cpu:
        whole = [data + surface for data, surface in zip(cpu["drawData"], cpu["drawSurface"], strict=False)]
        for part, times in (("surface", cpu["drawSurface"]), ("all", whole)):
            kept = [times[index] for index in left if index < len(whole)]
            print(f"{part:<8} {shown(kept)} of the main thread's CPU")


async def _pictures(browser: Browser, program: Program, folder: Path) -> None:
    async with open_page(browser, program.dashboard_port, size=LARGE) as page:
        await _settled(page)
        await page.frames(2)
        await page.page.screenshot(path=folder / "btc_2560.png")
    async with open_page(browser, program.dashboard_port) as page:
        await _settled(page)
        await page.page.screenshot(path=folder / "btc.png")
        await page.page.click("#symbol-ETHUSDT")
        await page.live("ETHUSDT")
        await page.frames(3)
        await page.page.screenshot(path=folder / "eth.png")
        await page.page.click("#theme")
        await page.frames(2)
        await page.page.screenshot(path=folder / "light.png")


async def _loads(browser: Browser, program: Program) -> None:
    """Print what a first and a second load take on the wire."""
    wire = Wire()
    async with open_page(browser, program.dashboard_port, prepare=wire.watch) as page:
        for which in ("first", "second"):
            await page.until(SURFACE_DRAWN)
            answers = len(wire.answers)
            print(f"{which} load: {wire.take() / 1e6:.3f} MB on the wire in {answers} answers")
            await page.page.reload()


async def measure(minutes: float, folder: Path | None, drawing: Sequence[str], *, clock: bool) -> None:
    """Run the program and the page, and print what was seen."""
    async with Program(source="simulated", page=True) as program, chromium(drawing) as browser:
        await _loads(browser, program)
        async with open_page(browser, program.dashboard_port) as page:
            await page.live()
            await _report(page, minutes, clock=clock)
        if folder is not None:
            await _pictures(browser, program, folder)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--screenshots", type=Path, metavar="FOLDER")
    parser.add_argument("--mesa", action="store_true", help="have Mesa draw, not SwiftShader")
    parser.add_argument(
        "--clock",
        action="store_true",
        help="only by the clock, of a full window: no CPU traced, no heap collected",
    )
    arguments = parser.parse_args()
    if arguments.screenshots is not None:
        arguments.screenshots.mkdir(parents=True, exist_ok=True)
    drawing = ON_MESA if arguments.mesa else ON_SWIFTSHADER
    asyncio.run(measure(arguments.minutes, arguments.screenshots, drawing, clock=arguments.clock))


if __name__ == "__main__":
    main()
