"""Those who trade on one simulated market: makers who add, change and cancel, takers who eat.

Source of the figures behind the profiles: a recording of Binance of August 2024.
"""

import math
from bisect import bisect_left, bisect_right
from random import Random
from typing import Final, NamedTuple

from data_ingestion.simulated_exchange.far_makers import FarMakers
from data_ingestion.simulated_exchange.matching_book import ASK, BID, OTHER, SIGN, Fill, MatchingBook, Side
from data_ingestion.simulated_exchange.profiles import (
    QUANTILE_STEPS,
    Activity,
    MarketProfile,
    OccupancyTables,
    quantile_table,
)
from data_ingestion.simulated_exchange.standing import Standing

STEP_MS: Final = 25
EVENT_MS: Final = 100
DEPTH_STAMP_MS: Final = 4  # a depth event's time before the end of its window
TAKER_WINDOW_MS: Final = 20  # trades come in this part of a micro step; the depth event is stamped after them
TRIES: Final = 8  # ticks a maker looks at before giving up
ROUND_SHARE: Final = 0.8  # far looks that go to round prices
NEW_TAKER_SHARE: Final = 0.4  # taker orders that choose their side; the others follow the one before
HIDDEN_SHARE: Final = 0.04  # fills that also meet an RPI order, which the depth never shows
LONGEST_SWEEP: Final = 450  # ticks
HOME_PULL: Final = 0.7  # leaning of sweeps back to the start price, per relative distance from it
QUEUE_DRIFT: Final = 0.004  # quantiles that the best level's usual size moves by, at most, in a micro step
NEW_QUEUE: Final = 0.6  # exponent that makes the queue at a new best price a long one
REFRESH_SHARE: Final = 0.25  # micro steps in which the best level is brought to that size
CLEANING_STEPS: Final = 40
REQUEUED_STEPS: Final = 200  # in which makers do not quote once more at a price that was eaten again
FAR_SHIFT: Final = 20  # ticks that the best price moves at once, for makers farther away to follow at once
FAR_REQUOTED: Final = 0.3  # of their levels that they change then, at most
FAR_REQUOTED_A_TICK: Final = 0.003
QUIET_SHARE: Final = 0.4  # of the ticks away from the touch where makers seldom change what they quote
QUIET_RATE: Final = 0.15  # as often as elsewhere
LARGE_QUANTILE: Final = 0.82  # of the sizes behind the touch: above it makers mean to stay
SMALL_PART: Final = LARGE_QUANTILE * QUANTILE_STEPS
LITTLE: Final = 1.1  # times that those change their size by, at most
MOST_HABITS: Final = 12_000  # ticks whose usual size is remembered
CLEANED_SHARE: Final = 0.2  # of the levels too many on a side, cancelled in each cleaning


class Print(NamedTuple):
    """One fill."""

    at_ms: int
    side: Side  # that was hit
    tick: int
    lots: int
    hidden: int  # lots of an RPI order that it met besides


class Crowd:
    """The makers and takers of one market, and the book that they meet in."""

    def __init__(self, profile: MarketProfile, random: Random, *, start_ms: int, update_id: int) -> None:
        self._profile = profile
        self._random = random
        self._rnd = random.random
        self._occupancy = OccupancyTables.of(profile)
        self._level_sizes = quantile_table(profile.level_size, profile.lots_per_unit)
        self._best_sizes = quantile_table(profile.best_size, profile.lots_per_unit)
        self._large = self._level_sizes[int(LARGE_QUANTILE * QUANTILE_STEPS)]
        self._trade_sizes = quantile_table(profile.trade_size, profile.lots_per_unit)
        self._distances = quantile_table(profile.change_distance)
        self._activity = Activity(Random(random.getrandbits(64)))  # moods that no operation changes
        self._home = round(profile.start_price * profile.ticks_per_unit)
        self._usual: dict[int, int] = {}  # lots that small makers like to quote, by tick
        self._queue = [random.random(), random.random()]  # quantile of the best level's usual size
        self._hit: Side = BID  # the side that takers hit last
        self._requeued = [(0, 0), (0, 0)]  # the price that makers quoted again at, and until when not again
        self._swept = False  # the open spread was left by a sweep
        self._steps = 0
        self._prints: list[Print] = []
        self.printed_lots = 0
        self.takers_away = False  # while somebody else shows what takers can do
        self.book = MatchingBook(self._side(BID), self._side(ASK), update_id=update_id, random=random)
        self._quoted_at = list(self.book.best)  # the best ticks that makers near the touch know of
        self.standing = Standing(self.book)
        self._far_makers: FarMakers | None = None
        if profile.far_habits is not None:
            self._far_makers = FarMakers(
                profile.far_habits, profile.lots_per_unit, self.standing, random, start_ms
            )
            self.book.drain_touched()  # the market was like this before

    def step(self, at_ms: int) -> None:
        """Play one micro step that begins at `at_ms`."""
        rnd, profile, activity = self._rnd, self._profile, self._activity.step()
        self._close_spread()
        if not self.takers_away:
            self._play_takers(at_ms, activity)
        self._close_spread()
        self._refresh_best(BID)
        self._refresh_best(ASK)
        for _ in range(int(profile.maker_rate * activity + rnd())):
            self._make()
        if self._far_makers is not None and at_ms % EVENT_MS == 0:
            self._far_makers.step(at_ms, EVENT_MS)
        self._steps += 1
        if self._steps % CLEANING_STEPS == 0:
            self._clean(BID)
            self._clean(ASK)

    def hit(self, at_ms: int, side: Side, lots: int, limit: int) -> list[Fill]:
        """Let an order of a taker outside the crowd eat up to `lots` of `side`, none beyond tick `limit`.

        The crowd takes it for a sweep if it moves the best price: makers of the other side follow.
        """
        best = self.book.best[side]
        fills = self.standing.match(side, lots, limit)
        self._print(at_ms, side, fills)
        self._hit, self._swept = side, self.book.best[side] != best
        return fills

    def price(self, tick: int) -> float:
        """Return the price of a tick, in the quote asset."""
        return self._profile.price(tick)

    def drain_prints(self) -> list[Print]:
        """Return the fills since the last call."""
        prints, self._prints = self._prints, []
        return prints

    def _side(self, side: Side) -> dict[int, int]:
        best = self._home + side
        levels = {best: self._draw(self._best_sizes)}
        for distance in range(1, self._profile.reach):
            tick = best - SIGN[side] * distance
            if self._rnd() < self._occupancy.share(tick, distance):
                levels[tick] = self._usual_size(tick)
        return levels

    def _draw(self, table: tuple[int, ...]) -> int:
        return table[int(self._rnd() * len(table))]

    def _usual_size(self, tick: int) -> int:
        """Size of a new level: what is usual at the price, or drawn, which is usual from then on."""
        lots = self._usual.get(tick)
        if lots is None or self._rnd() >= self._profile.usual_share:
            self._usual[tick] = lots = self._draw(self._level_sizes)
        return lots

    def _play_takers(self, at_ms: int, activity: float) -> None:
        rnd, profile = self._rnd, self._profile
        if rnd() < profile.sweep_rate * activity:
            self._sweep(at_ms)
        orders = int(profile.taker_rate * activity + rnd())
        for i in range(orders):
            self._play_taker(at_ms + int((i + rnd()) * TAKER_WINDOW_MS / orders))

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
                self.standing.pull(side, tick)
        self._print(
            at_ms, side, self.standing.match(side, sum(levels.values()), best - SIGN[side] * (length - 1))
        )
        self._swept = True
        self._activity.excite(profile.excitement * math.log(length))

    def _play_taker(self, at_ms: int) -> None:
        """Let a taker order come that goes no further than the touch."""
        if self._rnd() < NEW_TAKER_SHARE:
            self._hit = int(self._rnd() * 2)
        side, best = self._hit, self.book.best[self._hit]
        self._print(at_ms, side, self.standing.match(side, self._draw(self._trade_sizes), best))
        if self.book.best[side] == best:  # what was eaten of the queue does not come back at once
            left = bisect_left(self._best_sizes, self.standing.small_lots(side, best)) / QUANTILE_STEPS
            self._queue[side] = min(self._queue[side], left)
            if left < self._profile.short_queue:
                self.standing.quote(side, best, 0)

    def _print(self, at_ms: int, side: Side, fills: list[Fill]) -> None:
        for tick, lots in fills:
            hidden = 1 + int(lots * self._rnd()) if self._rnd() < HIDDEN_SHARE else 0
            self._prints.append(Print(at_ms, side, tick, lots, hidden))
            self.printed_lots += lots

    def _close_spread(self) -> None:
        """Makers close a spread of more than a tick: at the old price again, or from the other side."""
        best, profile = self.book.best, self._profile
        if best[ASK] - best[BID] > 1 and self._rnd() >= profile.linger_share:
            requeued = not self._swept and self._rnd() < profile.requeue_share and self._may_requeue()
            side = self._hit if requeued else OTHER[self._hit]
            self._queue[side] = queue = self._rnd() ** NEW_QUEUE
            size = self._best_sizes[int(queue * QUANTILE_STEPS)]
            self.standing.quote(side, best[OTHER[side]] + SIGN[OTHER[side]], size)
            self._swept = False
            self._requote(BID)
            self._requote(ASK)

    def _may_requeue(self) -> bool:
        """Whether makers have not just quoted again at the price that takers have eaten: few do so twice."""
        side = self._hit
        tick = self.book.best[OTHER[side]] + SIGN[OTHER[side]]
        last_tick, until = self._requeued[side]
        if tick == last_tick and self._steps < until:
            return False
        self._requeued[side] = tick, self._steps + REQUEUED_STEPS
        return True

    def _requote(self, side: Side) -> None:
        """Makers near the touch follow the best price that has moved since they last did."""
        book, rnd, share, quote = self.book, self._rnd, self._occupancy.share, self.standing.quote
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
                    quote(side, tick, self._usual_size(tick))
            elif distance == shift:  # the old best, where nobody needs to queue any more
                quote(side, tick, self._usual_size(tick) if rnd() < wanted else 0)
            elif wanted < before and rnd() > wanted / before:
                self.standing.pull(side, tick)
        if abs(shift) >= FAR_SHIFT:
            self._requote_far(side, min(FAR_REQUOTED, abs(shift) * FAR_REQUOTED_A_TICK))

    def _requote_far(self, side: Side, part: float) -> None:
        """Makers behind those think again about that part of the prices there."""
        rnd, profile, quote = self._rnd, self._profile, self.standing.quote
        best, sign = self.book.best[side], SIGN[side]
        for distance in range(profile.quote_zone, profile.far_zone):
            if rnd() >= part:
                continue
            tick = best - sign * distance
            if self.standing.small_lots(side, tick):
                self._usual.pop(tick, None)
                quote(side, tick, 0 if rnd() < profile.removal_share else self._usual_size(tick))
            else:
                share = self._occupancy.share(tick, distance)
                if rnd() < profile.removal_share * share / (1 - share):
                    quote(side, tick, self._usual_size(tick))

    def _refresh_best(self, side: Side) -> None:
        """Makers join or leave the queue at the touch."""
        queue = self._queue[side] + (2 * self._rnd() - 1) * QUEUE_DRIFT
        self._queue[side] = queue = min(abs(queue), 2 - abs(queue) - 1e-9)
        if self._rnd() < REFRESH_SHARE:
            self.standing.quote(side, self.book.best[side], self._best_sizes[int(queue * QUANTILE_STEPS)])

    def _make(self) -> None:
        """Let a maker change one level behind the touch, or find nothing to do."""
        rnd, profile, spacings, standing = self._rnd, self._profile, self._occupancy.spacing, self.standing
        side = int(rnd() * 2)
        best, sign = self.book.best[side], SIGN[side]
        about = self._draw(self._distances)
        flash = rnd() < profile.flash_share
        for _ in range(TRIES):
            distance = int(about * (0.8 + 0.4 * rnd())) + 1
            if distance >= len(spacings):
                return
            tick = best - sign * distance
            if spacings[distance] > 1 and rnd() < ROUND_SHARE:
                tick -= tick % spacings[distance]
            if distance > profile.quote_zone and _is_quiet(tick) and rnd() >= QUIET_RATE:
                continue
            lots, share = standing.small_lots(side, tick), self._occupancy.share(tick, distance)
            if not lots:
                if flash or rnd() < profile.removal_share * share / (1 - share):
                    size = self._usual_size(tick)
                    if distance <= profile.quote_zone and size >= self._large:
                        size = self._reconsidered(self._level_sizes[int(rnd() * SMALL_PART)], size)
                    standing.quote(side, tick, size)
                    if flash:
                        standing.quote(side, tick, 0)
                    return
            elif not flash:
                resized = 0 if rnd() < profile.removal_share else self._resized(tick, lots)
                if distance <= profile.quote_zone and (lots >= self._large) != (resized >= self._large):
                    resized = self._reconsidered(lots, resized)
                standing.quote(side, tick, resized)
                return

    def _reconsidered(self, lots: int, other: int) -> int:
        """Return what a level near the touch is changed to: few go over from large to small, or back."""
        profile = self._profile
        if self._rnd() >= (profile.stay_large if lots >= self._large else profile.stay_small):
            return other
        return max(1, round(lots * math.pow(LITTLE, 2 * self._rnd() - 1)))

    def _resized(self, tick: int, lots: int) -> int:
        """Another size for a level: the usual one, one close to the old one in quantiles, or drawn anew."""
        profile, sizes = self._profile, self._level_sizes
        usual = self._usual.get(tick, lots)
        if usual != lots and self._rnd() < profile.usual_share:
            return usual
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
            self.standing.pull(side, tick)
        if len(self._usual) > MOST_HABITS:
            self._usual = {
                tick: lots for tick, lots in self._usual.items() if abs(tick - best) <= profile.far
            }


def _is_quiet(tick: int) -> bool:
    """Whether makers seldom change what they quote at a tick: a matter of the tick alone."""
    return (tick * 0x9E3779B1 & 0xFFFFFFFF) < QUIET_SHARE * 0x100000000
