"""What an engine can be told."""

import msgspec

from features.detectors.settings import DetectorSettings
from orderbook.book_settings import BookSettings


class EngineSettings(msgspec.Struct, frozen=True):
    """What an engine can be told."""

    stale_after_ms: float = 2_000  # without a depth event, before frames say stale
    trade_silent_after_ms: float = 5_000  # without a trade, before the trade stream counts as silent
    book_levels: int = 5_000  # most levels held a side
    coverage_margin: int = 200  # levels left a side below which a new snapshot is fetched
    refresh_interval_ms: float = 1_000  # between two such snapshots, at least
    audit_interval_ms: float = 180_000  # between two snapshots taken anyway, at most
    detectors: DetectorSettings = DetectorSettings()

    @property
    def book(self) -> BookSettings:
        """Return those of the book."""
        return BookSettings(
            self.book_levels, self.coverage_margin, self.refresh_interval_ms, self.audit_interval_ms
        )
