"""The real ingestion and the real engine against the simulated exchange and all of its faults.

After everything that the engine hears, and twice a second besides, its frame is checked against the
exchange's own book. The exchange runs in the test's loop over real sockets and in virtual time.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from random import Random
from types import SimpleNamespace

import aiohttp
import pytest

from data_ingestion.causes import Cause
from data_ingestion.exchange_clock import ClockPoller, ExchangeClock
from data_ingestion.ingestor import BURST_WEIGHT, Ingestor
from data_ingestion.messages import DepthUpdate, Snapshot
from data_ingestion.pacing.latency import LatencyMeter
from data_ingestion.pacing.request_budget import RequestBudget
from data_ingestion.resources import Resources
from data_ingestion.settings import ExchangeUrls, IngestionSettings
from data_ingestion.simulated_exchange.faults import FaultKind
from data_ingestion.simulated_exchange.server import SimulatedExchange
from data_ingestion.sink import SnapshotRequest, Stream, StreamState
from state.engine import Engine, EngineSettings
from state.frames import Frame, Health, Status
from tests.data_ingestion.virtual_time import in_virtual_time, until, virtual_clock
from tests.passing_sink import PassingSink

SYMBOL = "BTCUSDT"
STALE_AFTER = 2.0
LOOK_EVERY = 0.5


class Witness(PassingSink):
    """Stands before the engine and looks at its frame after each call."""

    def __init__(self, engine: Engine, exchange: SimulatedExchange) -> None:
        super().__init__(engine)
        self._exchange = exchange
        self.frame: Frame | None = None
        self.live_ids: dict[int, None] = {}
        self.dark_reasons: dict[str, None] = {}
        self.last_depth = float("-inf")
        self._seconds = itertools.count(1_000, 1_000)

    @property
    def live(self) -> bool:
        """Whether the latest frame is live."""
        return self.frame is not None and self.frame.status is Status.LIVE

    def follow(self, exchange: SimulatedExchange) -> None:
        """Take the truth from another exchange from now on."""
        self._exchange = exchange

    def look(self, steady_ms: float) -> None:
        """Check the frame of this moment against the truth."""
        frame, _ = self.engine.close_second(next(self._seconds), steady_ms)
        self.frame = frame
        if frame.status is not Status.LIVE:
            assert frame.reason
            assert (frame.mid_price, frame.bid_levels, frame.ask_levels, frame.ofi) == (None,) * 4
            self.dark_reasons[frame.reason] = None
            return
        assert frame.last_update_id is not None
        truth = self._exchange.truth_at(SYMBOL, frame.last_update_id)
        assert truth is not None, "live at an update id that no event ended with"
        assert (frame.bid_levels, frame.ask_levels) == truth
        assert steady_ms - self.last_depth <= STALE_AFTER * 1000
        self.live_ids[frame.last_update_id] = None

    def on_confirmation(
        self, request: SnapshotRequest, snapshot: Snapshot, sent_ms: float, wall_ms: float
    ) -> bool:
        """Pass on and look."""
        confirmed = super().on_confirmation(request, snapshot, sent_ms, wall_ms)
        if confirmed:
            self.last_depth = sent_ms
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
        self.look(steady_ms)
        if stream is Stream.DEPTH and state is not StreamState.OPEN:
            assert not self.live or state is StreamState.CONNECTING

    def on_overflow(self, stream: Stream, dropped: int) -> None:
        """Pass on; with a hole in the depth events nothing is live."""
        super().on_overflow(stream, dropped)
        if stream is Stream.DEPTH:
            self.look(self.last_depth)
            assert not self.live

    def on_depth(self, event: DepthUpdate, wall_ms: float, steady_ms: float) -> None:
        """Pass on and look."""
        self.last_depth = steady_ms
        super().on_depth(event, wall_ms, steady_ms)
        self.look(steady_ms)

    def on_snapshot(self, request: SnapshotRequest, snapshot: Snapshot, steady_ms: float) -> None:
        """Pass on and look."""
        super().on_snapshot(request, snapshot, steady_ms)
        self.look(steady_ms)


class Bench:
    """A running ingestion with its exchange."""

    def __init__(self, exchange: SimulatedExchange, witness: Witness, task: asyncio.Task[None]) -> None:
        self.exchange, self.witness, self._task = exchange, witness, task

    @property
    def health(self) -> Health:
        """The latest frame's health."""
        assert self.witness.frame is not None
        assert self.witness.frame.health is not None
        return self.witness.frame.health

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition, as long as the ingestion runs."""
        await until(lambda: condition() or self._task.done())
        if self._task.done():
            await self._task

    async def live(self, updates: int = 10) -> None:
        """Wait until that many more updates have been seen live."""
        start = len(self.witness.live_ids)
        await self.until(lambda: len(self.witness.live_ids) >= start + updates and self.witness.live)

    async def fault(
        self, kind: FaultKind, *, count: int = 1, seconds: float = 5.0, status: int | None = None
    ) -> None:
        """Play a fault."""
        await self.exchange.fault(kind, SYMBOL, count=count, seconds=seconds, status=status)


async def _look_on(witness: Witness) -> None:
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(LOOK_EVERY)
        witness.look(loop.time() * 1000)


def _late(random: Random) -> aiohttp.TraceConfig:
    """Let each request travel for up to 300 ms, so that snapshots fall anywhere inside an event."""

    async def travel(_: aiohttp.ClientSession, __: SimpleNamespace, ___: object) -> None:
        await asyncio.sleep(random.random() * 0.3)

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(travel)
    return trace


@contextlib.asynccontextmanager
async def running(
    *, seed: int = 1, queue_size: int = 1_000, audit_interval: float = 180.0, depth_silence: float = 5.0
) -> AsyncIterator[Bench]:
    """Run an exchange and the ingestion of one of its symbols."""
    random, clock = Random(seed), virtual_clock()  # noqa: S311 - no cryptography
    async with (
        SimulatedExchange([SYMBOL], seed=seed, clock=clock.wall) as exchange,
        aiohttp.ClientSession(trace_configs=[_late(random)]) as session,
    ):
        settings = EngineSettings(stale_after_ms=STALE_AFTER * 1000, audit_interval_ms=audit_interval * 1000)
        witness = Witness(Engine(SYMBOL, "simulated", settings), exchange)
        urls, patience = (
            ExchangeUrls.on_loopback(exchange.port),
            IngestionSettings(depth_silence=depth_silence, queue_size=queue_size),
        )
        budget, exchange_clock = RequestBudget(1_000, BURST_WEIGHT), ExchangeClock(clock)
        resources = Resources(session, budget, LatencyMeter(), random.random, clock, exchange_clock)
        ingestor = Ingestor(witness, SYMBOL, urls, patience, resources)
        asker = ClockPoller(session, urls.rest, exchange_clock, timeout=5.0, budget=budget, clock=clock)

        async def both() -> None:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(ingestor.run())
                tasks.create_task(asker.run())
                tasks.create_task(_look_on(witness))

        task = asyncio.create_task(both())
        try:
            yield Bench(exchange, witness, task)
        finally:
            task.cancel()
            await asyncio.wait([task])
        if not task.cancelled():
            await task


@pytest.mark.parametrize("seed", [1, 2, 3])
@in_virtual_time
async def test_without_a_fault_each_update_is_exact(seed: int) -> None:
    """Once live, every update is shown, exactly, and nothing is ever rebuilt."""
    async with running(seed=seed) as bench:
        await bench.live(100)
        assert (bench.health.gaps, bench.health.resyncs, bench.health.depth.reconnects) == (0, 0, 0)
        assert bench.health.trades.state == "open"


@in_virtual_time
async def test_audits_agree_with_the_exchange() -> None:
    """Snapshots taken while the book is live agree with it to the digit, and it stays live."""
    async with running(audit_interval=2.0) as bench:
        await bench.live()
        dark = len(bench.witness.dark_reasons)
        await bench.until(lambda: bench.health.audits.count >= 5)
        assert bench.health.audits.levels_compared > 5_000
        assert bench.health.audits.mismatches == 0
        assert len(bench.witness.dark_reasons) == dark


@pytest.mark.parametrize("count", [1, 7])
@in_virtual_time
async def test_a_gap_is_seen_and_the_book_rebuilt(count: int) -> None:
    """Lost events end the live book at the next one, and a new book follows."""
    async with running() as bench:
        await bench.live()
        await bench.fault(FaultKind.GAP, count=count)
        await bench.until(lambda: bench.health.gaps == 1)
        await bench.live()
        assert bench.health.resyncs == 1
        assert bench.health.depth.reconnects == 0


@in_virtual_time
async def test_duplicates_change_nothing() -> None:
    """An event sent twice is applied once, and the book stays live."""
    async with running() as bench:
        await bench.live()
        await bench.fault(FaultKind.DUPLICATE, count=5)
        await bench.live(30)
        assert bench.health.resyncs == 0


@in_virtual_time
async def test_a_changed_order_is_no_order() -> None:
    """Two events that change places are never applied that way round."""
    async with running() as bench:
        await bench.live()
        await bench.fault(FaultKind.REORDER)
        await bench.until(lambda: bench.health.gaps)
        await bench.live()
        assert bench.health.resyncs >= 1


@in_virtual_time
async def test_garbage_is_counted_and_survived() -> None:
    """Frames that are no depth events are counted one by one; the book goes on."""
    async with running() as bench:
        await bench.live()
        await bench.fault(FaultKind.MALFORMED, count=3)
        await bench.live(30)
        assert bench.health.depth.malformed == 3 * 8
        assert (bench.health.resyncs, bench.health.depth.reconnects) == (0, 0)


@in_virtual_time
async def test_unknown_fields_are_no_fault() -> None:
    """An event with a field that nobody documented is an event."""
    async with running() as bench:
        await bench.live()
        await bench.fault(FaultKind.EXTRA_FIELD, count=5)
        await bench.live(30)
        assert (bench.health.resyncs, bench.health.depth.malformed) == (0, 0)


@pytest.mark.parametrize("kind", [FaultKind.CLOSE, FaultKind.ABORT])
@in_virtual_time
async def test_a_lost_depth_connection_is_the_end_of_the_book(kind: FaultKind) -> None:
    """Whether closed in form or cut, the connection is made again and the book built anew."""
    async with running() as bench:
        await bench.live()
        for _ in range(3):
            resyncs = bench.health.resyncs
            await bench.fault(kind)
            await bench.until(lambda: bench.health.resyncs > resyncs)  # noqa: B023 - awaited here
            await bench.live()
        assert bench.health.resyncs == 3
        assert bench.health.depth.reconnects == 3
        assert bench.health.depth.reconnect_causes == bench.health.resync_causes == {Cause.CLOSED: 3}
        assert bench.exchange.connections == 2


@in_virtual_time
async def test_a_lost_trade_connection_leaves_the_book_alone() -> None:
    """The trade stream comes back by itself while every update of the book stays live."""
    async with running() as bench:
        await bench.live()
        await bench.fault(FaultKind.CLOSE_TRADES)
        await bench.until(lambda: bench.health.trades.reconnects == 1)
        await bench.live()
        assert (bench.health.resyncs, bench.health.depth.reconnects) == (0, 0)
        assert bench.exchange.connections == 2


@in_virtual_time
async def test_a_silent_depth_stream_goes_stale_and_is_left() -> None:
    """An open connection that delivers nothing is not live and is given up for one that does."""
    async with running() as bench:
        await bench.live()
        await bench.fault(FaultKind.SILENCE, seconds=30)
        await bench.until(lambda: bench.witness.frame and bench.witness.frame.status is Status.STALE)
        await bench.until(lambda: bench.health.depth.reconnects >= 2)
        await bench.live()
        assert bench.exchange.connections == 2
        assert set(bench.health.depth.reconnect_causes) == {Cause.SILENT}
        assert set(bench.health.resync_causes) == {Cause.SILENT}


@in_virtual_time
async def test_a_short_silence_is_a_gap() -> None:
    """What was lost in a silence shorter than the watchdog's patience is missed at the next event."""
    async with running() as bench:
        await bench.live()
        await bench.fault(FaultKind.SILENCE, seconds=1)
        await bench.until(lambda: bench.health.gaps == 1)
        await bench.live()
        assert bench.health.depth.reconnects == 0


@in_virtual_time
async def test_a_silent_trade_stream_is_seen_and_left() -> None:
    """Health says that trades are silent, the connection is made again, and the book never stops."""
    async with running() as bench:
        await bench.live()
        await bench.fault(FaultKind.TRADE_SILENCE, seconds=60)
        await bench.until(lambda: bench.health.trades.state == "silent")
        assert bench.witness.live
        await bench.until(lambda: bench.health.trades.reconnects >= 1)
        await bench.until(lambda: bench.health.trades.state == "open")
        assert bench.health.resyncs == 0


@pytest.mark.parametrize("status", [400, 403, 418, 429, 451, 500, 503])
@in_virtual_time
async def test_refused_snapshots_are_asked_for_again(status: int) -> None:
    """After a few refusals of any kind, each shown as the reason, the book is rebuilt."""
    async with running() as bench:
        await bench.live()
        await bench.fault(FaultKind.SNAPSHOT_STATUS, count=3, status=status)
        await bench.fault(FaultKind.GAP)
        await bench.until(lambda: any(f"HTTP {status}" in why for why in bench.witness.dark_reasons))
        await bench.live()
        assert bench.health.resyncs == 1


@pytest.mark.parametrize("seconds", [2.0, 8.0])
@in_virtual_time
async def test_slow_snapshots_still_lead_to_a_true_book(seconds: float) -> None:
    """What arrives meanwhile is buffered; a reply that takes longer than the time-out is asked for again."""
    async with running() as bench:
        await bench.live()
        await bench.fault(FaultKind.SNAPSHOT_SLOW, count=2, seconds=seconds)
        await bench.fault(FaultKind.GAP)
        await bench.until(lambda: bench.health.gaps)
        await bench.live()
        assert bench.health.resyncs == 1


@in_virtual_time
async def test_a_reply_from_before_a_reset_is_not_used() -> None:
    """Gaps one after the other while slow snapshots are under way never bring a wrong book live."""
    async with running() as bench:
        await bench.live()
        await bench.fault(FaultKind.SNAPSHOT_SLOW, count=4, seconds=1.5)
        for _ in range(3):
            gaps = bench.health.gaps
            await bench.fault(FaultKind.GAP)
            await bench.until(lambda: bench.health.gaps > gaps)  # noqa: B023 - awaited here
            await bench.live(1)
        await bench.live()


@in_virtual_time
async def test_stale_snapshots_are_not_built_on() -> None:
    """Snapshots older than the first event buffered are asked for again until one fits."""
    async with running() as bench:
        await bench.live()
        before = bench.health.snapshots
        await bench.fault(FaultKind.SNAPSHOT_STALE, count=3, seconds=10)
        await bench.fault(FaultKind.GAP)
        await bench.until(lambda: bench.health.gaps)
        await bench.live()
        assert bench.health.snapshots == before + 4


@pytest.mark.parametrize("status", [403, 429, 451, 503])
@in_virtual_time
async def test_refused_handshakes_are_tried_again(status: int) -> None:
    """While the exchange refuses connections the reason names the status; afterwards all is well again."""
    async with running() as bench:
        await bench.live()
        await bench.fault(FaultKind.REFUSE, seconds=20, status=status)
        await bench.until(lambda: f"HTTP {status}" in str(bench.health.depth.reason))
        assert not bench.witness.live
        await bench.live()
        assert bench.exchange.connections == 2


@in_virtual_time
async def test_a_burst_in_a_large_queue_loses_nothing() -> None:
    """Events held back and sent at once are all applied, in order."""
    async with running() as bench:
        await bench.live()
        seen = set(bench.witness.live_ids)
        await bench.fault(FaultKind.BURST, seconds=0.9)  # after a longer silence the exchange is asked
        await bench.live(60)
        assert len(set(bench.witness.live_ids) - seen) >= 60
        assert (bench.health.bursts, bench.health.resyncs, bench.health.gaps) == (0, 0, 0)


@pytest.mark.parametrize("queue_size", [1, 2, 5])
@in_virtual_time
async def test_an_overflow_is_counted_and_never_bridged(queue_size: int) -> None:
    """A queue too small for a burst drops its oldest, says how many, and the book is rebuilt, not patched."""
    async with running(queue_size=queue_size) as bench:
        await bench.live()
        dropped = bench.health.depth.dropped_in_bursts
        await bench.fault(FaultKind.BURST, seconds=3)
        await bench.until(lambda: bench.health.depth.dropped_in_bursts > dropped)
        await bench.live()
        assert bench.health.bursts >= 1
        assert bench.health.resyncs >= 1
        assert any("dropped" in why for why in bench.witness.dark_reasons)


@in_virtual_time
async def test_an_exchange_that_comes_back_with_another_counter_is_followed() -> None:
    """The exchange goes away and another with other ids takes its place: the book follows the new one."""
    clock = virtual_clock()
    async with running() as bench:
        await bench.live()
        port = bench.exchange.port
        await bench.exchange.close()
        await bench.until(lambda: bench.health.depth.state == "down")
        await asyncio.sleep(60)
        assert not bench.witness.live
        second = SimulatedExchange([SYMBOL], seed=99, clock=clock.wall)
        bench.witness.follow(second)
        await second.start(port=port)
        try:
            await bench.live()
        finally:
            await second.close()


@pytest.mark.parametrize("seed", range(4))
@in_virtual_time
async def test_any_row_of_faults_ends_in_a_true_book(seed: int) -> None:
    """Faults drawn at random, several at a time, never make a wrong frame live, and pass."""
    random = Random(1_000 + seed)  # noqa: S311 - no cryptography
    async with running(seed=seed, queue_size=random.choice([5, 20, 1_000]), audit_interval=3.0) as bench:
        await bench.live(5)
        for _ in range(25):
            kind = random.choice(list(FaultKind))
            # A handshake refused as of too many is not tried again for long.
            status = random.choice([451, 503] if kind is FaultKind.REFUSE else [418, 429, 451, 503])
            await bench.fault(kind, count=random.randint(1, 3), seconds=random.uniform(0.2, 4), status=status)
            await asyncio.sleep(random.uniform(0, 2))
        await bench.live(30)
        assert bench.health.audits.mismatches == 0
        await bench.until(lambda: bench.exchange.connections == 2)
