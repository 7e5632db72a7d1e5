"""Tests in virtual time: the event loop jumps to its next timer whenever nothing else is left to do.

Sockets are real. Hours pass in milliseconds, a timer is never late, and a loaded machine changes nothing.
"""

import asyncio
import functools
import selectors
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, Final, ParamSpec

from data_ingestion.clock import Clock

P = ParamSpec("P")

EPOCH: Final = 1_700_000_000.0
"""Wall-clock time when virtual time is 0, seconds since the epoch."""
PATIENCE: Final = 900.0
"""Virtual seconds after which waiting for something that must come is given up."""
_START: Final = 1_000.0
_GRACE: Final = 0.0003  # real seconds that the kernel has to hand over what was sent on loopback
_DEADLOCK: Final = 30.0  # real seconds


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for a moment only; where nothing comes in it, the time that was to be waited is over."""

    def __init__(self) -> None:
        super().__init__()
        self.now = _START
        self.threads = 0  # that work for the loop: their time is real
        self._moved = time.monotonic()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            events = super().select(_DEADLOCK)
            if not events:
                raise RuntimeError("everything waits, and no timer is set")
            return events
        if timeout <= 0 or self.threads:
            if time.monotonic() - self._moved > _DEADLOCK:
                self._moved = time.monotonic()
                raise RuntimeError("busy, and no time passes")
            return super().select(min(timeout, _GRACE))
        events = super().select(0)
        if not events:
            time.sleep(_GRACE)  # a selector's own wait is never shorter than a millisecond
            events = super().select(0)
        if not events:
            self.now += timeout
            self._moved = time.monotonic()
        return events


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only where all tasks wait for it."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return virtual seconds."""
        return self._jumping.now

    def run_in_executor(  # type: ignore[override]  # the stubs know an older form as well
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Have a thread do something, while time stands still."""
        future = super().run_in_executor(executor, func, *args)
        self._jumping.threads += 1
        future.add_done_callback(self._thread_done)
        return future

    def _thread_done(self, _: asyncio.Future[Any]) -> None:
        self._jumping.threads -= 1

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Wait for the threads; Python 3.12 and newer would for so long, which here is over at once."""
        del timeout
        await super().shutdown_default_executor()

    def sockets(self) -> int:
        """Return how many sockets the loop listens to, but for its own."""
        return len(self._jumping.get_map()) - 1


def in_virtual_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an async test in virtual time; it fails if it leaves a task or a socket behind."""

    async def watched(*args: P.args, **kwargs: P.kwargs) -> None:
        await test(*args, **kwargs)
        await asyncio.sleep(10)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"tasks left behind: {left}"
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        assert loop.sockets() == 0, "sockets left behind"

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(watched(*args, **kwargs))

    return run


def virtual_clock() -> Clock:
    """Return both clocks, driven by the running loop."""
    loop = asyncio.get_running_loop()
    return Clock(wall=lambda: EPOCH + loop.time(), steady=loop.time)


async def until(condition: Callable[[], object]) -> None:
    """Wait for `condition`."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - whatever a condition looks at
            await asyncio.sleep(0.2)
