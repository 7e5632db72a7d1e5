"""When a book needs a second one beside it, made from a newer snapshot. Pure; ms throughout.

For three reasons: it runs out of coverage or the price has moved away from what the newest snapshot covers;
ten levels a side cannot be shown any more; or an audit is due.
"""

from typing import Final

from data_ingestion.messages import DepthUpdate, Snapshot
from orderbook.book_settings import BookSettings
from orderbook.book_state import TOP_LEVELS, TopOfBook
from orderbook.retry_timer import RetryTimer
from orderbook.synchronizer import LocalBook

URGENT_MS: Final = 250
"""Between two snapshots, at least, while there is nothing to show."""
DRIFT_SHARE: Final = 0.25
"""Share of the newest snapshot's half width by which the mid may move before a new one is fetched."""


class Renewal:
    """Knows what the newest snapshot covered, and since when. `few_levels`: fewer than ten a side."""

    __slots__ = ("_above", "_below", "_renewed", "_settings", "_thin", "few_levels")

    def __init__(self, settings: BookSettings) -> None:
        self._settings = settings
        self._thin = (0, 0)  # bids and asks below which coverage is thin
        self._renewed = 0.0
        self._below, self._above = 0.0, float("inf")  # mids that the newest snapshot is far from
        self.few_levels = False

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """Note how far the newest snapshot reaches."""
        self.few_levels = min(len(snapshot.bids), len(snapshot.asks)) < TOP_LEVELS
        if not self.few_levels:
            (lowest, _), (highest, _) = snapshot.bids[-1], snapshot.asks[-1]
            self._below = snapshot.bids[0][0] - (highest - lowest) / 2 * DRIFT_SHARE
            self._above = snapshot.asks[0][0] + (highest - lowest) / 2 * DRIFT_SHARE

    def on_book(self, book: LocalBook, now: float) -> None:
        """Note that `book` is new, or renewed."""
        self._renewed = now
        margin = self._settings.coverage_margin
        # A snapshot may carry few levels: half of what it brought is the margin then.
        bids, asks = book.state.depth()
        self._thin = (min(margin, bids // 2), min(margin, asks // 2))

    def is_thin(self, book: LocalBook) -> bool:
        """Say whether few of the levels that `book` began with are left on a side."""
        bids, asks = book.state.depth()
        return bids < self._thin[0] or asks < self._thin[1]

    def begin_if_due(
        self,
        book: LocalBook,
        top: TopOfBook | None,
        event: DepthUpdate,
        unusable_snapshots: RetryTimer,
        now: float,
    ) -> bool:
        """Say whether to make a second book beside `book`, of which `event` is the newest; constant time.

        `unusable_snapshots` says when to try again after a snapshot of which nothing could be shown.
        """
        waited = now - self._renewed
        settings = self._settings
        due = waited >= settings.audit_interval_ms
        if not due and waited >= settings.refresh_interval_ms:
            due = self._has_drifted(top) or self.is_thin(book)
        if not due and top is None and waited >= URGENT_MS:
            due = unusable_snapshots.is_due(now, hinted=_may_fill(event, book))
        if due:
            self._renewed = now
        return due

    def _has_drifted(self, top: TopOfBook | None) -> bool:
        return top is not None and not self._below < (top.bids[0][0] + top.asks[0][0]) / 2 < self._above


def _may_fill(event: DepthUpdate, book: LocalBook) -> bool:
    """Say whether `event` tells of levels beyond the covered range, on a side that has too few."""
    state = book.state
    bids, asks = state.depth()
    return (bids < TOP_LEVELS and any(size and price < state.low for price, size in event.bids)) or (
        asks < TOP_LEVELS and any(size and price > state.high for price, size in event.asks)
    )
