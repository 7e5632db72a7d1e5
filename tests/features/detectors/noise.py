"""Small markets of random sizes and trades, and settings under which that is something of everything."""

from collections.abc import Sequence
from random import Random
from typing import Final

from features.detectors.detection import BID, SIGNS
from features.detectors.settings import DetectorSettings
from tests.features.detectors.market import BEST, DEPTH, Item, Market

Print = tuple[int, int, float, bool]
"""Side, level from the best on, size, and whether it takes what it prints."""

Resting = tuple[int, int, float]
"""Side, ticks from where the best price was at first, and size."""

Moment = tuple[int, list[Print], list[Resting], bool]
"""Milliseconds until its book, its trades, the sizes that change, and whether all gone levels are back."""

PAUSES: Final = (1, 20, 100, 100, 100, 250, 900)
PRINTED: Final = (0.1, 0.3, 0.6, 1, 2)
RESTING: Final = (0, 0.5, 1, 1, 1.4, 2, 3, 5)
MOST_SEEN: Final = 11  # levels a side that are always there: one more than is seen

KEEN: Final = DetectorSettings(
    warm_up_ms=1_000,
    cooldown_ms=300,
    median_ms=3_000,
    large_ratio=1.5,
    wall_hold_ms=300,
    sweep_levels=2,
    layering_levels=2,
    layering_traded_share=0.4,
    layering_changes=2,
    layering_ms=1_500,
    absorption_ms=1_000,
    absorption_ratio=1.0,
    absorption_refills=1,
    iceberg_ms=1_500,
    iceberg_refills=1,
    iceberg_ratio=1.0,
    iceberg_idle_ms=700,
    refill_ms=250,
    exhaustion_share=0.1,
    exhaustion_fall_ms=1_000,
    exhaustion_break_ms=500,
    exhaustion_spread_ratio=1.0,
    exhaustion_median_ms=3_000,
)
"""Settings under which a few seconds of noise have something of everything."""


def market_of(moments: Sequence[Moment], spacing: int = 1) -> Market:
    """Return the market of these moments, between two pauses; its trades lie `spacing` ms apart."""
    market = Market()
    market.idle(1_500)
    for after, trades, levels, restored in moments:
        for side, level, size, eats in trades:
            price = list(market.books()[-1].levels[side])[level]
            resting = market.resting[side].get(price, 0.0)
            if eats and resting:
                market.eat(side, (price, min(size, resting)), after=spacing)
            else:
                market.trade(side, price, size, after=spacing)
        for side, ticks, size in levels:
            market.rest(side, (BEST[side] - SIGNS[side] * ticks, size))
        _keep_deep(market, restored=restored)
        market.book(after)
    market.idle(1_500)
    return market


def _keep_deep(market: Market, *, restored: bool) -> None:
    for side, resting in enumerate(market.resting):
        if restored:
            for ticks in range(DEPTH):
                resting.setdefault(BEST[side] - SIGNS[side] * ticks, 1.0)
        worst = (min if side == BID else max)(resting, default=BEST[side])
        while len(resting) < MOST_SEEN:
            worst -= SIGNS[side]
            resting[worst] = 1.0


def noise(random: Random) -> Sequence[Item]:
    """Return books and trades of a market that a seeded generator makes up.

    Some have all times on a grid, so that spans are often exactly a limit's; some begin without trades.
    """
    moments: list[Moment] = []
    pauses, spacing = random.choice(((PAUSES, 1), ((100,), 50)))
    trades_from = random.choice((0, 0, 60))
    for number in range(random.randint(20, 120)):
        prints: list[Print] = [
            (random.randint(0, 1), random.randint(0, 2), random.choice(PRINTED), random.random() < 0.7)
            for _ in range(random.randint(0, 4) if number >= trades_from else 0)
        ]
        levels = [
            (random.randint(0, 1), random.randint(0, 11), random.choice(RESTING))
            for _ in range(random.randint(0, 4))
        ]
        moments.append((random.choice(pauses), prints, levels, random.random() < 0.5))
    return market_of(moments, spacing).items
