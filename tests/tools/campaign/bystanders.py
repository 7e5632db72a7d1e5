"""Those whom hostile clients must not harm: clients that only read, and the program's own processes."""

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

import psutil
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

MOST_AT_ONCE: Final = 50 * 2**20
"""Bytes by which a process may have grown at any moment."""

WARM: Final = 10
"""Looks after which a process has what it needs."""


class Bystanders:
    """Reads frames over some connections and notes what is missing in them.

    A frame is missing where the seconds of one connection are not contiguous. What the campaign itself does
    to the API, which cannot send while it is stopped, is no fault of others: `excuse` tells of it.
    """

    def __init__(self) -> None:
        self.frames = self.missing = 0
        self.worst_lag_ms = 0.0
        self._excused: list[tuple[float, float]] = []

    @contextlib.contextmanager
    def excuse(self) -> Iterator[None]:
        """Excuse what is missing of the seconds in this block, and of the two next to it."""
        began = time.time()
        try:
            yield
        finally:
            self._excused.append((began * 1000 - 2000, time.time() * 1000 + 2000))

    async def read(self, url: str) -> None:
        """Read until cancelled, over as many connections as it takes."""
        while True:
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                await self._read_one(url)
            await asyncio.sleep(0.1)

    async def _read_one(self, url: str) -> None:
        last = 0
        async with connect(url, max_size=None, proxy=None, open_timeout=5, close_timeout=1) as listener:
            async for text in listener:
                stamp, now_ms = json.loads(text)["timestamp"], time.time() * 1000
                if last and not self._is_excused(last, now_ms):
                    self.frames += 1
                    self.missing += max(0, (stamp - last) // 1000 - 1)
                    self.worst_lag_ms = max(self.worst_lag_ms, now_ms - stamp)
                last = stamp

    def _is_excused(self, from_ms: float, to_ms: float) -> bool:
        return any(began <= to_ms and from_ms <= ended for began, ended in self._excused)


class Watch:
    """Looks at the processes every half second: how much each has grown at most, and which were replaced."""

    def __init__(self, processes: Callable[[], Iterator[tuple[str, psutil.Process]]]) -> None:
        self._processes = processes
        self._looks: Counter[tuple[str, int]] = Counter()
        self._first: dict[tuple[str, int], int] = {}
        self.growth: dict[str, int] = {}
        self.killed: Counter[str] = Counter()  # by the campaign

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(0.5)

    def look(self) -> None:
        """Look once."""
        with contextlib.suppress(psutil.Error):
            for name, process in self._processes():
                key = (name, process.pid)
                memory = process.memory_info().rss
                self._looks[key] += 1
                if self._looks[key] <= WARM:
                    self._first[key] = memory
                self.growth[name] = max(self.growth.get(name, 0), memory - self._first[key])

    def complaints(self) -> list[str]:
        """Return who grew too much, and who was replaced though the campaign had not killed it."""
        found = [
            f"{name} grew by {growth / 2**20:.0f} MiB for a while"
            for name, growth in self.growth.items()
            if growth > MOST_AT_ONCE
        ]
        lives = Counter(name for name, _ in self._looks)
        return found + [
            f"{name} was replaced {count - 1} times and killed {self.killed[name]} times"
            for name, count in lives.items()
            if count - 1 > self.killed[name]
        ]

    def figures(self) -> str:
        """Return the largest growth of each."""
        return ", ".join(f"{name} {growth / 2**20:+.1f} MiB" for name, growth in sorted(self.growth.items()))
