"""What is woven in: one script a kind and a way to measure how strong it is.

A strength is a multiple of what the definition asks for: below 1 it is a near miss, above 1 a pattern. Where
the recording spoils a pattern (its price leaves, others rest or trade there), the record says so; that is
judged by what is shown, never by what was flagged.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import inf
from random import Random
from types import MappingProxyType
from typing import Final

from features.detectors.detection import Kind
from tests.tools.detection.injection.ahead import Ahead
from tests.tools.detection.injection.loom import BID, SIGN, Level, Loom

Steps = Iterator[int]
"""Milliseconds until the next step."""

LARGE: Final = 3.0  # median sizes
FOREIGN: Final = 0.03  # of a woven size, that others may take of it
IN_TOP: Final = 9  # levels better than one that can be seen, at most
WALL_MS: Final = 5_600
HOLD_MS: Final = 5_000  # that a wall has to hold
LAYERING_MS: Final = 5_000
CHANGE_MS: Final = 1_040  # between changes: five within five seconds, and a little less often than that
HIT_MS: Final = 1_900
SLOW_HIT_MS: Final = 2_700
BACK_MS: Final = 930  # a refill just within its second
SOON_MS: Final = 6_600  # a cooldown, and a little more
SHOWN_MS: Final = 110  # until what was done is in a book
SWEEP_MS: Final = 200  # that a sweep takes at most
MORE: Final = 1.1  # times the volume planned, that others may make of it
PRINT_MS: Final = 110  # between prints at a price that are not told as one trade
REST_MS: Final = 1_000
RANGE_MS: Final = 40_000  # so that the range before a breakout does not hold the one before


@dataclass(slots=True)
class Record:
    """What was woven. Prices from the best to the worst, times in exchange ms."""

    kind: Kind
    way: str
    strength: float
    side: int
    first_price: float = 0.0
    last_price: float = 0.0
    started_at: int = 0
    ended_at: int = 0
    asked: float = 0.0  # the strength that was planned
    spoiled: str | None = None
    ending: str | None = None  # of a wall


class Spoiled(Exception):
    """The recording does not let the pattern be."""


@dataclass(slots=True)
class Hand:
    """Who weaves one pattern."""

    loom: Loom
    ahead: Ahead
    random: Random
    record: Record

    @property
    def side(self) -> int:
        """The side of the book that it is about."""
        return self.record.side

    def begin(self, first: float, last: float | None = None) -> None:
        """Note where and when."""
        record = self.record
        record.first_price, record.last_price = first, first if last is None else last
        record.started_at = record.ended_at = self.loom.now

    def stay(self, prices: list[float], ms: int) -> Steps:
        """Let time pass while these prices stay in sight and nobody trades there."""
        end = self.loom.now + ms
        while True:
            loom, side = self.loom, self.side
            for price in prices:
                own = loom.held[side].get(price, 0.0)
                if not own:
                    raise Spoiled("the price went through")
                if loom.printed[side].get(price, 0.0) > FOREIGN * own:
                    raise Spoiled("others traded there")
                if loom.rank(side, price) > IN_TOP:
                    raise Spoiled("out of sight")
            if loom.now >= end:
                return
            yield min(25, end - loom.now)

    def free_prices(self, count: int, span: int) -> list[float]:
        """Return neighbouring prices behind the touch that stay in sight, best first."""
        loom, side, sign = self.loom, self.side, SIGN[self.side]
        room = self.ahead.seen_throughout(side, loom.now, span, IN_TOP - count)
        if room is None:
            raise Spoiled("no room")
        best, worst = room
        steps = round(sign * (best - worst) / loom.tick)
        firsts = list(range(1, steps - count + 2))
        self.random.shuffle(firsts)
        for first in firsts:
            prices = [loom.price(best - sign * (first + n) * loom.tick) for n in range(count)]
            if not any(loom.real[side].get(price) or loom.printed_lately(side, price) for price in prices):
                return prices
        raise Spoiled("no room")


# --- what rests ---------------------------------------------------------------------------------------------


def wall_by_size(hand: Hand) -> Steps:
    """Let a level of so many thresholds rest long enough, then pull it or let it be eaten."""
    yield from _wall(hand, hand.record.strength, WALL_MS)


def wall_by_time(hand: Hand) -> Steps:
    """Let a level of twice the threshold rest for so many times five seconds."""
    yield from _wall(hand, 2.0, round(HOLD_MS * hand.record.strength))


def _wall(hand: Hand, times: float, held: int) -> Steps:
    loom, side = hand.loom, hand.side
    (price,) = hand.free_prices(1, held + 400)
    size = loom.round(times * LARGE * loom.median_size())
    loom.hold(side, price, size)
    loom.watch(side)
    hand.begin(price)
    yield from hand.stay([price], held)
    if hand.record.strength > 1 and loom.rank(side, price) < 4 and hand.random.random() < 0.5:
        hand.record.ending = "consumed"
        _eat_better(loom, side, price)
        for part in (0.4, 0.7, 1.0):
            left = loom.held[side].get(price, 0.0)
            if left:
                loom.take(side, price, left * part)
            yield 60
    else:
        hand.record.ending = "pulled" if hand.record.strength > 1 else None
        loom.let_go(side, price)


def layering_by_size(hand: Hand) -> Steps:
    """Let three neighbours of so many thresholds change all the time."""
    yield from _layering(hand, hand.record.strength, 400)


def layering_by_changes(hand: Hand) -> Steps:
    """Let three neighbours of twice the threshold change so many times as often as five in five seconds."""
    yield from _layering(hand, 2.0, round(CHANGE_MS / hand.record.strength))


def _layering(hand: Hand, times: float, every: int) -> Steps:
    loom, side = hand.loom, hand.side
    span = max(LAYERING_MS, 5 * every)
    prices = hand.free_prices(3, span + 400)
    size = times * LARGE * loom.median_size()
    loom.watch(side)
    hand.begin(prices[0], prices[-1])
    for change in range(span // every + 1):
        for price in prices:
            loom.hold(side, price, size * (1 + 0.01 * (change % 3)))
        yield from hand.stay(prices, every)
        _no_trade_in_their_row(hand, prices[0])


def _no_trade_in_their_row(hand: Hand, first: float) -> None:
    """Hold them spoiled where large levels in front of them, which are of their row, are traded at."""
    loom, side, sign = hand.loom, hand.side, SIGN[hand.side]
    in_front = [level for level in loom.published[side] if sign * level[0] > sign * first]
    for price, size in reversed(in_front):
        if size <= LARGE * loom.median_size():
            return
        if loom.printed[side].get(price):
            raise Spoiled("others traded in the same row")


# --- what is taken ------------------------------------------------------------------------------------------


def sweep_by_levels(hand: Hand) -> Steps:
    """Eat so many times three levels at once."""
    yield from _sweep(hand, max(1, min(10, round(3 * hand.record.strength))), 0)


def sweep_by_speed(hand: Hand) -> Steps:
    """Eat three levels in 200 ms over the strength, and a little less."""
    yield from _sweep(hand, 3, round(196 / hand.record.strength))


def _sweep(hand: Hand, count: int, span: int) -> Steps:
    """Eat the levels of the last published book, one after another; makers wait until the next one is out."""
    loom, side, record = hand.loom, hand.side, hand.record
    wait = (-(loom.now + 10 + span) - 12) % 100  # the last print is some ms before the end of an event
    if not hand.ahead.no_sweep(side, loom.now + wait):
        raise Spoiled("the recording has one of its own")
    yield wait + 10
    levels, is_near_miss = loom.published[side][: count + 1], record.strength < 1
    if len(levels) <= count:
        raise Spoiled("no room")
    if is_near_miss and loom.printed_beyond(side, SIGN[side] * inf, loom.now - SWEEP_MS):
        raise Spoiled("others have begun")
    hand.begin(levels[0][0], levels[count - 1][0])
    yield from _eat(hand, levels, span)
    record.ended_at = loom.now
    while loom.published_at < record.ended_at:
        yield 5
    yield 5
    loom.keep_back(side, None)
    while is_near_miss and loom.now < record.ended_at + SWEEP_MS:
        yield 25
    if is_near_miss and loom.printed_beyond(side, record.last_price, record.started_at):
        raise Spoiled("others went on")  # and made a sweep of it


def _eat(hand: Hand, levels: list[Level], span: int) -> Steps:
    """Eat all of these levels but the last, one after another, and show nothing better than the next.

    Until then those who rest there stay: nobody can trade where the recording's makers have left.
    """
    loom, side, at, last = hand.loom, hand.side, hand.loom.now, len(levels) - 2
    for price, size in levels[:-1]:
        loom.hold(side, price, loom.size(side, price) or size)
    for number, (price, _) in enumerate(levels[:-1]):
        due = at + span * number // max(1, last)
        if due > loom.now:
            yield due - loom.now
        if not number:
            _eat_better(loom, side, price)
        # Of the last 100 ms both would be told as one trade; before, theirs would be part of the sweep.
        if loom.printed_lately(side, price, max(100, loom.now - at + 1)):
            raise Spoiled("others traded there")
        if not loom.size(side, price):
            raise Spoiled("the price went through")
        loom.eat_up(side, price)
        loom.keep_back(side, (levels[number + 1][0], 1.0))


# --- what is hit --------------------------------------------------------------------------------------------


def absorption_by_volume(hand: Hand) -> Steps:
    """Let takers take so many thresholds at the best price within two seconds, and refill it each time."""
    yield from _hit(hand, 2.2, 1.5, blows=(3, 8), span=HIT_MS, back=(10, 120))


def iceberg_by_volume(hand: Hand) -> Steps:
    """Let takers take so many thresholds of a price that is refilled at once."""
    yield from _hit(hand, 1.5, 1.0, blows=(3, 8), span=HIT_MS, back=(10, 120))


def slow_iceberg_by_volume(hand: Hand) -> Steps:
    """Let takers take so many thresholds of a price that is refilled within half a second."""
    yield from _hit(hand, 2.5, 1.0, blows=(3, 5), span=SLOW_HIT_MS, back=(300, 480))


def iceberg_by_speed(hand: Hand) -> Steps:
    """Let a price be refilled in a second over the strength, as often as an iceberg is, or once more."""
    back, span = round(BACK_MS / hand.record.strength), _refilled_for(hand.record.strength)
    if hand.record.strength < 1:
        yield from _late_refills(hand, back, span)
    else:
        yield from _hit(hand, 2.5, 1.0, blows=(3, 3), span=span, back=(back, back), fixed=2.0)


def _late_refills(hand: Hand, back: int, span: float) -> Steps:
    """Let two blows of two prints each come through to a price behind the touch, and be given back too late.

    Behind it, for at the touch others trade all the time, and what they took would be back in time.
    """
    loom, side = hand.loom, hand.side
    (price,) = hand.free_prices(1, round(span) + 400)
    visible = loom.round(2.5 * loom.median_size())
    loom.hold(side, price, visible)
    yield 130
    loom.watch(side)
    hand.begin(price)
    for _ in range(2):
        for wait in (PRINT_MS, back):
            _eat_better(loom, side, price)
            loom.take(side, price, 0.4 * visible)
            yield wait
        if loom.printed_lately(side, price, back - 1) > 0 or loom.rank(side, price) > IN_TOP:
            raise Spoiled("others traded there, or it is out of sight")
        loom.hold(side, price, visible)
        yield SHOWN_MS
        if loom.held[side][price] != visible:
            raise Spoiled("others traded there")
    yield 230  # so that the last refill is seen
    hand.record.ended_at = loom.now


def _eat_better(loom: Loom, side: int, price: float) -> None:
    """Eat all that is better than a price."""
    for better, resting in loom.levels(side, 30):
        if SIGN[side] * better > SIGN[side] * price:
            loom.take(side, better, resting)


def _refilled_for(strength: float) -> float:
    """Return how many ms an iceberg takes of which the speed is measured."""
    back = BACK_MS / strength
    return 2 * (back + PRINT_MS + SHOWN_MS) if strength < 1 else 3 * (back + SHOWN_MS)


def _hit(
    hand: Hand,
    medians: float,
    ratio: float,
    *,
    blows: tuple[int, int],
    span: float,
    back: tuple[int, int],
    fixed: float | None = None,
) -> Steps:
    """Let so many thresholds trade at a price within a time, and give each blow back within so many ms.

    A threshold is `ratio` times the largest size shown, and a large level at least. What others trade there
    counts, and so does what the books have really shown: the record's strength is what came of it, unless it
    is not the volume that is measured. Where they trade more than was planned, nobody knows how it was given
    back.
    """
    loom, side, random = hand.loom, hand.side, hand.random
    found = hand.ahead.touch_throughout(side, loom.now, round(span) + 300)
    if found is None or SIGN[side] * (found - loom.best(side)) < 0:
        raise Spoiled("no room")
    price, large = loom.price(found), LARGE * loom.median_size()
    visible = max(medians * loom.median_size(), loom.size(side, price))
    if loom.printed_lately(side, price) > 0.03 * max(ratio * visible, large):
        raise Spoiled("others traded there")
    visible = loom.round(visible)
    loom.hold(side, price, visible)
    yield 130
    if loom.printed_lately(side, price) > 0.03 * max(ratio * visible, large):
        raise Spoiled("others traded there")
    loom.watch(side)
    hand.begin(price)
    strength, threshold = fixed or hand.record.strength, max(ratio * visible, large)
    count = max(blows[0], min(blows[1], round(strength * threshold / visible / 0.7)))
    for number in range(count):
        blow = (strength * threshold - loom.printed[side].get(price, 0.0)) / (count - number)
        blow = min(blow, 0.8 * loom.held[side][price])
        if blow > loom.lot:
            loom.take(side, price, blow)
        wait = random.randint(*back)
        yield wait
        if not loom.held[side][price]:
            raise Spoiled("the price went through")
        loom.hold(side, price, visible)
        yield max(SHOWN_MS, round(span) // count - wait)
        if loom.best(side) != price:
            raise Spoiled("the price left")
    yield 230  # so that the last refill is seen
    came = loom.printed[side].get(price, 0.0)
    hand.record.ended_at = loom.now
    if fixed is None:
        hand.record.strength = came / max(ratio * loom.most[side].get(price, 0.0), large)
    if came > MORE * strength * threshold:
        raise Spoiled("others traded there")


# --- what runs dry ------------------------------------------------------------------------------------------


def exhaustion_by_depth(hand: Hand) -> Steps:
    """Let a side lose so many times half of its median depth, and the price break out through it."""
    loom, side, sign = hand.loom, hand.side, SIGN[hand.side]
    peak = loom.peak_depth(side)
    if hand.record.strength < 1 and loom.fell_lately(side):
        raise Spoiled("the side has just fallen by itself")
    target = peak - hand.record.strength * 0.5 * loom.median_depth(side)
    if target <= 20 * loom.lot:
        raise Spoiled("not so much there")
    low, high = loom.mid_range()
    other = loom.best(1 - side)
    edge = low if side == BID else high
    limit = other - sign * 2.2 * loom.median_spread()
    limit = loom.price(sign * min(sign * limit, sign * (2 * edge - other) - 4 * loom.tick))
    behind = [size for price, size in loom.levels(side, 2_000) if sign * price <= sign * limit][:10]
    if len(behind) < 10 or sum(behind) <= target:
        raise Spoiled("not so much there")
    hand.begin(loom.best(side), limit)
    loom.keep_back(side, (limit, target / sum(behind)))
    least, broke = sum(behind), False
    for _ in range(23):
        yield 10
        least = min(least, sum(size for _, size in loom.published[side]))
        mid = (loom.published[0][0][0] + loom.published[1][0][0]) / 2
        broke = broke or sign * mid < sign * edge - loom.tick
    loom.keep_back(side, None)
    hand.record.ended_at = loom.now
    hand.record.strength = (peak - least) / (0.5 * loom.median_depth(side))
    if not broke:
        raise Spoiled("the other side left as well")


@dataclass(frozen=True, slots=True)
class Way:
    """A script, and whether the recording has room for it at a time, on a side and at a strength."""

    script: Callable[[Hand], Steps]
    room: Callable[[Ahead, int, int, float], bool]
    apart_ms: int  # from the end of one to the start of the next of its kind and side
    lasts: Callable[[float], float] = lambda _: 0.0  # ms at a strength: what needs room for longest is first


def _rests(count: int, span: Callable[[float], float]) -> Callable[[Ahead, int, int, float], bool]:
    return lambda ahead, side, time, strength: (
        ahead.seen_throughout(side, time, round(span(strength)) + 500, IN_TOP - count) is not None
    )


def _holds(span: Callable[[float], float]) -> Callable[[Ahead, int, int, float], bool]:
    return lambda ahead, side, time, strength: (
        ahead.touch_throughout(side, time, round(span(strength)) + 300) is not None
    )


def _refills(ahead: Ahead, side: int, time: int, strength: float) -> bool:
    return (_rests(1, _refilled_for) if strength < 1 else _holds(_refilled_for))(ahead, side, time, strength)


def _runs_dry(ahead: Ahead, side: int, time: int, _: float) -> bool:
    return ahead.nearer_edge(time) == side


WAYS: Final[Mapping[Kind, Mapping[str, Way]]] = MappingProxyType(
    {
        Kind.WALL: {
            "size": Way(wall_by_size, _rests(1, lambda _: WALL_MS), REST_MS),
            "time": Way(wall_by_time, _rests(1, lambda strength: HOLD_MS * strength), REST_MS),
        },
        Kind.SWEEP: {
            "levels": Way(sweep_by_levels, lambda ahead, side, time, _: ahead.no_sweep(side, time), SOON_MS),
            "speed": Way(sweep_by_speed, lambda ahead, side, time, _: ahead.no_sweep(side, time), SOON_MS),
        },
        Kind.ABSORPTION: {"volume": Way(absorption_by_volume, _holds(lambda _: HIT_MS), SOON_MS)},
        Kind.LAYERING: {
            "size": Way(layering_by_size, _rests(3, lambda _: LAYERING_MS), REST_MS),
            "changes": Way(
                layering_by_changes,
                _rests(3, lambda strength: max(LAYERING_MS, 5 * CHANGE_MS / strength)),
                REST_MS,
            ),
        },
        Kind.ICEBERG: {
            "volume": Way(iceberg_by_volume, _holds(lambda _: HIT_MS), SOON_MS, lambda _: HIT_MS),
            "volume, slow refills": Way(
                slow_iceberg_by_volume, _holds(lambda _: SLOW_HIT_MS), SOON_MS, lambda _: SLOW_HIT_MS
            ),
            "speed of refills": Way(iceberg_by_speed, _refills, SOON_MS, _refilled_for),
        },
        Kind.EXHAUSTION: {"depth": Way(exhaustion_by_depth, _runs_dry, RANGE_MS)},
    }
)
