"""An engine whose detectors' input is kept, so that it can be told again."""

from data_ingestion.messages import AggTrade
from features.detectors.book import Book, book_of
from features.detectors.settings import DetectorSettings
from features.liquidity_detection import LiquidityDetection
from orderbook.book_state import TopOfBook
from state.engine import Engine, EngineSettings


class Tap(LiquidityDetection):
    """The detectors, and all books and trades in `items` in order of arrival; `breaks` counts lost books."""

    def __init__(self, settings: DetectorSettings) -> None:
        super().__init__(settings)
        self.items: list[Book | AggTrade] = []
        self.breaks = 0

    def on_book(self, time: int, update_id: int, top: TopOfBook) -> None:
        """Keep a book."""
        self.items.append(book_of(time, update_id, top))
        super().on_book(time, update_id, top)

    def on_trade(self, trade: AggTrade) -> None:
        """Keep a trade."""
        self.items.append(trade)
        super().on_trade(trade)

    def restart(self) -> None:
        """Count a book that is lost once there was one."""
        self.breaks += any(isinstance(item, Book) for item in self.items)
        super().restart()


class TappedEngine(Engine):
    """An engine that keeps what its detectors are told."""

    def __init__(self, symbol: str, source: str, settings: EngineSettings | None = None) -> None:
        super().__init__(symbol, source, settings)
        self._detection: Tap = Tap(self.settings.detectors)

    @property
    def tap(self) -> Tap:
        """The detectors."""
        return self._detection
