"""Which script plays each pattern and each near miss.

The figures in the scripts are those of the detectors' default thresholds with some room:
what is to be found is clearly inside them, and a near miss breaks the conditions that it
is named for and meets the others as far as they can be met without those.
"""

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from data_ingestion.simulated_exchange.staging import exhaustion, resting, taking
from data_ingestion.simulated_exchange.staging.hands import Hands, Steps
from data_ingestion.simulated_exchange.staging.patterns import NearMiss, Pattern

Script = Callable[[Hands], Steps]
"""A generator of micro steps, each of which acts through the hands."""

SCRIPTS: Final = MappingProxyType[tuple[Pattern, NearMiss | None], Script](
    {
        (Pattern.WALL, None): resting.wall,
        (Pattern.WALL, NearMiss.SHORT): resting.short_wall,
        (Pattern.WALL, NearMiss.SMALL): resting.small_wall,
        (Pattern.WALL, NearMiss.FLICKER): resting.flickering_wall,
        (Pattern.SWEEP, None): taking.sweep,
        (Pattern.SWEEP, NearMiss.TWO_LEVELS): taking.short_sweep,
        (Pattern.SWEEP, NearMiss.SLOW): taking.slow_sweep,
        (Pattern.SWEEP, NearMiss.REQUOTED): taking.requoted_sweep,
        (Pattern.ABSORPTION, None): taking.absorption,
        (Pattern.ABSORPTION, NearMiss.NO_REFILL): taking.unrefilled_absorption,
        (Pattern.ABSORPTION, NearMiss.PRICE_MOVED): taking.moving_absorption,
        (Pattern.ABSORPTION, NearMiss.THIN): taking.thin_absorption,
        (Pattern.LAYERING, None): resting.layering,
        (Pattern.LAYERING, NearMiss.TWO_LEVELS): resting.layering_of_two,
        (Pattern.LAYERING, NearMiss.STILL): resting.still_layering,
        (Pattern.LAYERING, NearMiss.TRADED): resting.traded_layering,
        (Pattern.ICEBERG, None): taking.iceberg,
        (Pattern.ICEBERG, NearMiss.ONE_REFILL): taking.iceberg_refilled_once,
        (Pattern.ICEBERG, NearMiss.SMALL_REFILL): taking.iceberg_refilled_little,
        (Pattern.ICEBERG, NearMiss.TWO_TRADES): taking.iceberg_of_two_trades,
        (Pattern.EXHAUSTION, None): exhaustion.exhaustion,
        (Pattern.EXHAUSTION, NearMiss.HALF_KEPT): exhaustion.half_kept_exhaustion,
        (Pattern.EXHAUSTION, NearMiss.SLOW): exhaustion.slow_exhaustion,
        (Pattern.EXHAUSTION, NearMiss.NO_BREAKOUT): exhaustion.exhaustion_without_breakout,
    }
)
