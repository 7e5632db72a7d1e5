"""Large orders of a simulated market that stand at one price for seconds or many minutes."""

from heapq import heappop, heappush
from random import Random
from typing import Final

from data_ingestion.simulated_exchange.far_habits import OrderHabits
from data_ingestion.simulated_exchange.matching_book import SIGN, Side
from data_ingestion.simulated_exchange.profiles import QUANTILE_STEPS, quantile_table
from data_ingestion.simulated_exchange.standing import Standing

LIFE_STEP_MS: Final = 100  # lives are whole numbers of this


class Walls:
    """The orders of one kind: they come at a steady rate, and each goes when its time is up."""

    def __init__(self, habits: OrderHabits, lots_per_unit: int, standing: Standing, random: Random) -> None:
        self._standing = standing
        self._rnd = random.random
        self._spacing = habits.spacing
        self._distances = quantile_table(habits.distance)
        self._sizes = quantile_table(habits.size, lots_per_unit)
        self._lives = quantile_table(habits.seconds, 1_000 / LIFE_STEP_MS)
        self._rate = habits.count * len(self._lives) / (sum(self._lives) * LIFE_STEP_MS)  # orders a ms
        self._leaving: list[tuple[int, Side, int, int]] = []  # a heap of (time in ms, side, tick, lots)

    def settle(self, at_ms: int) -> None:
        """Place those that a market would hold that has been running for long."""
        longest = self._lives[-1] * LIFE_STEP_MS
        for _ in range(int(self._rate * longest)):
            left = self._draw(self._lives) * LIFE_STEP_MS - int(self._rnd() * longest)
            if left > 0:
                self._place(at_ms + left)

    def step(self, at_ms: int, step_ms: int) -> None:
        """Let orders come and go in the `step_ms` from `at_ms` on."""
        while self._leaving and self._leaving[0][0] <= at_ms:
            _, side, tick, lots = heappop(self._leaving)
            self._standing.withdraw(side, tick, lots)
        for _ in range(int(self._rate * step_ms + self._rnd())):
            self._place(at_ms + self._draw(self._lives) * LIFE_STEP_MS)

    def _place(self, until_ms: int) -> None:
        side, best = int(2 * self._rnd()), self._standing.book.best
        away = SIGN[side] * self._draw(self._distances)
        tick = (best[0] + best[1]) // 2 - away
        tick -= tick % self._spacing
        lots = self._draw(self._sizes)
        if not self._standing.lots(side, tick) and self._standing.place(side, tick, lots):
            heappush(self._leaving, (until_ms, side, tick, lots))

    def _draw(self, table: tuple[int, ...]) -> int:
        return table[int(self._rnd() * QUANTILE_STEPS)]
