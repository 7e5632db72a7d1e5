"""What one symbol takes on the bus, and what each part of a cluster takes of a processor."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import psutil

from api.bus.address import bus_address
from api.bus.connection import Bus
from api.bus.subjects import PREFIX, subject_of
from tests.nats_server import NatsServer
from tests.program import PATIENCE, Program, listening, next_live
from tests.replay.rig import RECORDING, RIG, Rig


class Meter:
    """Counts what is said on a bus, by symbol and kind."""

    def __init__(self, url: str) -> None:
        self._bus = Bus(bus_address(url), "meter", on_connected=lambda: None)
        self.counted: Counter[tuple[str, str]] = Counter()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Count for as long as it is used."""
        await self._bus.listen(f"{PREFIX}.>", self._hear)
        task = asyncio.create_task(self._bus.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _hear(self, subject: str, data: bytes) -> None:
        name = subject_of(subject)
        if name is not None:
            self.counted[name.symbol, name.kind] += len(data)

    async def rates(self, seconds: float) -> dict[tuple[str, str], float]:
        """Return bytes a second of an engine by symbol and kind; one engine a symbol is counted."""
        before, began = Counter(self.counted), time.monotonic()
        await asyncio.sleep(seconds)
        passed = time.monotonic() - began
        return {key: (count - before[key]) / passed for key, count in self.counted.items()}


class Shares:
    """How much of one processor each of some processes takes."""

    def __init__(self, processes: Mapping[str, psutil.Process]) -> None:
        self._processes = processes
        self._before = self._used()
        self._began = time.monotonic()

    def read(self) -> dict[str, float]:
        """Return percent of one processor since the beginning."""
        passed = time.monotonic() - self._began
        return {name: (used - self._before[name]) / passed * 100 for name, used in self._used().items()}

    def _used(self) -> dict[str, float]:
        return {name: sum(process.cpu_times()[:2]) for name, process in self._processes.items()}


def shown(rates: Mapping[tuple[str, str], float], engines: Mapping[str, int]) -> str:
    """Return rates in words, those of one engine of each symbol."""
    lines = []
    for symbol in sorted(engines):
        parts = {kind: rate / engines[symbol] for (name, kind), rate in rates.items() if name == symbol}
        each = ", ".join(f"{kind} {rate / 1_000:.1f}" for kind, rate in sorted(parts.items()) if rate)
        lines.append(f"{symbol}: {sum(parts.values()) / 1_000:.1f} KB a second on the bus ({each})")
    return "\n".join(lines)


async def of_the_recording(folder: Path, seconds: float) -> str:
    """Return what one engine says of the recorded market; why not, where it is not at hand."""
    if not (RIG.exists() and RECORDING.exists()):
        return "the recording is not beside the project, so its rates are not measured"
    async with NatsServer(folder) as server, Rig() as rig:
        settings: dict[str, object] = {**rig.settings, "bus": server.url}
        async with Program(**settings, role="engine") as engine, Program(**settings, role="api") as api:
            async with asyncio.timeout(PATIENCE), listening(api.url(rig.symbol)) as connection:
                await next_live(connection)
            if engine.process is None:
                raise RuntimeError("not started")
            meter, share = Meter(server.url), Shares({"engine": psutil.Process(engine.process.pid)})
            async with meter.running():
                rates = await meter.rates(seconds)
            taken = share.read()["engine"]
            return f"recorded {shown(rates, {rig.symbol: 1})}; its engine {taken:.1f} % of a core"
