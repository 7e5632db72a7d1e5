"""The request weight that is shared."""

import pytest

from data_ingestion.request_budget import RequestBudget


def test_all_requests_draw_on_one_budget() -> None:
    """What a light request took is missing to a heavy one, and comes back with time."""
    budget = RequestBudget(per_minute=60, burst=20)
    assert budget.wait(0.0, 20) == 0
    budget.take(0.0, 1)
    assert budget.wait(0.0, 20) == pytest.approx(1.0)
    assert budget.wait(0.0, 1) == 0
    assert budget.wait(1.0, 20) == 0


def test_where_the_exchange_wants_no_request_there_is_none() -> None:
    """The longest of such waits counts, for requests of any weight."""
    budget = RequestBudget(per_minute=6_000, burst=100)
    budget.hold(10.0, 60.0)
    budget.hold(20.0, 5.0)
    assert budget.wait(30.0, 1) == pytest.approx(40.0)
    assert budget.wait(70.0, 20) == 0
