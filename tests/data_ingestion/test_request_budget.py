"""The request weight that is shared."""

import pytest

from data_ingestion.request_budget import RequestBudget


def test_all_requests_draw_on_one_budget() -> None:
    """What a light request took is missing to a heavy one, and comes back with time."""
    budget = RequestBudget(per_minute=60, burst=20)
    assert budget.wait(0.0, 20) == 0
    budget.take(0.0, 1)
    assert budget.wait(0.0, 20) == pytest.approx(1.5)  # 40 a minute, besides the burst
    assert budget.wait(0.0, 1) == 0
    assert budget.wait(1.5, 20) == 0


@pytest.mark.parametrize("per_minute", [20, 30, 39, 50, 225, 450, 900, 1_800])
@pytest.mark.parametrize("weight", [1, 20])
def test_no_minute_has_more_than_is_allowed(per_minute: int, weight: int) -> None:
    """Who asks whenever they may, burst and all, stays within the limit in any minute, and is not starved."""
    budget, now = RequestBudget(per_minute, 200), 0.0
    asked: list[float] = []
    while now < 600:
        now += budget.wait(now, weight)
        budget.take(now, weight)
        asked.append(now)
        within = [at for at in asked if at > now - 60 + 1e-6]
        assert weight * len(within) <= per_minute
    assert weight * len(asked) >= per_minute * 10 / 2


def test_where_the_exchange_wants_no_request_there_is_none() -> None:
    """The longest of such waits counts, for requests of any weight."""
    budget = RequestBudget(per_minute=6_000, burst=100)
    budget.hold(10.0, 60.0)
    budget.hold(20.0, 5.0)
    assert budget.wait(30.0, 1) == pytest.approx(40.0)
    assert budget.wait(70.0, 20) == 0
