"""How walls and layerings are staged, and their near misses: what rests in the book and is meant to be seen.

A level is large from three times the median size on: what is to be found is clearly above.
"""

from collections.abc import Sequence
from typing import Final

from data_ingestion.simulated_exchange.crowd import EVENT_MS, STEP_MS
from data_ingestion.simulated_exchange.matching_book import SIGN
from data_ingestion.simulated_exchange.staging.hands import Hands, Steps
from data_ingestion.simulated_exchange.staging.patterns import ENDINGS, Ending

WALL_HELD_MS: Final = 5_000
WALL_RANK: Final = 5  # levels better than a wall, at most: it has to be seen as it ends
LAYER_RANK: Final = 7  # and than a layering's last
LAYERS: Final = 3  # adjacent levels that make a layering
CHANGES: Final = 5  # of a size, that make a level of it
ABNORMAL: Final = (3.6, 6.0)  # times the median: sizes clearly above 3


def wall(hands: Hands) -> Steps:
    """Show a level of many times the usual size for long, then pull it or let it be eaten."""
    ending = hands.request.ending or hands.random.choice(ENDINGS)
    rank = hands.random.randint(0, 2 if ending is Ending.CONSUMED else 4)
    tick = hands.levels(rank + 1)[-1][0]
    lots = hands.drawn(3.7, 8.0)
    yield from _stand(hands, tick, lots, WALL_HELD_MS + EVENT_MS)
    if hands.lots(tick) > 0:
        hands.fulfil()
        yield from _stand(hands, tick, lots, hands.random.uniform(400, 6_000))
    if hands.lots(tick) == 0:
        hands.end(Ending.CONSUMED)  # the crowd's takers were sooner
    elif ending is Ending.CONSUMED:
        yield from _consume(hands, tick)
        hands.end(ending)
    else:
        hands.hold(tick, hands.random.choice((0, hands.drawn(0.6, 1.5))))
        hands.end(ending)
        yield from hands.wait(200)


def short_wall(hands: Hands) -> Steps:
    """Pull a wall before it has stood for long."""
    yield from _small_or_short(hands, hands.drawn(3.7, 8.0), hands.random.uniform(3_000, 4_700))


def small_wall(hands: Hands) -> Steps:
    """Show a level for long that is not quite large enough."""
    yield from _small_or_short(hands, hands.drawn(2.6, 2.7), 8_000)


def flickering_wall(hands: Hands) -> Steps:
    """Show a wall that is missing from one depth event in about thirty."""
    tick, lots = _rank_for_wall(hands), hands.drawn(3.7, 8.0)
    for _ in range(4):
        yield from _stand(hands, tick, lots, hands.random.uniform(2_300, 3_200))
        hands.hold(tick, hands.drawn(0.6, 1.5))
        yield from hands.wait(EVENT_MS)
    hands.end()


def _rank_for_wall(hands: Hands) -> int:
    return hands.levels(hands.random.randint(1, 5))[-1][0]


def _small_or_short(hands: Hands, lots: int, ms: float) -> Steps:
    tick = _rank_for_wall(hands)
    yield from _stand(hands, tick, lots, ms)
    hands.hold(tick, hands.drawn(0.6, 1.5))
    hands.end()
    yield from hands.wait(200)


def _stand(hands: Hands, tick: int, lots: int, ms: float) -> Steps:
    """Keep a level among the ten best for so long, or until it is eaten."""
    if hands.started_at is None:
        hands.begin(tick)
    hands.hold(tick, lots)
    for _ in range(round(ms / STEP_MS)):
        yield
        hands.keep_rank(tick, WALL_RANK)
        if hands.lots(tick) == 0:
            return


def _consume(hands: Hands, tick: int) -> Steps:
    """Let takers eat what stands before the level, and then most of the level in several orders."""
    sign = SIGN[hands.side]
    if hands.best != tick:
        hands.eat_through(tick + sign)
        yield from hands.wait(hands.random.uniform(150, 400))
    orders, lots = hands.random.randint(3, 6), hands.lots(tick)
    rest = hands.random.choice((0, hands.drawn(0.1, 0.5)))
    for order in range(1, orders + 1):
        wanted = rest + (lots - rest) * (orders - order) // orders
        hands.eat(hands.lots(tick) - wanted, tick)
        yield from hands.wait(hands.random.uniform(100, 250))


def layering(hands: Hands) -> Steps:
    """Show several adjacent levels of many times the usual size that change all the time."""
    yield from _layer(hands, hands.random.randint(3, 5), (300, 650))


def layering_of_two(hands: Hands) -> Steps:
    """Show two such levels."""
    yield from _layer(hands, 2, (300, 650))


def still_layering(hands: Hands) -> Steps:
    """Show three adjacent levels as large that hardly change."""
    yield from _layer(hands, 3, (3_000, 4_000))


def traded_layering(hands: Hands) -> Steps:
    """Show three such levels from the touch on, and let takers really eat of them."""
    yield from _layer(hands, 3, (300, 650), traded=True)


def _layer(hands: Hands, count: int, change_ms: tuple[float, float], *, traded: bool = False) -> Steps:
    first = 0 if traded else hands.random.randint(1, 3)
    ticks = [tick for tick, _ in hands.levels(first + count)[first:]]
    hands.hold_range([(tick, hands.drawn(*ABNORMAL)) for tick in ticks])
    hands.begin(ticks[0], ticks[-1])
    changes, due = [1] * count, [hands.random.uniform(*change_ms) for _ in ticks]
    end_ms, order_ms = hands.random.uniform(7_000, 9_000), 0.0
    for ms in range(0, int(end_ms), STEP_MS):
        if traded and ms >= order_ms:
            hands.eat(hands.drawn(1.5, 2.5), ticks[0])
            hands.hold(ticks[0], hands.drawn(*ABNORMAL))
            order_ms = ms + hands.random.uniform(300, 400)
        for i, tick in enumerate(ticks):
            if ms >= due[i]:
                hands.hold(tick, hands.drawn(*ABNORMAL))
                due[i] = ms + hands.random.uniform(*change_ms)
                changes[i] += 1
        if hands.request.near_miss is None and _has_run(changes):
            hands.fulfil()
        yield
        hands.keep_rank(ticks[-1], LAYER_RANK)
    hands.end()


def _has_run(changes: Sequence[int]) -> bool:
    """Whether enough levels in a row have changed often enough."""
    return any(min(changes[i : i + LAYERS]) >= CHANGES for i in range(len(changes) - LAYERS + 1))
