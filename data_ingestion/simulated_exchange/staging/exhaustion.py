"""How an exhaustion is staged, and its near misses: makers leave, and takers push the price through."""

from typing import Final

from data_ingestion.simulated_exchange.crowd import STEP_MS
from data_ingestion.simulated_exchange.matching_book import BID
from data_ingestion.simulated_exchange.staging.hands import Hands, Steps

LEAST_REST: Final = 0.1  # of a side's usual lots, that makers leave there
ZONE: Final = 24  # levels that makers thin out: what the takers eat, the ten after that, and some room


def exhaustion(hands: Hands) -> Steps:
    """Let makers leave a side within two seconds, and takers eat its best levels: the price breaks out."""
    yield from _empty(
        hands, _depth(hands), hands.random.uniform(0.62, 0.80), hands.random.uniform(300, 1_300)
    )
    yield from _break_out(hands)


def half_kept_exhaustion(hands: Hands) -> Steps:
    """Let the price break out as far, while more than half of the side stays."""
    most = hands.usual.most_lots[hands.side]
    yield from _empty(hands, most, hands.random.uniform(0.35, 0.40), hands.random.uniform(300, 1_300))
    yield from _break_out(hands)


def slow_exhaustion(hands: Hands) -> Steps:
    """Let makers take longer to leave, and then the price break out."""
    yield from _empty(
        hands, _depth(hands), hands.random.uniform(0.62, 0.75), hands.random.uniform(6_500, 8_000)
    )
    yield from _break_out(hands)


def exhaustion_without_breakout(hands: Hands) -> Steps:
    """Let makers leave a side within two seconds, while the best price stays."""
    yield from _empty(
        hands, _depth(hands), hands.random.uniform(0.62, 0.80), hands.random.uniform(300, 1_300)
    )
    hands.end()
    yield from hands.wait(1_000)


def _depth(hands: Hands) -> int:
    return sum(lots for _, lots in hands.levels(10))


def _empty(hands: Hands, before: int, fall: float, ms: float) -> Steps:
    """Thin out a side bit by bit, until any ten levels in a row hold less than the lots of `before`.

    `fall` is how much less, in multiples of what ten levels usually hold.
    """
    levels = hands.levels(ZONE)
    hands.hold_range(levels)
    hands.begin(levels[0][0])
    usual = hands.usual.side_lots[hands.side]
    rest = max(before - fall * usual, LEAST_REST * usual) / 10
    goals = [max(1, round(rest * hands.random.uniform(0.9, 1.1))) for _ in levels]
    steps = max(1, round(ms / STEP_MS))
    for step in range(1, steps + 1):
        for (tick, lots), goal in zip(levels, goals, strict=True):
            hands.hold(tick, lots + (goal - lots) * step // steps)
        yield


def _break_out(hands: Hands) -> Steps:
    """Eat the best levels until the spread is wide and the mid out of its range, and let that be seen."""
    levels = hands.levels(ZONE // 2)
    least = hands.random.randint(2, 4)
    hands.hold_gap(abs(levels[-1][0] - levels[0][0]))
    for number, (tick, _) in enumerate(levels[:-1], start=1):
        hands.eat_through(tick)
        is_out = _is_broken_out(hands)
        if is_out and hands.request.near_miss is None:
            hands.fulfil()
        yield from hands.wait(hands.random.randint(1, 3) * STEP_MS)
        if is_out and number >= least:
            break
    yield from hands.wait(hands.random.uniform(300, 600))
    hands.follow()
    hands.end()


def _is_broken_out(hands: Hands) -> bool:
    low, high = hands.usual.best_sums
    left = hands.best_sum < low if hands.side == BID else hands.best_sum > high
    return left and hands.spread >= 2 * hands.usual.spread
