"""The simulated market away from the touch: sizes and changes by distance, what stands and what follows."""

import pytest

from tests.data_ingestion.simulated_exchange.far_book import BTC_EDGES, FarBook, measure

# The recording of BTCUSDT: distance from the mid in USDT, levels and BTC a USDT of one side,
# and levels of both sides that an event of 100 ms changes.
RECORDED = (
    (0, 2.4, 5.6, 3.1),
    (1, 1.8, 0.6, 1.5),
    (2, 2.6, 1.0, 4.5),
    (5, 4.1, 1.2, 7.8),
    (10, 6.0, 2.5, 15.0),
    (20, 7.1, 5.6, 25.0),
    (40, 6.7, 3.9, 25.0),
    (80, 6.7, 4.8, 10.0),
)
TOLERANCE = 1.6


@pytest.fixture(scope="module")
def btc() -> FarBook:
    """Two and a half minutes of each of four markets: one alone may have a wild or a quiet time."""
    return measure("BTCUSDT", 150, range(1, 5))


@pytest.fixture(scope="module")
def eth() -> FarBook:
    """Two and a half minutes of each of two markets."""
    return measure("ETHUSDT", 150, range(1, 3))


def within(value: float, target: float, factor: float = TOLERANCE) -> bool:
    """Tell whether a value is the target but for a factor."""
    return target / factor <= value <= target * factor


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: f"from {recorded[0]}")
def test_levels_sizes_and_changes_by_distance_are_as_recorded(
    btc: FarBook, recorded: tuple[int, float, float, float]
) -> None:
    """Levels and BTC a USDT, and levels changed an event."""
    near, levels, size, changes = recorded
    place = btc.ranges[BTC_EDGES.index(near)]
    assert within(btc.levels_a_unit(place), levels)
    assert within(btc.size_a_unit(place), size)
    assert within(btc.changes_an_event(place), changes)


def test_an_event_changes_about_a_hundred_levels(btc: FarBook) -> None:
    """All distances of the table together, 92 as recorded."""
    assert within(sum(map(btc.changes_an_event, btc.ranges)), 92, 1.35)


def test_large_levels_stand(btc: FarBook) -> None:
    """Six large levels in ten are as large ten seconds later, and walls at round prices rest for minutes."""
    assert btc.kept_share() > 0.45
    walls = btc.walls(120)
    assert sum(price % 5 == 0 for price in walls) > 4 * 5
    assert sum(price % 5 == 0 for price in walls) > 0.3 * len(walls)


def test_makers_follow_the_price_at_a_distance(btc: FarBook) -> None:
    """Orders of one size are seen at ever other prices, all as far from the mid: lines beside the price."""
    assert btc.followers(most_spread=12.0) >= 4 * 4


def test_eth_has_the_like(eth: FarBook) -> None:
    """Density, changes, standing levels and followers, in its own ticks and sizes."""
    far = eth.ranges[5:]
    assert all(within(eth.levels_a_unit(place), 72) for place in far)  # of the 100 ticks in one USDT
    assert all(within(eth.size_a_unit(place), 370) for place in far)
    assert within(sum(map(eth.changes_an_event, eth.ranges)), 70)
    assert eth.kept_share() > 0.45
    assert eth.followers(most_spread=0.8) >= 4 * 2
    assert len(eth.walls(120)) > 50
