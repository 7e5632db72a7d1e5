"""One symbol's way in: both streams, the queues behind them, and the snapshots that the book asks for."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import aiohttp

from data_ingestion.causes import cause_of
from data_ingestion.clock import Clock
from data_ingestion.errors import Action, ExchangeError, MalformedMessage, StreamSilent, classify
from data_ingestion.exchange_clock import ExchangeClock
from data_ingestion.messages import AggTrade, DepthUpdate, Snapshot, decode_agg_trade, decode_depth_update
from data_ingestion.newest_queue import NewestQueue
from data_ingestion.pacing.backoff import Backoff
from data_ingestion.pacing.latency import LatencyMeter
from data_ingestion.pacing.request_budget import RequestBudget
from data_ingestion.quiet_log import QuietLog
from data_ingestion.settings import ExchangeUrls, IngestionSettings
from data_ingestion.sink import MarketDataSink, SnapshotRequest, Stream, StreamState
from data_ingestion.snapshot_loader import SNAPSHOT_WEIGHT, SnapshotLoader
from data_ingestion.websocket_client import StreamClient

log = logging.getLogger(__name__)

SNAPSHOT_BURST: Final = 10  # snapshots that may follow one another at once
BURST_WEIGHT: Final = SNAPSHOT_BURST * SNAPSHOT_WEIGHT
MALFORMED_LOG_INTERVAL: Final = 10.0  # seconds
WATCH_EVERY: Final = 0.1  # seconds
CONFIRMATION_LEVELS: Final = 50  # a side
CONFIRMATION_WEIGHT: Final = 2
BATCH: Final = 50  # messages applied before other tasks get their turn

M = TypeVar("M", AggTrade, DepthUpdate)
Arrival = tuple[M, float, float]
"""A message with its times of arrival by the exchange's and by the steady clock, ms."""


class _Inbox(Generic[M]):
    """One stream's `StreamListener`: tells the sink of the connection, queues the messages."""

    def __init__(
        self,
        stream: Stream,
        sink: MarketDataSink,
        queue_size: int,
        budget: RequestBudget,
        clock: Clock,
        exchange_clock: ExchangeClock,
    ) -> None:
        self.queue: NewestQueue[Arrival[M]] = NewestQueue(queue_size)
        self._stream = stream
        self._sink = sink
        self._budget = budget
        self._clock = clock
        self._exchange_clock = exchange_clock
        self.heard = False  # whether anything has come on this connection
        self._since = 0.0  # steady seconds, of the last sign of life
        self._malformed = 0
        self._malformed_logged = float("-inf")
        self._quiet_log = QuietLog(log, clock)

    def connecting(self) -> None:
        log.debug("%s stream: connecting", self._stream.value)
        self._sink.on_stream(self._stream, StreamState.CONNECTING, self._clock.steady_ms())

    def quiet(self, now: float) -> float:
        """Return the seconds since the last message, or since the connection was made."""
        return now - self._since

    def on_confirmed(self) -> None:
        self._since = self._clock.steady()

    def opened(self) -> None:
        log.debug("%s stream: connected", self._stream.value)
        self.heard, self._since = False, self._clock.steady()
        self._sink.on_stream(self._stream, StreamState.OPEN, self._clock.steady_ms())

    def received(self, message: M) -> None:
        wall_ms = self._exchange_clock.arrival_ms(message.event_time)
        if not self.heard:
            log.debug("%s stream: the first message is %s", self._stream.value, _ids(message))
        self.heard, self._since = True, self._clock.steady()
        self.queue.put((message, wall_ms, self._clock.steady_ms()))

    def malformed(self, error: MalformedMessage) -> None:
        self._sink.on_malformed(self._stream)
        self._malformed += 1
        now = self._clock.steady()
        if now - self._malformed_logged >= MALFORMED_LOG_INTERVAL:
            log.warning(
                "%d on the %s stream so far, the last one: %s", self._malformed, self._stream.value, error
            )
            self._malformed_logged = now

    def lost(self, error: ExchangeError) -> None:
        self._budget.obey(self._clock.steady(), error)  # the exchange counts by address
        self.queue.clear()  # what a broken connection left behind must not meet the next one's book
        self._sink.on_stream(
            self._stream, StreamState.DOWN, self._clock.steady_ms(), str(error), cause_of(error)
        )
        self._quiet_log.write(logging.WARNING, str(error))


@dataclass(frozen=True, slots=True)
class Resources:
    """What ingestion shares with others, or tests replace. The session stays the caller's to close."""

    session: aiohttp.ClientSession
    budget: RequestBudget  # the share of the exchange's request weight that this symbol may use
    applied: LatencyMeter  # of each depth event, from the exchange's event time to when the sink has it
    random: Callable[[], float]  # 0 to 1
    clock: Clock
    exchange_clock: ExchangeClock


class Ingestor:
    """Runs one symbol's streams and snapshots into `sink`."""

    def __init__(
        self,
        sink: MarketDataSink,
        symbol: str,
        urls: ExchangeUrls,
        settings: IngestionSettings,
        resources: Resources,
    ) -> None:
        budget, random, clock, exchange_clock = (
            resources.budget,
            resources.random,
            resources.clock,
            resources.exchange_clock,
        )
        self._sink = sink
        self._quiet_log = QuietLog(log, clock)
        self._loader = SnapshotLoader(resources.session, urls.rest, symbol, timeout=settings.answer_timeout)
        self._depth_silence = settings.depth_silence
        self._clock = clock
        self._exchange_clock = exchange_clock
        self._applied = resources.applied
        self._depth = _Inbox[DepthUpdate](
            Stream.DEPTH, sink, settings.queue_size, budget, clock, exchange_clock
        )
        self._trades = _Inbox[AggTrade](
            Stream.TRADES, sink, settings.queue_size, budget, clock, exchange_clock
        )
        name = symbol.lower()
        self._depth_client = StreamClient(
            "depth",
            f"{urls.public_ws.rstrip('/')}/ws/{name}@depth@100ms",
            decode_depth_update,
            self._depth,
            silence=settings.depth_silence,
            backoff=Backoff(random),
            clock=clock,
        )
        self._trade_client = StreamClient(
            "trade",
            f"{urls.market_ws.rstrip('/')}/ws/{name}@aggTrade",
            decode_agg_trade,
            self._trades,
            silence=settings.trade_silence,
            backoff=Backoff(random),
            clock=clock,
        )
        # Any success ends the row of failures: how often a snapshot may be had is the rate limit's business.
        self._snapshot_backoff = Backoff(random, base=0.1, cap=1.0, stable=0)
        # An answer that does not do may do in a moment; one that never does is asked for ever more rarely.
        self._misfit_backoff = Backoff(random, base=0.1, cap=30.0, stable=0)
        self._not_before = 0.0  # steady seconds, by our own backoff
        self._budget = budget
        self._fetching: tuple[SnapshotRequest, asyncio.Task[None]] | None = None
        self._known = False  # the symbol, to the exchange: what it has shown once may come back

    async def run(self) -> None:
        """Run until cancelled. Raises `ExchangeError` (in a group) where no retry can help."""
        async with asyncio.TaskGroup() as tasks:
            for task in (
                self._depth_client.run(),
                self._trade_client.run(),
                self._pump_depth(tasks),
                self._pump_trades(),
                self._watch_the_quiet(),
            ):
                tasks.create_task(task)

    async def _pump_depth(self, tasks: asyncio.TaskGroup) -> None:
        sink, queue = self._sink, self._depth.queue
        while True:
            for _ in range(BATCH):
                event, wall_ms, steady_ms = await queue.get()
                if dropped := queue.drain_dropped():
                    sink.on_overflow(Stream.DEPTH, dropped)
                sink.on_depth(event, wall_ms, steady_ms)
                self._applied.add(self._exchange_clock.now_ms() - event.event_time)
                self._tend_snapshot(tasks)
                self._log_notices()
                if self._fetching is not None:
                    log.debug("while a snapshot is on its way: event %s", _ids(event))
            await asyncio.sleep(0)

    async def _pump_trades(self) -> None:
        sink, queue = self._sink, self._trades.queue
        while True:
            for _ in range(BATCH):
                trade, _, steady_ms = await queue.get()
                if dropped := queue.drain_dropped():
                    sink.on_overflow(Stream.TRADES, dropped)
                sink.on_trade(trade, steady_ms)
            await asyncio.sleep(0)

    async def _watch_the_quiet(self) -> None:
        """Tell the sink that time passes, and get it the small snapshots that it wants of a quiet market."""
        clock, sink = self._clock, self._sink
        while True:
            await asyncio.sleep(WATCH_EVERY)
            if sink.watch(clock.steady_ms(), self._exchange_clock.now_ms()):
                self._depth_client.fail(StreamSilent("depth", self._depth.quiet(clock.steady())))
            elif sink.confirmation_request is not None:
                await self._confirm(sink.confirmation_request)
            elif self._depth.quiet(clock.steady()) >= self._depth_silence / 2 and not self._depth.heard:
                await self._confirm_nothing_happened()

    async def _small_snapshot(self) -> Snapshot | None:
        """Return the exchange's best levels, or None where it cannot be asked now or does not answer."""
        clock, budget = self._clock, self._budget
        if budget.wait(clock.steady(), CONFIRMATION_WEIGHT) > 0:
            return None
        budget.spend(clock.steady(), CONFIRMATION_WEIGHT)
        try:
            snapshot = await self._loader.fetch(CONFIRMATION_LEVELS)
        except ExchangeError as error:
            budget.obey(clock.steady(), error)
            self._quiet_log.write(logging.WARNING, f"to confirm a quiet book: {error}")
            return None
        budget.answered()
        return snapshot

    async def _confirm(self, request: SnapshotRequest) -> None:
        sent_ms, wall_ms = self._clock.steady_ms(), self._exchange_clock.now_ms()
        snapshot = await self._small_snapshot()
        if snapshot is not None and self._sink.on_confirmation(request, snapshot, sent_ms, wall_ms):
            self._depth_client.on_confirmed()

    async def _confirm_nothing_happened(self) -> None:
        """Keep a connection that has brought nothing yet, if two small snapshots say that nothing was to."""
        first = await self._small_snapshot()
        await asyncio.sleep(self._depth_silence / 4)
        second = await self._small_snapshot()
        same = first is not None and second is not None and first.last_update_id == second.last_update_id
        if same and not self._depth.heard:
            self._depth.on_confirmed()
            self._depth_client.on_confirmed()

    def _tend_snapshot(self, tasks: asyncio.TaskGroup) -> None:
        """Have one fetch under way where the sink wants a snapshot, and none for a request that is gone."""
        wanted = self._sink.snapshot_request
        if self._fetching is not None:
            request, task = self._fetching
            if task.done() or request != wanted:
                task.cancel()
                self._fetching = None
        if wanted is not None and self._fetching is None:
            self._fetching = wanted, tasks.create_task(self._fetch(wanted))

    async def _fetch(self, request: SnapshotRequest) -> None:
        """Fetch until `request` is answered or gone; whether the answer does is the sink's to say."""
        clock, sink, backoff, budget = self._clock, self._sink, self._snapshot_backoff, self._budget
        while True:
            await asyncio.sleep(self._not_before - clock.steady())
            if (held := budget.held(clock.steady())) > 1:
                sink.on_snapshot_failed(request, f"the exchange wants no request from here for {held:.0f} s")
                self._log_notices()
            while (wait := budget.wait(clock.steady(), SNAPSHOT_WEIGHT)) > 0:  # noqa: ASYNC110 - time alone
                await asyncio.sleep(wait)  # others use the budget too: it may have changed meanwhile
            gone = sink.snapshot_request != request
            if gone:
                return  # no depth event came to cancel this: the stream is down
            budget.spend(
                clock.steady(), SNAPSHOT_WEIGHT
            )  # only now: a wait that was cancelled costs the next one nothing
            log.debug("snapshot %d of epoch %d: asked for", request.number, request.epoch)
            try:
                snapshot = await self._loader.fetch()
            except ExchangeError as error:
                if classify(error) is Action.GIVE_UP and not self._known:
                    raise
                now = clock.steady()
                budget.obey(now, error)
                self._not_before = now + backoff.failed(now)
                log.debug("snapshot %d: %s; again in %.1f s", request.number, error, self._not_before - now)
                sink.on_snapshot_failed(request, str(error))
                self._log_notices()
            else:
                self._known = True
                budget.answered()
                now = clock.steady()
                log.debug(
                    "snapshot %d: lastUpdateId %d, %d bids and %d asks",
                    *(request.number, snapshot.last_update_id, len(snapshot.bids), len(snapshot.asks)),
                )
                sink.on_snapshot(request, snapshot, now * 1000)
                backoff.worked(now)
                if sink.snapshot_request is None:
                    self._misfit_backoff.worked(now)
                else:  # too old: the next one is asked for with the next event, and not at once
                    self._not_before = now + self._misfit_backoff.failed(now)
                    log.debug("snapshot %d: is older than the buffered events; another", request.number)
                self._log_notices()
                return

    def _log_notices(self) -> None:
        for notice in self._sink.drain_notices():
            self._quiet_log.write(logging.WARNING if notice.warning else logging.INFO, notice.text)


def _ids(message: AggTrade | DepthUpdate) -> str:
    """Return the ids by which a message follows another."""
    if isinstance(message, AggTrade):
        return f"a {message.trade_id}"
    return f"U {message.first_update_id}, u {message.final_update_id}, pu {message.previous_final_update_id}"
