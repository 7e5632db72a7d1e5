"""The larger part of a campaign: ingestion, engines and exchange in one process, faster than real time.

Sockets, messages, HTTP replies and their loss are real; the clock is not, so hours pass in minutes and no
timer is late because the machine is busy. After everything that an engine hears, and ten times a second
besides, the book that it calls exact is checked against the exchange's own, and three times a second a frame.
"""

import asyncio
import contextlib
import gc
import itertools
import logging
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from random import Random
from typing import Final

import aiohttp
import psutil

from api.channel import Channel
from api.feed.book_report import book_report
from api.feed.messages import ExactBook, FeedBook
from api.simulate import NotLive, Simulator
from data_ingestion.causes import Cause
from data_ingestion.clock import Clock
from data_ingestion.exchange_clock import ExchangeClock
from data_ingestion.ingestion import ingest
from data_ingestion.ingestor import BURST_WEIGHT
from data_ingestion.messages import AggTrade, DepthUpdate, Snapshot
from data_ingestion.pacing.clock_offset import STEP_MS
from data_ingestion.pacing.latency import LatencyMeter
from data_ingestion.pacing.request_budget import RequestBudget
from data_ingestion.resources import Resources
from data_ingestion.settings import ExchangeUrls, IngestionSettings
from data_ingestion.simulated_exchange.faults import FaultRequest, FaultState
from data_ingestion.simulated_exchange.market import AggTradeMessage as MarketTrade
from data_ingestion.simulated_exchange.market import BestLevels as Truth
from data_ingestion.simulated_exchange.market import MarketMessage, SimulatedMarket
from data_ingestion.simulated_exchange.server import SimulatedExchange
from data_ingestion.sink import SnapshotRequest, Stream, StreamState
from data_ingestion.snapshot_loader import SNAPSHOT_WEIGHT
from features.market_impact import OrderSide
from orderbook.phases import Phase
from state.engine import Engine, EngineSettings
from state.frames import Frame, Status
from tests.data_ingestion.virtual_time import EPOCH, VirtualTimeLoop, until
from tests.passing_sink import PassingSink
from tests.tools.campaign.acting import HARMLESS, SNAPSHOT_TIMEOUT, Acting
from tests.tools.campaign.judge import Judge, fields_of
from tests.tools.campaign.plan import Deed, DeedKind, Planned, bouts
from tests.tools.campaign.recovery import Recovery
from tests.tools.campaign.verdict import Part

NAME: Final = "ingestion and engines in virtual time"
SHARD: Final = 500  # faults
SEEDS_APART: Final = 1_000
SYMBOLS: Final = ("BTCUSDT", "ETHUSDT")
LOOK_EVERY: Final = 0.1  # seconds
LOOKS_A_FRAME: Final = 3
SETTLING: Final = 6.0  # seconds, after the exchange's clock was set
STALE_AFTER_MS: Final = 2_000.0
CALM: Final = 0.5  # seconds between a recovery and the next bout
TRUTH_KEPT: Final = 2_000  # events of each symbol
MOST_GROWTH: Final = 48 * 2**20  # bytes of memory from a tenth of the way to the end
SETTLED_AFTER: Final = 600.0  # seconds, by which windows and truths are full and memory must stay
SIZES: Final = (0.001, 0.3, 2.5, 40.0, 1e6)

DEEDS: Final = (
    DeedKind("exchange clock back", ("",), 0.05, 30),
    DeedKind("exchange clock forward", ("",), 0.05, 30),
    DeedKind("machine clock back", ("",), 0.05, 3_600),
    DeedKind("machine clock forward", ("",), 0.05, 3_600),
    DeedKind("machine suspended", ("",), 1, 7_200),
    DeedKind("exchange replaced", ("",), 0.05, 3, weight=0.25),
)

Progress = Callable[[Part], None]


class Clocks:
    """The exchange's clock and this machine's, which a campaign may set to another time."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.exchange_off = self.machine_off = 0.0
        self.exchange_set_at = float("-inf")  # loop time
        self.machine = Clock(wall=lambda: EPOCH + loop.time() + self.machine_off, steady=loop.time)

    def exchange(self) -> float:
        """Return the exchange's time."""
        return EPOCH + asyncio.get_running_loop().time() + self.exchange_off


class NotingExchange(SimulatedExchange):
    """An exchange that notes each trade before any fault can keep it from being told."""

    def __init__(
        self, trades: dict[str, deque[MarketTrade]], *, seed: int, clock: Callable[[], float]
    ) -> None:
        super().__init__(SYMBOLS, seed=seed, clock=clock, truth_kept=TRUTH_KEPT)
        self._noted = trades

    def _send(self, market: SimulatedMarket, messages: list[MarketMessage]) -> None:
        self._noted[market.profile.symbol].extend(
            message for message in messages if isinstance(message, MarketTrade)
        )
        super()._send(market, messages)


class Venue:
    """The exchange, which can be replaced by another at the same address."""

    def __init__(self, clocks: Clocks, random: Random) -> None:
        self.clocks, self._random = clocks, random
        self.exchange = self._another()
        self._before = self.exchange

    async def replace(self, pause: float) -> None:
        """Let the exchange go away, and another with other books come after a pause."""
        port = self.exchange.port
        await self.exchange.close()
        await asyncio.sleep(pause)
        self._before, self.exchange = self.exchange, self._another()
        await self.exchange.start(port=port)

    def truth(self, symbol: str, update_id: int) -> Truth | None:
        """Return the top ten after an event of this exchange, or of the one before."""
        found = self.exchange.truth_at(symbol, update_id)
        return self._before.truth_at(symbol, update_id) if found is None else found

    def faults(self, symbol: str) -> FaultState:
        """Return the faults that lie ahead of a symbol."""
        return self.exchange._faults[symbol]

    def now_ms(self) -> int:
        """Return the time of the exchange that faults are counted in."""
        return self.exchange._clock.now_ms()

    def _another(self) -> SimulatedExchange:
        seed = self._random.getrandbits(30)
        self.trades: dict[str, deque[MarketTrade]] = {symbol: deque(maxlen=TRUTH_KEPT) for symbol in SYMBOLS}
        return NotingExchange(self.trades, seed=seed, clock=self.clocks.exchange)


class Watch(PassingSink):
    """Stands between ingestion and one engine: passes everything on, and judges what the engine then says."""

    def __init__(self, symbol: str, venue: Venue, judge: Judge, random: Random) -> None:
        settings = EngineSettings(stale_after_ms=STALE_AFTER_MS, audit_interval_ms=20_000)
        super().__init__(Engine(symbol, "simulated", settings))
        self.symbol, self.recovery = symbol, Recovery()
        self.frame: Frame | None = None
        self.budget = RequestBudget(900, BURST_WEIGHT)
        self._venue, self._judge, self._random = venue, judge, random
        self.exchange_clock = ExchangeClock(venue.clocks.machine)
        self._second = 0
        self._last_depth = float("-inf")
        self._last_sent = 0  # E of the last depth event
        self._told: set[int] = set()  # ids of the second's trades
        self._told_before = 0  # the last id of the second before; 0 where that is not known
        self._channel = Channel(symbol, "simulated")
        self._channel.book.connected()
        self._simulator = Simulator({symbol: self._channel}, venue.clocks.machine)
        self._acting = Acting()

    @property
    def where(self) -> str:
        """Which symbol, when."""
        return f"{self.symbol} at {asyncio.get_running_loop().time():.3f}"

    def look(self) -> None:
        """Judge the book that the engine calls exact at this moment, and now and then an order."""
        clock = self._venue.clocks.machine
        now_ms = clock.steady_ms()
        said = book_report(self.engine, now_ms, self.exchange_clock.now_ms(), self._uncertainty_ms())
        live = isinstance(said, ExactBook)
        if isinstance(said, ExactBook):
            self._judge.book(said, self._venue.truth(self.symbol, said.last_update_id), self.where)
            self._not_too_late(now_ms)
        self._channel.book.on_said(FeedBook(clock.wall_ms(), said), now_ms)
        if self._random.random() < 0.1:
            self._order()
        now = asyncio.get_running_loop().time()
        self._note_faults(now)
        self.recovery.look(now, live=live, limited=self._limited(now))

    def close_second(self) -> None:
        """Judge the frame of this moment."""
        now_ms = self._venue.clocks.machine.steady_ms()
        self._second += 1_000
        frame = self.frame = self.engine.close_second(
            self._second, now_ms, self.exchange_clock.offset(), self.exchange_clock.now_ms()
        )[0]
        self._judge_trades(frame)
        update_id = frame.last_update_id
        truth = None if update_id is None else self._venue.truth(self.symbol, update_id)
        self._judge.frame(fields_of(frame), truth, self.where)
        if frame.status is Status.LIVE:
            self._not_too_late(now_ms)

    def _not_too_late(self, now_ms: float) -> None:
        if now_ms - self._last_depth > STALE_AFTER_MS:
            self._judge.object(f"{self.where}: live {now_ms - self._last_depth:.0f} ms after the last event")
        clocks = self._venue.clocks
        if asyncio.get_running_loop().time() - clocks.exchange_set_at < SETTLING:
            return  # nobody can know of it before the exchange is heard
        lag = self._venue.now_ms() - self._last_sent
        if lag > STALE_AFTER_MS + 2 * self._uncertainty_ms() + STEP_MS:  # of smaller steps nobody knows
            self._judge.object(f"{self.where}: live with an event {lag:.0f} ms old by the exchange's clock")

    def _uncertainty_ms(self) -> float:
        offset = self.exchange_clock.offset()
        return 0.0 if offset is None else offset.uncertainty_ms

    def _judge_trades(self, frame: Frame) -> None:
        """Check the sums of a second against all that traded from its first id to its last."""
        told, last = self._told, self._told_before
        self._told, self._told_before = set(), max(self._told, default=self._told_before)
        if frame.trades is None or not last or (told and min(told) < last):
            return  # or the exchange counts anew
        all_traded = [
            t for t in self._venue.trades[self.symbol] if last < t.aggregate_id <= max(told, default=last)
        ]
        self._judge.trades(frame.trades, all_traded, self.where)

    def _order(self) -> None:
        side, size = self._random.choice(list(OrderSide)), self._random.choice(SIZES)
        try:
            said = self._simulator.simulate_market_order(self.symbol, size, side)
        except NotLive:
            return
        truth = self._venue.truth(self.symbol, said.last_update_id)
        named = {name: getattr(said, name) for name in said.__dataclass_fields__}
        self._judge.answer(named, truth, self.where)

    def _note_faults(self, now: float) -> None:
        seconds = self._acting.seconds(self._venue.faults(self.symbol), self._venue.now_ms())
        if seconds is not None:
            self.recovery.acts(now + seconds)

    def _limited(self, now: float) -> bool:
        waits = self.engine.snapshot_request is not None or self.engine.phase is Phase.DISCONNECTED
        return waits and self.budget.wait(now, SNAPSHOT_WEIGHT) > 0

    # --- the sink ---------------------------------------------------------------------------------------

    def on_confirmation(
        self, request: SnapshotRequest, snapshot: Snapshot, sent_ms: float, wall_ms: float
    ) -> bool:
        """Pass on and look."""
        confirmed = super().on_confirmation(request, snapshot, sent_ms, wall_ms)
        if confirmed:
            self._last_depth, self._last_sent = sent_ms, snapshot.event_time
        self.look()
        return confirmed

    def on_stream(
        self,
        stream: Stream,
        state: StreamState,
        steady_ms: float,
        reason: str | None = None,
        cause: Cause | None = None,
    ) -> None:
        """Pass on and look."""
        super().on_stream(stream, state, steady_ms, reason, cause)
        self.look()

    def on_overflow(self, stream: Stream, dropped: int) -> None:
        """Pass on and look."""
        super().on_overflow(stream, dropped)
        self.look()

    def on_depth(self, event: DepthUpdate, wall_ms: float, steady_ms: float) -> None:
        """Pass on and look."""
        self._last_depth, self._last_sent = steady_ms, event.event_time
        super().on_depth(event, wall_ms, steady_ms)
        self.look()

    def on_trade(self, trade: AggTrade, steady_ms: float) -> None:
        """Pass on."""
        self._told.add(trade.trade_id)
        super().on_trade(trade, steady_ms)

    def on_snapshot(self, request: SnapshotRequest, snapshot: Snapshot, steady_ms: float) -> None:
        """Pass on and look."""
        super().on_snapshot(request, snapshot, steady_ms)
        self.look()


async def _look_on(watch: Watch) -> None:
    for number in itertools.count():
        await asyncio.sleep(LOOK_EVERY)
        watch.look()
        if number % LOOKS_A_FRAME == 0:
            watch.close_second()


@contextlib.asynccontextmanager
async def _ingesting(watch: Watch, venue: Venue, random: Random) -> AsyncIterator[asyncio.Task[None]]:
    """Run one symbol's ingestion with the settings that the program has by default."""
    urls, clock = ExchangeUrls.on_loopback(venue.exchange.port), venue.clocks.machine
    patience = IngestionSettings(queue_size=random.choice((50, 1_000)), answer_timeout=SNAPSHOT_TIMEOUT)
    async with aiohttp.ClientSession() as session:
        resources = Resources(
            session, watch.budget, LatencyMeter(), random.random, clock, watch.exchange_clock
        )

        async def both() -> None:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(ingest(watch, watch.symbol, urls, patience, resources))
                tasks.create_task(_look_on(watch))

        task = asyncio.create_task(both())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class Director:
    """Plays what is planned."""

    def __init__(self, venue: Venue, watches: Sequence[Watch], part: Part) -> None:
        self._venue, self._watches, self._part = venue, watches, part
        self.recent: deque[Planned] = deque(maxlen=20)

    async def play(self, planned: Planned) -> None:
        """Wait until it is time, and play one fault."""
        await asyncio.sleep(planned.after)
        self.recent.append(planned)
        fault = planned.fault
        if isinstance(fault, FaultRequest):
            self._part.faults[fault.kind.value] += 1
            await self._venue.exchange._play_fault(fault)
            hit = [watch for watch in self._watches if fault.symbol in (None, watch.symbol)]
            if fault.kind in HARMLESS:
                return
        else:
            self._part.faults[fault.name] += 1
            await self._do(fault)
            hit = list(self._watches)
        now = asyncio.get_running_loop().time()
        for watch in hit:
            watch.recovery.acts(now)
            watch.look()

    async def _do(self, deed: Deed) -> None:
        clocks = self._venue.clocks
        sign = -1 if deed.name.endswith("back") else 1
        if deed.name == "machine suspended":  # its steady clock stood still
            clocks.exchange_off += deed.amount
            clocks.machine_off += deed.amount
            for watch in self._watches:
                watch.look()
        elif deed.name.startswith("exchange clock"):
            clocks.exchange_off += sign * deed.amount
            clocks.exchange_set_at = asyncio.get_running_loop().time()
        elif deed.name.startswith("machine clock"):
            clocks.machine_off += sign * deed.amount
        else:
            await self._venue.replace(deed.amount)


def _memory() -> int:
    gc.collect()
    return psutil.Process().memory_info().rss


async def _campaign(faults: int, seed: int, part: Part, progress: Progress) -> None:
    loop = asyncio.get_running_loop()
    random = Random(seed)  # noqa: S311 - no cryptography
    venue = Venue(Clocks(), random)
    watches = [Watch(symbol, venue, part.judge, random) for symbol in SYMBOLS]
    director = Director(venue, watches, part)
    began, memory_at_first = loop.time(), 0
    await venue.exchange.start()
    try:
        async with contextlib.AsyncExitStack() as stack:
            tasks = [await stack.enter_async_context(_ingesting(watch, venue, random)) for watch in watches]

            def calm() -> bool:
                for task in tasks:
                    if task.done():
                        task.result()
                return all(watch.recovery.quiet(loop.time()) for watch in watches)

            await until(calm)
            tasks_before = len(asyncio.all_tasks())
            for bout in bouts(random, faults, SYMBOLS, DEEDS, deed_share=0.15, most_at_once=14):
                for planned in bout:
                    await director.play(planned)
                try:
                    await until(calm)
                except TimeoutError:
                    part.judge.object(
                        f"never live again: {[watch.frame and watch.frame.reason for watch in watches]}"
                    )
                    break
                await asyncio.sleep(CALM)
                settled = loop.time() - began > SETTLED_AFTER and part.played >= faults / 10
                if settled and not memory_at_first:
                    memory_at_first = _memory()
                for watch in watches:
                    part.take(watch.recovery, bout)
                progress(part)
                if part.judge.wrong:
                    break
            await asyncio.sleep(60)  # connections that were given up have their time-outs
            tasks_after = len(asyncio.all_tasks())
            growth = _memory() - memory_at_first if memory_at_first else 0
    finally:
        await venue.exchange.close()
    await asyncio.sleep(60)
    part.seconds = loop.time() - began
    part.rate_limit_waits = sum(watch.recovery.waited for watch in watches)
    _account(part, watches, tasks_after - tasks_before, growth)
    if part.judge.wrong:
        part.judge.sentences.append("the last faults: " + "; ".join(map(str, director.recent)))


def _account(part: Part, watches: Sequence[Watch], more_tasks: int, growth: int) -> None:
    """Add what is left over, and what the books themselves counted."""
    loop = asyncio.get_running_loop()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:
        part.leaks.append(f"{len(left)} tasks")
    if more_tasks > 4:  # a reconnect may just be under way
        part.leaks.append(f"{more_tasks} more tasks while running")
    if isinstance(loop, VirtualTimeLoop) and loop.sockets():
        part.leaks.append(f"{loop.sockets()} sockets")
    if growth > MOST_GROWTH:
        part.leaks.append(f"{growth / 2**20:.1f} MiB of memory")
    healths = [watch.frame.health for watch in watches if watch.frame and watch.frame.health]
    mismatches = sum(health.audits.mismatches for health in healths)
    if mismatches:
        part.judge.object(f"audits found {mismatches} levels that differ from a snapshot")
    for health in healths:
        part.counted["resyncs"] += health.resyncs
        part.counted["gaps seen"] += health.gaps
        part.counted["reconnects"] += health.depth.reconnects + health.trades.reconnects
        part.counted["malformed messages survived"] += health.depth.malformed
        part.counted["audits"] += health.audits.count
        part.counted["levels compared by audits"] += health.audits.levels_compared
        part.counted["mismatches found by audits"] += health.audits.mismatches
    part.counted["KiB of memory more than a tenth of the way in"] += growth // 1024


def run_shards(faults: int, seed: int, progress: Progress, jobs: int) -> Part:
    """Play so many faults in shards, `jobs` of them at a time, each in a process and on a seed of its own."""
    sizes = [SHARD] * (faults // SHARD) + ([faults % SHARD] if faults % SHARD else [])
    whole = Part(NAME)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        shards = {
            pool.submit(run_in_process, size, seed + number * SEEDS_APART): seed + number * SEEDS_APART
            for number, size in enumerate(sizes)
        }
        for shard in as_completed(shards):
            part = shard.result()
            if part.judge.wrong:
                part.judge.sentences.append(f"that was with --processes 0 --seed {shards[shard]}")
            whole.add(part)
            progress(whole)
    return whole


def run_in_process(faults: int, seed: int, progress: Progress = lambda _: None) -> Part:
    """Play so many faults and return what was found."""
    part, open_before, logged = Part(NAME), _open_files(), logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # of ten thousand faults
    try:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(_campaign(faults, seed, part, progress))
    finally:
        logging.disable(logged)
    more = _open_files() - open_before
    if more > 0:
        part.leaks.append(f"{more} file descriptors")
    return part


def _open_files() -> int:
    gc.collect()
    return psutil.Process().num_fds() if os.name == "posix" else 0
