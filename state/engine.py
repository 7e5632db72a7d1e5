"""One symbol's layers tied together, without I/O: typed messages in, frames out.

The same calls in the same order with the same times give the same frames, to the byte. Two clocks are
passed in: `wall_ms`, ms since the epoch by the exchange's clock as far as it is known, for latency;
`steady_ms`, any monotonic milliseconds, for how long something has lasted.
"""

import enum
from collections import deque
from typing import Final

import msgspec

from data_ingestion.causes import Cause
from data_ingestion.clock_offset import ClockOffset
from data_ingestion.messages import AggTrade, DepthUpdate, Snapshot
from data_ingestion.sink import Notice, SnapshotRequest, Stream, StreamState, SymbolInfo
from features.basic_metrics import basic_metrics
from features.detectors.detection import Detection
from features.detectors.settings import DetectorSettings
from features.liquidity_detection import LiquidityDetection
from features.ofi import OrderFlowImbalance
from features.trade_flow import TradeFlow, TradeSummary
from features.trade_sequence import TradeGap, TradeSequence, TradeVerdict
from orderbook.book_state import TOP_LEVELS
from orderbook.confirmation import Agreement, ConfirmedRange, agreement, confirmed_range
from orderbook.ladders import UNITS_PER_USDT, ladders, tick_of
from orderbook.patience import Patience
from orderbook.sequence_validator import Gap, Verdict
from orderbook.synchronizer import LocalBook, Outcome, Progress, Synchronizer, too_few
from state.frames import (
    Frame,
    Market,
    Status,
    WindowRow,
    dark_frame,
    live_frame,
    missing_row,
    row_of,
)
from state.freshness import Freshness
from state.health import EngineHealth, StreamMonitor
from state.rolling_buffer import RollingBuffer
from state.updates import Recorder

_NOTICES: Final = 100
_URGENT_REFRESH_MS: Final = 250
_ON_ITS_WAY_MS: Final = 400
"""For so long an event may still come that a small snapshot knew of already."""
_TRADING: Final = "TRADING"
_DRIFT_SHARE: Final = 0.25
"""Share of the newest snapshot's half width by which the mid may move before a new one is fetched."""
_CALM_MS: Final = 10_000
"""Without a corrupt book for so long the next one is rebuilt at once."""


class EngineSettings(msgspec.Struct, frozen=True):
    """What an engine can be told."""

    stale_after_ms: float = 2_000  # without a depth event, before frames say stale
    trade_silent_after_ms: float = 5_000  # without a trade, before the trade stream counts as silent
    book_levels: int = 5_000  # most levels held a side
    coverage_margin: int = 200  # levels left a side below which a new snapshot is fetched
    refresh_interval_ms: float = 1_000  # between two such snapshots, at least
    audit_interval_ms: float = 180_000  # between two snapshots taken anyway, at most
    detectors: DetectorSettings = DetectorSettings()


class Phase(enum.Enum):
    """How far the book is."""

    DISCONNECTED = "the depth stream is not connected"
    BUFFERING = "waiting for the first depth event"
    FETCHING = "waiting for a snapshot"
    BRIDGING = "waiting for the depth event that spans the snapshot"
    SYNCED = "in step with the exchange"


PHASE_STEPS: Final[dict[Phase, frozenset[Phase]]] = {
    Phase.DISCONNECTED: frozenset({Phase.BUFFERING}),
    Phase.BUFFERING: frozenset({Phase.FETCHING, Phase.BUFFERING, Phase.DISCONNECTED}),
    Phase.FETCHING: frozenset(
        {Phase.FETCHING, Phase.BRIDGING, Phase.SYNCED, Phase.BUFFERING, Phase.DISCONNECTED}
    ),
    Phase.BRIDGING: frozenset(
        {Phase.BRIDGING, Phase.FETCHING, Phase.SYNCED, Phase.BUFFERING, Phase.DISCONNECTED}
    ),
    Phase.SYNCED: frozenset({Phase.FETCHING, Phase.BUFFERING, Phase.DISCONNECTED}),
}
"""Which phases may follow each one."""

_PHASE_OF: Final = {
    Progress.NEEDS_SNAPSHOT: Phase.FETCHING,
    Progress.NEEDS_EVENT: Phase.BRIDGING,
    Progress.DONE: Phase.SYNCED,
}


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
        self.phase = Phase.DISCONNECTED
        self.snapshot_request: SnapshotRequest | None = None
        self.health = EngineHealth()
        self.window: RollingBuffer[WindowRow] = RollingBuffer(missing_row)
        self._epoch = 0
        self._requests = 0
        self._building = self._synchronizer()
        self._book: LocalBook | None = None
        self._candidate: Synchronizer | None = None
        self.market: Market | None = None
        self._thin = (0, 0)
        self._refreshed = 0.0
        self._drifted_below, self._drifted_above = (
            0.0,
            float("inf"),
        )  # mids that the newest snapshot is far from
        self._few_levels = False  # the newest snapshot shows fewer than ten a side
        self._useless = Patience()  # with snapshots that no book can be shown of
        self._corrupt = Patience()  # with books that end up corrupt
        self._tick = 0
        self._listed: SymbolInfo | None = None  # as the exchange said last
        self.wants_symbol_info = True
        self.confirmation_request: SnapshotRequest | None = None
        self.confirmed: ConfirmedRange | None = (
            None  # what is known of a book that a small snapshot confirmed
        )
        self._unconfirmed = Patience()  # with small snapshots that say nothing
        self._disagrees = False  # one shows another book, and no event has come since
        self._disagreed_at: float | None = None  # steady ms
        self._freshness = Freshness()
        self._exchange_time = 0
        self._why = "starting"
        self._snapshot_trouble = ""
        self._ofi = OrderFlowImbalance()
        self._trades = TradeFlow()
        self._recorder = Recorder()
        self._trade_sequence = TradeSequence()
        self._trades_missed = True  # in the second that runs; of the first one nobody knows
        self._trades_unproven = False  # some may be missing: the next trade's id will tell
        self._detection = LiquidityDetection(self.settings.detectors)
        self._notices: deque[Notice] = deque(maxlen=_NOTICES)

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
            why = reason or "the depth stream ended"
            if self.phase is Phase.DISCONNECTED:
                self._why = why
            else:
                self._reset(Phase.DISCONNECTED, cause or Cause.CLOSED, why)
        elif stream is Stream.DEPTH and state is StreamState.OPEN:
            self._reset(Phase.BUFFERING, Cause.CLOSED, self._why)

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
        elif self.phase is not Phase.DISCONNECTED:
            self._reset(Phase.BUFFERING, Cause.OVERFLOW, text)

    def on_depth(self, event: DepthUpdate, wall_ms: float, steady_ms: float) -> None:
        """Take a depth event that arrived at these times. O(k log n) for k changed levels."""
        if self.phase is Phase.DISCONNECTED:
            return
        if event.symbol != self.symbol:
            self.on_malformed(Stream.DEPTH)
            return
        self.health.depth.heard(steady_ms)
        self.health.meter.add(steady_ms, wall_ms - event.event_time)
        book = self._book
        outcome = None if book is None else book.apply(event)
        if outcome is Verdict.OUTDATED:
            return  # the last event once more: no sign that the book still follows
        self._freshness.prove(event.event_time, wall_ms, steady_ms)
        self.confirmation_request = self.confirmed = self._disagreed_at = None
        self._disagrees = False
        self._exchange_time = event.transaction_time
        if book is None or outcome is None:
            self._build(self._building.add(event), steady_ms, event)
            return
        if outcome is Verdict.APPLY:
            self._recorder.add(book, event)
            self._update_market(book)
            self._refresh(book, event, steady_ms)
        else:
            self._break(outcome, event, steady_ms)

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
        if isinstance(verdict, TradeGap):
            trades.missed(verdict.missing, steady_ms)
            self._notice(str(verdict))
        if self._freshness.event_time - trade.event_time > self.settings.stale_after_ms:
            self._trades_missed = True  # they lag behind the book: those of this second are still to come
        if verdict is not TradeVerdict.NEXT:
            self._trades_missed = True
            self._detection.on_trades_missed()
        elif self._trades_unproven:
            self._detection.on_trades_proven()
        self._trades_unproven = False
        self._trades.add(trade)
        self._recorder.trade(trade)
        self._detection.on_trade(trade)

    def on_snapshot(self, request: SnapshotRequest, snapshot: Snapshot, steady_ms: float) -> None:
        """Take the answer to `request`; one asked for before the latest reset is dropped. O(n log n)."""
        if request.epoch != self._epoch or self.snapshot_request is None:
            return
        self.health.snapshots += 1
        self.snapshot_request = None
        self._snapshot_trouble = ""
        if self._listed is None or self._listed.tick_size is None:
            self._use_tick(tick_of(snapshot, self._tick))
        self._few_levels = min(len(snapshot.bids), len(snapshot.asks)) < TOP_LEVELS
        if not self._few_levels:
            (lowest, _), (highest, _) = snapshot.bids[-1], snapshot.asks[-1]
            self._drifted_below = snapshot.bids[0][0] - (highest - lowest) / 2 * _DRIFT_SHARE
            self._drifted_above = snapshot.asks[0][0] + (highest - lowest) / 2 * _DRIFT_SHARE
        if self._candidate is not None:
            self._settle(self._candidate, self._candidate.offer(snapshot), steady_ms)
        else:
            progress = self._building.offer(snapshot)
            if self._building.useless:
                self._useless.failed(steady_ms)
            self._build(progress, steady_ms)

    def on_snapshot_failed(self, request: SnapshotRequest, reason: str) -> None:
        """Note that a fetch failed and will be tried again; `reason` is shown while the book waits for it."""
        if request.epoch == self._epoch:
            self._snapshot_trouble = reason
        self._notice(f"snapshot: {reason}")

    def watch(self, steady_ms: float, wall_ms: float) -> bool:
        """Hear that time passes: a quiet book is to be confirmed. Constant time.

        Returns whether the depth stream has failed: the exchange showed another book, and no event came
        for it.
        """
        if self.phase is not Phase.SYNCED or self.market is None:
            self.confirmation_request = None
            return False
        if self._disagrees:
            if self._disagreed_at is None:
                self._disagreed_at = steady_ms
            if steady_ms - self._disagreed_at <= _ON_ITS_WAY_MS:
                return False
            self._disagrees, self._disagreed_at = False, None
            return True
        quiet = self._freshness.quiet_ms(steady_ms, wall_ms)
        if (
            quiet >= self.settings.stale_after_ms / 2
            and self.confirmation_request is None
            and self._unconfirmed.is_due(steady_ms)
        ):
            self._requests += 1
            self.confirmation_request = SnapshotRequest(self._epoch, self._requests)
        return False

    def on_confirmation(
        self, request: SnapshotRequest, snapshot: Snapshot, sent_ms: float, wall_ms: float
    ) -> bool:
        """Take the answer to a `confirmation_request` that was sent at these times. O(levels of the book).

        Returns whether it confirms the book. One that disagrees may have overtaken an event on its way.
        """
        book = self._book
        if request != self.confirmation_request or book is None:
            return False  # an event came meanwhile, which says more
        self.confirmation_request = None
        said = agreement(book.state, book.last_update_id, snapshot)
        newer = snapshot.event_time > self._freshness.event_time
        if said is Agreement.DISAGREES and newer:
            self._disagrees = True
            return False
        if said is not Agreement.CONFIRMED or not newer:
            self._unconfirmed.failed(sent_ms)
            return False
        self._unconfirmed.worked()
        self._freshness.prove(min(snapshot.event_time, wall_ms), wall_ms, sent_ms)
        self.confirmed = confirmed_range(snapshot)
        return True

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
        ofi, trades, detections = self._ofi.take(), self._take_trades(), self._take_detections()
        book, market = self._book, self.market
        covered = book.state.depth() if book is not None else None
        state = health.read(
            steady_ms,
            covered,
            self._detection.counts,
            self._detection.late,
            clock_offset=clock_offset,
            lag_ms=self._freshness.lag_ms(steady_ms, wall_ms) if self._freshness.known else None,
            thin=covered is not None and self._is_thin(*covered),
        )
        if status is Status.LIVE and book is not None and market is not None:
            known = self.confirmed
            frame = live_frame(
                self.symbol,
                self.source,
                timestamp,
                market,
                ofi,
                trades,
                state,
                detections,
                unchanged_since=None if known is None else market.exchange_time,
                tick_size=self._tick / UNITS_PER_USDT or None,
            )
            shown = None if known is None else (known.low, known.high)
            chunk = self._recorder.close(timestamp, book, market.exchange_time)
            row = WindowRow(row_of(frame), ladders(book.state, self._tick, known=shown), chunk)
        else:
            frame = dark_frame(self.symbol, self.source, timestamp, status, reason, state, detections)
            chunk = self._recorder.close(timestamp, None, 0)
            row = WindowRow(row_of(frame), None, chunk)
        self.window.append(row)
        return frame, row

    def take_notices(self) -> list[Notice]:
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
        status, reason = self._book_status(steady_ms, wall_ms, uncertainty_ms)
        listed = self._listed
        if status is Status.LIVE or listed is None or listed.status == _TRADING:
            return status, reason
        words = (
            "no longer lists it" if listed.status is None else f"lists it as {listed.status}, not as trading"
        )
        return status, f"the exchange {words}; {reason}"

    def _book_status(
        self, steady_ms: float, wall_ms: float | None, uncertainty_ms: float
    ) -> tuple[Status, str]:
        depth, freshness, most = self.health.depth, self._freshness, self.settings.stale_after_ms
        quiet = freshness.quiet_ms(steady_ms, wall_ms)
        if quiet > most:
            trouble = f" ({depth.reason})" if depth.state is StreamState.DOWN and depth.reason else ""
            return Status.STALE, f"no depth event for {quiet / 1000:.1f} s{trouble}"
        lag = freshness.lag_ms(steady_ms, wall_ms)
        if lag - uncertainty_ms > most:
            return Status.STALE, f"the depth stream lags: its newest event is {lag / 1000:.1f} s old"
        if self.phase is not Phase.SYNCED:
            waits = self._snapshot_trouble if self.phase is Phase.FETCHING else ""
            return Status.SYNCING, f"{self._why}; {waits or self.phase.value}"
        if self.market is None:
            if self._few_levels and self._book is not None:
                return Status.SYNCING, too_few(*self._book.state.depth())
            return (
                Status.SYNCING,
                "the price left the range that the last snapshot covers; fetching a new one",
            )
        return Status.LIVE, ""

    def _take_detections(self) -> list[Detection]:
        if not self.health.trades.delivers:
            self._doubt_trades()
        return self._detection.take()

    def _doubt_trades(self) -> None:
        """Note that trades may be missing; the next one's id will tell."""
        self._trades_unproven = True
        self._detection.on_trades_doubted()

    def _take_trades(self) -> TradeSummary | None:
        summary = self._trades.take()
        missed, self._trades_missed = self._trades_missed, False
        if missed or self._trades_unproven or not self.health.trades.delivers:
            return None  # part of the second's trades may be missing
        return summary

    # --- the book -------------------------------------------------------------------------------------

    def _build(self, progress: Progress, steady_ms: float, event: DepthUpdate | None = None) -> None:
        """Act on the progress of the first book after a reset, to which `event` may have led."""
        self._move(_PHASE_OF[progress])
        if progress is Progress.NEEDS_SNAPSHOT:
            if self.snapshot_request is not None:
                return
            setback = self._building.setback
            if setback:
                self._snapshot_trouble = setback
                if event is None:
                    self._notice(f"snapshot not usable: {setback}")
            hinted = event is not None and _has_both_sides(event)
            if self._useless.is_due(steady_ms, hinted=hinted) and self._corrupt.is_due(steady_ms):
                self._request_snapshot()
        elif progress is Progress.DONE and self._building.book is not None:
            book = self._building.book
            self._adopt(book, steady_ms)
            self._ofi.restart()
            self._update_market(book)
            if self.market is None:
                self._useless.failed(steady_ms)
            self.wants_symbol_info = True
            bids, asks = book.state.depth()
            self._notice(f"in step at {book.last_update_id} with {bids} bids and {asks} asks", warning=False)

    def _adopt(self, book: LocalBook, steady_ms: float) -> None:
        self._book = book
        self._candidate = None
        self._building = self._synchronizer()
        self._refreshed = steady_ms
        margin = self.settings.coverage_margin
        # A snapshot may carry few levels: half of what it brought is the margin then.
        bids, asks = book.state.depth()
        self._thin = (min(margin, bids // 2), min(margin, asks // 2))

    def _update_market(self, book: LocalBook) -> None:
        top = book.state.top()
        if top is None:
            self.market = None
            self._recorder.lose()
            self._ofi.restart()
            self._detection.restart()
            return
        metrics = basic_metrics(top)
        self._useless.worked()
        if self.market is None:
            self._recorder.begin(book, self._exchange_time)
        self._ofi.update(metrics.total_bid_volume, metrics.total_ask_volume)
        known, self.market = self.market, Market(book.last_update_id, self._exchange_time, top, metrics)
        if known is None or known.last_update_id != book.last_update_id:  # a second book's first is no news
            self._detection.on_book(self._exchange_time, book.last_update_id, top)

    def _refresh(self, book: LocalBook, event: DepthUpdate, steady_ms: float) -> None:
        """Keep a second book in the making where the first runs out of coverage or an audit is due."""
        if self._candidate is not None:
            self._settle(self._candidate, self._candidate.add(event), steady_ms)
            return
        waited = steady_ms - self._refreshed
        drifted = self.market is not None and not (
            self._drifted_below < self.market.metrics.mid_price < self._drifted_above
        )
        thin = drifted or self._is_thin(*book.state.depth())
        settings = self.settings
        if (
            waited >= settings.audit_interval_ms
            or (thin and waited >= settings.refresh_interval_ms)
            or (
                self.market is None
                and waited >= _URGENT_REFRESH_MS
                and self._useless.is_due(steady_ms, hinted=_may_fill(event, book))
            )
        ):
            self._refreshed = steady_ms
            self._candidate = self._synchronizer()
            self._settle(self._candidate, self._candidate.add(event), steady_ms)

    def _is_thin(self, bids: int, asks: int) -> bool:
        return bids < self._thin[0] or asks < self._thin[1]

    def _settle(self, candidate: Synchronizer, progress: Progress, steady_ms: float) -> None:
        """Act on the progress of the second book: audit the first against it, then let it take its place."""
        if progress is Progress.NEEDS_SNAPSHOT:
            self._request_snapshot()
        old, new = self._book, candidate.book
        if progress is not Progress.DONE or old is None or new is None:
            return
        compared, mismatches = old.state.disagreements(
            new.state, but_bids=candidate.changed_bids, but_asks=candidate.changed_asks
        )
        self.health.audits += 1
        self.health.levels_compared += compared
        if mismatches:
            self.health.mismatches += len(mismatches)
            first = "; ".join(
                f"{m.side} {m.price:g}: {m.size} here, {m.other_size} there" for m in mismatches[:10]
            )
            self._notice(
                f"audit at {old.last_update_id}: {len(mismatches)} of {compared} levels differ: {first}"
            )
            self._notice(f"the local book was {old.state.levels()}")
            self._notice(f"the snapshot's book is {new.state.levels()}")
            why = "the audit found the book to differ from a fresh snapshot"
            self._reset(Phase.BUFFERING, Cause.AUDIT, why)
            return
        if self.market is not None and new.state.top() is None:
            self._candidate = None
            self._notice("snapshot not usable: it shows fewer than ten levels a side")
            return
        bids, asks = new.state.unite(old.state)
        self._adopt(new, steady_ms)
        if self.market is not None:
            self._recorder.grow(new, self._exchange_time, bids, asks)
        self._update_market(new)
        if self.market is None:
            self._useless.failed(steady_ms)

    def _break(self, outcome: Outcome, event: DepthUpdate, steady_ms: float) -> None:
        """Begin again with `event`, which does not follow on the book."""
        is_gap = isinstance(outcome, Gap)
        if is_gap:
            self.health.gaps += 1
        self._notice(f"{outcome}; resynchronising")
        cause = Cause.GAP if is_gap else Cause.CORRUPT
        self._reset(Phase.FETCHING, cause, f"rebuilding after a {outcome}")
        self._building.add(event)
        if not is_gap:
            if self._corrupt.calm_for(steady_ms) > _CALM_MS:
                self._corrupt.worked()
            due = self._corrupt.is_due(steady_ms)
            self._corrupt.failed(steady_ms)
            if not due:
                return
        self._request_snapshot()

    def _reset(self, phase: Phase, cause: Cause, why: str) -> None:
        self._move(phase)
        self._why = why
        self._epoch += 1
        if self._book is not None:
            self.health.resyncs += 1
            self.health.resync_causes[cause] += 1
        self.snapshot_request = None
        self._snapshot_trouble = ""
        self._building = self._synchronizer()
        self._book = self._candidate = self.market = None
        self._recorder.lose()
        self.confirmation_request = self.confirmed = self._disagreed_at = None
        self._disagrees = False
        self._ofi.restart()
        self._detection.restart()

    def _use_tick(self, tick: int) -> None:
        self._tick = tick
        self._detection.tick = tick / UNITS_PER_USDT

    def _request_snapshot(self) -> None:
        if self.snapshot_request is None:
            self._requests += 1
            self.snapshot_request = SnapshotRequest(self._epoch, self._requests)

    def _move(self, phase: Phase) -> None:
        if phase not in PHASE_STEPS[self.phase]:
            raise ValueError(f"the book cannot go from {self.phase.name} to {phase.name}")
        self.phase = phase

    def _synchronizer(self) -> Synchronizer:
        return Synchronizer(book_levels=self.settings.book_levels)

    def _monitor(self, stream: Stream) -> StreamMonitor:
        return self.health.depth if stream is Stream.DEPTH else self.health.trades

    def _notice(self, text: str, *, warning: bool = True) -> None:
        self._notices.append(Notice(warning, text))


def _has_both_sides(event: DepthUpdate) -> bool:
    return any(size for _, size in event.bids) and any(size for _, size in event.asks)


def _may_fill(event: DepthUpdate, book: LocalBook) -> bool:
    """Say whether `event` tells of levels beyond the covered range, on a side that has too few."""
    state = book.state
    bids, asks = state.depth()
    return (bids < TOP_LEVELS and any(size and price < state.low for price, size in event.bids)) or (
        asks < TOP_LEVELS and any(size and price > state.high for price, size in event.asks)
    )
