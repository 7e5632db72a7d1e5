"""What detectors say: one entry of a frame's `detections`."""

import enum
from collections.abc import Sequence
from typing import Final

import msgspec

Fill = tuple[int, float, float, int]
"""Aggregate trade id, price (USDT), size (base asset, RPI fills left out), time (exchange ms)."""

Figure = float | int | str | None | Sequence[float | Fill | None]
Evidence = dict[str, Figure]

FILLS_SHOWN: Final = 10  # trades named in one detection's evidence, the newest of them


class Kind(enum.StrEnum):
    """Liquidity events."""

    WALL = "wall"
    SWEEP = "sweep"
    ABSORPTION = "absorption"
    LAYERING = "layering"
    ICEBERG = "iceberg"
    EXHAUSTION = "exhaustion"


class Event(enum.StrEnum):
    """What happens to a detection. An instant kind is fired once; the others open and close."""

    OPENED = "opened"
    UPDATED = "updated"
    CLOSED = "closed"
    FIRED = "fired"


class Ending(enum.StrEnum):
    """Why a detection closed."""

    CONSUMED = "consumed"  # trades explain the loss
    PULLED = "pulled"  # cancelled: trades do not explain the loss
    UNEXPLAINED = "unexplained"  # lost while the trade stream was not complete
    OUT_OF_RANGE = "out_of_range"  # left the ten levels
    GAVE_WAY = "gave_way"  # the price went through
    MOVED_AWAY = "moved_away"  # the price left to the other side
    ENDED = "ended"  # nothing more happened
    INTERRUPTED = "interrupted"  # the book, or the trade stream it needs, was lost


BID: Final = 0
ASK: Final = 1
SIDES: Final = ("bid", "ask")
SIGNS: Final = (1, -1)  # times a price: the better price of a side is the greater


class Detection(msgspec.Struct, frozen=True):
    """One thing that a detector says. `id` is the same over the life of what it found."""

    id: str
    kind: Kind
    event: Event
    side: str  # bid or ask: the side of the book it is about, or that was eaten
    price: float  # USDT; the first of a sweep, the best of a layering
    started_at: int  # exchange time, ms since the epoch
    time: int  # exchange time of this event
    reason: Ending | None  # when closed
    magnitude: float  # how much of it there is, by its kind's own measure; compare within a kind only
    rank: float | None  # share of its kind's last hour that its magnitude exceeds; None until 20 are known
    evidence: Evidence  # figures to check it by
