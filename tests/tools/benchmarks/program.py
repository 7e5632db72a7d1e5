"""The running program: start-up, import times, and one frame on its way to many clients."""

import asyncio
import contextlib
import statistics
import subprocess
import sys
import time

from tests.program import ROOT, Program, listening, next_frame, next_live
from tests.tools.benchmarks.table import table

ROLES = {
    "engine": "api.feed.publisher, data_ingestion.ingestor, data_ingestion.source, state.engine, uvloop",
    "api": "api.websocket_server, uvicorn, uvloop",
    "dashboard": "dashboard.app, uvicorn, uvloop",
    "simulated exchange": "data_ingestion.simulated_exchange.server, uvloop",
}
CLIENTS = (1, 20, 100)
FRAMES = 5
_SYMBOL = "BTCUSDT"


def import_times(rounds: int = 3) -> str:
    """Return how long each role's Python takes to start with what it imports."""
    rows = []
    for role, modules in ({"bare Python": "sys"} | ROLES).items():
        spans = []
        for _ in range(rounds):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", f"import {modules}"], cwd=ROOT, check=True)  # noqa: S603
            spans.append(time.perf_counter() - start)
        rows.append([role, f"{min(spans):.2f} s"])
    return table(["process", "start with imports, least of " + str(rounds)], rows)


async def start_and_fan_out() -> str:
    """Start the program on the simulated exchange; return its start-up time and the fan-out's spread."""
    begin = time.perf_counter()
    async with Program(source="simulated", symbols=_SYMBOL, page=True) as program:
        async with listening(program.url(_SYMBOL)) as connection:
            await next_live(connection)
        started = time.perf_counter() - begin
        rows = []
        for count in CLIENTS:
            spans = [span * 1000 for span in await _fan_out(program, count)]
            rows.append([str(count), f"{statistics.median(spans):.1f} ms", f"{max(spans):.1f} ms"])
    head = ["clients", "first to last has the frame, median", "most"]
    return f"`python main.py` to its first live frame: {started:.1f} s.\n\n{table(head, rows)}"


async def _fan_out(program: Program, clients: int) -> list[float]:
    """Return, for some frames, the seconds between the first and the last client that has it."""
    arrivals: dict[int, list[float]] = {}
    async with contextlib.AsyncExitStack() as stack:
        connections = [
            await stack.enter_async_context(listening(program.url(_SYMBOL))) for _ in range(clients)
        ]

        async def read(index: int) -> None:
            for number in range(FRAMES + 2):
                frame = await next_frame(connections[index])
                if number:  # the first comes at once, with history
                    arrivals.setdefault(frame["timestamp"], []).append(time.perf_counter())

        await asyncio.gather(*map(read, range(clients)))
    return [max(times) - min(times) for times in arrivals.values() if len(times) == clients]
