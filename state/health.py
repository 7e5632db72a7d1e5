"""Counters and gauges of one engine: what its frames say of their own making. Pure; times are passed in."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from itertools import pairwise
from math import ceil
from typing import Final

import msgspec

from data_ingestion.causes import Cause
from data_ingestion.pacing.clock_offset import ClockOffset
from data_ingestion.sink import StreamState
from features.detectors.detection import Kind
from state.frames import AuditHealth, Health, Percentiles, StreamHealth, TradeStreamHealth
from state.health_warnings import warnings_of

RATE_WINDOW_MS: Final = 10_000
GAP_WARNING_MS: Final = 60_000
"""For how long a gap of the trades' ids is warned of."""
_SAMPLES: Final = 5_000  # bound of a window's samples; far above what ten seconds bring


STREAM_STEPS: Final[dict[StreamState, frozenset[StreamState]]] = {
    StreamState.CONNECTING: frozenset({StreamState.OPEN, StreamState.DOWN}),
    StreamState.OPEN: frozenset({StreamState.SILENT, StreamState.DOWN}),
    StreamState.SILENT: frozenset({StreamState.OPEN, StreamState.DOWN}),
    StreamState.DOWN: frozenset({StreamState.CONNECTING}),
}
"""Which states may follow each one."""


class StreamMonitor:
    """One stream's state, with the reason for it and its counters."""

    __slots__ = (
        "causes",
        "connections",
        "dropped",
        "duplicates",
        "gap_at",
        "gaps",
        "last_message",
        "malformed",
        "missing",
        "name",
        "reason",
        "since",
        "state",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.causes: Counter[Cause] = Counter()  # why the connection had to be made again
        self.state = StreamState.DOWN
        self.reason: str | None = "not connected yet"
        self.since: float | None = None  # steady ms at which the connection opened
        self.last_message: float | None = None  # steady ms
        self.connections = 0
        self.malformed = 0
        self.dropped = 0
        self.gaps = self.missing = self.duplicates = 0  # of the trade stream's ids
        self.gap_at: float | None = None  # steady ms of the last gap

    def move(
        self,
        state: StreamState,
        steady_ms: float,
        reason: str | None = None,
        cause: Cause | None = None,
    ) -> None:
        """Go to `state`. Raises ValueError where `STREAM_STEPS` knows no such step."""
        if state not in STREAM_STEPS[self.state]:
            raise ValueError(f"the {self.name} stream cannot go from {self.state} to {state}")
        if state is StreamState.OPEN and self.state is StreamState.CONNECTING:
            self.connections += 1
            self.since = steady_ms
        if state is StreamState.DOWN:
            self.causes[cause or Cause.CLOSED] += 1
        self.state, self.reason = state, reason

    def heard(self, steady_ms: float) -> None:
        """Note a message."""
        self.last_message = steady_ms
        if self.state is StreamState.SILENT:
            self.move(StreamState.OPEN, steady_ms)

    def missed(self, count: int, steady_ms: float) -> None:
        """Note that so many messages are missing by their ids; 0 where that tells no number."""
        self.gaps += 1
        self.missing += count
        self.gap_at = steady_ms

    def watch(self, steady_ms: float, silent_after_ms: float) -> None:
        """Call an open stream silent once nothing has come for `silent_after_ms`."""
        if self.state is not StreamState.OPEN or self.since is None:
            return
        quiet = steady_ms - max(self.since, self.last_message or 0)
        if quiet > silent_after_ms:
            self.move(StreamState.SILENT, steady_ms, f"connected, but nothing came for {quiet / 1000:.1f} s")

    @property
    def delivers(self) -> bool:
        """Whether the stream is open and has brought a message on this connection."""
        since, last = self.since, self.last_message
        return self.state is StreamState.OPEN and since is not None and last is not None and last >= since

    def trade_health(self, steady_ms: float) -> TradeStreamHealth:
        """Return what frames say of this stream where it is the trade stream."""
        facts = msgspec.structs.asdict(self.health(steady_ms))
        return TradeStreamHealth(**facts, gaps=self.gaps, missing=self.missing, duplicates=self.duplicates)

    def health(self, steady_ms: float) -> StreamHealth:
        """Return what frames say of this stream."""
        age = None if self.last_message is None else round(steady_ms - self.last_message, 1)
        reconnects = max(0, self.connections - 1)
        return StreamHealth(
            self.state,
            self.reason,
            age,
            reconnects,
            counts_by_word(self.causes),
            self.malformed,
            self.dropped,
        )


def counts_by_word(causes: Mapping[Cause, int]) -> dict[str, int]:
    """Return how often each cause was met, by its word, as a frame has it."""
    return {cause.value: count for cause, count in causes.items()}


class DepthMeter:
    """Rate, spacing and latency of depth events over the last ten seconds."""

    __slots__ = ("_arrivals", "_latencies")

    def __init__(self) -> None:
        self._arrivals: deque[float] = deque(maxlen=_SAMPLES)  # steady ms
        self._latencies: deque[float] = deque(maxlen=_SAMPLES)  # ms, of the same events

    def add(self, steady_ms: float, latency_ms: float) -> None:
        """Note an event. Constant time."""
        self._arrivals.append(steady_ms)
        self._latencies.append(latency_ms)

    def read(self, steady_ms: float) -> tuple[float, Percentiles, Percentiles]:
        """Return events a second, intervals and latency. O(n log n) in the events of the window."""
        arrivals, latencies = self._arrivals, self._latencies
        while arrivals and arrivals[0] < steady_ms - RATE_WINDOW_MS:
            arrivals.popleft()
            latencies.popleft()
        # Before ten seconds have passed the window is as long as what is in it.
        span = min(RATE_WINDOW_MS, steady_ms - arrivals[0]) if arrivals else 0
        rate = len(arrivals) / (span / 1000) if span > 0 else 0.0
        intervals = [b - a for a, b in pairwise(arrivals)]
        return round(rate, 2), percentiles(intervals), percentiles(latencies)


def percentiles(samples: Iterable[float]) -> Percentiles:
    """Return the median and the 99th percentile by nearest rank."""
    ordered = sorted(samples)
    if not ordered:
        return Percentiles(None, None)
    return Percentiles(*(round(ordered[ceil(share * len(ordered)) - 1], 2) for share in (0.5, 0.99)))


class EngineHealth:
    """All that an engine counts."""

    __slots__ = (
        "audits",
        "bursts",
        "depth",
        "gaps",
        "levels_compared",
        "meter",
        "mismatches",
        "resync_causes",
        "resyncs",
        "snapshots",
        "trades",
    )

    def __init__(self) -> None:
        self.depth = StreamMonitor("depth")
        self.trades = StreamMonitor("trade")
        self.meter = DepthMeter()
        self.gaps = self.resyncs = self.snapshots = self.bursts = 0
        self.resync_causes: Counter[Cause] = Counter()
        self.audits = self.levels_compared = self.mismatches = 0

    def read(
        self,
        steady_ms: float,
        covered: tuple[int, int] | None,
        detections: Mapping[Kind, int],
        late: int,
        *,
        clock_offset: ClockOffset | None = None,
        lag_ms: float | None = None,
        thin: bool = False,
    ) -> Health:
        """Return the health of this instant.

        `lag_ms` is how old the newest depth event is by the exchange's clock; `thin` says that the book runs
        out of known levels.
        """
        rate, intervals, latency = self.meter.read(steady_ms)
        health = Health(
            depth=self.depth.health(steady_ms),
            trades=self.trades.trade_health(steady_ms),
            update_rate=rate,
            update_interval_ms=intervals,
            latency_ms=latency,
            lag_ms=None if lag_ms is None else round(lag_ms, 1),
            clock_offset_ms=None if clock_offset is None else round(clock_offset.offset_ms, 2),
            clock_uncertainty_ms=None if clock_offset is None else round(clock_offset.uncertainty_ms, 2),
            gaps=self.gaps,
            resyncs=self.resyncs,
            resync_causes=counts_by_word(self.resync_causes),
            snapshots=self.snapshots,
            bursts=self.bursts,
            audits=AuditHealth(self.audits, self.levels_compared, self.mismatches),
            detections={kind.value: count for kind, count in detections.items()},
            late_messages=late,
            covered_levels=covered,
            warnings=[],
        )
        opened = self.depth.since
        rate_is_full = opened is not None and steady_ms - opened >= RATE_WINDOW_MS
        gap_at = self.trades.gap_at
        missing = gap_at is not None and steady_ms - gap_at <= GAP_WARNING_MS
        warnings = warnings_of(health, rate_is_full=rate_is_full, thin=thin, trades_missing=missing)
        return msgspec.structs.replace(health, warnings=warnings)
