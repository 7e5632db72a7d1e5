"""The other part of a campaign: the real program, its processes, and clients that mean no good.

The exchange is a process of its own as well. Ten times a second an order is simulated on each symbol: from
when on one is answered again is when the program is live again. Every frame and every answer is held
against what the exchange says is true.
"""

import asyncio
import contextlib
import json
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Final

import httpx
import psutil
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from data_ingestion.simulated_exchange.faults import FaultKind, FaultRequest
from tests.program import PATIENCE, ROOT, Program
from tests.test_main import processes_of
from tests.tools.campaign import hostile
from tests.tools.campaign.acting import HARMLESS
from tests.tools.campaign.bystanders import Bystanders, Watch
from tests.tools.campaign.exchange_process import ExchangeProcess
from tests.tools.campaign.plan import Deed, DeedKind, Planned, bouts
from tests.tools.campaign.recovery import Recovery
from tests.tools.campaign.verdict import Part

SYMBOLS: Final = ("BTCUSDT", "ETHUSDT")
ROLES: Final = ("api", "dashboard", *SYMBOLS)
PROBE_EVERY: Final = 0.1  # seconds
CALM: Final = 0.5
SOON: Final = 0.15  # seconds until the exchange itself says what acts
IDLE: Final = 1_000
MOST_GROWTH: Final = 24 * 2**20  # bytes of memory of one process over its life
MOST_FILES: Final = 8  # more open files than at first: a reconnect may be under way
MOST_COUNT: Final = 20
TOO_MANY: Final = (418, 429)  # statuses

DEEDS: Final = (
    DeedKind("kill", ROLES, 1, 1, weight=3),
    DeedKind("stop", (*ROLES, "exchange"), 0.05, 3.0, weight=3),
    DeedKind("kill the exchange", ("",), 0.05, 2.0, weight=1.5),
    DeedKind("exchange clock back", ("",), 0.05, 30),
    DeedKind("exchange clock forward", ("",), 0.05, 30),
    DeedKind("client that reads nothing", SYMBOLS, 2, 60),
    DeedKind("client that floods", SYMBOLS, 0.2, 3),
    DeedKind("huge messages", SYMBOLS, 1, 3),
    DeedKind("connections that come and go", SYMBOLS, 20, 500),
    DeedKind("nonsense over HTTP", ("",), 10, 200),
    DeedKind("requests without end", ("api", "dashboard", "exchange"), 0.5, 5),
    DeedKind("pongs without end", SYMBOLS, 0.5, 5),
    DeedKind("half messages", SYMBOLS, 5, 60),
)

BYSTANDERS: Final = 3  # of each symbol
POUR: Final = 4.0  # seconds for which each door is tried in the end, whatever was drawn

Progress = Callable[[Part], None]


class Field:
    """The program, its exchange, and everybody who looks at or troubles it."""

    def __init__(self, exchange: ExchangeProcess, program: Program, part: Part, random: Random) -> None:
        self.exchange, self.program, self.part, self.random = exchange, program, part, random
        self.recoveries = {symbol: Recovery() for symbol in SYMBOLS}
        self.recent: deque[Planned] = deque(maxlen=20)
        self.troublemakers: set[asyncio.Task[object]] = set()
        self.cut = 0
        self.bystanders, self.watch = Bystanders(), Watch(lambda: all_processes(program))

    # --- looking ------------------------------------------------------------------------------------------

    async def read_frames(self, symbol: str) -> None:
        """Judge every frame, over as many connections as it takes."""
        while True:
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                async with connect(
                    self.program.url(symbol), max_size=None, proxy=None, open_timeout=5, close_timeout=1
                ) as listener:
                    async for text in listener:
                        frame = json.loads(text)
                        update_id = frame["last_update_id"]
                        truth = None if update_id is None else await self.exchange.truth(symbol, update_id)
                        self.part.judge.frame(frame, truth, f"{symbol} at {frame['timestamp']}")
            self.cut += 1
            await asyncio.sleep(0.1)

    async def probe(self, symbol: str, http: httpx.AsyncClient) -> None:
        """Simulate orders over and over: judge the answers, and see since when there are any."""
        recovery = self.recoveries[symbol]
        while True:
            began = time.monotonic()
            order = self.program.order(
                symbol, self.random.choice(("buy", "sell")), self.random.choice((0.01, 3, 1e6))
            )
            live = False
            with contextlib.suppress(httpx.HTTPError):
                reply = await http.get(order)
                if reply.status_code == 200:
                    said, live = reply.json(), True
                    truth = await self.exchange.truth(symbol, said["last_update_id"])
                    self.part.judge.answer(said, truth, f"/simulate of {symbol}")
                elif reply.status_code != 503 or not reply.json().get("reason"):
                    self.part.judge.object(
                        f"/simulate of {symbol} answered {reply.status_code}: {reply.text[:200]}"
                    )
            recovery.look(time.monotonic(), live=live)
            await asyncio.sleep(max(0.0, PROBE_EVERY - (time.monotonic() - began)))

    def calm(self) -> bool:
        """Say whether both symbols are live and nobody does wrong."""
        return all(recovery.quiet(time.monotonic()) for recovery in self.recoveries.values())

    # --- doing wrong ----------------------------------------------------------------------------------------

    async def play(self, planned: Planned) -> None:
        """Wait until it is time, and play one fault."""
        await asyncio.sleep(planned.after)
        self.recent.append(planned)
        fault = planned.fault
        if isinstance(fault, FaultRequest):
            self.part.faults[fault.kind.value] += 1
            hit = [fault.symbol] if fault.symbol else SYMBOLS
            await self.exchange.fault(fault)
            if fault.kind not in HARMLESS:
                self._acts(hit, SOON)
        else:
            self.part.faults[fault.name] += 1
            self._acts(SYMBOLS, 0.0)
            await self._do(fault)

    def acts(self, symbol: str, seconds: float) -> None:
        """Note that a fault acts on a symbol, or did a moment ago."""
        self.recoveries[symbol].acts(time.monotonic() + seconds)

    def _acts(self, symbols: Sequence[str], seconds: float) -> None:
        for symbol in symbols:
            self.acts(symbol, seconds)

    async def _do(self, deed: Deed) -> None:
        port, name, many = self.program.api_port, deed.name, int(deed.amount)
        if name == "kill":
            if victim := processes_of(self.program).get(deed.target):
                self.watch.look()
                self.watch.killed[deed.target] += 1
                with contextlib.suppress(psutil.NoSuchProcess):
                    victim.kill()
        elif name == "stop":
            await self._stop(deed)
        elif name == "kill the exchange":
            await self.exchange.kill()
            await asyncio.sleep(deed.amount)
            await self.exchange.start()
            self._acts(SYMBOLS, 0.0)
        elif name.startswith("exchange clock"):
            await self.exchange.tell({"clock": deed.amount * (-1 if name.endswith("back") else 1)})
        elif name == "client that reads nothing":
            self._let(hostile.read_nothing(port, deed.target, deed.amount))
        elif name == "client that floods":
            self._let(hostile.flood(port, deed.target, deed.amount, Random(self.random.random())))  # noqa: S311
        elif name == "huge messages":
            self._let(hostile.send_huge(port, deed.target, many))
        elif name == "connections that come and go":
            self._let(hostile.come_and_go(port, deed.target, many))
        elif name in hostile.POURS:
            self._let(self.pour(name, deed.target, deed.amount))
        else:
            self._let(hostile.ask_nonsense(port, many, Random(self.random.random())))  # noqa: S311

    async def pour(self, name: str, target: str, amount: float) -> None:
        """Have a process of its own pour something at one of the servers: it takes nobody else's time."""
        port = {"dashboard": self.program.dashboard_port, "exchange": self.exchange.port}.get(
            target, self.program.api_port
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.tools.campaign.hostile",
            name,
            str(port),
            target,
            str(amount),
            cwd=ROOT,
        )
        try:
            await process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()

    async def try_every_door(self) -> None:
        """Pour at each server in each way, one after the other, with nothing else going on."""
        for name, targets in hostile.POURS.items():
            for target in targets:
                self.part.faults[name] += 1
                await self.pour(name, target, 60 if name == "half messages" else POUR)

    async def _stop(self, deed: Deed) -> None:
        process: psutil.Process | None
        if deed.target == "exchange":
            process = psutil.Process(self.exchange.process.pid) if self.exchange.process else None
        else:
            process = processes_of(self.program).get(deed.target)
        if process is None:
            return
        excused = self.bystanders.excuse() if deed.target == "api" else contextlib.nullcontext()
        with contextlib.suppress(psutil.NoSuchProcess), excused:
            process.suspend()
            try:
                await asyncio.sleep(deed.amount)
            finally:
                process.resume()
        self._acts(SYMBOLS, 0.0)

    def _let(self, trouble: object) -> None:
        task = asyncio.ensure_future(trouble)  # type: ignore[call-overload]
        self.troublemakers.add(task)
        task.add_done_callback(self.troublemakers.discard)


def _within_limits(planned: Planned) -> Planned:
    """Return the fault with a count that is soon used up: here time is real.

    A handshake refused as one too many is waited for as long as the exchange's limits ask, which is no
    recovery. The part in virtual time plays those, and takes the wait off.
    """
    fault = planned.fault
    if not isinstance(fault, FaultRequest):
        return planned
    fault = replace(fault, count=min(fault.count, MOST_COUNT))
    if fault.kind is FaultKind.REFUSE and fault.status in TOO_MANY:
        fault = replace(fault, status=503)
    return replace(planned, fault=fault)


class Census:
    """Memory and open files of the program's processes, early in their life and at the end."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._first: dict[tuple[str, int], tuple[int, int]] = {}
        self._last: dict[tuple[str, int], tuple[int, int]] = {}
        self._young: dict[tuple[str, int], int] = {}

    def take(self) -> None:
        """Look at all processes. A process counts from the tenth look on: it is warm by then."""
        for name, process in all_processes(self._program):
            with contextlib.suppress(psutil.Error):
                key = (name, process.pid)
                self._young[key] = self._young.get(key, 0) + 1
                seen = (process.memory_info().rss, process.num_fds())
                if self._young[key] >= 10:
                    self._first.setdefault(key, seen)
                self._last[key] = seen

    def leaks(self) -> list[str]:
        """Return what has grown by more than can be put down to chance."""
        found = []
        for (name, pid), (memory, files) in self._first.items():
            memory_now, files_now = self._last[name, pid]
            if memory_now - memory > MOST_GROWTH:
                found.append(f"{name} grew by {(memory_now - memory) / 2**20:.1f} MiB")
            if files_now - files > MOST_FILES:
                found.append(f"{name} has {files_now - files} more files open")
        return found

    def figures(self) -> str:
        """Return the largest growth of each."""
        growth = {
            f"{name} {(self._last[name, pid][0] - memory) / 2**20:+.1f} MiB, "
            f"{self._last[name, pid][1] - files:+d} files"
            for (name, pid), (memory, files) in self._first.items()
        }
        return "; ".join(sorted(growth)) or "no process lived long enough"


def all_processes(program: Program) -> Iterator[tuple[str, psutil.Process]]:
    """Yield each process of a program with its part."""
    if program.process is not None:
        yield "main", psutil.Process(program.process.pid)
        yield from processes_of(program).items()


async def _until_calm(field: Field) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while not field.calm():  # noqa: ASYNC110 - probes are awaited
                await asyncio.sleep(0.05)
            return True
    field.part.judge.object(f"not live again within {PATIENCE:.0f} s")
    return False


async def _campaign(faults: int, seed: int, part: Part, progress: Progress, idle: int) -> None:
    random = Random(seed)  # noqa: S311 - no cryptography
    exchange = ExchangeProcess(SYMBOLS, seed)
    began = time.monotonic()
    await exchange.start()
    try:
        async with (
            Program(**exchange.settings, page=True) as program,
            httpx.AsyncClient(trust_env=False, timeout=2) as http,
        ):
            field, census = Field(exchange, program, part, random), Census(program)
            exchange.on_acts = field.acts
            eyes = [asyncio.create_task(field.read_frames(symbol)) for symbol in SYMBOLS]
            eyes += [asyncio.create_task(field.probe(symbol, http)) for symbol in SYMBOLS]
            eyes += [
                asyncio.create_task(field.bystanders.read(program.url(symbol)))
                for symbol in SYMBOLS * BYSTANDERS
            ]
            eyes.append(asyncio.create_task(field.watch.run()))
            try:
                await _until_calm(field)
                for recovery in field.recoveries.values():
                    recovery.times.clear()  # the start of the program is none
                part.faults["idle connections, all at once"] += 1
                crowd = asyncio.create_task(hostile.sit(program.api_port, SYMBOLS[0], idle, 20))
                await _play_all(field, census, faults - 1, progress)
                part.figures["idle connections at once"] = f"{await crowd:,}"
                await asyncio.gather(*field.troublemakers, return_exceptions=True)
                await _until_calm(field)
                await field.try_every_door()
                await asyncio.sleep(3)
                census.take()
            finally:
                for eye in eyes:
                    eye.cancel()
                await asyncio.gather(*eyes, *field.troublemakers, return_exceptions=True)
                processes = [psutil.Process(program.process.pid)] if program.process else []
                processes += processes_of(program).values()
            code = await program.stop(signal.SIGINT)
            _account(field, census, processes, code)
    finally:
        await exchange.kill()
    part.seconds = time.monotonic() - began


async def _play_all(field: Field, census: Census, faults: int, progress: Progress) -> None:
    for bout in bouts(field.random, faults, SYMBOLS, DEEDS, deed_share=0.45, most_at_once=9):
        for planned in bout:
            await field.play(_within_limits(planned))
        calm = await _until_calm(field)
        for recovery in field.recoveries.values():
            field.part.take(recovery, bout)
        progress(field.part)
        if not calm or field.part.judge.wrong:
            return
        census.take()
        await asyncio.sleep(CALM)


def _account(field: Field, census: Census, processes: list[psutil.Process], code: int) -> None:
    """Add what is left over."""
    part = field.part
    part.leaks += census.leaks()
    _, alive = psutil.wait_procs(processes, timeout=5)
    if alive:
        part.leaks.append(f"{len(alive)} processes")
    if code != 0:
        part.judge.object(f"the program ended with exit code {code}")
    said = [line for line in field.program.output if "Traceback" in line]
    if said:
        part.judge.object(f"{len(said)} tracebacks in the program's log")
    part.figures["frames read over"] = f"{field.cut} connections that ended, and those open at the end"
    part.figures["growth of processes that lived on"] = census.figures()
    bystanders = field.bystanders
    part.figures["six clients that only read"] = (
        f"{bystanders.frames:,} frames, {bystanders.missing} missing, "
        f"the latest {bystanders.worst_lag_ms:.0f} ms late"
    )
    part.figures["largest growth at any moment"] = field.watch.figures()
    if bystanders.missing:
        part.judge.object(f"{bystanders.missing} frames of clients that only read are missing")
    for complaint in field.watch.complaints():
        part.judge.object(complaint)
    if part.judge.wrong:
        part.judge.sentences.append("the last faults: " + "; ".join(map(str, field.recent)))


def run_processes(faults: int, seed: int, progress: Progress = lambda _: None, idle: int = IDLE) -> Part:
    """Play so many faults, the first of them `idle` connections at once, and return what was found."""
    part = Part("the real program, in real time")
    open_before = psutil.Process().num_fds()
    asyncio.run(_campaign(faults, seed, part, progress, idle))
    more = psutil.Process().num_fds() - open_before
    if more > 0:
        part.leaks.append(f"{more} file descriptors of the campaign's own")
    return part
