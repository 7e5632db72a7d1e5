"""What parts of the page take of the browser's main thread, by its own trace."""

import asyncio
import contextlib
import statistics
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

from tests.dashboard.browser import Watched

PARTS = ("drawData", "drawSurface", "step")
MARK_PARTS = """(parts) => {
  const { drawing } = window.liquidity.page;
  for (const part of parts) {
    const draw = drawing[part];
    drawing[part] = function marked(...given) {
      performance.mark(`begin ${part}`);
      try {
        return draw.apply(this, given);
      } finally {
        performance.mark(`end ${part}`);
        performance.clearMarks();
      }
    };
  }
}"""


def spent(events: list[dict[str, Any]]) -> dict[str, list[float]]:
    """Return the ms of CPU that each run of each part took, from a trace's marks with their thread times."""
    found: dict[str, list[float]] = defaultdict(list)
    began: dict[str, float] = {}
    for event in sorted(events, key=lambda event: float(event["ts"])):
        when, _, part = str(event["name"]).partition(" ")
        if part not in PARTS or "tts" not in event:
            continue
        if when == "begin":
            began[part] = event["tts"]
        elif part in began:
            found[part].append((event["tts"] - began.pop(part)) / 1000)
    return found


@contextlib.asynccontextmanager
async def traced(page: Watched) -> AsyncIterator[dict[str, list[float]]]:
    """Have the main thread watched; what was spent stands in the result once that is over."""
    session = await page.context.new_cdp_session(page.page)
    events: list[dict[str, Any]] = []
    complete = asyncio.Event()
    session.on("Tracing.dataCollected", lambda some: events.extend(some["value"]))
    session.on("Tracing.tracingComplete", lambda _: complete.set())
    await session.send("Tracing.start", {"traceConfig": {"includedCategories": ["blink.user_timing"]}})
    result: dict[str, list[float]] = {}
    try:
        yield result
    finally:
        await session.send("Tracing.end")
        await complete.wait()
        await session.detach()
    result.update(spent(events))


def shown(times: list[float]) -> str:
    """Say median and 95 % of some ms."""
    ordered = sorted(times)
    p95 = ordered[int(0.95 * (len(ordered) - 1))]
    return f"median {statistics.median(ordered):5.1f} ms, 95 % {p95:5.1f} ms"
