"""How long things took, counted in buckets, as Prometheus wants it. Pure: times are passed in."""

from bisect import bisect_left
from typing import Final

import msgspec

BOUNDS_MS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)
"""Upper bounds of the buckets, each included; one more bucket has what took longer."""


class LatencyCounts(msgspec.Struct, frozen=True):
    """What was counted since the start."""

    buckets: list[int]  # one for each of BOUNDS_MS and one for all beyond; not cumulative
    sum_ms: float


class LatencyMeter:
    """Counts latencies. Between two clocks that disagree they may be negative: the first bucket has those."""

    __slots__ = ("_buckets", "_sum")

    def __init__(self) -> None:
        self._buckets = [0] * (len(BOUNDS_MS) + 1)
        self._sum = 0.0

    def add(self, latency_ms: float) -> None:
        """Count one. Constant time."""
        self._buckets[bisect_left(BOUNDS_MS, latency_ms)] += 1
        self._sum += latency_ms

    def read(self) -> LatencyCounts:
        """Return all that was counted."""
        return LatencyCounts(list(self._buckets), round(self._sum, 3))
