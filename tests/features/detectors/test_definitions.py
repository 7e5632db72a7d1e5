"""What the detectors say as time passes, held against their definitions over the whole stored sequence."""

from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_ingestion.simulated_exchange.profiles import SIMULATED_SYMBOLS
from features.detectors.detection import Kind
from features.detectors.settings import DetectorSettings
from tests.builders import property_settings
from tests.features.detectors.market import TICK, Item
from tests.features.detectors.noise import KEEN, PAUSES, PRINTED, RESTING, Moment, market_of, noise
from tests.features.detectors.oracle.definitions import differences
from tests.features.test_liquidity_detection import HASTY, Story
from tests.replay.rig import needs_recording
from tests.tools.detection.oracle import recorded, simulated


def assert_same(items: Sequence[Item], settings: DetectorSettings) -> Counter[Kind]:
    """Hold both against each other; return how many entries of each kind are the same."""
    both, missing, extra = differences(items, settings, TICK)
    assert (missing, extra) == ([], [])
    return Counter(entry.kind for entry in both)


@pytest.mark.parametrize("first", range(0, 40, 10))
def test_stories_are_told_as_the_definitions_have_them(first: int) -> None:
    """Markets in which somebody does what a detector looks for, or nearly so; there is something of each."""
    said = Counter[Kind]()
    for seed in range(first, first + 10):
        said += assert_same(Story(seed, 8).market.items, HASTY)
    assert set(said) == set(Kind)


MOMENTS = st.tuples(
    st.sampled_from(PAUSES),
    st.lists(
        st.tuples(st.integers(0, 1), st.integers(0, 2), st.sampled_from(PRINTED), st.booleans()), max_size=4
    ),
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 11), st.sampled_from(RESTING)), max_size=4),
    st.booleans(),
)


@given(st.lists(MOMENTS, min_size=20, max_size=80))
@property_settings(60)
def test_noise_is_told_as_the_definitions_have_it(moments: list[Moment]) -> None:
    """Random sizes and trades, under settings that find something everywhere."""
    assert_same(market_of(moments).items, KEEN)


def test_seeded_noise_has_something_of_each() -> None:
    """So that what is compared is not nothing."""
    said = Counter[Kind]()
    for seed in range(30):
        said += assert_same(noise(Random(seed)), KEEN)  # noqa: S311
    assert min(said[kind] for kind in Kind) > 10, said


@needs_recording
def test_the_recording_is_told_as_the_definitions_have_it() -> None:
    """All 345 seconds, with the settings that are usual."""
    items, settings, tick = recorded()
    both, missing, extra = differences(items, settings, tick)
    assert (missing, extra) == ([], [])
    assert {entry.kind for entry in both} == set(Kind)


@pytest.mark.parametrize("symbol", SIMULATED_SYMBOLS)
def test_simulated_minutes_are_told_as_the_definitions_have_them(symbol: str) -> None:
    """Two of each symbol; `tests/tools/detection/oracle.py` takes hours."""
    both, missing, extra = differences(*simulated(symbol, 5, 2))
    assert (missing, extra) == ([], [])
    assert len(both) > 20
