"""One symbol's layers tied together, without I/O: typed messages in, frames out.

The same calls in the same order with the same times give the same frames, to the byte. Two clocks are
passed in: `wall_ms`, ms since the epoch by the exchange's clock as far as it is known, for latency;
`steady_ms`, any monotonic milliseconds, for how long something has lasted.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

from data_ingestion.causes import Cause
from data_ingestion.messages import AggTrade, DepthUpdate, Snapshot
from data_ingestion.pacing.clock_offset import ClockOffset
from data_ingestion.sink import Notice, SnapshotRequest, Stream, StreamState, SymbolInfo
from features.basic_metrics import ten_level_volumes
from features.detectors.detection import Detection
from features.level_ofi import LevelOrderFlow
from features.liquidity_detection import LiquidityDetection
from features.ofi import OrderFlowImbalance
from features.trade_flow import TradeFlow
from features.trade_sequence import TradeSequence
from features.trade_summary import TradeSummary
from features.trade_verdicts import TradeGap, TradeVerdict
from orderbook.book_keeper import Applied, Audited, Began, BookKeeper, Grew, Lost, Result
from orderbook.book_state import TopOfBook
from orderbook.ladders import UNITS_PER_USDT, ladders, tick_of
from orderbook.phases import Phase
from orderbook.synchronizer import LocalBook
from state.engine_settings import EngineSettings
from state.frames import (
    Flow,
    Frame,
    Market,
    Status,
    WindowRow,
    live_frame,
    missing_row,
    not_live_frame,
    row_of,
)
from state.freshness import Freshness
from state.health import EngineHealth, StreamMonitor
from state.liveness import book_status, with_listing
from state.rolling_buffer import RollingBuffer
from state.updates import EncodedNews, Recorder

__all__ = ["Engine", "EngineSettings"]

_NOTICES: Final = 100


class Engine:
    """Book, features and rolling window of one symbol.

    The shell calls the `on_` methods as things happen, fetches a snapshot whenever `snapshot_request`
    is set, and calls `close_second` once a second. `market` is what is known to be exact after the latest
    update, or None.
    """

    def __init__(self, symbol: str, source: str, settings: EngineSettings | None = None) -> None:
        self.symbol = symbol
        self.source = source
        self.settings = settings or EngineSettings()
        self.health = EngineHealth()
        self.window: RollingBuffer[WindowRow] = RollingBuffer(missing_row)
        self._keeper = BookKeeper(self.settings.book)
        self.market: Market | None = None
        self._tick = 0
        self._listed: SymbolInfo | None = None  # as the exchange said last
        self.wants_symbol_info = True
        self._freshness = Freshness()
        self._exchange_time = 0
        self._ofi = OrderFlowImbalance()
        self._level_flow = LevelOrderFlow()
        self._trades = TradeFlow()
        self._recorder = Recorder()
        self._trade_sequence = TradeSequence()
        self._trades_missed = True  # in the second that runs; of the first one nobody knows
        self._trades_unproven = False  # some may be missing: the next trade's id will tell
        self._detection = LiquidityDetection(self.settings.detectors)
        self._notices: deque[Notice] = deque(maxlen=_NOTICES)

    @property
    def phase(self) -> Phase:
        """How far the book is."""
        return self._keeper.phase

    @property
    def snapshot_request(self) -> SnapshotRequest | None:
        """The snapshot that is to be fetched, or None."""
        return self._keeper.snapshot_request

    @property
    def confirmation_request(self) -> SnapshotRequest | None:
        """The small snapshot that is to be fetched, to confirm a quiet book, or None."""
        return self._keeper.confirmation.request

    # --- what happens ---------------------------------------------------------------------------------

    def on_stream(
        self,
        stream: Stream,
        state: StreamState,
        steady_ms: float,
        reason: str | None = None,
        cause: Cause | None = None,
    ) -> None:
        """Note what a stream's connection does. The depth stream's end is the end of the book."""
        self._monitor(stream).move(state, steady_ms, reason, cause)
        if stream is Stream.TRADES:
            self._doubt_trades()
        if stream is Stream.DEPTH and state is StreamState.DOWN:
            self._follow(self._keeper.disconnect(cause or Cause.CLOSED, reason or "the depth stream ended"))
        elif stream is Stream.DEPTH and state is StreamState.OPEN:
            self._follow(self._keeper.connect())

    def on_malformed(self, stream: Stream) -> None:
        """Count a message that was not what the exchange documents."""
        self._monitor(stream).malformed += 1
        if stream is Stream.TRADES:
            self._doubt_trades()

    def on_overflow(self, stream: Stream, dropped: int) -> None:
        """Note that the queue in front of this engine was full and its `dropped` oldest messages are gone."""
        self.health.bursts += 1
        self._monitor(stream).dropped += dropped
        text = f"burst: {dropped} {stream.value} messages dropped because the queue was full"
        self._notice(text)
        if stream is Stream.TRADES:
            self._doubt_trades()
        else:
            self._follow(self._keeper.miss(Cause.OVERFLOW, text))

    def on_depth(self, event: DepthUpdate, wall_ms: float, steady_ms: float) -> None:
        """Take a depth event that arrived at these times. O(k log n) for k changed levels."""
        if self._keeper.phase is Phase.DISCONNECTED:
            return
        if event.symbol != self.symbol:
            self.on_malformed(Stream.DEPTH)
            return
        self.health.depth.heard(steady_ms)
        self.health.meter.add(steady_ms, wall_ms - event.event_time)
        results = self._keeper.apply(event, steady_ms)
        if results is None:
            return  # no sign that the book still follows
        self._freshness.on_proof(event.event_time, wall_ms, steady_ms)
        self._exchange_time = event.transaction_time
        self._follow(results)

    def on_trade(self, trade: AggTrade, steady_ms: float) -> None:
        """Take an aggregate trade. One that was told before is counted and adds nothing."""
        if trade.symbol != self.symbol:
            self.on_malformed(Stream.TRADES)
            return
        trades, verdict = self.health.trades, self._trade_sequence.check(trade)
        if verdict is TradeVerdict.DUPLICATE:
            trades.duplicates += 1
            return
        trades.heard(steady_ms)
        if self._freshness.event_time - trade.event_time > self.settings.stale_after_ms:
            self._trades_missed = True  # they lag behind the book: those of this second are still to come
        if verdict is not TradeVerdict.NEXT:
            if isinstance(verdict, TradeGap):
                trades.missed(verdict.missing, steady_ms)
                self._notice(str(verdict))
            self._trades_missed = True
            self._detection.on_trades_missed()
        elif self._trades_unproven:
            self._detection.on_trades_proven(trade)
        self._trades_unproven = False
        self._trades.add(trade)
        self._recorder.add_trade(trade)
        self._detection.on_trade(trade)

    def on_snapshot(self, request: SnapshotRequest, snapshot: Snapshot, steady_ms: float) -> None:
        """Take the answer to `request`; one asked for before the latest reset is dropped. O(n log n)."""
        if not self._keeper.expects(request):
            return
        self.health.snapshots += 1
        if self._listed is None or self._listed.tick_size is None:
            self._use_tick(tick_of(snapshot, self._tick))
        self._follow(self._keeper.offer(snapshot, steady_ms))

    def on_snapshot_failed(self, request: SnapshotRequest, reason: str) -> None:
        """Note that a fetch failed and will be tried again; `reason` is shown while the book waits for it."""
        self._keeper.on_snapshot_failed(request, reason)
        self._notice(f"snapshot: {reason}")

    def watch(self, steady_ms: float, wall_ms: float) -> bool:
        """Hear that time passes: a quiet book is to be confirmed. Constant time.

        Returns whether the depth stream has failed: the exchange showed another book, and no event came
        for it.
        """
        quiet = self._freshness.quiet_ms(steady_ms, wall_ms)
        return self._keeper.watch(steady_ms, is_quiet=quiet >= self.settings.stale_after_ms / 2)

    def on_confirmation(
        self, request: SnapshotRequest, snapshot: Snapshot, sent_ms: float, wall_ms: float
    ) -> bool:
        """Take the answer to a `confirmation_request` that was sent at these times. O(levels of the book).

        Returns whether it confirms the book. One that disagrees may have overtaken an event on its way.
        """
        newer = snapshot.event_time > self._freshness.event_time
        confirmed = self._keeper.confirm(request, snapshot, sent_ms, is_newer=newer)
        if confirmed:
            self._freshness.on_proof(min(snapshot.event_time, wall_ms), wall_ms, sent_ms)
        return confirmed

    def on_symbol_info(self, info: SymbolInfo) -> None:
        """Take what the exchange lists of the symbol."""
        self.wants_symbol_info = False
        if self._listed is not None and self._listed.status != info.status:
            self._notice(f"the exchange lists {self.symbol} as {info.status or 'nothing any more'}")
        self._listed = info
        if info.tick_size is not None:
            self._use_tick(round(info.tick_size * UNITS_PER_USDT))

    # --- what comes out -------------------------------------------------------------------------------

    def close_second(
        self,
        timestamp: int,
        steady_ms: float,
        clock_offset: ClockOffset | None = None,
        wall_ms: float | None = None,
    ) -> tuple[Frame, WindowRow]:
        """End the second at `timestamp` (ms since the epoch, multiple of 1000); return its frame and row.

        `wall_ms` is the exchange's clock at this instant, as far as it is known.
        """
        health = self.health
        health.depth.watch(steady_ms, self.settings.stale_after_ms)
        health.trades.watch(steady_ms, self.settings.trade_silent_after_ms)
        uncertainty_ms = 0.0 if clock_offset is None else clock_offset.uncertainty_ms
        status, reason = self.status(steady_ms, wall_ms, uncertainty_ms)
        self._sum_flow()
        flow = Flow(self._ofi.drain(), self._level_flow.drain())
        trades, detections = self._drain_trades(), self._drain_detections()
        book, market = self._keeper.book, self.market
        covered = book.state.depth() if book is not None else None
        state = health.read(
            steady_ms,
            covered,
            self._detection.counts,
            self._detection.late,
            clock_offset=clock_offset,
            lag_ms=self._freshness.lag_ms(steady_ms, wall_ms) if self._freshness.known else None,
            thin=self._keeper.is_thin(),
        )
        if status is Status.LIVE and book is not None and market is not None:
            known = self._keeper.confirmation.confirmed
            frame = live_frame(
                self.symbol,
                self.source,
                timestamp,
                market,
                flow,
                trades,
                state,
                detections,
                unchanged_since=None if known is None else market.exchange_time,
                tick_size=self._tick / UNITS_PER_USDT or None,
            )
            shown = None if known is None else (known.low, known.high)
            grouped = ladders(book.state, self._tick, known=shown)
            chunk = self._recorder.close(timestamp, book, market.exchange_time)
            row = WindowRow(row_of(frame), grouped, chunk)
        else:
            frame = not_live_frame(self.symbol, self.source, timestamp, status, reason, state, detections)
            chunk = self._recorder.close_not_live(None if market is None else book, self._exchange_time)
            row = WindowRow(row_of(frame), None, chunk)
        self.window.append(row)
        return frame, row

    def resend_book(self) -> None:
        """Send the whole book again with one of the next two seconds: a second was lost on its way."""
        self._recorder.resend_book()

    def known_range(self) -> tuple[float, float] | None:
        """Return the prices between which every level is known just now, or None. Constant time.

        Of a quiet book that a small snapshot confirms only what that showed is known to be still so.
        """
        book, known = self._keeper.book, self._keeper.confirmation.confirmed
        if book is None or self.market is None:
            return None
        low, high = book.state.low, book.state.high
        return (low, high) if known is None else (max(low, known.low), min(high, known.high))

    def restart_news(self) -> None:
        """Begin the next news with a whole book: a new listener knows none."""
        self._recorder.restart_news()

    def drain_news(self) -> EncodedNews:
        """Return what leads one who heard all news so far to `market`; nothing where there is none."""
        book, market = self._keeper.book, self.market
        if book is None or market is None:
            return EncodedNews()
        return self._recorder.drain_news(book, market.exchange_time)

    def drain_notices(self) -> list[Notice]:
        """Return what has been noted since the last call."""
        notices = list(self._notices)
        self._notices.clear()
        return notices

    def status(
        self, steady_ms: float, wall_ms: float | None = None, uncertainty_ms: float = 0.0
    ) -> tuple[Status, str]:
        """Return what the book is at this instant, and why where it is not live. Constant time.

        A symbol that does not trade says so, for as long as its book is not live.

        `wall_ms` is the exchange's clock now, known to `uncertainty_ms`; without it the steady one counts.
        """
        status, reason = book_status(
            self._freshness,
            self.health.depth,
            self._keeper.trouble(),
            stale_after_ms=self.settings.stale_after_ms,
            steady_ms=steady_ms,
            wall_ms=wall_ms,
            uncertainty_ms=uncertainty_ms,
        )
        return status, reason if status is Status.LIVE else with_listing(reason, self._listed)

    def _drain_detections(self) -> list[Detection]:
        if not self.health.trades.delivers:
            self._doubt_trades()
        return self._detection.drain()

    def _doubt_trades(self) -> None:
        """Note that trades may be missing; the next one's id will tell."""
        self._trades_unproven = True
        self._detection.on_trades_doubted()

    def _drain_trades(self) -> TradeSummary | None:
        summary = self._trades.drain()
        missed, self._trades_missed = self._trades_missed, False
        if missed or self._trades_unproven or not self.health.trades.delivers:
            return None  # part of the second's trades may be missing
        return summary

    # --- the book -------------------------------------------------------------------------------------

    def _follow(self, results: Iterable[Result]) -> None:
        """Tell the other layers what came of the book, in order."""
        for result in results:
            if isinstance(result, Applied):
                self._recorder.add(result.book, result.event)
                self._see(result.book, result.top)
            elif isinstance(result, Grew):
                if self.market is not None:
                    self._recorder.grow(result.book, self._exchange_time, result.bids, result.asks)
                self._see(result.book, result.top)
            elif isinstance(result, Began):
                self._restart_flow()
                self._see(result.book, result.top)
                self.wants_symbol_info = True
            elif isinstance(result, Lost):
                self._lose(result)
            elif isinstance(result, Audited):
                self.health.audits += 1
                self.health.levels_compared += result.compared
                self.health.mismatches += result.mismatches
            else:
                self._notices.append(result)

    def _see(self, book: LocalBook, top: TopOfBook | None) -> None:
        """Take what can be shown of the book now."""
        if top is None:
            self._lose_market()
            return
        if self.market is None:
            self._recorder.begin(book, self._exchange_time)
            self._ofi.update(*ten_level_volumes(top))
        self._level_flow.update(top)
        known, self.market = self.market, Market(book.last_update_id, self._exchange_time, top)
        if known is None or known.last_update_id != book.last_update_id:  # a second book's first is no news
            self._detection.on_book(self._exchange_time, book.last_update_id, top)

    def _lose(self, lost: Lost) -> None:
        self.health.gaps += lost.cause is Cause.GAP
        if lost.had_book:
            self.health.resyncs += 1
            self.health.resync_causes[lost.cause] += 1
        self._lose_market()

    def _lose_market(self) -> None:
        self._sum_flow()
        self.market = None
        self._recorder.lose()
        self._restart_flow()
        self._detection.restart()

    def _sum_flow(self) -> None:
        """Bring the flow of volumes up to the present; it telescopes, so no update before is missed by it."""
        if self.market is not None:
            self._ofi.update(*ten_level_volumes(self.market.top))

    def _restart_flow(self) -> None:
        self._ofi.restart()
        self._level_flow.restart()

    def _use_tick(self, tick: int) -> None:
        self._tick = tick
        self._detection.tick = tick / UNITS_PER_USDT

    def _monitor(self, stream: Stream) -> StreamMonitor:
        return self.health.depth if stream is Stream.DEPTH else self.health.trades

    def _notice(self, text: str) -> None:
        self._notices.append(Notice(warning=True, text=text))
