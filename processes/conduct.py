"""What each process of the program does about its log, its memory and its errors."""

import gc
import logging
import sys
from typing import Any, Final

from config import Settings

GC_YOUNGEST: Final = 20_000  # new objects before the collector looks at the youngest; some hundred messages


def part_of(settings: Settings) -> str:
    """Return what a process is in its log lines."""
    return ",".join(settings.symbols) if settings.role == "engine" else settings.role


def set_up_logging(settings: Settings) -> None:
    """Have log lines go to standard error, with their time and the name of the process."""
    part = part_of(settings)
    logging.basicConfig(
        level=settings.log_level.upper(),
        format=f"%(asctime)s %(levelname)-7s {part}: %(message)s",
        datefmt="%H:%M:%S",
        stream=sys.stderr,
    )
    for chatty in ("asyncio", "websockets", "uvicorn", "aiohttp"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def calm_garbage_collector() -> None:
    """Have the cyclic garbage collector look less often, and never at what is there already.

    Messages and levels hold no cycles, yet each brings hundreds of objects: by default they alone have the
    collector run several times a message, which costs as much as the top ten and all metrics together. And a
    frame that meets a collection of all that thousands of clients hold is late by a third of a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_YOUNGEST, 20, 50)


def first_leaf(group: BaseExceptionGroup[Any]) -> BaseException:
    """Return one of the errors that a task group ended with."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
