"""Latencies in buckets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_ingestion.pacing.latency import BOUNDS_MS, LatencyMeter
from tests.builders import property_settings


def test_nothing_is_counted_before_the_first() -> None:
    """All buckets are there, and empty."""
    counts = LatencyMeter().read()
    assert (counts.buckets, counts.sum_ms) == ([0] * (len(BOUNDS_MS) + 1), 0)


def test_what_was_read_stays_as_it_was() -> None:
    """Later latencies change what is read later, and nothing that was read before."""
    meter = LatencyMeter()
    before = meter.read()
    meter.add(3)
    assert sum(before.buckets) == 0
    assert sum(meter.read().buckets) == 1


@given(st.lists(st.one_of(st.sampled_from(BOUNDS_MS), st.floats(-1e6, 1e6))))
@property_settings(100)
def test_each_bucket_has_what_is_within_its_bound_and_not_within_the_one_before(taken: list[float]) -> None:
    """A bound belongs to its bucket; what is negative to the first; what is beyond all to the last."""
    meter = LatencyMeter()
    for latency in taken:
        meter.add(latency)
    counts = meter.read()
    within = [sum(latency <= bound for latency in taken) for bound in BOUNDS_MS] + [len(taken)]
    assert [sum(counts.buckets[: index + 1]) for index in range(len(within))] == within
    assert counts.sum_ms == pytest.approx(sum(taken), abs=1e-3)
