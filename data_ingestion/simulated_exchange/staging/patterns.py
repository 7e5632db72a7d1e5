"""What can be staged on a simulated market: six patterns, their near misses, and the record of each."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeVar

from data_ingestion.simulated_exchange.matching_book import ASK, BID, Side

Words = TypeVar("Words", bound=StrEnum)


class Pattern(StrEnum):
    """The patterns."""

    WALL = "wall"
    SWEEP = "sweep"
    ABSORPTION = "absorption"
    LAYERING = "layering"
    ICEBERG = "iceberg"
    EXHAUSTION = "exhaustion"


class NearMiss(StrEnum):
    """Ways to look like a pattern and not be one."""

    SHORT = "short"
    SMALL = "small"
    FLICKER = "flicker"
    TWO_LEVELS = "two_levels"
    SLOW = "slow"
    REQUOTED = "requoted"
    NO_REFILL = "no_refill"
    PRICE_MOVED = "price_moved"
    THIN = "thin"
    STILL = "still"
    TRADED = "traded"
    ONE_REFILL = "one_refill"
    SMALL_REFILL = "small_refill"
    TWO_TRADES = "two_trades"
    HALF_KEPT = "half_kept"
    NO_BREAKOUT = "no_breakout"


class BookSide(StrEnum):
    """The side of the book that a pattern is about; of a sweep or an exhaustion, the side that is eaten."""

    BID = "bid"
    ASK = "ask"

    @property
    def of_book(self) -> Side:
        """The side as the matching book counts them."""
        return BID if self is BookSide.BID else ASK


class Ending(StrEnum):
    """How a wall ends."""

    CONSUMED = "consumed"
    PULLED = "pulled"
    OUT_OF_RANGE = "out_of_range"  # never asked for: it happens where the price runs away


NEAR_MISSES: Final = MappingProxyType(
    {
        Pattern.WALL: (NearMiss.SHORT, NearMiss.SMALL, NearMiss.FLICKER),
        Pattern.SWEEP: (NearMiss.TWO_LEVELS, NearMiss.SLOW, NearMiss.REQUOTED),
        Pattern.ABSORPTION: (NearMiss.NO_REFILL, NearMiss.PRICE_MOVED, NearMiss.THIN),
        Pattern.LAYERING: (NearMiss.TWO_LEVELS, NearMiss.STILL, NearMiss.TRADED),
        Pattern.ICEBERG: (NearMiss.ONE_REFILL, NearMiss.SMALL_REFILL, NearMiss.TWO_TRADES),
        Pattern.EXHAUSTION: (NearMiss.HALF_KEPT, NearMiss.SLOW, NearMiss.NO_BREAKOUT),
    }
)
ENDINGS: Final = (Ending.CONSUMED, Ending.PULLED)


@dataclass(frozen=True, slots=True)
class StageRequest:
    """One pattern to stage, or one of its near misses; a wall's ending may be left to chance.

    Raises ValueError for a near miss of another pattern and for an ending that cannot be staged.
    """

    kind: Pattern
    side: BookSide
    near_miss: NearMiss | None = None
    ending: Ending | None = None

    def __post_init__(self) -> None:
        known = NEAR_MISSES[self.kind]
        if self.near_miss is not None and self.near_miss not in known:
            raise ValueError(f"near_miss of {self.kind} must be one of {', '.join(known)}")
        if self.ending is None:
            return
        if self.kind is not Pattern.WALL or self.near_miss is not None:
            raise ValueError("only a wall that is no near miss has an ending")
        if self.ending not in ENDINGS:
            raise ValueError(f"ending must be one of {', '.join(ENDINGS)}")


@dataclass(frozen=True, slots=True)
class StagedPattern:
    """What was staged. Times are exchange time in ms since the epoch, prices in the quote asset."""

    kind: Pattern
    near_miss: NearMiss | None
    side: BookSide
    price: float  # the first, or the best one
    last_price: float  # of a sweep or a layering the worst one, else the same
    started_at: int
    fulfilled_at: int | None  # when the definition was met; None of a near miss
    ended_at: int
    ending: Ending | None  # of a wall


def parse_stage(payload: object, symbols: Collection[str]) -> tuple[str, StageRequest]:
    """Read the symbol and the pattern that a JSON object asks for; else ValueError with one sentence."""
    if not isinstance(payload, dict):
        raise ValueError("a pattern is a JSON object with at least a kind and a symbol")  # noqa: TRY004
    unknown = sorted(str(key) for key in payload.keys() - {"kind", "symbol", "side", "near_miss", "ending"})
    if unknown:
        raise ValueError(f"a pattern has no {', '.join(unknown)}")
    symbol = payload.get("symbol")
    if not isinstance(symbol, str) or symbol.upper() not in symbols:
        raise ValueError(f"symbol must be one of {', '.join(symbols)}, not {symbol!r}")
    near_miss, ending = payload.get("near_miss"), payload.get("ending")
    request = StageRequest(
        _word(Pattern, "kind", payload.get("kind")),
        _word(BookSide, "side", payload.get("side", BookSide.BID)),
        None if near_miss is None else _word(NearMiss, "near_miss", near_miss),
        None if ending is None else _word(Ending, "ending", ending),
    )
    return symbol.upper(), request


def _word(words: type[Words], field: str, value: object) -> Words:
    try:
        return words(str(value))
    except ValueError:
        raise ValueError(f"{field} must be one of {', '.join(words)}, not {value!r}") from None
