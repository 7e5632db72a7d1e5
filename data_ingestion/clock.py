"""The two clocks of the shell, so that a test can bring its own."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """`wall` gives seconds since the epoch, `steady` seconds that never go back."""

    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic

    def wall_ms(self) -> float:
        """Return milliseconds since the epoch."""
        return self.wall() * 1000

    def steady_ms(self) -> float:
        """Return milliseconds that never go back."""
        return self.steady() * 1000

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
