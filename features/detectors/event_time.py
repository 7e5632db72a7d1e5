"""One order for two connections: depth and trades merged by exchange time.

An item is let go once the newest exchange time seen on either stream is more than the holdback ahead of
it. So the order that comes out does not depend on how arrivals interleave, as long as nothing arrives
more than the holdback late, and a quiet stream holds nobody up. At equal times trades come before the
book, which was read after them.
"""

from bisect import insort
from collections.abc import Sequence
from typing import Final

from data_ingestion.messages import AggTrade
from features.detectors.book import Book

MOST_HELD: Final = 10_000
"""Items held at most; beyond it the oldest goes early. At the liveliest times, seconds' worth."""

SET_BACK_MS: Final = 10_000
"""An item so much older than the last one let go means that the exchange's clock was set back."""

_TRADE: Final = 0
_BOOK: Final = 1
_Key = tuple[int, int, int]
_Entry = tuple[int, int, int, int, AggTrade | Book]


class EventTimeMerge:
    """Puts depth and trades in the order of exchange time. `late` counts what came too late and is lost."""

    __slots__ = ("_arrivals", "_held", "_holdback", "_newest", "_passed", "late")

    def __init__(self, *, holdback_ms: int) -> None:
        self._holdback = holdback_ms
        self._held: list[_Entry] = []
        self._newest = 0
        self._passed: _Key = (0, 0, 0)
        self._arrivals = 0  # keeps equal keys in the order of their stream
        self.late = 0

    def __len__(self) -> int:
        """Return the number of items held."""
        return len(self._held)

    def add_trade(self, trade: AggTrade) -> Sequence[AggTrade | Book] | None:
        """Take a trade; return what is due, or None if it came too late. Constant time for one in order."""
        return self._add(trade.trade_time, _TRADE, trade.trade_id, trade)

    def is_late(self, trade: AggTrade) -> bool:
        """Say whether `add_trade` would find a trade too late. Constant time."""
        passed, time = self._passed, trade.trade_time
        return (time, _TRADE, trade.trade_id) < passed and time >= passed[0] - SET_BACK_MS

    def add_book(self, book: Book) -> Sequence[AggTrade | Book] | None:
        """Take the book after a depth event; return what is due, or None likewise."""
        return self._add(book.time, _BOOK, book.update_id, book)

    def _add(
        self, time: int, rank: int, number: int, item: AggTrade | Book
    ) -> Sequence[AggTrade | Book] | None:
        held = self._held
        if time < self._passed[0] - SET_BACK_MS:
            held.clear()
            self._newest, self._passed = 0, (0, 0, 0)
        self._arrivals += 1
        entry = (time, rank, number, self._arrivals, item)
        if held and held[-1] < entry:
            held.append(entry)  # mostly
        elif entry < self._passed:
            self.late += 1
            return None
        else:
            if time < self._newest - SET_BACK_MS:  # all of that span was let go, so the newest is wrong
                held[:] = [other for other in held if other[0] <= time + SET_BACK_MS]
                self._newest = time
            insort(held, entry)
        if time > self._newest:  # noqa: PLR1730 - a call takes far longer
            self._newest = time
        until = self._newest - self._holdback
        if held[0][0] >= until and len(held) <= MOST_HELD:
            return _NOTHING
        return self._due(until)

    def _due(self, until: float) -> Sequence[AggTrade | Book]:
        held = self._held
        count, least = 0, len(held) - MOST_HELD
        for entry in held:  # it is few of them
            if entry[0] >= until and count >= least:
                break
            count += 1
        if not count:
            return _NOTHING
        gone = held[:count]
        self._passed = gone[-1][:3]
        del held[:count]
        return [entry[4] for entry in gone]

    def flush(self) -> Sequence[AggTrade | Book]:
        """Let all go, in order."""
        return self._due(float("inf"))


_NOTHING: Final = ()
