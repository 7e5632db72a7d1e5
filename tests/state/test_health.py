"""Counters and gauges of one engine."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_ingestion.causes import Cause
from data_ingestion.sink import StreamState
from features.detectors.detection import Kind
from state.frames import Percentiles
from state.health import DepthMeter, EngineHealth, StreamMonitor, percentiles
from tests.builders import property_settings

CONNECTING, OPEN = StreamState.CONNECTING, StreamState.OPEN
SILENT, DOWN = StreamState.SILENT, StreamState.DOWN

PATHS = {DOWN: [], CONNECTING: [CONNECTING], OPEN: [CONNECTING, OPEN], SILENT: [CONNECTING, OPEN, SILENT]}
ALLOWED = {
    (DOWN, CONNECTING),
    (CONNECTING, OPEN),
    (CONNECTING, DOWN),
    (OPEN, SILENT),
    (OPEN, DOWN),
    (SILENT, OPEN),
    (SILENT, DOWN),
}


def monitor(state: StreamState) -> StreamMonitor:
    """Return a monitor that has come to `state`."""
    made = StreamMonitor("depth")
    for step in PATHS[state]:
        made.move(step, 0.0)
    return made


@pytest.mark.parametrize(("before", "after"), list(product(StreamState, repeat=2)))
def test_only_these_steps_are_possible(before: StreamState, after: StreamState) -> None:
    """A stream changes its state along the table, and every other step is an error that names it."""
    made = monitor(before)
    if (before, after) in ALLOWED:
        made.move(after, 1.0)
        assert made.state is after
    else:
        with pytest.raises(ValueError, match="depth"):
            made.move(after, 1.0)
        assert made.state is before


def test_a_new_stream_is_down_and_says_why() -> None:
    """Before the first connection a stream is down, with a reason and without an age."""
    health = StreamMonitor("depth").health(5.0)
    assert health.state == "down"
    assert health.reason
    assert (health.age_ms, health.reconnects, health.malformed, health.dropped_in_bursts) == (None, 0, 0, 0)


def test_an_open_stream_falls_silent_and_is_heard_again() -> None:
    """Silence counts from the last message; the next message ends it."""
    made = monitor(OPEN)
    made.heard(1_000.0)
    made.watch(3_000.0, 2_000.0)
    assert made.health(3_000.0).state == "open"
    made.watch(3_000.1, 2_000.0)
    silent = made.health(3_000.1)
    assert silent.state == "silent"
    assert silent.reason
    made.heard(4_000.0)
    heard = made.health(4_000.0)
    assert (heard.state, heard.reason) == ("open", None)


def test_a_connection_that_never_brings_anything_falls_silent() -> None:
    """A subscription that was acknowledged and brings nothing is silent from its opening on."""
    made = StreamMonitor("trade")
    made.move(CONNECTING, 0.0)
    made.move(OPEN, 10_000.0)
    made.watch(12_000.0, 2_000.0)
    assert made.state is OPEN
    made.watch(12_001.0, 2_000.0)
    assert made.state is SILENT
    assert not made.delivers


def test_silence_before_a_connection_does_not_count() -> None:
    """After a reconnect the time without connection is not held against the stream."""
    made = monitor(OPEN)
    made.heard(100.0)
    made.move(DOWN, 200.0, "closed")
    made.move(CONNECTING, 50_000.0)
    made.move(OPEN, 60_000.0)
    made.watch(61_000.0, 2_000.0)
    assert made.state is OPEN


@pytest.mark.parametrize("state", [CONNECTING, DOWN])
def test_a_stream_that_is_not_open_is_not_called_silent(state: StreamState) -> None:
    """Silence is only a word for open connections."""
    made = monitor(state)
    made.watch(1e9, 2_000.0)
    assert made.state is state


def test_a_stream_delivers_once_this_connection_brought_a_message() -> None:
    """Messages of an earlier connection say nothing about this one."""
    made = monitor(OPEN)
    delivers = [made.delivers]
    made.heard(5.0)
    delivers.append(made.delivers)
    made.move(DOWN, 10.0, "closed")
    delivers.append(made.delivers)
    made.move(CONNECTING, 11.0)
    made.move(OPEN, 12.0)
    delivers.append(made.delivers)
    made.heard(12.0)
    delivers.append(made.delivers)
    assert delivers == [False, True, False, False, True]


def test_reconnects_count_connections_after_the_first() -> None:
    """Tries that fail are no reconnects, and neither is waking from silence."""
    made = monitor(OPEN)
    assert made.health(0.0).reconnects == 0
    made.move(SILENT, 1.0)
    made.move(OPEN, 2.0)
    assert made.health(2.0).reconnects == 0
    made.move(DOWN, 3.0, "closed")
    made.move(CONNECTING, 4.0)
    made.move(DOWN, 5.0, "refused")
    assert made.health(5.0).reconnects == 0
    assert made.health(5.0).reason == "refused"
    made.move(CONNECTING, 6.0)
    made.move(OPEN, 7.0)
    assert made.health(7.0).reconnects == 1


def test_the_age_counts_from_the_last_message() -> None:
    """Age is the time since the last message, also while the stream is down."""
    made = monitor(OPEN)
    made.heard(100.0)
    made.move(DOWN, 150.0, "closed")
    assert made.health(1_350.25).age_ms == 1_250.2


def test_the_meter_starts_empty() -> None:
    """Without events there is no rate and nothing to measure, and no division by zero."""
    nothing = Percentiles(None, None)
    assert DepthMeter().read(0.0) == (0.0, nothing, nothing)
    meter = DepthMeter()
    meter.add(5.0, 1.0)
    assert meter.read(5.0) == (0.0, nothing, Percentiles(1.0, 1.0))


def test_ten_events_a_second_are_measured_as_such() -> None:
    """Events every 100 ms give a rate of about ten and an interval of 100."""
    meter = DepthMeter()
    for index in range(600):
        meter.add(index * 100.0, 5.0 + index % 10)
    rate, intervals, latency = meter.read(59_950.0)
    assert rate == pytest.approx(10, abs=0.11)
    assert intervals == Percentiles(100.0, 100.0)
    assert latency == Percentiles(9.0, 14.0)


def test_the_meter_forgets_after_ten_seconds() -> None:
    """Events that stopped bring the rate back to nothing."""
    meter = DepthMeter()
    for index in range(50):
        meter.add(index * 100.0, 5.0)
    assert meter.read(14_000.0)[0] == pytest.approx(1, abs=0.11)
    assert meter.read(30_000.0) == (0.0, Percentiles(None, None), Percentiles(None, None))


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([], Percentiles(None, None)),
        ([3.0], Percentiles(3.0, 3.0)),
        ([2.0, 1.0], Percentiles(1.0, 2.0)),
        ([3.0, 1.0, 2.0], Percentiles(2.0, 3.0)),
        ([float(number) for number in range(100, 0, -1)], Percentiles(50.0, 99.0)),
        ([float(number) for number in range(200, 0, -1)], Percentiles(100.0, 198.0)),
    ],
)
def test_percentiles_by_nearest_rank(samples: list[float], expected: Percentiles) -> None:
    """The percentiles are samples themselves, worked out by hand."""
    assert percentiles(samples) == expected


@given(samples=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300))
@property_settings(100)
def test_percentiles_leave_their_share_below(samples: list[float]) -> None:
    """At least half of all samples lie at or below the median, and 99 in 100 below the other."""
    read = percentiles(samples)
    assert read.median is not None
    assert read.p99 is not None
    assert 2 * sum(sample <= read.median + 0.005 for sample in samples) >= len(samples)
    assert 100 * sum(sample <= read.p99 + 0.005 for sample in samples) >= 99 * len(samples)
    assert min(samples) - 0.005 <= read.median <= read.p99 <= max(samples) + 0.005


def test_the_engines_counters_are_published() -> None:
    """Each counter comes out under its own name."""
    health = EngineHealth()
    health.gaps, health.resyncs, health.snapshots, health.bursts = 1, 2, 3, 4
    health.audits, health.levels_compared, health.mismatches = 5, 6, 7
    health.depth.malformed, health.trades.dropped = 8, 9
    read = health.read(0.0, (10, 11), {Kind.WALL: 12, Kind.SWEEP: 0}, 13)
    assert (read.gaps, read.resyncs, read.snapshots, read.bursts) == (1, 2, 3, 4)
    assert (read.audits.count, read.audits.levels_compared, read.audits.mismatches) == (5, 6, 7)
    assert (read.depth.malformed, read.trades.dropped_in_bursts) == (8, 9)
    assert read.covered_levels == (10, 11)
    assert (read.detections, read.late_messages) == ({"wall": 12, "sweep": 0}, 13)


def test_each_lost_connection_and_each_failed_try_is_counted_under_its_cause() -> None:
    """A connection that ends by itself has a cause too, where nobody named one."""
    made = monitor(OPEN)
    made.move(DOWN, 1.0, "silent for 5 s", Cause.SILENT)
    for cause in (Cause.REFUSED, Cause.REFUSED, None):
        made.move(CONNECTING, 2.0)
        made.move(DOWN, 3.0, "in words", cause)
    assert made.health(4.0).reconnect_causes == {"silent": 1, "refused": 2, "closed": 1}
