"""The detectors' thresholds: the one place that says their defaults, units, ranges and meaning."""

from typing import Annotated, Any, get_type_hints

import msgspec


def _limits(meaning: str, low: float, high: float, unit: str = "") -> msgspec.Meta:
    """Say what a threshold means and may be; `unit` is empty for shares."""
    return msgspec.Meta(ge=low, le=high, description=meaning, extra={"unit": unit})


class DetectorSettings(msgspec.Struct, frozen=True):
    """What the detectors can be told. Times in ms of exchange time, shares and ratios without unit.

    A level is large if its size is above `large_ratio` times the median of the top-ten sizes.
    """

    holdback_ms: Annotated[
        int,
        _limits("that depth and trades are held back, to be put in order of exchange time", 0, 10_000, "ms"),
    ] = 250
    warm_up_ms: Annotated[
        int, _limits("after the start of a book, in which nothing is detected", 0, 600_000, "ms")
    ] = 10_000
    cooldown_ms: Annotated[
        int, _limits("before the same kind is flagged again at the same side and price", 0, 3_600_000, "ms")
    ] = 6_000
    median_ms: Annotated[
        int, _limits("window of the median size of top-ten levels", 1_000, 600_000, "ms")
    ] = 60_000
    large_ratio: Annotated[
        float, _limits("a level is large above so many median sizes", 1, 1_000, "times")
    ] = 3.0
    wall_hold_ms: Annotated[int, _limits("a wall has been large for longer than this", 0, 600_000, "ms")] = (
        5_000
    )
    wall_consumed_share: Annotated[
        float, _limits("of a wall's last decline, traded: from there on it was consumed, not pulled", 0, 1)
    ] = 0.5
    wall_settle_ms: Annotated[
        int,
        _limits(
            "that a wall's ending waits for the next trade to prove that none is missing", 0, 600_000, "ms"
        ),
    ] = 30_000
    sweep_levels: Annotated[int, _limits("fewest levels that a sweep eats", 2, 10, "levels")] = 3
    sweep_ms: Annotated[
        int, _limits("a sweep's first and last print are closer than this", 1, 10_000, "ms")
    ] = 200
    absorption_ms: Annotated[int, _limits("window of an absorption", 100, 60_000, "ms")] = 3_000
    absorption_ratio: Annotated[
        float,
        _limits(
            "taker volume over the largest visible size, from there on it is absorbed", 1, 1_000, "times"
        ),
    ] = 1.5
    absorption_refills: Annotated[int, _limits("fewest refills of an absorption", 1, 1_000, "refills")] = 2
    layering_levels: Annotated[
        int, _limits("fewest adjacent large levels of a layering", 2, 10, "levels")
    ] = 3
    layering_changes: Annotated[
        int, _limits("fewest changes of each of its levels within layering_ms", 1, 1_000, "changes")
    ] = 5
    layering_ms: Annotated[int, _limits("window of a layering's changes", 100, 60_000, "ms")] = 5_000
    layering_traded_share: Annotated[float, _limits("most of a layering's size that trades", 0, 1)] = 0.1
    iceberg_ms: Annotated[int, _limits("window of an iceberg", 100, 60_000, "ms")] = 10_000
    iceberg_trades: Annotated[int, _limits("fewest trades of an iceberg", 1, 1_000, "trades")] = 3
    iceberg_refills: Annotated[int, _limits("fewest refills of an iceberg", 1, 1_000, "refills")] = 2
    iceberg_ratio: Annotated[
        float,
        _limits(
            "traded volume over the visible loss, from there on an iceberg is suspected", 1, 1_000, "times"
        ),
    ] = 2.0
    iceberg_idle_ms: Annotated[
        int, _limits("without a trade at its price, after which an iceberg is over", 100, 60_000, "ms")
    ] = 3_000
    refill_share: Annotated[
        float, _limits("of what was taken, that must come back to count as a refill", 0, 1)
    ] = 0.5
    refill_ms: Annotated[
        int, _limits("from a trade, in which what it took must come back", 1, 60_000, "ms")
    ] = 1_000
    exhaustion_share: Annotated[float, _limits("of its median depth, that a side loses", 0, 1)] = 0.5
    exhaustion_fall_ms: Annotated[int, _limits("in which it loses it", 1_000, 60_000, "ms")] = 2_000
    exhaustion_spread_ratio: Annotated[
        float, _limits("spread over its median, from there on it has opened", 1, 1_000, "times")
    ] = 2.0
    exhaustion_median_ms: Annotated[
        int, _limits("window of median depth, median spread and the range of the mid", 1_000, 600_000, "ms")
    ] = 30_000
    exhaustion_break_ms: Annotated[
        int, _limits("most time between the fall and the breakout", 100, 60_000, "ms")
    ] = 3_000


def thresholds() -> list[tuple[str, int | float, dict[str, Any]]]:
    """Return name, default and facts of each: meaning (`help`), `unit`, and the range `low` to `high`."""
    usual, found = DetectorSettings(), []
    for name, hint in get_type_hints(DetectorSettings, include_extras=True).items():
        (meta,) = hint.__metadata__
        facts = {"help": meta.description, "low": meta.ge, "high": meta.le, **meta.extra}
        found.append((name, getattr(usual, name), facts))
    return found
