"""A bounded asyncio queue that gives up its oldest items, never its newest."""

import asyncio
from typing import Generic, TypeVar

T = TypeVar("T")


class NewestQueue(Generic[T]):
    """`put` never waits: where the queue is full, the oldest item goes and is counted."""

    def __init__(self, maxsize: int) -> None:
        self._queue: asyncio.Queue[T] = asyncio.Queue(maxsize)
        self._dropped = 0

    def __len__(self) -> int:
        """Return the number of items waiting."""
        return self._queue.qsize()

    @property
    def full(self) -> bool:
        """Whether the next item would drop the oldest."""
        return self._queue.full()

    def put(self, item: T) -> None:
        """Add `item` as the newest."""
        if self._queue.full():
            self._queue.get_nowait()
            self._dropped += 1
        self._queue.put_nowait(item)

    async def get(self) -> T:
        """Wait for the oldest item and take it."""
        return await self._queue.get()

    def drain_dropped(self) -> int:
        """Return how many items were dropped since the last call."""
        dropped, self._dropped = self._dropped, 0
        return dropped

    def clear(self) -> None:
        """Throw away all that waits, uncounted."""
        while not self._queue.empty():
            self._queue.get_nowait()
        self._dropped = 0
