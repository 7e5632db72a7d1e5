"""Names the lines whose allocations hold the most memory, for `--profile-memory`."""

import asyncio
import sys
import tracemalloc
from pathlib import Path
from typing import Final

EVERY: Final = 60.0  # seconds
TOP: Final = 10

_ROOT: Final = Path(__file__).resolve().parents[1]
_KIB: Final = 1024


def report(process: str) -> str:
    """Return a block of the top allocations by line. Takes up to some seconds where there are many.

    Each line names the process: blocks of several processes may come out interleaved.
    """
    total, _ = tracemalloc.get_traced_memory()
    statistics = tracemalloc.take_snapshot().statistics("lineno")
    own = (__file__, tracemalloc.__file__)
    most = [entry for entry in statistics[: 10 * TOP] if entry.traceback[0].filename not in own][:TOP]
    lines = [f"memory of {process}: {total / _KIB:,.0f} KiB in Python objects; most by line:"]
    for rank, entry in enumerate(most, 1):
        frame = entry.traceback[0]
        where = f"{_short(frame.filename)}:{frame.lineno}"
        lines.append(
            f"memory of {process}: {rank:2}. {entry.size / _KIB:10,.1f} KiB {entry.count:8,} blocks  {where}"
        )
    return "\n".join(lines)


async def report_for_ever(process: str) -> None:
    """Print a report every minute until cancelled, and then one more."""
    try:
        while True:
            await asyncio.sleep(EVERY)
            # In a thread, for the loop to turn meanwhile: the supervisor watches it.
            print(await asyncio.to_thread(report, process), file=sys.stderr, flush=True)
    finally:
        print(report(process), file=sys.stderr, flush=True)


def _short(name: str) -> str:
    path = Path(name)
    return str(path.relative_to(_ROOT)) if path.is_relative_to(_ROOT) else name
