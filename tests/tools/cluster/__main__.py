"""A cluster on this machine, in which each engine and the bus are killed in turn while hundreds listen.

python -m tests.tools.cluster --clients 500

Two engines of BTCUSDT, as on two hosts, and one of ETHUSDT; three APIs; clients of frames, and at each API
clients of `?updates=1`, whose every frame is held against the exchange's own book. At first the lag of a
frame is measured over the feed and over the bus. Prints what was found; exits 1 if a frame was wrong, or a
second of the doubled symbol was lost with one engine.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from tests.program import PATIENCE, Program, listening, next_live
from tests.tools.campaign.exchange_process import ExchangeProcess
from tests.tools.campaign.judge import Judge
from tests.tools.cluster.account import Meter, Shares, of_the_recording, shown
from tests.tools.cluster.parts import Cluster
from tests.tools.cluster.watch import Watched, Watcher
from tests.tools.load.__main__ import Crowd

DOUBLED: Final = "BTCUSDT"
ENGINES: Final = {
    "BTCUSDT on host 1": DOUBLED,
    "BTCUSDT on host 2": DOUBLED,
    "ETHUSDT on host 1": "ETHUSDT",
}
APIS: Final = 3
LAG_CLIENTS: Final = 10  # of one API, while lags are compared
BETWEEN: Final = 12.0  # seconds between one kill and the next
DEAD_FOR: Final = 2.0  # seconds that something stays dead
SERVER: Final = "nats-server"


@dataclass(frozen=True, slots=True)
class Kill:
    """What one kill did."""

    victim: str
    lost: dict[str, int]
    """Seconds that were not live by symbol, at the API that lost most."""
    live_after: dict[str, float]
    """Seconds from the kill to the end of the first second from which on all were live."""
    alive_after: float
    """Seconds from the kill to the victim's being started again."""

    def row(self) -> str:
        """Return it as Markdown."""
        symbols = " | ".join(f"{self.lost[name]} | {self.live_after[name]:.1f} s" for name in self.lost)
        return f"| {self.victim} | {self.alive_after:.1f} s | {symbols} |"


def _lags(tallies: Sequence[float]) -> str:
    ordered = sorted(tallies)
    median, high = statistics.median(ordered), ordered[int(0.99 * (len(ordered) - 1))]
    return f"median {median:.1f} ms, 99 % {high:.1f} ms, worst {ordered[-1]:.1f} ms, {len(ordered):,} frames"


async def _measure(crowds: Sequence[Crowd], seconds: float) -> tuple[list[float], int]:
    tallies = [
        one for all_ in await asyncio.gather(*(crowd.measure(seconds) for crowd in crowds)) for one in all_
    ]
    return [lag for tally in tallies for lag in tally.lags], sum(tally.missed for tally in tallies)


async def lag_over_feed(seconds: float) -> list[float]:
    """Return the lags in ms of frames of one API that engines feed."""
    exchange = ExchangeProcess(("BTCUSDT", "ETHUSDT"), 7)
    await exchange.start()
    try:
        async with Program(**exchange.settings) as program:
            async with listening(program.url(DOUBLED)) as connection:
                await next_live(connection)
            return await _lag_of(program, seconds)
    finally:
        await exchange.kill()


async def _lag_of(program: Program, seconds: float) -> list[float]:
    crowd = Crowd(program.api_port, 1)
    try:
        await crowd.grow(LAG_CLIENTS)
        await asyncio.sleep(3)
        return (await _measure([crowd], seconds))[0]
    finally:
        crowd.end()


class Field:
    """A cluster under clients, and those who judge what they are sent."""

    def __init__(self, cluster: Cluster, judge: Judge) -> None:
        self.cluster, self.judge = cluster, judge
        self.seen = [Watched(f"{symbol} at API {n + 1}") for n in range(APIS) for symbol in cluster.symbols]
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Judge from now on."""
        watcher = Watcher(self.cluster.exchange, self.judge)
        pairs = [(api, symbol) for api in self.cluster.apis for symbol in self.cluster.symbols]
        self._tasks = [
            asyncio.create_task(watcher.watch(api, symbol, seen))
            for (api, symbol), seen in zip(pairs, self.seen, strict=True)
        ]

    async def end(self) -> None:
        """Judge no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def until_live(self, after_ms: float, count: int = 3) -> None:
        """Wait until the newest seconds of each symbol at each API, so many after that time, are live."""
        async with asyncio.timeout(PATIENCE):
            while not all(self._is_live(seen, after_ms, count) for seen in self.seen):  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    def _is_live(self, seen: Watched, after_ms: float, count: int) -> bool:
        newest = [said for at, said in sorted(seen.status.items()) if at > after_ms][-count:]
        return len(newest) == count and set(newest) == {"live"}

    async def kill(self, victim: str) -> Kill:
        """Kill something, have it come again, and say what that did."""
        cluster = self.cluster
        if victim == SERVER:
            killed = time.time() * 1_000
            await cluster.server.kill()
            await asyncio.sleep(DEAD_FOR)
            await cluster.server.start()
        else:
            killed = await cluster.kill_engine(victim)
            await asyncio.sleep(DEAD_FOR)
            await cluster.start_engine(victim)
        again = time.time() * 1_000
        await asyncio.sleep(BETWEEN)
        await self.until_live(again)
        ended = min(max(seen.status) for seen in self.seen)
        lost, live_after = {}, {}
        for symbol in cluster.symbols:
            of_symbol = [seen for seen in self.seen if seen.name.startswith(symbol)]
            lost[symbol] = max(seen.lost(killed, ended) for seen in of_symbol)
            why = [
                (at, seen.name, seen.reasons[at]) for seen in of_symbol for at in seen.reasons if at > killed
            ]
            for at, name, reason in sorted(why):
                print(f"{(at - killed) / 1_000:.1f} s after: {name}: {reason}", file=sys.stderr, flush=True)
            since = [seen.live_since(killed) or ended for seen in of_symbol]
            live_after[symbol] = (max(since) - killed) / 1_000
        return Kill(victim, lost, live_after, (again - killed) / 1_000)


async def run(clients: int, seconds: float, folder: Path) -> int:
    """Measure, kill and judge; return the exit code."""
    feed = await lag_over_feed(seconds)
    print(f"lag of a frame over the feed: {_lags(feed)}", flush=True)
    print(await of_the_recording(folder, seconds), flush=True)
    judge = Judge()
    async with Cluster(folder, ENGINES, APIS) as cluster:
        field = Field(cluster, judge)
        async with listening(cluster.apis[0].url(DOUBLED)) as connection:
            await next_live(connection)
        print(f"lag of a frame over the bus:  {_lags(await _lag_of(cluster.apis[0], seconds))}", flush=True)
        crowds = [Crowd(api.api_port, 1) for api in cluster.apis]
        try:
            for number, crowd in enumerate(crowds):
                await crowd.grow(clients * (number + 1) // APIS - clients * number // APIS)
            field.begin()
            await field.until_live(0)
            shares, meter = Shares(_processes(cluster)), Meter(cluster.server.url)
            async with meter.running():
                (lags, missed), rates = await asyncio.gather(_measure(crowds, seconds), meter.rates(seconds))
            print(shown(rates, Counter(ENGINES.values())))
            print(
                "of one core: " + ", ".join(f"{name} {share:.1f} %" for name, share in shares.read().items())
            )
            print(f"the same to {sum(crowd.clients for crowd in crowds)} clients: {_lags(lags)}", flush=True)
            kills = []
            for victim in (*ENGINES, SERVER):
                kills.append(await field.kill(victim))
                print(kills[-1].row(), file=sys.stderr, flush=True)
            await field.end()
        finally:
            for crowd in crowds:
                crowd.end()
        _print(field, kills, missed)
    doubled = sum(kill.lost[DOUBLED] for kill in kills if kill.victim != SERVER)
    return 1 if judge.wrong or doubled else 0


def _processes(cluster: Cluster) -> dict[str, psutil.Process]:
    parts = {**cluster.engines, **{f"API {number + 1}": api for number, api in enumerate(cluster.apis)}}
    running = {name: part.process for name, part in parts.items()} | {SERVER: cluster.server.process}
    return {name: psutil.Process(process.pid) for name, process in running.items() if process is not None}


def _print(field: Field, kills: Sequence[Kill], missed: int) -> None:
    symbols = field.cluster.symbols
    print(
        "| killed | started again after | "
        + " | ".join(f"{name} lost | live again after" for name in symbols)
        + " |"
    )
    print("|---|---|" + "---|---|" * len(symbols))
    print("\n".join(kill.row() for kill in kills))
    judge = field.judge
    updates, trades = sum(seen.updates for seen in field.seen), sum(seen.trades for seen in field.seen)
    print(
        f"{judge.frames:,} frames of ?updates=1 with {updates:,} updates and {trades:,} trades checked, "
        f"{judge.live:,} of them live, {judge.wrong} wrong; {missed} frames lost to slow clients"
    )
    print("\n".join(judge.sentences))
    print(f"{psutil.cpu_count()} processors, on which the clients and the exchange run as well")


def main() -> int:
    """Read the command line and run; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.cluster", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument(
        "--clients", type=int, default=500, help="of frames, at all APIs together (default 500)"
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="of each measurement of lag (default 60)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(run(given.clients, given.seconds, Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
