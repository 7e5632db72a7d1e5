"""Keeps one symbol's book in step with the exchange: events and snapshots in, what came of them out. Pure.

A book that is lost is built anew from a snapshot and the events around it. Beside one that is in step a
second book is built now and then: the first is audited against it, and both together cover more. Times are
any monotonic milliseconds.
"""

from collections.abc import Sequence
from typing import Final

from data_ingestion.causes import Cause
from data_ingestion.messages import DepthUpdate, Snapshot
from data_ingestion.sink import Notice, SnapshotRequest
from orderbook.book_settings import BookSettings
from orderbook.book_state import Mismatch, TopOfBook
from orderbook.confirmation import Confirmation
from orderbook.phases import PHASE_STEPS, Phase
from orderbook.renewal import Renewal
from orderbook.results import Applied, Audited, Began, Grew, Lost, Result, Results
from orderbook.retry_timer import RetryTimer
from orderbook.sequence_validator import Gap, Verdict
from orderbook.synchronizer import LocalBook, Outcome, Progress, Synchronizer, too_few

__all__ = ["Applied", "Audited", "Began", "BookKeeper", "Grew", "Lost", "Result", "Results"]

CALM_MS: Final = 10_000
"""Without a corrupt book for so long the next one is rebuilt at once."""
_MISMATCHES_TOLD: Final = 10

_PHASE_OF: Final = {
    Progress.NEEDS_SNAPSHOT: Phase.FETCHING,
    Progress.NEEDS_EVENT: Phase.BRIDGING,
    Progress.DONE: Phase.SYNCED,
}


class BookKeeper:
    """One symbol's book: `book` while it is in step, `top` while ten levels a side of it are exact.

    `snapshot_request` is what is to be fetched, or None. Each request carries an epoch, which ends when the
    book is lost: an answer from before says nothing of the book after.
    """

    def __init__(self, settings: BookSettings | None = None) -> None:
        self.phase = Phase.DISCONNECTED
        self.book: LocalBook | None = None
        self.top: TopOfBook | None = None
        self.snapshot_request: SnapshotRequest | None = None
        self.confirmation = Confirmation()
        self.why = "starting"  # it is not in step
        self._trouble = ""  # with snapshots
        self._settings = settings or BookSettings()
        self._epoch = self._requests = 0
        self._building = self._synchronizer()
        self._second: Synchronizer | None = None
        self._renewal = Renewal(self._settings)
        self._unusable_snapshots = RetryTimer()  # after snapshots of which no book can be shown
        self._corrupt_books = RetryTimer()  # after books that ended up corrupt

    # --- connection -----------------------------------------------------------------------------------

    def connect(self) -> Results:
        """Begin anew with a connection that has just opened."""
        return [self._reset(Phase.BUFFERING, Cause.CLOSED, self.why)]

    def disconnect(self, cause: Cause, why: str) -> Results:
        """Note the connection's end, which is the end of the book."""
        if self.phase is Phase.DISCONNECTED:
            self.why = why
            return []
        return [self._reset(Phase.DISCONNECTED, cause, why)]

    def miss(self, cause: Cause, why: str) -> Results:
        """Note that events of the open connection are missing."""
        return [] if self.phase is Phase.DISCONNECTED else [self._reset(Phase.BUFFERING, cause, why)]

    # --- events and snapshots -------------------------------------------------------------------------

    def apply(self, event: DepthUpdate, now: float) -> Results | None:
        """Apply the connection's next event; the book must not be disconnected.

        O(k log n) for k changed levels. None for the last one once more, which proves nothing.
        """
        book = self.book
        if book is None:
            return self._build(self._building.add(event), now, event)
        outcome = book.apply(event)
        if outcome is Verdict.OUTDATED:
            return None
        self.confirmation.reset()
        if outcome is not Verdict.APPLY:
            return self._break(outcome, event, now)
        applied = Applied(book, event, self._look(book))
        if self._second is None:
            if not self._renewal.begin_if_due(book, self.top, event, self._unusable_snapshots, now):
                return (applied,)
            self._second = self._synchronizer()
        return [applied, *self._settle(self._second, self._second.add(event), now)]

    def expects(self, request: SnapshotRequest) -> bool:
        """Say whether an answer to `request` is still of use."""
        return request.epoch == self._epoch and self.snapshot_request is not None

    def offer(self, snapshot: Snapshot, now: float) -> Results:
        """Take the snapshot that was expected. O(n log n)."""
        self.snapshot_request = None
        self._trouble = ""
        self._renewal.on_snapshot(snapshot)
        if self._second is not None:
            return self._settle(self._second, self._second.offer(snapshot), now)
        progress = self._building.offer(snapshot)
        if self._building.exchange_book_unusable:
            self._unusable_snapshots.on_failure(now)
        return self._build(progress, now)

    def on_snapshot_failed(self, request: SnapshotRequest, reason: str) -> None:
        """Note that a fetch failed; `reason` is told while the book waits for it."""
        if request.epoch == self._epoch:
            self._trouble = reason

    # --- a quiet book ---------------------------------------------------------------------------------

    def watch(self, now: float, *, is_quiet: bool) -> bool:
        """Have a book that `is_quiet` confirmed; return whether its stream has failed. Constant time."""
        if self.phase is not Phase.SYNCED or self.top is None:
            self.confirmation.request = None
            return False
        return self.confirmation.watch(now, is_quiet=is_quiet, new_request=self._new_request)

    def confirm(self, request: SnapshotRequest, snapshot: Snapshot, now: float, *, is_newer: bool) -> bool:
        """Take the answer to a request of `confirmation`; return whether it confirms the book."""
        if request != self.confirmation.request or self.book is None:
            return False  # an event came meanwhile, which says more
        return self.confirmation.answer(self.book, snapshot, now, is_newer=is_newer)

    # --- what there is --------------------------------------------------------------------------------

    def trouble(self) -> str:
        """Say why nothing can be shown, or "" where `top` is exact. Constant time."""
        if self.phase is not Phase.SYNCED:
            waits = self._trouble if self.phase is Phase.FETCHING else ""
            return f"{self.why}; {waits or self.phase.value}"
        if self.top is not None:
            return ""
        if self._renewal.few_levels and self.book is not None:
            return too_few(*self.book.state.depth())
        return "the price left the range that the last snapshot covers; fetching a new one"

    def is_thin(self) -> bool:
        """Say whether a book in step is about to run out of coverage."""
        return self.book is not None and self._renewal.is_thin(self.book)

    # --- the first book after a loss ------------------------------------------------------------------

    def _build(self, progress: Progress, now: float, event: DepthUpdate | None = None) -> Results:
        """Act on the progress of the first book, to which `event` may have led."""
        self._move(_PHASE_OF[progress])
        book = self._building.book
        if progress is Progress.NEEDS_SNAPSHOT:
            return self._ask(now, event)
        if progress is not Progress.DONE or book is None:
            return []
        top = self._adopt(book, now)
        bids, asks = book.state.depth()
        text = f"in step at {book.last_update_id} with {bids} bids and {asks} asks"
        return [Began(book, top), Notice(warning=False, text=text)]

    def _ask(self, now: float, event: DepthUpdate | None) -> Results:
        """Ask for the first book's next snapshot, if its turn has come."""
        if self.snapshot_request is not None:
            return []
        why_rejected, results = self._building.why_rejected, []
        if why_rejected:
            self._trouble = why_rejected
            if event is None:
                results = [_notice(f"snapshot not usable: {why_rejected}")]
        hinted = event is not None and _has_both_sides(event)
        if self._unusable_snapshots.is_due(now, hinted=hinted) and self._corrupt_books.is_due(now):
            self._request_snapshot()
        return results

    def _adopt(self, book: LocalBook, now: float) -> TopOfBook | None:
        self.book, self._second = book, None
        self._building = self._synchronizer()
        self._renewal.on_book(book, now)
        top = self._look(book)
        if top is None:
            self._unusable_snapshots.on_failure(now)
        return top

    def _look(self, book: LocalBook) -> TopOfBook | None:
        self.top = top = book.state.top()
        if top is not None:
            self._unusable_snapshots.on_success()
        return top

    # --- the second book ------------------------------------------------------------------------------

    def _settle(self, second: Synchronizer, progress: Progress, now: float) -> Results:
        """Act on the second book's progress: audit the first against it, then let it take its place."""
        if progress is Progress.NEEDS_SNAPSHOT:
            self._request_snapshot()
        old, new = self.book, second.book
        if progress is not Progress.DONE or old is None or new is None:
            return []
        compared, mismatches = old.state.compare(
            new.state, ignored_bids=second.changed_bids, ignored_asks=second.changed_asks
        )
        audited = Audited(compared, len(mismatches))
        if mismatches:
            why = "the audit found the book to differ from a fresh snapshot"
            told = _told(old, new, compared, mismatches)
            return [audited, *told, self._reset(Phase.BUFFERING, Cause.AUDIT, why)]
        if self.top is not None and new.state.top() is None:
            self._second = None
            return [audited, _notice("snapshot not usable: it shows fewer than ten levels a side")]
        bids, asks = new.state.merge(old.state)
        return [audited, Grew(new, self._adopt(new, now), bids, asks)]

    # --- loss -----------------------------------------------------------------------------------------

    def _break(self, outcome: Outcome, event: DepthUpdate, now: float) -> Results:
        """Begin again with `event`, which does not follow on the book."""
        is_gap = isinstance(outcome, Gap)
        cause = Cause.GAP if is_gap else Cause.CORRUPT
        lost = self._reset(Phase.FETCHING, cause, f"rebuilding after a {outcome}")
        self._building.add(event)
        if is_gap or self._may_rebuild(now):
            self._request_snapshot()
        return [_notice(f"{outcome}; resynchronising"), lost]

    def _may_rebuild(self, now: float) -> bool:
        """Note a corrupt book; say whether its turn to be rebuilt has come."""
        if self._corrupt_books.ms_since_failure(now) > CALM_MS:
            self._corrupt_books.on_success()
        due = self._corrupt_books.is_due(now)
        self._corrupt_books.on_failure(now)
        return due

    def _reset(self, phase: Phase, cause: Cause, why: str) -> Lost:
        self._move(phase)
        lost = Lost(cause, had_book=self.book is not None)
        self.why = why
        self._epoch += 1
        self.snapshot_request = None
        self._trouble = ""
        self._building = self._synchronizer()
        self.book = self._second = self.top = None
        self.confirmation.reset()
        return lost

    # --- steps ----------------------------------------------------------------------------------------

    def _move(self, phase: Phase) -> None:
        if phase not in PHASE_STEPS[self.phase]:
            raise ValueError(f"the book cannot go from {self.phase.name} to {phase.name}")
        self.phase = phase

    def _request_snapshot(self) -> None:
        if self.snapshot_request is None:
            self.snapshot_request = self._new_request()

    def _new_request(self) -> SnapshotRequest:
        self._requests += 1
        return SnapshotRequest(self._epoch, self._requests)

    def _synchronizer(self) -> Synchronizer:
        return Synchronizer(book_levels=self._settings.book_levels)


def _has_both_sides(event: DepthUpdate) -> bool:
    return any(size for _, size in event.bids) and any(size for _, size in event.asks)


def _told(old: LocalBook, new: LocalBook, compared: int, mismatches: Sequence[Mismatch]) -> list[Notice]:
    """Return both books in words, and where they differ first."""
    first = "; ".join(
        f"{m.side} {m.price:g}: {m.size} here, {m.other_size} there" for m in mismatches[:_MISMATCHES_TOLD]
    )
    return [
        _notice(f"audit at {old.last_update_id}: {len(mismatches)} of {compared} levels differ: {first}"),
        _notice(f"the local book was {old.state.levels()}"),
        _notice(f"the snapshot's book is {new.state.levels()}"),
    ]


def _notice(text: str) -> Notice:
    return Notice(warning=True, text=text)
