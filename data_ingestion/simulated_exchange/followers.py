"""Makers of a simulated market who quote at a distance from the price and follow it."""

from dataclasses import dataclass
from random import Random
from typing import Final

from data_ingestion.simulated_exchange.far_habits import FollowerHabits
from data_ingestion.simulated_exchange.matching_book import ASK, BID, SIGN, Side
from data_ingestion.simulated_exchange.profiles import quantile_table
from data_ingestion.simulated_exchange.standing import Standing

FOLLOWING: Final = 0.3  # of the way to the price, that what they take for the price goes in a depth event
PAUSE_SHARE: Final = 0.4  # cancelled orders that are not placed anew at once
SIZE_STRAY: Final = 0.03  # of a size, by which it changes at most when it does
RESIZE_SHARE: Final = 0.1  # moves at which it does


@dataclass(slots=True)
class _Follower:
    """One of them: what it quotes and where, and when it next begins or ends to quote, in ms."""

    side: Side
    turns_at: int
    quotes: bool
    distance: int = 0  # ticks
    lots: int = 0
    tick: int | None = None  # of its order, if there is one


class Followers:
    """All followers of one market; each quotes for a while, then stays away for a while."""

    def __init__(
        self, habits: FollowerHabits, lots_per_unit: int, standing: Standing, random: Random, at_ms: int
    ) -> None:
        self._habits = habits
        self._standing = standing
        self._random = random
        self._distances = quantile_table(habits.distance)
        self._sizes = quantile_table(habits.size, lots_per_unit)
        self._price = sum(standing.book.best) / 2  # in ticks, as they see it
        quoting = habits.quoting_seconds / (habits.quoting_seconds + habits.away_seconds)
        self._all = [
            _Follower(side, at_ms, quotes=random.random() > quoting)  # each turns at once
            for side in (BID, ASK)
            for _ in range(habits.a_side)
        ]

    def step(self, at_ms: int) -> None:
        """Play the depth event that holds `at_ms`."""
        self._price += FOLLOWING * (sum(self._standing.book.best) / 2 - self._price)
        for follower in self._all:
            if at_ms >= follower.turns_at:
                self._turn(follower, at_ms)
            if follower.quotes and (follower.tick is None or self._random.random() < self._habits.move_share):
                self._move(follower)

    def _turn(self, follower: _Follower, at_ms: int) -> None:
        """Let one begin to quote, or cancel and stay away."""
        habits, rnd = self._habits, self._random
        self._cancel(follower)
        follower.quotes = not follower.quotes
        seconds = habits.quoting_seconds if follower.quotes else habits.away_seconds
        follower.turns_at = at_ms + int(1_000 * rnd.expovariate(1 / seconds))
        follower.distance = self._distances[int(rnd.random() * len(self._distances))]
        follower.lots = self._sizes[int(rnd.random() * len(self._sizes))]

    def _move(self, follower: _Follower) -> None:
        """Place the order where it now should be; one in the book is cancelled, mostly to come back."""
        rnd = self._random
        was_there = follower.tick is not None
        self._cancel(follower)
        if was_there and rnd.random() < PAUSE_SHARE:
            return
        if rnd.random() < RESIZE_SHARE:
            follower.lots = max(1, round(follower.lots * (1 + SIZE_STRAY * (2 * rnd.random() - 1))))
        distance = follower.distance + rnd.gauss(0.0, self._habits.stray)
        tick = round(self._price - SIGN[follower.side] * distance)
        if self._standing.place(follower.side, tick, follower.lots):
            follower.tick = tick

    def _cancel(self, follower: _Follower) -> None:
        if follower.tick is not None:
            self._standing.withdraw(follower.side, follower.tick, follower.lots)
            follower.tick = None
