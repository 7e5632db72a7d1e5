"""The crowd's habits, one at a time."""

from dataclasses import replace
from random import Random

import pytest

from data_ingestion.simulated_exchange.crowd import REQUEUED_STEPS, STEP_MS, Crowd
from data_ingestion.simulated_exchange.matching_book import ASK, BID, OTHER, SIGN, Side
from data_ingestion.simulated_exchange.profiles import profile_of


def stubborn_crowd(side: Side) -> Crowd:
    """Return makers who quote again at a price that was eaten, whenever they may; a side was just hit."""
    usual = profile_of("BTCUSDT")
    profile = replace(usual, requeue_share=1.0, linger_share=0.0, maker_rate=0.0, far_habits=None)
    crowd = Crowd(profile, Random(3), start_ms=0, update_id=1)  # noqa: S311
    crowd.takers_away = True
    crowd.hit(0, side, 1, crowd.book.best[side])
    return crowd


def eat_best(crowd: Crowd, side: Side) -> int:
    """Let all of the best level be eaten, and makers answer; return its price in ticks."""
    best = crowd.book.best[side]
    crowd.standing.match(side, crowd.book.levels[side][best], best)
    crowd.step(STEP_MS)
    return best


@pytest.mark.parametrize("side", [BID, ASK])
def test_makers_quote_once_more_at_a_price_that_was_eaten_and_not_twice(side: Side) -> None:
    """Else every price that is hit again and again would look like an iceberg."""
    crowd = stubborn_crowd(side)
    first = eat_best(crowd, side)
    assert crowd.book.best[side] == first
    assert eat_best(crowd, side) == first
    assert SIGN[side] * crowd.book.best[side] < SIGN[side] * first
    assert crowd.book.best[OTHER[side]] == crowd.book.best[side] + SIGN[side]


@pytest.mark.parametrize("side", [BID, ASK])
def test_makers_quote_there_again_when_it_is_long_ago_or_at_another_price(side: Side) -> None:
    """The memory is of one price, and of a while."""
    crowd = stubborn_crowd(side)
    first = eat_best(crowd, side)
    for _ in range(REQUEUED_STEPS):
        crowd.step(STEP_MS)
    assert eat_best(crowd, side) == first
    assert crowd.book.best[side] == first
    eat_best(crowd, side)
    second = eat_best(crowd, side)
    assert SIGN[side] * second < SIGN[side] * first
    assert crowd.book.best[side] == second
