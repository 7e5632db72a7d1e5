"""Those who quote away from the touch of a simulated market, beside the crowd of small makers."""

from random import Random

from data_ingestion.simulated_exchange.far_habits import FarHabits
from data_ingestion.simulated_exchange.followers import Followers
from data_ingestion.simulated_exchange.standing import Standing
from data_ingestion.simulated_exchange.walls import Walls


class FarMakers:
    """The large orders that stand in one market, and the makers who follow its price at a distance."""

    def __init__(
        self, habits: FarHabits, lots_per_unit: int, standing: Standing, random: Random, at_ms: int
    ) -> None:
        self._walls = [Walls(orders, lots_per_unit, standing, random) for orders in habits.orders]
        for walls in self._walls:
            walls.settle(at_ms)
        self._followers = Followers(habits.followers, lots_per_unit, standing, random, at_ms)

    def step(self, at_ms: int, step_ms: int) -> None:
        """Play the `step_ms` from `at_ms` on: one depth event."""
        for walls in self._walls:
            walls.step(at_ms, step_ms)
        self._followers.step(at_ms)
