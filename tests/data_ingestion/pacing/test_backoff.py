"""How long retries wait, and how often snapshots may be asked for."""

from itertools import pairwise

import pytest

from data_ingestion.pacing.backoff import Backoff, RateLimit


def latest() -> float:
    """Draw the longest delay."""
    return 1.0


def earliest() -> float:
    """Draw the shortest delay."""
    return 0.0


def test_delays_double_up_to_the_cap() -> None:
    """In a short outage each wait is twice the one before it, and then the cap."""
    backoff = Backoff(latest, base=0.25, cap=1.5)
    assert [backoff.failed(0) for _ in range(6)] == [0.25, 0.5, 1.0, 1.5, 1.5, 1.5]


@pytest.mark.parametrize(("draw", "share"), [(0.0, 0.5), (0.5, 0.75), (0.999, 0.9995)])
def test_jitter_keeps_to_the_upper_half(draw: float, share: float) -> None:
    """Each delay is drawn from between half of it and all of it."""
    backoff = Backoff(lambda: draw, base=1.0, cap=8.0)
    assert [backoff.failed(0) for _ in range(5)] == pytest.approx(
        [delay * share for delay in (1.0, 2.0, 4.0, 8.0, 8.0)]
    )


def test_the_cap_grows_with_the_outage_up_to_the_longest() -> None:
    """A wait is a small share of the outage so far, and never above the longest."""
    backoff = Backoff(latest, base=0.25, cap=1.5, longest=30.0)
    backoff.worked(0)
    for _ in range(20):
        backoff.failed(0)
    assert [backoff.failed(now) for now in (15, 30, 150, 300, 450, 1_000, 1e9)] == pytest.approx(
        [1.5, 2.0, 10.0, 20.0, 30.0, 30.0, 30.0]
    )


def test_an_outage_of_weeks_costs_two_tries_a_minute() -> None:
    """The waits never shrink within an outage, never pass the longest, and no count overflows."""
    backoff, now, delays = Backoff(latest), 0.0, []
    for _ in range(50_000):
        delays.append(backoff.failed(now))
        now += delays[-1]
    assert all(earlier <= later for earlier, later in pairwise(delays))
    assert delays[-1] == 30.0


def test_a_first_failure_begins_the_outage() -> None:
    """Where nothing ever worked the outage counts from the first failure, not from zero."""
    backoff = Backoff(latest, base=10.0, cap=1.5)
    assert backoff.failed(1e6) == 1.5


def test_a_stable_time_makes_the_first_retry_quick_again() -> None:
    """After sixty seconds in which things worked the count starts anew."""
    backoff = Backoff(latest, base=0.25)
    for _ in range(5):
        backoff.failed(0)
    backoff.worked(10)
    backoff.worked(70)
    assert backoff.failed(70) == 0.25


def test_a_connection_that_comes_and_goes_is_not_stable() -> None:
    """Shorter good times leave the count where it was, but end the outage."""
    backoff = Backoff(latest, base=0.25, cap=1.5)
    for now in range(0, 300, 10):
        backoff.failed(now)
    assert backoff.failed(300) > 1.5
    backoff.worked(310)
    backoff.worked(369)
    assert backoff.failed(369.9) == 1.5


def test_good_times_do_not_add_up() -> None:
    """Two good times with a failure between them are not one stable time."""
    backoff = Backoff(latest, base=0.25, cap=1.5)
    for _ in range(5):
        backoff.failed(0)
    backoff.worked(10)
    backoff.failed(50)
    backoff.worked(51)
    backoff.worked(100)
    assert backoff.failed(100) == 1.5


def test_without_a_stable_time_one_success_is_enough() -> None:
    """With `stable` of 0 any success ends the row of failures."""
    backoff = Backoff(earliest, base=0.1, cap=1.0, stable=0)
    for _ in range(5):
        backoff.failed(0)
    backoff.worked(1)
    assert backoff.failed(1) == 0.05


def test_a_burst_is_free_and_no_more() -> None:
    """As many as the burst may go at once; the next one waits for its token."""
    limit = RateLimit(30, 10)
    for _ in range(10):
        assert limit.wait(5) == 0
        limit.spend(5)
    assert limit.wait(5) == pytest.approx(2)
    assert limit.wait(6) == pytest.approx(1)
    assert limit.wait(7) == 0


def test_the_long_run_rate_is_kept() -> None:
    """Whoever always waits as long as told asks at the rate, but for the first burst."""
    limit, now = RateLimit(30, 10), 100.0
    for _ in range(1_010):
        now += limit.wait(now)
        limit.spend(now)
    assert now - 100 == pytest.approx(1_000 * 2)


def test_idle_time_saves_no_more_than_a_burst() -> None:
    """After a day of nothing the burst is as large as ever."""
    limit = RateLimit(30, 3)
    limit.spend(0)
    for _ in range(3):
        assert limit.wait(86_400) == 0
        limit.spend(86_400)
    assert limit.wait(86_400) == pytest.approx(2)


def test_asking_for_the_wait_costs_nothing() -> None:
    """Waits that were broken off leave no debt behind."""
    limit = RateLimit(30, 1)
    limit.spend(0)
    for tenth in range(10_000):
        limit.wait(tenth / 10_000)
    assert limit.wait(1) == pytest.approx(1)


def test_a_token_taken_too_early_is_owed() -> None:
    """Taking one that is not there makes the next one wait longer."""
    limit = RateLimit(30, 1)
    limit.spend(0)
    limit.spend(0)
    assert limit.wait(0) == pytest.approx(4)
