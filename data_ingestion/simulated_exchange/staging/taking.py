"""How sweeps, absorptions and icebergs are staged, and their near misses: what takers meet at the touch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from data_ingestion.simulated_exchange.crowd import EVENT_MS, STEP_MS
from data_ingestion.simulated_exchange.matching_book import Fill
from data_ingestion.simulated_exchange.staging.hands import Hands, Steps

EPISODE_MS: Final = 3_200  # without a trade: what trades then belongs to another episode


def sweep(hands: Hands) -> Steps:
    """Let takers eat three to seven levels in one instant, or within less than 200 ms."""
    levels = hands.levels(hands.random.randint(3, 7))
    yield from _line_up(hands, levels)
    steps = hands.random.choice((0, hands.random.randint(1, 7)))
    times = [0, *sorted(hands.random.randint(0, steps) for _ in levels[2:]), steps]
    yield from _eat_at(hands, levels, times, enough=3)
    yield from _sink_in(hands)


def short_sweep(hands: Hands) -> Steps:
    """Let takers eat two levels in one instant."""
    levels = hands.levels(2)
    yield from _line_up(hands, levels)
    yield from _eat_at(hands, levels, [0, 0])
    yield from _sink_in(hands)


def slow_sweep(hands: Hands) -> Steps:
    """Let takers eat three levels one after the other, in 300 to 600 ms."""
    levels = hands.levels(3)
    yield from _line_up(hands, levels)
    first, second = hands.random.randint(6, 12), hands.random.randint(6, 12)
    yield from _eat_at(hands, levels, [0, first, first + second])
    yield from _sink_in(hands)


def requoted_sweep(hands: Hands) -> Steps:
    """Let takers eat levels in one instant that makers quote again before the next depth event."""
    levels = hands.levels(hands.random.randint(3, 5))
    yield from _line_up(hands, levels)
    hands.begin(levels[0][0], levels[-1][0])
    hands.eat_through(levels[-1][0])
    for tick, lots in levels:
        hands.hold(tick, lots)
    yield from _sink_in(hands)


def _line_up(hands: Hands, levels: Sequence[Fill]) -> Steps:
    """Let depth events show these levels and none between them before somebody eats them."""
    hands.send_crowds_takers_away()
    hands.hold_range(levels)
    yield from hands.wait(hands.random.randint(4, 11) * STEP_MS)


def _eat_at(hands: Hands, levels: Sequence[Fill], times: Sequence[int], enough: int = 0) -> Steps:
    """Eat each level at its time, in micro steps from the first; the one numbered `enough` fulfils."""
    hands.begin(levels[0][0], levels[-1][0])
    now = 0
    for number, ((tick, _), time) in enumerate(zip(levels, times, strict=True), start=1):
        for _ in range(time - now):
            yield
        now = time
        hands.eat_through(tick)
        if number == enough:
            hands.fulfil()


def _sink_in(hands: Hands) -> Steps:
    """Let two depth events show what has happened."""
    hands.end()
    yield from hands.wait(2 * EVENT_MS)


@dataclass(frozen=True, slots=True)
class Blow:
    """A taker order on a level, and what makers do about it within 100 ms."""

    share: float  # of what is visible, eaten
    refill: float  # of what was eaten, given back


def absorption(hands: Hands) -> Steps:
    """Let takers eat far more at the best price than was ever visible, while it holds."""
    visible = hands.drawn(1.2, 2.0)
    need = max(1.5 * visible, 3.0 * hands.usual.lots)
    blows = _blows_for(hands, 1.3 * need / visible, (0.45, 0.75))
    yield from _quote_best(hands, visible)
    yield from _strike(hands, blows, (2_500 / len(blows) - 80, 2_500 / len(blows)), need)


def unrefilled_absorption(hands: Hands) -> Steps:
    """Let takers eat most of a large best level, and let nothing come back."""
    yield from _quote_best(hands, hands.drawn(4.0, 5.0), quiet=True)
    yield from _strike(hands, [Blow(hands.random.uniform(0.3, 0.4), 0.0)] * 3, (300, 700))


def moving_absorption(hands: Hands) -> Steps:
    """Let takers eat as much in as short a time, while the price gives way level by level."""
    levels = hands.levels(5)
    yield from _line_up(hands, levels)
    for tick, _ in levels:
        hands.hold(tick, hands.drawn(0.9, 1.3))
    yield from hands.wait(EVENT_MS)
    gaps = [hands.random.randint(10, 18) for _ in levels]
    yield from _eat_at(hands, levels, [sum(gaps[:i]) for i in range(len(levels))])
    yield from _sink_in(hands)


def thin_absorption(hands: Hands) -> Steps:
    """Let takers eat little of the best level, and refill it each time."""
    yield from _quote_best(hands, hands.drawn(1.2, 2.0), quiet=True)
    blows = [Blow(hands.random.uniform(0.15, 0.25), 1.0) for _ in range(3)]
    yield from _strike(hands, blows, (300, 700))


def iceberg(hands: Hands) -> Steps:
    """Let takers eat a level again and again, and show about the same size there each time."""
    visible = hands.drawn(0.8, 1.5)
    need = max(1.0 * visible, 3.0 * hands.usual.lots)
    blows = _blows_for(hands, 1.3 * need / visible, (0.6, 0.9))
    yield from _quote_best(hands, visible)
    yield from _strike(hands, blows, (200, 1_500), need)


def iceberg_refilled_once(hands: Hands) -> Steps:
    """Refill a level once, and then let it be eaten."""
    yield from _quote_best(hands, hands.drawn(1.9, 2.2), quiet=True)
    yield from _strike(hands, [Blow(0.8, 1.2), Blow(0.5, 0.0), Blow(0.8, 0.0)], (200, 1_500))


def iceberg_refilled_little(hands: Hands) -> Steps:
    """Let little come back after each order, so that the level runs down."""
    yield from _quote_best(hands, hands.drawn(3.5, 4.5), quiet=True)
    blows = [Blow(0.3, hands.random.uniform(0.1, 0.2)) for _ in range(5)]
    yield from _strike(hands, blows, (200, 1_500))


def iceberg_of_two_trades(hands: Hands) -> Steps:
    """Let a level be eaten and refill it twice."""
    yield from _quote_best(hands, hands.drawn(1.8, 2.2), quiet=True)
    yield from _strike(hands, [Blow(0.85, 1.0)] * 2, (200, 1_500))


def _blows_for(hands: Hands, total: float, shares: tuple[float, float]) -> list[Blow]:
    """Draw orders on a level that is refilled each time until they make `total` times what is visible."""
    blows: list[Blow] = []
    while len(blows) < 4 or sum(blow.share for blow in blows) < total:
        blows.append(Blow(hands.random.uniform(*shares), hands.random.uniform(0.92, 1.05)))
    return blows


def _quote_best(hands: Hands, lots: int, *, quiet: bool = False) -> Steps:
    """Let the best level show `lots`, for a whole episode without a trade if it is to be `quiet`."""
    hands.send_crowds_takers_away()
    hands.hold(hands.best, lots)
    yield from hands.wait(hands.random.randint(4, 11) * STEP_MS + (EPISODE_MS if quiet else 0))


def _strike(hands: Hands, blows: Sequence[Blow], gap_ms: tuple[float, float], need: float = 0.0) -> Steps:
    """Let takers hit the best level, one order at a time; more than `need` lots fulfil the pattern."""
    tick = hands.best
    hands.begin(tick)
    total = 0
    for number, blow in enumerate(blows, start=1):
        eaten = hands.eat(max(1, round(hands.lots(tick) * blow.share)), tick)
        total += eaten
        late = hands.random.randint(0, 3) * STEP_MS
        if late:
            yield from hands.wait(late)
        hands.hold(tick, hands.lots(tick) + round(eaten * blow.refill))
        if need and total > need and number >= 3:
            hands.fulfil()
        if number < len(blows):
            yield from hands.wait(max(hands.random.uniform(*gap_ms) - late, EVENT_MS))
    hands.end()
    yield from hands.wait(EPISODE_MS)
