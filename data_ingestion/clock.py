"""The two clocks of the shell, so that a test can bring its own."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Final

STEP: Final = 0.1
"""Seconds. A wall clock that ran further away from the steady one was set, or the machine slept."""


class SleepMeter:
    """Adds up by how much the wall clock jumped ahead of the steady one, which stands still in a sleep.

    A wall clock that was set ahead counts as a sleep too: nobody can tell, and what seems older than it is
    does no harm. One that was set back does not make up for it.
    """

    __slots__ = ("_apart", "_slept")

    def __init__(self) -> None:
        self._apart: float | None = None
        self._slept = 0.0

    def read(self, wall: float, steady: float) -> float:
        """Return the seconds slept so far, by a look at both clocks. Constant time."""
        apart = wall - steady
        if self._apart is not None and apart - self._apart > STEP:
            self._slept += apart - self._apart
        self._apart = apart
        return self._slept


@dataclass(frozen=True, slots=True)
class Clock:
    """`wall` gives seconds since the epoch, `steady` seconds that never go back but may stand still."""

    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic
    _sleeps: SleepMeter = field(default_factory=SleepMeter, init=False, repr=False, compare=False)

    def wall_ms(self) -> float:
        """Return milliseconds since the epoch."""
        return self.wall() * 1000

    def steady_ms(self) -> float:
        """Return milliseconds that never go back, nor stand still in a sleep: ages are told by them."""
        steady = self.steady()
        return (steady + self._sleeps.read(self.wall(), steady)) * 1000

    async def seconds(self) -> AsyncIterator[int]:
        """Yield the end of each second as it passes, ms since the epoch; those slept through are left out."""
        last = 0
        while True:
            now = self.wall()
            second = int(now) + 1
            if second == last:  # a timer may fire a hair early
                second += 1
            await asyncio.sleep(second - now)
            last = second
            if self.wall() < second + 1:
                yield second * 1000
