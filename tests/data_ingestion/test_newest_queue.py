"""The queue that drops its oldest."""

import asyncio

import pytest

from data_ingestion.newest_queue import NewestQueue


async def test_items_come_out_in_order() -> None:
    """First in is first out, and nothing is dropped while there is room."""
    queue = NewestQueue[int](3)
    for item in (1, 2, 3):
        queue.put(item)
    assert len(queue) == 3
    assert [await queue.get() for _ in range(3)] == [1, 2, 3]
    assert queue.drain_dropped() == 0


@pytest.mark.parametrize(("size", "items"), [(1, 5), (3, 4), (3, 100)])
async def test_a_full_queue_drops_its_oldest_and_counts(size: int, items: int) -> None:
    """The newest are kept, the number of those that went is told once."""
    queue = NewestQueue[int](size)
    for item in range(items):
        queue.put(item)
        assert len(queue) <= size
    assert queue.drain_dropped() == items - size
    assert queue.drain_dropped() == 0
    assert [await queue.get() for _ in range(size)] == list(range(items - size, items))


async def test_get_waits_for_an_item() -> None:
    """A reader of an empty queue sleeps until something is put."""
    queue = NewestQueue[str](1)
    reader = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    assert not reader.done()
    queue.put("late")
    assert await reader == "late"


async def test_drops_before_a_waiting_reader_runs_are_known_when_it_does() -> None:
    """Whoever was woken by an item that is gone gets the oldest left, and the count covers all before it."""
    queue = NewestQueue[int](2)
    reader = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    for item in range(5):
        queue.put(item)
    assert await reader == 3
    assert queue.drain_dropped() == 3


async def test_clear_forgets_items_and_count() -> None:
    """After a clear the queue is as new."""
    queue = NewestQueue[int](2)
    for item in range(5):
        queue.put(item)
    queue.clear()
    assert len(queue) == 0
    assert queue.drain_dropped() == 0
    queue.put(9)
    assert await queue.get() == 9


async def test_clear_leaves_a_waiting_reader_waiting() -> None:
    """A reader that was woken by an item since cleared goes on waiting for the next one."""
    queue = NewestQueue[int](2)
    reader = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put(1)
    queue.clear()
    await asyncio.sleep(0)
    assert not reader.done()
    queue.put(2)
    assert await reader == 2


async def test_a_cancelled_reader_takes_nothing() -> None:
    """An item that woke a reader which is cancelled then is there for the next one."""
    queue = NewestQueue[int](2)
    reader = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put(1)
    reader.cancel()
    await asyncio.wait([reader])
    assert await queue.get() == 1
