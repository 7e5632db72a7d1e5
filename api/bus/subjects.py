"""The names under which engines speak on the bus, and the stream that keeps their seconds. Pure.

`orderbook.<source>.<symbol>.<kind>.<engine>`: an API listens to what all engines of a symbol say, or to the
announcements of all symbols. An engine's name is drawn anew at each start.
"""

import enum
from typing import Final, NamedTuple

from state.rolling_buffer import WINDOW_SECONDS

PREFIX: Final = "orderbook"
STREAM: Final = "ORDERBOOK"
STREAM_SECONDS: Final = WINDOW_SECONDS
ANY: Final = "*"


class Kind(enum.StrEnum):
    """What is said."""

    SECOND = "second"  # a second that closed; the stream keeps these
    BOOK = "book"  # the book between the seconds
    ENGINE = "engine"  # that an engine is there, and how it is doing; once a second
    WANTED = "wanted"  # an API asks for a whole book; its own name in place of an engine's


class Subject(NamedTuple):
    """One subject, or a pattern with `ANY` in it."""

    source: str
    symbol: str
    kind: Kind
    speaker: str

    def __str__(self) -> str:
        return f"{PREFIX}.{self.source}.{self.symbol}.{self.kind}.{self.speaker}"


KEPT_SUBJECTS: Final = str(Subject(ANY, ANY, Kind.SECOND, ANY))


def subject_of(text: str) -> Subject | None:
    """Return the subject in `text`; None where it is none of ours."""
    parts = text.split(".")
    if len(parts) != 5 or parts[0] != PREFIX:
        return None
    _, source, symbol, kind, speaker = parts
    return Subject(source, symbol, Kind(kind), speaker) if kind in set(Kind) else None
