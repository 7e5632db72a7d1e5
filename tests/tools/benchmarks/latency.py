"""Latency inside an engine: from a depth message on its way to a book that has it, and to an encoded frame.

python -m tests.tools.benchmarks latency [--messages 300] [--fast-messages 6500] [--rounds 3]

This process runs what an engine's process runs: both streams, the engine, its seconds and its feed. Another
process sends the messages, at the speed of life and faster. Times are taken from just before it writes a
message to the socket, so that they hold the kernel's part and all waiting for a busy event loop. Every top
ten is compared with the truth before any time is believed.
"""

import argparse
import asyncio
import contextlib
import gc
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import aiohttp
import msgspec

from api.feed.publisher import FeedPublisher
from api.feed.voice import Voice
from api.processes import ProcessReader
from data_ingestion.clock import Clock
from data_ingestion.exchange_clock import ExchangeClock
from data_ingestion.ingestor import BURST_WEIGHT, Ingestor
from data_ingestion.messages import DepthUpdate
from data_ingestion.pacing.backoff import Backoff
from data_ingestion.pacing.latency import LatencyMeter
from data_ingestion.pacing.request_budget import RequestBudget
from data_ingestion.resources import Resources
from data_ingestion.settings import ExchangeUrls, IngestionSettings
from processes.conduct import calm_garbage_collector
from state.engine import Engine
from state.frames import Market, Status
from tests.program import PATIENCE, ROOT, free_port
from tests.tools.benchmarks.replay_script import Script, Truth, script_of
from tests.tools.benchmarks.table import table
from tests.tools.benchmarks.timing import Spread, WrongAnswer, spread

SPEEDS = (1.0, 50.0)
QUEUE_SIZE = 1_000  # the program's default
WARM_UP = 50  # first depth messages that are not counted
BEAT = 0.001  # seconds between looks at the loop


class WatchedEngine(Engine):
    """An engine that remembers when it had taken each depth message, and what it knew then."""

    def __init__(self, symbol: str) -> None:
        super().__init__(symbol, "benchmark")
        self.taken: list[tuple[int, int, Market | None]] = []  # u, ns, exact or not

    def on_depth(self, event: DepthUpdate, wall_ms: float, steady_ms: float) -> None:
        """Take it, and note the time."""
        super().on_depth(event, wall_ms, steady_ms)
        self.taken.append((event.final_update_id, time.monotonic_ns(), self.market))


class LoopWatch:
    """Looks at the event loop every millisecond: how late that is, is how long the loop was busy or held."""

    def __init__(self) -> None:
        self.late_ns: list[int] = []
        self.cpu_ns: list[int] = []  # of this thread, between two looks

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            before, used = time.monotonic_ns(), time.thread_time_ns()
            await asyncio.sleep(BEAT)
            self.late_ns.append(time.monotonic_ns() - before - int(BEAT * 1e9))
            self.cpu_ns.append(time.thread_time_ns() - used)

    def longest(self) -> tuple[float, float]:
        """Return the longest block in ms, and the most CPU between two looks, which no block exceeds."""
        return max(self.late_ns) / 1e6, max(self.cpu_ns) / 1e6


class Measured(msgspec.Struct, frozen=True):
    """One run. Times in ms."""

    speed: float
    rate: float  # depth messages a second
    compared: int  # top tens that were equal to the truth
    applied: Spread
    worst: float
    frames: int
    newest: Spread  # newest depth message of a frame to the frame encoded
    closing: Spread  # end of the second to the frame encoded
    block: float
    block_cpu: float
    cpu: float  # of one core, in percent

    def row(self) -> list[str]:
        """Return it for the table."""
        return [
            f"{self.speed:g}x", f"{self.rate:.0f}",
            f"{self.applied.median:.2f}", f"{self.applied.p99:.2f}", f"{self.worst:.1f}",
            f"{self.closing.median:.1f}", f"{self.closing.p99:.1f}",
            f"{self.newest.median:.0f}", f"{self.newest.p99:.0f}",
            f"{self.block:.1f}", f"{self.block_cpu:.1f}", f"{self.cpu:.0f} %",
        ]  # fmt: skip


HEAD = (
    "", "depth messages a second", "sent to in the book, median ms", "99 %", "worst",
    "second over to frame encoded, median ms", "99 %",
    "newest message sent to frame encoded, median ms", "99 %",
    "event loop's longest block, ms", "most CPU between two looks at it, ms", "CPU, of one core",
)  # fmt: skip


class _Run:
    """One engine on one replay."""

    def __init__(self, script: Script, url: str, session: aiohttp.ClientSession) -> None:
        rng, clock = random.SystemRandom(), Clock()
        exchange_clock, applied, socket_url = ExchangeClock(clock), LatencyMeter(), f"ws{url[4:]}"
        self.engine = WatchedEngine(script.symbol)
        self.watch = LoopWatch()
        self._clock = clock
        process = ProcessReader("engine", script.symbol, 0)
        voice = Voice(
            self.engine, applied=applied, clock=clock, exchange_clock=exchange_clock, process=process
        )
        self._publisher = FeedPublisher(voice, socket_url, "secret", backoff=Backoff(rng.random))
        resources = Resources(
            session, RequestBudget(1_800, BURST_WEIGHT), applied, rng.random, clock, exchange_clock
        )
        urls = ExchangeUrls(f"{socket_url}/public", f"{socket_url}/market", url)
        patience = IngestionSettings(depth_silence=60, trade_silence=600, queue_size=QUEUE_SIZE)
        self._ingestor = Ingestor(self.engine, script.symbol, urls, patience, resources)
        self.closed: list[tuple[int, int, float]] = []  # u of the newest message, ns at encoded, ms since due

    async def until(self, last_id: int, patience: float) -> None:
        """Run until the message `last_id` has been taken."""
        parts = (self._ingestor.run(), self._publisher.run(), self._close_seconds(), self._watch())
        tasks = [asyncio.create_task(part) for part in parts]
        taken = self.engine.taken
        try:
            async with asyncio.timeout(patience):
                while not taken or taken[-1][0] != last_id:
                    for task in tasks:
                        if task.done():
                            task.result()
                    await asyncio.sleep(0.2)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self) -> None:
        while not self.engine.taken:  # noqa: ASYNC110 - start-up is not what is measured
            await asyncio.sleep(BEAT)
        await self.watch.run()

    async def _close_seconds(self) -> None:
        async for timestamp in self._clock.seconds():
            frame = self._publisher.close_second(timestamp)
            if frame.status is Status.LIVE and frame.last_update_id is not None:
                late = time.time() * 1000 - timestamp
                self.closed.append((frame.last_update_id, time.monotonic_ns(), late))


@contextlib.asynccontextmanager
async def _server(script_file: Path, speed: float) -> AsyncIterator[str]:
    """Start a replay; give its address."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "tests.tools.benchmarks.replay_server",
        str(script_file),
        str(port),
        str(speed),
    ]
    process = subprocess.Popen(command, cwd=ROOT)  # noqa: S603, ASYNC220 - it returns at once
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                await asyncio.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _check(engine: Engine, taken: Sequence[tuple[int, int, Market | None]], truth: Truth) -> int:
    """Return how many top tens were compared; raise WrongAnswer unless all of them are true."""
    if [u for u, _, _ in taken] != list(truth.tops):
        raise WrongAnswer(f"{len(taken)} depth messages came, of {len(truth.tops)}, or in another order")
    if engine.health.depth.dropped or engine.health.gaps:
        raise WrongAnswer(f"{engine.health.depth.dropped} messages dropped, {engine.health.gaps} gaps")
    compared = 0
    for u, _, market in taken:
        if market is None:
            if compared:
                raise WrongAnswer(f"no exact book at {u}, after there had been one")
            continue
        if (market.last_update_id, (market.top.bids, market.top.asks)) != (u, truth.tops[u]):
            raise WrongAnswer(f"{market.top} at {u} instead of {truth.tops[u]}")
        compared += 1
    if not compared:
        raise WrongAnswer("the book never was exact")
    return compared


async def _measure(script: Script, truth: Truth, script_file: Path, speed: float, warm_up: int) -> Measured:
    lines = script.lines
    lasts = (lines[-1].at_ms - lines[0].at_ms) / 1000 / speed
    async with _server(script_file, speed) as url, aiohttp.ClientSession() as session:
        run = _Run(script, url, session)
        calm_garbage_collector()  # as in an engine's process
        began, used = time.monotonic(), time.process_time()
        await run.until(next(reversed(truth.tops)), lasts + PATIENCE)
        cpu = (time.process_time() - used) / (time.monotonic() - began) * 100
        async with session.get(f"{url}/_sent") as reply:
            sent: dict[int, int] = dict(msgspec.json.decode(await reply.read()))
    taken = run.engine.taken
    compared = _check(run.engine, taken, truth)
    spans = [(ns - sent[u]) / 1e6 for u, ns, _ in taken[warm_up:]]
    newest = [(ns - sent[u]) / 1e6 for u, ns, _ in run.closed]
    if not newest:
        raise WrongAnswer("no second closed")
    block, block_cpu = run.watch.longest()
    closing = spread([late for _, _, late in run.closed])
    return Measured(
        speed, len(taken) / max(lasts, 1e-9), compared, spread(spans), max(spans), len(newest),
        spread(newest), closing, block, block_cpu, cpu,
    )  # fmt: skip


def _runner() -> asyncio.Runner:
    with contextlib.suppress(ImportError):
        import uvloop

        return asyncio.Runner(loop_factory=uvloop.new_event_loop)
    return asyncio.Runner()


def measure(script: Script, truth: Truth, speed: float, warm_up: int = WARM_UP) -> Measured:
    """Replay the script at that speed."""
    thresholds = gc.get_threshold()
    with tempfile.TemporaryDirectory() as folder, _runner() as runner:
        script_file = Path(folder) / "script"
        script_file.write_bytes(msgspec.msgpack.encode(script))
        try:
            return runner.run(_measure(script, truth, script_file, speed, warm_up))
        finally:
            gc.unfreeze()
            gc.set_threshold(*thresholds)


def middle(runs: Sequence[Measured]) -> Measured:
    """Return the run whose 99 % is the median: another's work on the machine spoils a run as a whole."""
    return sorted(runs, key=lambda run: run.applied.p99)[len(runs) // 2]


def report(slow: int, fast: int, rounds: int) -> Iterator[str]:
    """Yield what each run compared, and a table of the middle ones."""
    scripts = {speed: script_of(messages) for speed, messages in zip(SPEEDS, (slow, fast), strict=True)}
    found: dict[float, list[Measured]] = {speed: [] for speed in SPEEDS}
    for _ in range(rounds):
        for speed, (script, truth) in scripts.items():
            one = measure(script, truth, speed)
            found[speed].append(one)
            yield (
                f"{speed:g}x, {truth.name}: {one.compared} top tens, all true; {one.frames} frames; "
                f"in the book after {one.applied.median:.2f} ms, 99 % {one.applied.p99:.2f} ms; "
                f"load {os.getloadavg()[0]:.1f}"
            )
    head, *rows = zip(HEAD, *(middle(runs).row() for runs in found.values()), strict=True)
    yield "\n" + table(head, rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, run, print."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.benchmarks latency", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--messages", type=int, default=300, help="at the speed of life, ten a second")
    parser.add_argument("--fast-messages", type=int, default=6_500, help=f"at {SPEEDS[1]:g} times that")
    parser.add_argument("--rounds", type=int, default=3, help="the one with the median 99 %% counts")
    chosen = parser.parse_args(arguments)
    if min(chosen.messages, chosen.fast_messages) <= WARM_UP:
        parser.error(f"the first {WARM_UP} messages do not count: take more")
    for part in report(chosen.messages, chosen.fast_messages, chosen.rounds):
        sys.stdout.write(part + "\n")
        sys.stdout.flush()
    return 0
