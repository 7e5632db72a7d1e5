"""The request weight that is shared."""

from collections import deque

import pytest

from data_ingestion.errors import ExchangeError, HttpRefusal, Unreachable
from data_ingestion.pacing.request_budget import RequestBudget


def test_all_requests_draw_on_one_budget() -> None:
    """What a light request took is missing to a heavy one, and comes back with time."""
    budget = RequestBudget(per_minute=60, burst=20)
    assert budget.wait(0.0, 20) == 0
    budget.spend(0.0, 1)
    assert budget.wait(0.0, 20) == pytest.approx(1.5)  # 40 a minute, besides the burst
    assert budget.wait(0.0, 1) == 0
    assert budget.wait(1.5, 20) == 0


@pytest.mark.parametrize("per_minute", [20, 30, 39, 50, 225, 450, 900, 1_800])
@pytest.mark.parametrize("weight", [1, 20])
def test_no_minute_has_more_than_is_allowed(per_minute: int, weight: int) -> None:
    """Who asks whenever they may, burst and all, stays within the limit in any minute, and is not starved."""
    budget, now = RequestBudget(per_minute, 200), 0.0
    asked, within = 0, deque[float]()
    while now < 600:
        now += budget.wait(now, weight)
        budget.spend(now, weight)
        asked += 1
        within.append(now)
        while within[0] <= now - 60 + 1e-6:
            within.popleft()
        assert weight * len(within) <= per_minute
    assert weight * asked >= per_minute * 10 / 2


def test_where_the_exchange_wants_no_request_there_is_none() -> None:
    """The longest of such waits counts, for requests of any weight."""
    budget = RequestBudget(per_minute=6_000, burst=100)
    budget.hold(10.0, 60.0)
    budget.hold(20.0, 5.0)
    assert budget.wait(30.0, 1) == pytest.approx(40.0)
    assert budget.wait(70.0, 20) == 0


def waits(*errors: ExchangeError) -> list[float]:
    """Return how long the budget holds after each of these failures in a row."""
    budget, now, found = RequestBudget(per_minute=6_000, burst=100), 0.0, []
    for error in errors:
        budget.obey(now, error)
        found.append(budget.wait(now, 1))
        now += found[-1]
    return found


def test_a_limit_that_names_no_end_is_kept_away_from_ever_longer() -> None:
    """From ten seconds on, doubling to five minutes; the same number under another status is the same."""
    limited = HttpRefusal("snapshot", 429)
    assert waits(*[limited] * 8) == [10, 20, 40, 80, 160, 300, 300, 300]
    assert waits(HttpRefusal("snapshot", 200, code=-1003), HttpRefusal("snapshot", 503, code=-1003)) == [
        10,
        20,
    ]


def test_a_ban_that_names_no_end_is_two_minutes_at_least() -> None:
    """And five at most."""
    assert waits(*[HttpRefusal("snapshot", 418)] * 3) == [120, 240, 300]
    assert waits(HttpRefusal("snapshot", 429), HttpRefusal("snapshot", 418)) == [10, 120]


def test_a_named_wait_is_obeyed_to_the_second() -> None:
    """Also one that is longer than any of ours; one of nothing is as good as none."""
    assert waits(HttpRefusal("snapshot", 429, 7.0), HttpRefusal("snapshot", 418, 86_400.0)) == [7, 86_400]
    assert waits(HttpRefusal("snapshot", 429, 0.0), Unreachable("snapshot", "gone")) == [10, 0]


def test_an_answer_ends_a_ban_and_others_are_told_of_one() -> None:
    """The next limit begins at ten seconds; a wait after another failure concerns nobody else."""
    told: list[float] = []
    budget = RequestBudget(6_000, 100, told.append)
    for error in (HttpRefusal("snapshot", 429), HttpRefusal("snapshot", 503, 3.0)):
        budget.obey(0.0, error)
    budget.answered()
    budget.obey(60.0, HttpRefusal("snapshot", 429))
    assert told == [10, 10]
