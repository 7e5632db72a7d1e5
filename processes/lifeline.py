"""A process's tie to its supervisor: its standard input, which the supervisor holds open.

Where it ends, the supervisor has gone, however it went: that is so on every system, also where a launcher
stands between both and a process's parent is another. Lines on it are words of the supervisor.
"""

import asyncio
import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final

BEAT_EVERY: Final = 1.0  # seconds
HOLD: Final = "hold "
"""Begins the word that the exchange wants no request before a time, in seconds since the epoch."""


class Words:
    """Where the supervisor's words go: to whoever can do something with them."""

    def __init__(self) -> None:
        self.on_line: Callable[[str], None] | None = None

    def hear(self, line: str) -> None:
        """Pass one on; one that comes before anybody listens is lost."""
        if self.on_line is not None:
            self.on_line(line)


def say(line: str = "") -> None:
    """Write a line to standard output; where nobody reads, it is left out and never waited for."""
    with contextlib.suppress(OSError, ValueError):
        print(line, flush=True)


def listen(
    loop: asyncio.AbstractEventLoop, on_line: Callable[[str], None], on_end: Callable[[], object]
) -> None:
    """Have `loop` hear each line of standard input, and its end.

    In a thread: not every loop can wait for every kind of standard input. It ends with the process.
    """

    def read() -> None:
        with contextlib.suppress(OSError, ValueError, RuntimeError):  # the last where the loop has ended
            for line in sys.stdin:
                loop.call_soon_threadsafe(on_line, line.rstrip("\n"))
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(on_end)

    threading.Thread(target=read, name="lifeline", daemon=True).start()


async def run_until_stopped(
    work: Coroutine[Any, Any, None], *, supervised: bool, on_line: Callable[[str], None] = lambda line: None
) -> None:
    """Run `work` until it ends, a signal asks for its end, or its supervisor, if it has one, is gone."""
    job = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    asked = False

    def stop() -> None:
        nonlocal asked
        if not asked:  # twice would break off the tidying up after the first
            asked = True
            job.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C cancels by itself
            loop.add_signal_handler(number, stop)
    beat = None
    if supervised:
        listen(loop, on_line, stop)
        beat = asyncio.create_task(_beat())
    try:
        await job
    finally:
        if beat is not None:
            beat.cancel()
            await asyncio.gather(beat, return_exceptions=True)


async def _beat() -> None:
    """Show once a second that the loop turns."""
    while True:
        say()
        await asyncio.sleep(BEAT_EVERY)
