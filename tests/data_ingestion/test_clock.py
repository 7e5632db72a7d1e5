"""The shell's clocks, and the ends of seconds."""

import asyncio
from collections.abc import Iterator

import pytest

from data_ingestion.clock import Clock
from tests.data_ingestion.virtual_time import EPOCH, in_virtual_time, virtual_clock


def reading(*seconds: float) -> Clock:
    """Return a clock whose wall shows these, one after another: before each sleep, and after it."""
    readings: Iterator[float] = iter(seconds)
    return Clock(wall=lambda: next(readings))


async def ends(clock: Clock, count: int) -> list[int]:
    """Return the first ends of seconds."""
    found: list[int] = []
    async for end in clock.seconds():
        found.append(end)
        if len(found) == count:
            break
    return found


def test_milliseconds_are_those_of_the_injected_clocks() -> None:
    """Both clocks are read from what was handed in."""
    clock = Clock(wall=lambda: 1_700_000_000.25, steady=lambda: 3.5)
    assert (clock.wall_ms(), clock.steady_ms()) == (1_700_000_000_250.0, 3_500.0)


@in_virtual_time
async def test_each_second_ends_once_and_on_the_second() -> None:
    """The ends follow one another, and none is told before it has come."""
    clock = virtual_clock()
    last = int(clock.wall()) * 1_000
    async for end in clock.seconds():
        assert end == last + 1_000
        assert clock.wall_ms() >= end - 0.001
        last = end
        if end >= (EPOCH + 1_100) * 1_000:
            break


@in_virtual_time
async def test_seconds_slept_through_are_left_out() -> None:
    """After a pause the next end is the next one to come, not one of those missed."""
    clock = virtual_clock()
    seconds = clock.seconds()
    first = await anext(seconds)
    await asyncio.sleep(3.5)
    assert await anext(seconds) == first + 4_000


@in_virtual_time
async def test_a_timer_that_fires_early_repeats_nothing() -> None:
    """If the wall is still a hair before the second when the sleep ends, that second is not told again."""
    early = reading(10.5, 10.999_999, 10.999_999, 11.999_999, 11.999_999, 13.0)
    assert await ends(early, 3) == [11_000, 12_000, 13_000]


@in_virtual_time
async def test_a_clock_set_back_goes_on_from_there() -> None:
    """Setting the wall back by an hour does not stop the seconds for an hour."""
    back = reading(7_200.5, 7_201.0, 3_600.5, 3_601.0, 3_601.0, 3_602.0)
    assert await ends(back, 3) == [7_201_000, 3_601_000, 3_602_000]


@in_virtual_time
async def test_a_clock_set_forward_leaves_out_what_it_jumped() -> None:
    """Setting the wall forward tells only the second that runs then."""
    assert await ends(reading(10.5, 11.0, 500.25, 501.0), 2) == [11_000, 501_000]


@in_virtual_time
async def test_a_second_that_was_overslept_is_left_out() -> None:
    """A process that was suspended while it waited does not tell the second it waited for."""
    assert await ends(reading(10.5, 47.25, 47.25, 48.0), 1) == [48_000]


def test_a_sleep_counts_as_time_that_passed() -> None:
    """The steady clock stood still while the wall clock went on; one set back makes nothing younger."""
    now = {"wall": 1_000.0, "steady": 50.0}
    clock = Clock(wall=lambda: now["wall"], steady=lambda: now["steady"])
    began = clock.steady_ms()

    def pass_(wall: float, steady: float) -> float:
        now["wall"] += wall
        now["steady"] += steady
        return clock.steady_ms() - began

    assert pass_(1, 1) == pytest.approx(1_000)
    assert pass_(3_600, 0) == pytest.approx(3_601_000)
    assert pass_(-7_200, 2) == pytest.approx(3_603_000)
    assert pass_(10, 0) == pytest.approx(3_613_000)
    assert pass_(0.05, 0) == pytest.approx(3_613_000)  # clocks drift
