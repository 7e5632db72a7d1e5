"""The market of one simulated symbol: a matching book and those who trade on it.

Nothing here is painted. Makers add, change and cancel levels, takers eat what they
reach, and every depth event and every trade follows from these operations. The
market has no clock and does no I/O: time is passed in, and the same seed and start
time give the same messages, however `advance` is cut up.
"""

import math
from array import array
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator
from random import Random

import msgspec

from data_ingestion.simulated_profiles import (
    QUANTILE_STEPS,
    Activity,
    MarketProfile,
    OccupancyTables,
    quantile_table,
)

BID, ASK = 0, 1
SIGN = (1, -1)  # times a tick: the better price of a side is the greater
OTHER = (ASK, BID)

STEP_MS = 25
EVENT_MS = 100
TOP_LEVELS = 10
TRUTH_KEPT = 20_000

ID_JUMPS = 8  # ids between two operations on this book go to other books, up to this many less one
IDS_PER_MS = 12  # more than the market ever uses, so that a later start has later ids

TAKER_WINDOW_MS = 20  # trades come in this part of a micro step; the depth event is stamped after them
DEPTH_STAMP_MS = 4  # a depth event's time before the end of its window

TRIES = 8  # ticks a maker looks at before giving up
ROUND_SHARE = 0.8  # far looks that go to round prices
NEW_TAKER_SHARE = 0.4  # taker orders that choose their side; the others follow the one before
HIDDEN_SHARE = 0.04  # fills that also meet an RPI order, which the depth never shows
LONGEST_SWEEP = 450  # ticks
HOME_PULL = 0.7  # leaning of sweeps back to the start price, per relative distance from it
QUEUE_DRIFT = 0.06  # quantiles that the best level's usual size moves by, at most, in a micro step
REFRESH_SHARE = 0.6  # micro steps in which the best level is brought to that size
CLEANING_STEPS = 40
CLEANED_SHARE = 0.2  # of the levels too many on a side, cancelled in each cleaning

Side = int
Fill = tuple[int, int]
Level = tuple[str, str]
Print = tuple[int, Side, int, int, int]  # time in ms, side hit, tick, lots, hidden (RPI) lots
TopOfBook = tuple[list[tuple[float, float]], list[tuple[float, float]]]


class DepthUpdate(msgspec.Struct, frozen=True):
    """A `depthUpdate` as the exchange writes it: absolute sizes, size 0 removes; times in ms."""

    event: str = msgspec.field(name="e")
    event_time: int = msgspec.field(name="E")
    transaction_time: int = msgspec.field(name="T")
    symbol: str = msgspec.field(name="s")
    first_id: int = msgspec.field(name="U")
    final_id: int = msgspec.field(name="u")
    previous_final_id: int = msgspec.field(name="pu")
    bids: list[Level] = msgspec.field(name="b")
    asks: list[Level] = msgspec.field(name="a")


class AggTrade(msgspec.Struct, frozen=True):
    """An `aggTrade` as the exchange writes it; `quantity` includes fills against RPI orders."""

    event: str = msgspec.field(name="e")
    event_time: int = msgspec.field(name="E")
    symbol: str = msgspec.field(name="s")
    aggregate_id: int = msgspec.field(name="a")
    price: str = msgspec.field(name="p")
    quantity: str = msgspec.field(name="q")
    normal_quantity: str = msgspec.field(name="nq")
    first_trade_id: int = msgspec.field(name="f")
    last_trade_id: int = msgspec.field(name="l")
    trade_time: int = msgspec.field(name="T")
    buyer_is_maker: bool = msgspec.field(name="m")


class DepthSnapshot(msgspec.Struct, frozen=True):
    """The answer of `GET /fapi/v1/depth`, best levels first; times in ms."""

    last_update_id: int = msgspec.field(name="lastUpdateId")
    event_time: int = msgspec.field(name="E")
    transaction_time: int = msgspec.field(name="T")
    bids: list[Level]
    asks: list[Level]


MarketMessage = DepthUpdate | AggTrade


class MatchingBook:
    """Price levels of both sides in whole ticks and lots, and the update id of the last operation.

    A side never becomes empty and the sides never cross: an order that would do
    either is cut down to what does not.
    """

    def __init__(self, bids: dict[int, int], asks: dict[int, int], *, update_id: int, random: Random) -> None:
        self.levels = (bids, asks)
        self.best = [max(bids), min(asks)]
        self.update_id = update_id
        self.first_touched_id = 0  # of the operations since the last take_touched(); 0 when none
        self.taken_lots = 0
        self._touched: tuple[dict[int, None], dict[int, None]] = ({}, {})
        self._random = random.random

    def set_level(self, side: Side, tick: int, lots: int) -> None:
        """Make the level hold `lots`; more lots are added orders, fewer are cancelled ones.

        A price at or beyond the other side's best is refused, and so is cancelling
        the last level of a side.
        """
        levels, sign = self.levels[side], SIGN[side]
        if sign * tick >= sign * self.best[OTHER[side]] or levels.get(tick, 0) == lots:
            return
        if lots > 0:
            levels[tick] = lots
            if sign * tick > sign * self.best[side]:
                self.best[side] = tick
        elif len(levels) > 1:
            self._remove(side, tick)
        else:
            return
        self._touch(side, tick)

    def take(self, side: Side, lots: int, limit: int) -> list[Fill]:
        """Let a taker order eat up to `lots` of `side`, best first and none beyond tick `limit`.

        Returns (tick, lots) of each level it reached. The side's last level is never
        eaten up: one lot of it stays.
        """
        levels, sign, fills = self.levels[side], SIGN[side], []
        while lots > 0 and sign * (tick := self.best[side]) >= sign * limit:
            resting = levels[tick]
            eaten = min(lots, resting if len(levels) > 1 else resting - 1)
            if eaten <= 0:
                break
            if eaten < resting:
                levels[tick] = resting - eaten
            else:
                self._remove(side, tick)
            self._touch(side, tick)
            self.taken_lots += eaten
            fills.append((tick, eaten))
            lots -= eaten
        return fills

    def take_touched(self) -> tuple[list[int], list[int]]:
        """Ticks of each side that operations have touched since the last call."""
        touched = (list(self._touched[BID]), list(self._touched[ASK]))
        self._touched[BID].clear()
        self._touched[ASK].clear()
        self.first_touched_id = 0
        return touched

    def next_id(self) -> int:
        """Move the update id on, as an operation on any book of the exchange does."""
        self.update_id += 1 + int(self._random() * ID_JUMPS)
        return self.update_id

    def from_best(self, side: Side) -> Iterator[Fill]:
        """Levels of a side as (tick, lots), best first."""
        levels = self.levels[side]
        for tick in sorted(levels, reverse=side == BID):
            yield tick, levels[tick]

    def top(self, count: int) -> list[Fill]:
        """Return the best `count` bids and then as many asks, as (tick, lots); found without sorting."""
        found = []
        for side in (BID, ASK):
            levels, tick, step = self.levels[side], self.best[side], -SIGN[side]
            left = min(count, len(levels))
            while left:
                lots = levels.get(tick)
                if lots is not None:
                    found.append((tick, lots))
                    left -= 1
                tick += step
        return found

    def check(self) -> None:
        """Raise AssertionError if the book breaks one of its promises."""
        bids, asks = self.levels
        if not bids or not asks or self.best != [max(bids), min(asks)]:
            raise AssertionError(f"best prices {self.best} are not those of the levels")
        if self.best[BID] >= self.best[ASK]:
            raise AssertionError(f"crossed at {self.best}")
        if min(bids.values()) <= 0 or min(asks.values()) <= 0:
            raise AssertionError("a level without size")

    def _remove(self, side: Side, tick: int) -> None:
        levels = self.levels[side]
        if levels.pop(tick, None) is not None and tick == self.best[side]:
            while tick not in levels:
                tick -= SIGN[side]
            self.best[side] = tick

    def _touch(self, side: Side, tick: int) -> None:
        self._touched[side][tick] = None
        update_id = self.next_id()
        if not self.first_touched_id:
            self.first_touched_id = update_id


class SimulatedMarket:
    """One symbol's market, played in micro steps of 25 ms from its start time.

    `start_ms` is in milliseconds since the epoch and is cut down to the 100 ms grid.
    The tops of the last `truth_kept` depth events can be looked up by update id, and
    a copy of the book is kept for each of the last `past_seconds` seconds.
    """

    def __init__(
        self,
        profile: MarketProfile,
        *,
        seed: int,
        start_ms: int,
        truth_kept: int = TRUTH_KEPT,
        past_seconds: int = 30,
    ) -> None:
        self.profile = profile
        self.now_ms = start_ms - start_ms % EVENT_MS
        self._random = Random(f"{seed}:{profile.symbol}")
        self._crowd = Crowd(profile, self._random, update_id=self.now_ms * IDS_PER_MS)
        self.book = self._crowd.book
        self._price_format = f"%.{profile.price_decimals}f"
        self._size_format = f"%.{profile.size_decimals}f"
        self._last_final_id = self.book.update_id
        self._trade_id = self.now_ms
        self._aggregate_id = self.now_ms // 10
        self._truth_kept = truth_kept
        self._truth: dict[int, array[int]] = {}
        self._past: deque[tuple[int, int, dict[int, int], dict[int, int]]] = deque(maxlen=past_seconds)

    def advance(self, to_ms: int) -> list[MarketMessage]:
        """Play on to `to_ms` (an earlier time does nothing); returns what the exchange sends, in order."""
        out: list[MarketMessage] = []
        while self.now_ms + STEP_MS <= to_ms:
            self._crowd.step(self.now_ms)
            self.now_ms += STEP_MS
            if self.now_ms % EVENT_MS == 0:
                out += self._trades()
                out.append(self._depth_update())
                if self.now_ms % 1_000 == 0:
                    self._keep_past()
        return out

    def skip(self, to_ms: int) -> list[MarketMessage]:
        """Let time jump to `to_ms` with nothing happening in between; finishes the open event first.

        A time before the end of the open event only finishes that event.
        """
        out = self.advance(self.now_ms + (-self.now_ms) % EVENT_MS)
        self.now_ms = max(self.now_ms, to_ms - to_ms % EVENT_MS)
        return out

    @property
    def last_update_id(self) -> int:
        """The id of the last book operation, mostly inside a depth event still open."""
        return self.book.update_id

    @property
    def last_final_id(self) -> int:
        """`u` of the newest depth event."""
        return self._last_final_id

    @property
    def truth_count(self) -> int:
        """How many depth events `truth_at` knows."""
        return len(self._truth)

    def snapshot(self, limit: int, age_ms: int = 0) -> DepthSnapshot:
        """Return the best `limit` levels a side, now or (to the second, as far as kept) `age_ms` ago."""
        if age_ms > 0 and self._past:
            past = [entry for entry in self._past if entry[0] <= self.now_ms - age_ms]
            at_ms, update_id, bids, asks = past[-1] if past else self._past[0]
        else:
            at_ms, update_id, (bids, asks) = self.now_ms, self.book.update_id, self.book.levels
        return DepthSnapshot(
            update_id,
            at_ms,
            at_ms,
            [self._level(tick, bids[tick]) for tick in sorted(bids, reverse=True)[:limit]],
            [self._level(tick, asks[tick]) for tick in sorted(asks)[:limit]],
        )

    def top(self, levels: int = TOP_LEVELS) -> TopOfBook:
        """Return the best bids and asks as (price, size), best first."""
        flat = [number for level in self.book.top(levels) for number in level]
        return self._unpacked(flat, min(levels, len(self.book.levels[BID])))

    def truth_at(self, update_id: int) -> TopOfBook | None:
        """Return the ten best levels a side after the depth event with that `u`; None if not known."""
        flat = self._truth.get(update_id)
        return None if flat is None else self._unpacked(flat, TOP_LEVELS)

    def check(self) -> None:
        """Raise AssertionError if the market breaks one of its promises."""
        self.book.check()
        if self._crowd.printed_lots != self.book.taken_lots:
            raise AssertionError(f"printed {self._crowd.printed_lots} lots, eaten {self.book.taken_lots}")

    def _unpacked(self, flat: "list[int] | array[int]", bids: int) -> TopOfBook:
        price, size = self.profile.price, self.profile.size
        pairs = [(price(flat[i]), size(flat[i + 1])) for i in range(0, len(flat), 2)]
        return pairs[:bids], pairs[bids:]

    def _level(self, tick: int, lots: int) -> Level:
        return self._price_text(tick), self._size_text(lots)

    def _price_text(self, tick: int) -> str:
        return self._price_format % (tick / self.profile.ticks_per_unit)

    def _size_text(self, lots: int) -> str:
        return self._size_format % (lots / self.profile.lots_per_unit)

    def _depth_update(self) -> DepthUpdate:
        book = self.book
        first_id = book.first_touched_id or book.next_id()
        bids, asks = (
            [self._level(tick, levels.get(tick, 0)) for tick in ticks]
            for levels, ticks in zip(book.levels, book.take_touched(), strict=True)
        )
        stamp = self.now_ms - DEPTH_STAMP_MS
        delay = int(self._random.random() * DEPTH_STAMP_MS)
        previous, self._last_final_id = self._last_final_id, book.update_id
        self._keep_truth()
        return DepthUpdate(
            "depthUpdate",
            stamp + delay,
            stamp,
            self.profile.symbol,
            first_id,
            book.update_id,
            previous,
            bids,
            asks,
        )

    def _trades(self) -> Iterator[AggTrade]:
        """Yield the window's fills, those of one price and taker side as one trade."""
        groups: dict[tuple[int, Side], list[int]] = {}
        for at_ms, side, tick, lots, hidden in self._crowd.take_prints():
            self._trade_id += 1
            group = groups.setdefault((tick, side), [0, 0, self._trade_id, 0, at_ms])
            group[0] += lots
            group[1] += hidden
            group[3] = self._trade_id
        for (tick, side), (lots, hidden, first, last, at_ms) in groups.items():
            self._aggregate_id += 1
            yield AggTrade(
                "aggTrade", self.now_ms, self.profile.symbol, self._aggregate_id, self._price_text(tick),
                self._size_text(lots + hidden), self._size_text(lots), first, last, at_ms, side == BID,
            )  # fmt: skip

    def _keep_truth(self) -> None:
        flat = [number for level in self.book.top(TOP_LEVELS) for number in level]
        self._truth[self._last_final_id] = array("q", flat)
        while len(self._truth) > self._truth_kept:
            del self._truth[next(iter(self._truth))]

    def _keep_past(self) -> None:
        bids, asks = self.book.levels
        self._past.append((self.now_ms, self.book.update_id, dict(bids), dict(asks)))


class Crowd:
    """The makers and takers of one market, and the book that they meet in."""

    def __init__(self, profile: MarketProfile, random: Random, *, update_id: int) -> None:
        self._profile = profile
        self._random = random
        self._rnd = random.random
        self._occupancy = OccupancyTables.of(profile)
        self._level_sizes = quantile_table(profile.level_size, profile.lots_per_unit)
        self._best_sizes = quantile_table(profile.best_size, profile.lots_per_unit)
        self._trade_sizes = quantile_table(profile.trade_size, profile.lots_per_unit)
        self._distances = quantile_table(profile.change_distance)
        self._activity = Activity(random)
        self._home = round(profile.start_price * profile.ticks_per_unit)
        self._queue = [random.random(), random.random()]  # quantile of the best level's usual size
        self._hit: Side = BID  # the side that takers hit last
        self._swept = False  # the open spread was left by a sweep
        self._steps = 0
        self._prints: list[Print] = []
        self.printed_lots = 0
        self.book = MatchingBook(self._side(BID), self._side(ASK), update_id=update_id, random=random)
        self._quoted_at = list(self.book.best)  # the best ticks that makers near the touch know of

    def step(self, at_ms: int) -> None:
        """Play one micro step that begins at `at_ms`."""
        rnd, profile, activity = self._rnd, self._profile, self._activity.step()
        self._close_spread()
        if rnd() < profile.sweep_rate * activity:
            self._sweep(at_ms)
        orders = int(profile.taker_rate * activity + rnd())
        for i in range(orders):
            self._take(at_ms + int((i + rnd()) * TAKER_WINDOW_MS / orders))
        self._close_spread()
        self._refresh_best(BID)
        self._refresh_best(ASK)
        for _ in range(int(profile.maker_rate * activity + rnd())):
            self._make()
        self._steps += 1
        if self._steps % CLEANING_STEPS == 0:
            self._clean(BID)
            self._clean(ASK)

    def take_prints(self) -> list[Print]:
        """Return the fills since the last call."""
        prints, self._prints = self._prints, []
        return prints

    def _side(self, side: Side) -> dict[int, int]:
        best = self._home + side
        levels = {best: self._draw(self._best_sizes)}
        for distance in range(1, self._profile.reach):
            tick = best - SIGN[side] * distance
            if self._rnd() < self._occupancy.share(tick, distance):
                levels[tick] = self._draw(self._level_sizes)
        return levels

    def _draw(self, table: list[int]) -> int:
        return table[int(self._rnd() * len(table))]

    def _sweep(self, at_ms: int) -> None:
        """Let a taker eat through many levels while makers ahead of it pull theirs."""
        profile, book, rnd = self._profile, self.book, self._rnd
        lean = HOME_PULL * (book.best[BID] / self._home - 1)
        side = self._hit = BID if rnd() < 0.5 + lean else ASK
        length = int(self._random.lognormvariate(math.log(profile.sweep_ticks), profile.sweep_sigma)) + 1
        length = min(length, LONGEST_SWEEP)
        best, levels, pulled = book.best[side], book.levels[side], 2 * rnd() * profile.pull_share
        book.set_level(side, best, 1 + int(levels[best] * rnd() ** 2))
        for distance in range(1, length):
            tick = best - SIGN[side] * distance
            if tick in levels and rnd() < pulled:
                book.set_level(side, tick, 0)
        self._print(at_ms, side, book.take(side, sum(levels.values()), best - SIGN[side] * (length - 1)))
        self._swept = True
        self._activity.excite(profile.excitement * math.log(length))

    def _take(self, at_ms: int) -> None:
        """Let a taker order come that goes no further than the touch."""
        if self._rnd() < NEW_TAKER_SHARE:
            self._hit = int(self._rnd() * 2)
        side, book = self._hit, self.book
        self._print(at_ms, side, book.take(side, self._draw(self._trade_sizes), book.best[side]))

    def _print(self, at_ms: int, side: Side, fills: list[Fill]) -> None:
        for tick, lots in fills:
            hidden = 1 + int(lots * self._rnd()) if self._rnd() < HIDDEN_SHARE else 0
            self._prints.append((at_ms, side, tick, lots, hidden))
            self.printed_lots += lots

    def _close_spread(self) -> None:
        """Makers close a spread of more than a tick: at the old price again, or from the other side."""
        best, profile = self.book.best, self._profile
        if best[ASK] - best[BID] > 1 and self._rnd() >= profile.linger_share:
            size = self._draw(self._best_sizes)
            requeued = not self._swept and self._rnd() < profile.requeue_share
            side = self._hit if requeued else OTHER[self._hit]
            self.book.set_level(side, best[OTHER[side]] + SIGN[OTHER[side]], size)
            self._swept = False
            self._requote(BID)
            self._requote(ASK)

    def _requote(self, side: Side) -> None:
        """Makers near the touch follow the best price that has moved since they last did."""
        book, rnd, share = self.book, self._rnd, self._occupancy.share
        best, levels = book.best[side], book.levels[side]
        shift = SIGN[side] * (best - self._quoted_at[side])
        self._quoted_at[side] = best
        if not shift:
            return
        for distance in range(1, self._profile.quote_zone + max(shift, 0)):
            tick = best - SIGN[side] * distance
            wanted, before = share(tick, distance), share(tick, distance - shift)
            if tick not in levels:
                if wanted > before and rnd() < (wanted - before) / (1 - before):
                    book.set_level(side, tick, self._draw(self._level_sizes))
            elif distance == shift:  # the old best, where nobody needs to queue any more
                book.set_level(side, tick, self._draw(self._level_sizes) if rnd() < wanted else 0)
            elif wanted < before and rnd() > wanted / before:
                book.set_level(side, tick, 0)

    def _refresh_best(self, side: Side) -> None:
        """Makers join or leave the queue at the touch."""
        queue = self._queue[side] + (2 * self._rnd() - 1) * QUEUE_DRIFT
        self._queue[side] = queue = min(abs(queue), 2 - abs(queue) - 1e-9)
        if self._rnd() < REFRESH_SHARE:
            self.book.set_level(side, self.book.best[side], self._best_sizes[int(queue * QUANTILE_STEPS)])

    def _make(self) -> None:
        """Let a maker change one level behind the touch, or find nothing to do."""
        rnd, book, profile, spacings = self._rnd, self.book, self._profile, self._occupancy.spacing
        side = int(rnd() * 2)
        best, levels, sign = book.best[side], book.levels[side], SIGN[side]
        about = self._draw(self._distances)
        flash = rnd() < profile.flash_share
        for _ in range(TRIES):
            distance = int(about * (0.8 + 0.4 * rnd())) + 1
            if distance >= len(spacings):
                return
            tick = best - sign * distance
            if spacings[distance] > 1 and rnd() < ROUND_SHARE:
                tick -= tick % spacings[distance]
            lots, share = levels.get(tick), self._occupancy.share(tick, distance)
            if lots is None:
                if flash or rnd() < profile.removal_share * share / (1 - share):
                    book.set_level(side, tick, self._draw(self._level_sizes))
                    if flash:
                        book.set_level(side, tick, 0)
                    return
            elif not flash:
                book.set_level(side, tick, 0 if rnd() < profile.removal_share else self._resized(lots))
                return

    def _resized(self, lots: int) -> int:
        """Another size for a level: close to the old one in quantiles, or drawn anew."""
        profile, sizes = self._profile, self._level_sizes
        if self._rnd() >= profile.keep_share:
            return self._draw(sizes)
        low, high = bisect_left(sizes, lots), bisect_right(sizes, lots)
        quantile = low + self._rnd() * (high - low) + (2 * self._rnd() - 1) * profile.nudge * len(sizes)
        return sizes[int(min(abs(quantile), 2 * len(sizes) - 1 - abs(quantile)))]

    def _clean(self, side: Side) -> None:
        """Let makers cancel what the price has left behind: too far away, or too many of the far levels."""
        profile, best, levels = self._profile, self.book.best[side], self.book.levels[side]
        far = [tick for tick in levels if abs(tick - best) > profile.far]
        gone = [tick for tick in far if abs(tick - best) > profile.reach]
        excess = len(levels) - profile.most_levels
        if excess > 0 and far:
            gone += self._random.choices(far, k=1 + int(excess * CLEANED_SHARE))
        for tick in gone:
            self.book.set_level(side, tick, 0)
