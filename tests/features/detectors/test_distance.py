"""How far a level lies from the touch."""

import pytest

from features.detectors.detection import ASK, BID
from features.detectors.distance import distance_of
from tests.features.detectors.market import Market


@pytest.mark.parametrize(
    ("side", "price", "ticks"),
    [(BID, 100.0, 0), (BID, 97.0, 3), (ASK, 101.0, 0), (ASK, 105.0, 4), (BID, 101.0, -1), (ASK, 99.0, -2)],
)
def test_the_distance_is_from_the_best_price_of_its_own_side(side: int, price: float, ticks: int) -> None:
    """Behind it is above 0 on both sides; a price that was gone through is below."""
    told = distance_of(side, price, Market().books()[0], 1.0)
    assert told.ticks == ticks
    assert told.bps == pytest.approx(10_000 * ticks / 100.5, abs=1e-8)


def test_ticks_are_whole_whatever_floats_make_of_them() -> None:
    """Three ticks of a tenth are three."""
    told = distance_of(BID, 99.7, Market().books()[0], 0.1)
    assert (told.ticks, type(told.ticks)) == (3, int)


def test_without_a_tick_there_are_only_basis_points() -> None:
    """Before the tick is known nothing is made up."""
    told = distance_of(BID, 99.0, Market().books()[0], 0.0)
    assert told.ticks is None
    assert told.evidence_at_open == {"distance_ticks_at_open": None, "distance_bps_at_open": told.bps}
