"""The exchange's clock, found out by asking."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_ingestion.pacing.clock_offset import STEP_MS, WINDOW_MS, ClockOffset, ClockOffsetEstimator
from tests.builders import START_MS, property_settings


class World:
    """Two machines, and a way between them on which time passes as a test says."""

    def __init__(self, ahead_ms: float = 0.0) -> None:
        self.ahead_ms = ahead_ms
        self.now = 5_000.0
        self.stepped = 0.0
        self.estimator = ClockOffsetEstimator()

    @property
    def wall_ms(self) -> float:
        """This machine's wall clock."""
        return START_MS + self.now + self.stepped

    def ask(self, there_ms: float, back_ms: float) -> None:
        """Ask once; the exchange cuts its answer to whole milliseconds."""
        sent = self.now
        self.now += there_ms
        server_ms = int(START_MS + self.now + self.ahead_ms)
        self.now += back_ms
        self.estimator.add(sent, self.wall_ms, self.now, server_ms)

    def read(self) -> ClockOffset | None:
        """Return what is known now."""
        return self.estimator.read(self.wall_ms, self.now)


def test_nothing_is_known_before_the_first_answer() -> None:
    """Not even that the clocks agree."""
    assert World().read() is None


def test_a_way_as_long_there_as_back_gives_the_offset() -> None:
    """Worked by hand: 40 ms there and back, the exchange 300 ms ahead."""
    world = World(ahead_ms=300)
    world.ask(20, 20)
    assert world.read() == ClockOffset(300.5, 20.5)


@given(
    ahead=st.floats(-5e6, 5e6),
    ways=st.lists(st.tuples(st.floats(0, 2_000), st.floats(0, 2_000)), min_size=1, max_size=40),
)
@property_settings(200)
def test_the_truth_is_never_further_away_than_said(ahead: float, ways: list[tuple[float, float]]) -> None:
    """However unequal the ways there and back are."""
    world = World(ahead)
    for there, back in ways:
        world.ask(there, back)
        known = world.read()
        assert known is not None
        assert abs(known.offset_ms - ahead) <= known.uncertainty_ms + 1e-3


def test_the_shortest_round_trip_counts() -> None:
    """A slow answer after a quick one changes nothing, a quicker one does."""
    world = World(ahead_ms=-40)
    told = []
    for way in (50, 500, 5):
        world.ask(way, way)
        known = world.read()
        assert known is not None
        told.append(known.uncertainty_ms)
    assert told == pytest.approx([50.5, 50.5, 5.5])


def test_old_answers_are_forgotten() -> None:
    """A quick answer counts for ten minutes; clocks drift."""
    world = World()
    world.ask(1, 1)
    world.now += WINDOW_MS - 200
    world.ask(50, 50)
    best = world.read()
    assert best is not None
    assert best.uncertainty_ms == 1.5
    world.now += 201
    left = world.read()
    assert left is not None
    assert left.uncertainty_ms == 50.5
    world.now += WINDOW_MS
    assert world.read() is None


@pytest.mark.parametrize("step", [-3_600_000, -STEP_MS - 1, STEP_MS + 1, 30_000])
def test_a_wall_clock_that_is_set_voids_what_was_known(step: float) -> None:
    """Backward or forward, as after a suspension too; the next answer is for the clock as it is now."""
    world = World(ahead_ms=10)
    world.ask(1, 1)
    world.stepped = step
    assert world.read() is None
    world.ask(3, 3)
    known = world.read()
    assert known is not None
    assert known.offset_ms == pytest.approx(10 - step, abs=known.uncertainty_ms)


@pytest.mark.parametrize("step", [-3_600_000, 3_600_000])
def test_until_the_next_answer_the_later_of_both_clocks_counts(step: float) -> None:
    """A clock set back makes nothing young; one that is ahead may be right: the machine may have slept."""
    world = World(ahead_ms=10)
    world.ask(1, 1)
    before = world.estimator.now_ms(world.wall_ms, world.now)
    world.stepped = step
    world.now += 500
    assert world.estimator.now_ms(world.wall_ms, world.now) == pytest.approx(before + 500 + max(step, 0))


@pytest.mark.parametrize("step", [-30_000, 30_000])
def test_an_exchange_whose_clock_was_set_is_believed(step: float) -> None:
    """The newest answer counts, however slow it was beside those before."""
    world = World(ahead_ms=10)
    world.ask(1, 1)
    world.ahead_ms += step
    world.ask(40, 40)
    known = world.read()
    assert known is not None
    assert known.offset_ms == pytest.approx(10 + step, abs=known.uncertainty_ms)
