"""Holds the map of a full window against the messages, and says how much of the opening view is known.

python -m tests.dashboard.check_map [--recording] [--cells 200]

Waits the three minutes that a window lasts, on the simulated exchange or on the recording beside the project.
"""

import argparse
import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from typing import Final

from tests.dashboard.browser import Watched, chromium, open_page
from tests.dashboard.heatmap import Listener, compare
from tests.program import Program
from tests.replay.rig import Rig

SYMBOL: Final = "BTCUSDT"
FULL_SECONDS: Final = 178
SETTLED: Final = "window.liquidity.page.nextDrawing === 0 && !window.liquidity.page.map.isBehind"
ZOOMS: Final = ((0, "auto"), (-400, "auto"), (-500, "auto"), (-700, "1"), (1200, "20"), (1500, "auto"))
KNOWN_SHARE: Final = """() => {
  const { map, known } = window.liquidity.page;
  const { range } = map.view;
  const { lattice, known: rows } = map.cells.raster;
  const row = (price) => Math.round(price * 1e8 / lattice.step) - lattice.firstRow;
  const [low, high] = [Math.max(0, row(range.low)), Math.min(lattice.rows, row(range.high))];
  const column = (time) => Math.floor(time / lattice.columnMs) - lattice.firstColumn;
  const [from, to] = [Math.max(0, column(range.from)), Math.min(lattice.columns, column(Math.min(range.to, known.end)))];
  let share = 0;
  for (let at = from; at < to; at += 1) {
    share += Math.max(0, Math.min(high - 1, rows[4 * at + 1]) - Math.max(low, rows[4 * at]) + 1);
  }
  return [share / (to - from) / (high - low), range.high - range.low, (Math.min(range.to, known.end) - range.from) / 1000];
}"""


@contextlib.asynccontextmanager
async def _program(*, recording: bool) -> AsyncIterator[Program]:
    if not recording:
        async with Program(source="simulated", symbols=SYMBOL, page=True) as program:
            yield program
        return
    async with Rig() as rig, Program(**rig.settings, page=True) as program:
        yield program


async def check(*, recording: bool, cells: int) -> int:
    """Return how many cells were wrong."""
    async with (
        _program(recording=recording) as program,
        chromium() as browser,
        open_page(browser, program.dashboard_port) as page,
    ):
        await page.live(SYMBOL)
        listener = Listener()
        hearing = asyncio.create_task(listener.listen(program, SYMBOL))
        await _until_full(page)
        share, prices, seconds = await page.do(KNOWN_SHARE)
        print(f"opening view of {prices:.1f} USDT and {seconds:.0f} s: {share:.3f} of it is known")
        wrong = await _compare(page, listener, cells)
        hearing.cancel()
    return wrong


async def _until_full(page: Watched) -> None:
    while (have := await page.do("window.liquidity.page.known.seconds.length")) < FULL_SECONDS:
        print(f"\r{have} of {FULL_SECONDS} s", end="", file=sys.stderr, flush=True)
        await asyncio.sleep(2)
    print(file=sys.stderr)


async def _compare(page: Watched, listener: Listener, cells: int) -> int:
    box = await page.do("""(() => { const { left, top } = document.getElementById("map-canvas").getBoundingClientRect();
        const { map } = window.liquidity.page.map.layout;
        return [left + map.left + map.width / 2, top + map.top + map.height / 2]; })()""")
    compared = coloured = wrong = 0
    for seed, (wheel, ticks) in enumerate(ZOOMS):
        await page.page.select_option("#choose-ticks", ticks)
        await page.page.mouse.move(*box)
        if wheel:
            await page.page.mouse.wheel(0, wheel)
        await page.page.mouse.move(2, 2)
        await page.frames(1)
        await page.until(SETTLED)
        found = await compare(page, listener, count=-(-cells // len(ZOOMS)), seed=seed)
        for text in found.wrong:
            print(f"wrong: {text}")
        compared, coloured, wrong = (
            compared + found.compared,
            coloured + found.coloured,
            wrong + len(found.wrong),
        )
    print(f"{compared} cells at {len(ZOOMS)} zooms, {coloured} of them with a size, {wrong} wrong")
    return wrong


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--recording", action="store_true", help="play the recording beside the project")
    parser.add_argument("--cells", type=int, default=200)
    chosen = parser.parse_args()
    return 1 if asyncio.run(check(recording=chosen.recording, cells=chosen.cells)) else 0


if __name__ == "__main__":
    sys.exit(main())
