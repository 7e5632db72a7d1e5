"""What a book can be told."""

import msgspec


class BookSettings(msgspec.Struct, frozen=True):
    """How much of a book is kept, and how often it is renewed."""

    book_levels: int = 5_000  # most levels held a side
    coverage_margin: int = 200  # levels left a side below which a new snapshot is fetched
    refresh_interval_ms: float = 1_000  # between two such snapshots, at least
    audit_interval_ms: float = 180_000  # between two snapshots taken anyway, at most
