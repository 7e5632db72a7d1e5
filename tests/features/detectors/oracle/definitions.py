"""All six definitions over a stored sequence, as plainly as they are written: slow, and without memory.

What the detectors say as time passes is held against what these say of the whole (`differences`).
"""

from collections.abc import Iterable, Sequence

import msgspec

from data_ingestion.messages import AggTrade
from features.detectors.book import Book, book_of
from features.detectors.detection import Detection
from features.detectors.settings import DetectorSettings
from features.liquidity_detection import LiquidityDetection
from orderbook.book_state import TopOfBook
from tests.features.detectors.oracle.exhaustions import exhaustions
from tests.features.detectors.oracle.hits import absorptions, icebergs
from tests.features.detectors.oracle.layerings import layerings
from tests.features.detectors.oracle.sweeps import sweeps
from tests.features.detectors.oracle.told import Told
from tests.features.detectors.oracle.walls import walls

DEFINITIONS = (walls, sweeps, absorptions, layerings, icebergs, exhaustions)
Item = Book | AggTrade


def by_definition(items: Iterable[Item], settings: DetectorSettings, tick: float) -> list[Detection]:
    """Return what the definitions say of a sequence in which no trade is missing."""
    items = list(items)
    books = [item for item in items if isinstance(item, Book)]
    trades = [item for item in items if isinstance(item, AggTrade)]
    told = Told(books, trades, settings, tick)
    return ordered(entry for definition in DEFINITIONS for entry in definition(told))


def by_detectors(items: Sequence[Item], settings: DetectorSettings, tick: float) -> list[Detection]:
    """Return what the detectors say of items in order of arrival, without ranks."""
    detection, said = LiquidityDetection(settings), list[Detection]()
    detection.tick = tick
    books = [item for item in items if isinstance(item, Book)]
    latest = max((item.time if isinstance(item, Book) else item.trade_time) for item in items)
    last = book_of(latest + settings.holdback_ms + 1, books[-1].update_id + 1, _top_of(books[-1]))
    for item in (*items, last):  # the last is held back, and lets all others go
        if isinstance(item, Book):
            detection.on_book(item.time, item.update_id, _top_of(item))
        else:
            detection.on_trade(item)
        said += detection.drain()
    assert detection.late == 0, "messages came later than the holdback: the definitions know nothing of that"
    return ordered(msgspec.structs.replace(entry, rank=None) for entry in said)


def _top_of(book: Book) -> TopOfBook:
    bids, asks = (list(levels.items()) for levels in book.levels)
    return TopOfBook(bids, asks)


def differences(
    items: Sequence[Item], settings: DetectorSettings, tick: float
) -> tuple[list[Detection], list[Detection], list[Detection]]:
    """Return what both say, what only the definitions say, and what only the detectors say."""
    expected, found = by_definition(items, settings, tick), by_detectors(items, settings, tick)
    return (
        [entry for entry in expected if entry in found],
        [entry for entry in expected if entry not in found],
        [entry for entry in found if entry not in expected],
    )


def ordered(entries: Iterable[Detection]) -> list[Detection]:
    """Return entries in an order of their own."""
    return sorted(entries, key=lambda entry: (entry.time, entry.id, entry.event))
