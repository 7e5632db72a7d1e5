"""What somebody who stages a pattern can do at a simulated market, one micro step of 25 ms at a time."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from statistics import median
from typing import Final, Self

from data_ingestion.simulated_exchange.crowd import DEPTH_STAMP_MS, EVENT_MS, STEP_MS, TAKER_WINDOW_MS, Crowd
from data_ingestion.simulated_exchange.matching_book import BID, OTHER, SIGN, Fill, Side
from data_ingestion.simulated_exchange.staging.patterns import Ending, StagedPattern, StageRequest

SIZES_EVENTS: Final = 600  # depth events of the last 60 s
SIDE_EVENTS: Final = 300  # and of the last 30 s
FALL_EVENTS: Final = 20  # and of the last 2 s
TOP_NUMBERS: Final = 40  # ticks and lots of ten levels a side
GIVING_BACK_STEPS: Final = 20

Steps = Iterator[None]
"""What a script is: each `next` is one micro step."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What the market has lately been like, from the ten best levels a side after each depth event."""

    lots: int  # median size of a level in 60 s
    side_lots: tuple[int, int]  # median of the ten levels' lots in 30 s, of each side
    most_lots: tuple[int, int]  # most of them in 2 s
    best_sums: tuple[int, int]  # lowest and highest sum of the two best ticks in 30 s: twice the mid
    spread: int  # median of 30 s, in ticks

    @classmethod
    def of(cls, tops: Sequence["array[int]"]) -> Self:
        """Read the tops, oldest first: ticks and lots in turn, bids before asks; needs one that is whole."""
        whole = [top for top in tops[-SIZES_EVENTS:] if len(top) == TOP_NUMBERS]
        late = whole[-SIDE_EVENTS:]
        bids, asks = [sum(top[1:20:2]) for top in late], [sum(top[21::2]) for top in late]
        sums = [top[0] + top[20] for top in late]
        return cls(
            round(median(lots for top in whole for lots in top[1::2])),
            (round(median(bids)), round(median(asks))),
            (max(bids[-FALL_EVENTS:]), max(asks[-FALL_EVENTS:])),
            (min(sums), max(sums)),
            round(median(top[20] - top[0] for top in late)),
        )


class Hands:
    """Makers and takers under one will, at one side of the book unless told otherwise.

    Levels that are held are put back after every micro step of the crowd, so that no
    depth event shows them otherwise.
    """

    def __init__(self, crowd: Crowd, request: StageRequest, usual: Usual, random: Random) -> None:
        self.request = request
        self.usual = usual
        self.random = random
        self.side: Side = request.side.of_book
        self.now_ms = 0
        self.started_at: int | None = None
        self._crowd = crowd
        self._held: dict[tuple[Side, int], int] = {}
        self._ticks = (0, 0)
        self._fulfilled_at: int | None = None
        self._ended_at: int | None = None
        self._ending: Ending | None = None

    # --- the record ---------------------------------------------------------------------------------

    def begin(self, tick: int, last_tick: int | None = None) -> None:
        """Note that the pattern begins now, at that price, and reaches to `last_tick`."""
        self.started_at = self.now_ms
        self._ticks = (tick, tick if last_tick is None else last_tick)

    def fulfil(self) -> None:
        """Note that the definition is met by the depth event of this window; only the first time counts."""
        if self._fulfilled_at is None:
            self._fulfilled_at = self.now_ms - self.now_ms % EVENT_MS + EVENT_MS - DEPTH_STAMP_MS

    def end(self, ending: Ending | None = None) -> None:
        """Note that the pattern is over; what follows only gives the book back."""
        self._ended_at, self._ending = self.now_ms, ending

    def record(self) -> StagedPattern:
        """Return what was staged; raises RuntimeError before it has begun."""
        if self.started_at is None:
            raise RuntimeError("the pattern has not begun")
        request, ended_at = self.request, self._ended_at
        return StagedPattern(
            request.kind,
            request.near_miss,
            request.side,
            self._crowd.price(self._ticks[0]),
            self._crowd.price(self._ticks[1]),
            self.started_at,
            self._fulfilled_at,
            self.now_ms if ended_at is None else ended_at,
            self._ending,
        )

    # --- looking ------------------------------------------------------------------------------------

    @property
    def best(self) -> int:
        """Best tick of the side."""
        return self._crowd.book.best[self.side]

    @property
    def spread(self) -> int:
        """Ticks between the two best prices."""
        bid, ask = self._crowd.book.best
        return ask - bid

    @property
    def best_sum(self) -> int:
        """Sum of the two best ticks: twice the mid."""
        return sum(self._crowd.book.best)

    def lots(self, tick: int) -> int:
        """Lots that rest at a tick of the side."""
        return self._crowd.book.levels[self.side].get(tick, 0)

    def levels(self, count: int) -> list[Fill]:
        """Return the side's best levels, as (tick, lots)."""
        side = self._crowd.book.top(count)
        return side[:count] if self.side == BID else side[-count:]

    def rank(self, tick: int) -> int:
        """How many levels of the side are better than the tick."""
        sign = SIGN[self.side]
        levels = self._crowd.book.levels[self.side]
        return sum(better in levels for better in range(self.best, tick, -sign))

    def drawn(self, low: float, high: float) -> int:
        """Draw a size, in multiples of the usual one, as lots."""
        return max(1, round(self.usual.lots * self.random.uniform(low, high)))

    # --- makers -------------------------------------------------------------------------------------

    def hold(self, tick: int, lots: int) -> None:
        """Keep a level of the side at `lots` from now on; none with 0."""
        self._held[self.side, tick] = lots
        self._crowd.book.set_level(self.side, tick, lots)

    def hold_range(self, levels: Sequence[Fill]) -> None:
        """Keep these levels, best first, and nothing between them."""
        wanted = dict(levels)
        for tick in range(levels[0][0], levels[-1][0] - SIGN[self.side], -SIGN[self.side]):
            self.hold(tick, wanted.get(tick, 0))

    def hold_gap(self, ticks: int) -> None:
        """Keep makers of the other side at their best price, and from the `ticks` prices before it."""
        other = OTHER[self.side]
        best = self._crowd.book.best[other]
        self._held[other, best] = self._crowd.book.levels[other][best]
        for distance in range(1, ticks + 1):
            self._held[other, best + SIGN[other] * distance] = 0

    def keep_rank(self, tick: int, most: int) -> None:
        """Let makers before the tick cancel until at most `most` levels are better than it."""
        excess = self.rank(tick) - most
        for better, _ in self.levels(most + excess if excess > 0 else 0)[1:]:
            if excess > 0 and (self.side, better) not in self._held:
                self._crowd.book.set_level(self.side, better, 0)
                excess -= 1

    def follow(self) -> None:
        """Let makers of the other side quote right at the best price of this one."""
        other, tick = OTHER[self.side], self.best + SIGN[self.side]
        self._held = {key: lots for key, lots in self._held.items() if key[0] == self.side}
        self._crowd.book.set_level(other, tick, self.drawn(0.8, 1.4))

    def put_back(self) -> None:
        """Give each held level its lots again."""
        book = self._crowd.book
        # The empty ones first: what rests there may be in the way of the others.
        for (side, tick), lots in sorted(self._held.items(), key=lambda held: held[1]):
            book.set_level(side, tick, lots)

    def give_back(self) -> Steps:
        """Let held levels become usual ones in about half a second, and leave them to the crowd."""
        ours = list(self._held.items())
        self.random.shuffle(ours)
        for i, ((side, tick), lots) in enumerate(ours):
            del self._held[side, tick]
            if lots > 0:
                self._crowd.book.set_level(side, tick, self.drawn(0.7, 1.4))
            if (i + 1) * GIVING_BACK_STEPS // len(ours) > i * GIVING_BACK_STEPS // len(ours):
                yield

    # --- takers -------------------------------------------------------------------------------------

    def send_crowds_takers_away(self) -> None:
        """Let no takers but these trade until the pattern is over."""
        self._crowd.takers_away = True

    def eat(self, lots: int, limit: int) -> int:
        """Let a taker order eat up to `lots`, none beyond tick `limit`; returns the lots eaten.

        Held levels are held at what is left of them.
        """
        fills = self._crowd.hit(self.now_ms + TAKER_WINDOW_MS, self.side, lots, limit)
        for tick, _ in fills:
            if (self.side, tick) in self._held:
                self._held[self.side, tick] = self.lots(tick)
        return sum(eaten for _, eaten in fills)

    def eat_through(self, tick: int) -> None:
        """Let a taker order eat everything down to `tick`, and keep the eaten levels empty."""
        sign = SIGN[self.side]
        ahead = range(self.best, tick - sign, -sign)
        fills = self._crowd.hit(self.now_ms + TAKER_WINDOW_MS, self.side, sum(map(self.lots, ahead)), tick)
        for eaten, _ in fills:
            self._held[self.side, eaten] = self.lots(eaten)

    # --- time ---------------------------------------------------------------------------------------

    def wait(self, ms: float) -> Steps:
        """Let time pass, at least one micro step of it."""
        for _ in range(max(1, round(ms / STEP_MS))):
            yield
