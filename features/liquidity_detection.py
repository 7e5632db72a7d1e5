"""The door to the detectors: depth and trades in as they arrive, detections out by exchange time.

    detection = LiquidityDetection(DetectorSettings())
    detection.on_trade(trade)
    detection.on_book(time, update_id, top)
    entries = detection.drain()

What a detector says depends on the messages and their exchange times alone, not on how depth and trades
interleave on arrival (see detectors/event_time.py).
"""

from collections.abc import Iterable
from itertools import chain
from typing import Final

import msgspec

from data_ingestion.messages import AggTrade
from features.detectors.absorption import AbsorptionDetector
from features.detectors.baseline import Baseline
from features.detectors.book import Book, book_of
from features.detectors.detection import Detection, Ending, Event, Kind
from features.detectors.detector import Detector, Large, Step, TradeDetector
from features.detectors.event_time import EventTimeMerge
from features.detectors.exhaustion import ExhaustionDetector
from features.detectors.iceberg import IcebergDetector
from features.detectors.layering import LayeringDetector
from features.detectors.ranks import Ranks
from features.detectors.settings import DetectorSettings
from features.detectors.sweep import SweepDetector
from features.detectors.taker_trade import taker_trade_of
from features.detectors.wall import WallDetector
from orderbook.book_state import TopOfBook
from orderbook.rounding import rounded

MOST_ENTRIES: Final = 1_000
"""Entries kept for `drain`; more in a second would be a defect, and all but closings are dropped."""


class LiquidityDetection:
    """All six detectors over one symbol's merged sequence.

    `counts` are the detections opened or fired so far, by kind; `tick` is the symbol's, in USDT.
    """

    def __init__(self, settings: DetectorSettings | None = None) -> None:
        self.settings = settings or DetectorSettings()
        self.tick = 0.0
        self.counts: dict[Kind, int] = dict.fromkeys(Kind, 0)
        self._ranks = Ranks(late_ms=self.settings.wall_settle_ms)
        self._merge = EventTimeMerge(holdback_ms=self.settings.holdback_ms)
        self._entries: list[Detection] = []
        self._begin()

    def _begin(self) -> None:
        settings = self.settings
        self._baseline = Baseline(
            median_ms=settings.median_ms,
            range_ms=settings.exhaustion_median_ms,
            fall_ms=settings.exhaustion_fall_ms,
        )
        self._book: Book | None = None
        self._warm = False
        self._large: Large = ([], [])  # levels of `_book`, if it was held against `_threshold`
        self._threshold = -1.0
        self._trades_since: int | None = None
        self._trades_doubted = False
        self._of_trades: tuple[TradeDetector, ...] = (
            SweepDetector(settings),
            AbsorptionDetector(settings),
            IcebergDetector(settings),
            LayeringDetector(settings),
        )
        self._wall = wall = WallDetector(settings)
        self._of_the_book: tuple[Detector, ...] = (wall, ExhaustionDetector(settings, self._baseline))
        self._detectors: tuple[Detector, ...] = (*self._of_trades, *self._of_the_book)
        self._trade_takers = tuple(detector.on_trade for detector in (*self._of_trades, wall))

    @property
    def late(self) -> int:
        """Messages that came later than the holdback, and were left out."""
        return self._merge.late

    def on_book(self, time: int, update_id: int, top: TopOfBook) -> None:
        """Take the exact top ten after a depth event with this `T` and `u`."""
        due = self._merge.add_book(book_of(time, update_id, top))
        if due:
            self._play(due)

    def on_trade(self, trade: AggTrade) -> None:
        """Take an aggregate trade; one that is late is a trade missed."""
        due = self._merge.add_trade(trade)
        if due is None:
            self.on_trades_missed()
            return
        if self._trades_since is None:
            self._trades_since = trade.trade_time
        if due:
            self._play(due)

    def on_trades_missed(self) -> None:
        """Note that trades are missing: what needs them begins anew with the next one."""
        known, self._trades_since = self._trades_since, None
        self._trades_doubted = False
        if known is not None:
            self._stop(self._of_trades)
        self._keep(self._wall.settle(proven=False))

    def on_trades_doubted(self) -> None:
        """Note that trades may be missing since the last one: what needs them pauses until that is known."""
        if not self._trades_doubted:
            self._trades_doubted = True
            self._stop(self._of_trades)

    def on_trades_proven(self, trade: AggTrade) -> None:
        """Note that the next trade has come, and none is missing before it; it is still to be taken.

        One that is late proves nothing: it may itself be what is missing.
        """
        self._trades_doubted = False
        self._keep(self._wall.settle(proven=not self._merge.is_late(trade)))

    def restart(self) -> None:
        """Note that the book was lost: close what is open, forget all, warm up again."""
        self._play(self._merge.flush())
        self._begin_anew()

    def drain(self) -> list[Detection]:
        """Return what was said since the last call."""
        entries, self._entries = self._entries, []
        return entries

    # --- in order of exchange time -----------------------------------------------------------------------

    def _play(self, due: Iterable[AggTrade | Book]) -> None:
        for item in due:
            if isinstance(item, Book):
                self._on_book(item)
            else:
                self._on_trade(item)

    def _on_trade(self, trade: AggTrade) -> None:
        book, since = self._book, self._trades_since
        if not self._warm or book is None or since is None or trade.trade_time < since:
            return  # trades are missing after it
        taken = taker_trade_of(trade, book)
        if taken.fill[2]:  # else it took nothing that was visible
            for on_trade in self._trade_takers:
                on_trade(taken)

    def _on_book(self, book: Book) -> None:
        before = self._book
        if before is not None and book.time < before.time:
            self._begin_anew()  # the exchange's clock was set back
            self._ranks.clear()
            before = None
        baseline = self._baseline
        baseline.add(book)
        self._book = book
        if before is None or baseline.started_at is None or baseline.size is None:
            return
        if not self._warm:
            self._warm = book.time - baseline.started_at >= self.settings.warm_up_ms
            return
        median = baseline.size
        threshold = rounded(self.settings.large_ratio * median)
        large = _large_levels(book, threshold)
        large_before = self._large if threshold == self._threshold else _large_levels(before, threshold)
        self._large, self._threshold = large, threshold
        since = self._trades_since
        if since is not None and since > book.time:
            since = None
        depth, doubted = baseline.depth or (0.0, 0.0), self._trades_doubted
        step = Step(before, book, large, large_before, median, threshold, depth, self.tick, since, doubted)
        for detector in self._detectors:
            found = detector.on_book(step)
            if found:
                self._keep(found)

    def _stop(self, detectors: Iterable[Detector]) -> None:
        if self._book is not None:
            time = self._book.time
            self._keep(chain.from_iterable(d.stop(time, Ending.INTERRUPTED) for d in detectors))

    def _begin_anew(self) -> None:
        if self._book is not None:
            self._stop(self._detectors)
            self._begin()

    def _keep(self, found: Iterable[Detection]) -> None:
        for detection in found:
            if detection.event in _BEGINNINGS:
                self.counts[detection.kind] += 1
            ranked = msgspec.structs.replace(detection, rank=self._ranks.rank(detection))
            # A closing is never left out: what was said to be open must end, and no more end than began.
            if len(self._entries) < MOST_ENTRIES or detection.event is Event.CLOSED:
                self._entries.append(ranked)


def _large_levels(book: Book, threshold: float) -> Large:
    bids, asks = book.levels
    return (
        [price for price, size in bids.items() if size > threshold],
        [price for price, size in asks.items() if size > threshold],
    )


_BEGINNINGS: Final = frozenset({Event.OPENED, Event.FIRED})
