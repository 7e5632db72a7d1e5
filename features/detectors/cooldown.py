"""Keeps a kind from being flagged again and again at one place."""

from typing import Final

_MOST: Final = 256  # places remembered before the expired ones are thrown out

Place = tuple[int, float]
"""Side and price."""

ANY_PRICE: Final = 0.0
"""The price of a place that is a whole side, for kinds that move the price."""


class Cooldown:
    """Places at which nothing may be flagged for a while. Times in exchange ms."""

    __slots__ = ("_span", "_until")

    def __init__(self, span_ms: int) -> None:
        self._span = span_ms
        self._until: dict[Place, int] = {}

    def over(self, place: Place, time: int) -> bool:
        """Whether something may be flagged there."""
        return self._until.get(place, 0) <= time

    def start(self, place: Place, time: int) -> None:
        """Begin the cooldown of a place. Constant time, amortised."""
        until = self._until
        if len(until) >= _MOST:
            self._until = until = {key: end for key, end in until.items() if end > time}
        until[place] = time + self._span

    def clear(self) -> None:
        """Forget all places."""
        self._until.clear()
