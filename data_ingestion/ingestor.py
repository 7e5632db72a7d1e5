"""One symbol's way in: both streams, the queues behind them, and the snapshots that the book asks for."""

import asyncio
import logging
from typing import Final

from data_ingestion.errors import Action, ExchangeError, StreamSilent, classify
from data_ingestion.inbox import Inbox, ids_of
from data_ingestion.messages import AggTrade, DepthUpdate, Snapshot, decode_agg_trade, decode_depth_update
from data_ingestion.pacing.backoff import Backoff
from data_ingestion.quiet_log import QuietLog
from data_ingestion.resources import Resources
from data_ingestion.settings import ExchangeUrls, IngestionSettings
from data_ingestion.sink import MarketDataSink, SnapshotRequest, Stream
from data_ingestion.snapshot_loader import SNAPSHOT_WEIGHT, SnapshotLoader
from data_ingestion.websocket_client import StreamClient

log = logging.getLogger(__name__)

SNAPSHOT_BURST: Final = 10  # snapshots that may follow one another at once
BURST_WEIGHT: Final = SNAPSHOT_BURST * SNAPSHOT_WEIGHT
WATCH_EVERY: Final = 0.1  # seconds
CONFIRMATION_LEVELS: Final = 50  # a side
CONFIRMATION_WEIGHT: Final = 2
BATCH: Final = 50  # messages applied before other tasks get their turn


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
        random, clock = resources.random, resources.clock
        self._sink = sink
        self._quiet_log = QuietLog(log, clock)
        self._loader = SnapshotLoader(resources.session, urls.rest, symbol, timeout=settings.answer_timeout)
        self._depth_silence = settings.depth_silence
        self._clock = clock
        self._exchange_clock = resources.exchange_clock
        self._applied = resources.applied
        self._depth = Inbox[DepthUpdate](Stream.DEPTH, sink, settings.queue_size, resources)
        self._trades = Inbox[AggTrade](Stream.TRADES, sink, settings.queue_size, resources)
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
        self._budget = resources.budget
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
                    log.debug("while a snapshot is on its way: event %s", ids_of(event))
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
