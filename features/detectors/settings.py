"""The detectors' thresholds."""

import msgspec


class DetectorSettings(msgspec.Struct, frozen=True):
    """What the detectors can be told. Times in ms of exchange time, shares and ratios without unit.

    A level is large if its size is above `large_ratio` times the median of the top-ten sizes.
    """

    holdback_ms: int = 250  # that depth and trades are held back to be put in order
    warm_up_ms: int = 10_000  # after the start of a book, in which nothing is detected
    cooldown_ms: int = 6_000  # before the same kind may be flagged again at the same side and price
    median_ms: int = 60_000  # window of the median size
    large_ratio: float = 3.0
    wall_hold_ms: int = 5_000  # longer than this a level must stay large
    wall_consumed_share: float = 0.5  # of a wall's last decline, traded: from there on it was consumed
    wall_settle_ms: int = 30_000  # that its ending waits, while trades are in doubt, for the next one
    sweep_levels: int = 3
    sweep_ms: int = 200  # first to last print are closer than this
    absorption_ms: int = 3_000
    absorption_ratio: float = 1.5  # taker volume over the largest visible size
    absorption_refills: int = 2
    layering_levels: int = 3
    layering_changes: int = 5  # of each level, within layering_ms
    layering_ms: int = 5_000
    layering_traded_share: float = 0.1  # of the levels' size; layering is not meant to trade
    iceberg_ms: int = 10_000
    iceberg_trades: int = 3
    iceberg_refills: int = 2
    iceberg_ratio: float = 2.0  # traded volume over the visible loss
    iceberg_idle_ms: int = 3_000  # without a trade at the price, after which the episode is over
    refill_share: float = 0.5  # of what was taken, that must come back to count as a refill
    refill_ms: int = 1_000  # from a trade, in which what it took must come back
    exhaustion_share: float = 0.5  # of its median depth, that a side loses
    exhaustion_fall_ms: int = 2_000
    exhaustion_spread_ratio: float = 2.0
    exhaustion_median_ms: int = 30_000  # window of median depth, median spread and the range of the mid
    exhaustion_break_ms: int = 3_000  # between the fall and the breakout, at most
