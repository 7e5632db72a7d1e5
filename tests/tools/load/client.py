"""Whether the client of `api/client.py` is right at every update while the exchange misbehaves.

python -m tests.tools.load.client --minutes 10

The real program on the rig, each fault in turn, the client's own connection cut now and then. Every book's
ten best levels are checked against the exchange's own, and once a second the whole book. A recorder, in its
own thread, must have recorded the same. Exits 1 if anything was wrong, told twice, or silently left out.
"""

import argparse
import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, pairwise
from typing import Final

from api.client import Book, ClientError, Frame, Levels, Recorder, WholeBook, frames
from tests.program import Program, listening, next_live
from tests.replay.drill import FAULTS, Fault
from tests.replay.rig import SYMBOL, Rig

SECOND_MS: Final = 1_000
CUT: Final = Fault("cut", (), 0.0)
"""The client's own connection is lost."""
PERIOD: Final = 3.0  # seconds from the end of one fault to the next
SHOWN: Final = 20  # sentences about what was wrong

Top = tuple[Levels, Levels]


@dataclass(slots=True)
class Seen:
    """What the client told, and what was wrong with it."""

    seconds: int = 0
    live: int = 0
    unknown: int = 0  # said to be
    twice: int = 0
    missing: int = 0  # silently
    updates: int = 0
    compared: int = 0  # of these, with the exchange's own ten best levels
    whole_books: int = 0
    levels: int = 0  # compared in them
    wrong: list[str] = field(default_factory=list)
    faults: dict[str, int] = field(default_factory=dict)
    tops: dict[int, Top] = field(default_factory=dict)
    """By update id, as rebuilt here."""
    newest: int | None = None
    book: Book | None = None

    def summary(self) -> str:
        """Return it in words."""
        return (
            f"{sum(self.faults.values())} faults of {len(self.faults)} kinds; {self.seconds} seconds: "
            f"{self.live} live, {self.unknown} said to be unknown, {self.twice} twice, {self.missing} "
            f"silently missing; {self.updates} updates, {self.compared} of them compared, "
            f"{self.whole_books} whole books of {self.levels:,} levels, {len(self.wrong)} wrong"
        )

    @property
    def good(self) -> bool:
        """Whether something was compared and nothing wrong."""
        return not (self.wrong or self.twice or self.missing) and self.compared > 0 and self.whole_books > 0


class Relay:
    """A way to the API that can be cut."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writers: set[asyncio.StreamWriter] = set()
        self.url = ""

    async def __aenter__(self) -> "Relay":
        """Listen."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Abort every connection."""
        for writer in self._writers:
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            there, back = await asyncio.open_connection("127.0.0.1", self._port)
            self._writers |= {writer, back}
            try:
                await asyncio.gather(_pipe(reader, back), _pipe(there, writer))
            finally:
                self._writers -= {writer, back}


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(2**16):
            writer.write(data)
            await writer.drain()
    writer.close()


async def judge(frame: Frame, rig: Rig, seen: Seen) -> None:
    """Check all that a second says of the book against the exchange."""
    seen.seconds += 1
    seen.live += frame.is_live
    seen.unknown += frame.status == "unknown"
    if seen.newest is not None:
        step = (frame.timestamp - seen.newest) // SECOND_MS
        seen.twice += step <= 0
        seen.missing += max(0, step - 1)
    seen.newest = frame.timestamp
    if frame.book is not None:
        seen.book = Book(frame.book)
    if frame.updates is None:
        seen.book = None
        return
    for update in frame.updates:
        if seen.book is None or not seen.book.apply(update):
            seen.wrong.append(f"nothing leads to the update {update.u}")
            return
        seen.tops[update.u] = top = seen.book.top()
        truth = await rig.truth(update.u)
        seen.updates += 1  # only now: whoever waits may be stopped
        if truth is not None:
            seen.compared += 1
            if _pairs(top) != (truth["bids"], truth["asks"]):
                seen.wrong.append(f"the ten best levels at {update.u}")
    if frame.updates and seen.book is not None:
        await judge_whole(seen.book.whole(), rig, seen)


def _pairs(top: Top) -> tuple[list[list[float]], list[list[float]]]:
    bids, asks = top
    return [list(level) for level in bids], [list(level) for level in asks]


async def judge_whole(book: WholeBook, rig: Rig, seen: Seen, where: str = "") -> None:
    """Check every level between `low` and `high` against the exchange, where it still has that book."""
    truth = await rig.levels(book.u)
    if truth is None:
        return
    bids = [level for level in truth["bids"] if level[0] >= book.low]
    asks = [level for level in truth["asks"] if level[0] <= book.high]
    seen.whole_books += 1
    seen.levels += len(bids) + len(asks)
    if _pairs((book.bids, book.asks)) != (bids, asks):
        seen.wrong.append(f"the whole book at {book.u}{where}")


async def watch(url: str, rig: Rig, seen: Seen) -> None:
    """Judge frames until cancelled. An error of the client itself is wrong too."""
    try:
        async with contextlib.aclosing(frames(SYMBOL, url, updates=True)) as stream:
            async for frame in stream:
                await judge(frame, rig, seen)
    except ClientError as error:
        seen.wrong.append(f"{type(error).__name__}: {error}")


async def compare_recording(recorder: Recorder, rig: Rig, seen: Seen) -> None:
    """Check a recording against what was seen here and, as far as it goes back, against the exchange."""
    stamps = [frame.timestamp for frame in recorder.frames]
    steps = [(after - before) // SECOND_MS for before, after in pairwise(stamps)]
    seen.twice += sum(step <= 0 for step in steps)
    seen.missing += sum(step - 1 for step in steps if step > 1)
    table = await asyncio.to_thread(recorder.updates.to_pandas)
    names = [
        [f"{side}_{part}_{rank}" for part in ("px", "sz")] for side in ("bid", "ask") for rank in range(1, 11)
    ]
    levels = table[[name for pair in names for name in pair]].to_numpy().reshape(len(table), 2, 10, 2)
    for u, sides in zip(table.u.tolist(), levels.tolist(), strict=True):
        if u in seen.tops and list(_pairs(seen.tops[u])) != sides:
            seen.wrong.append(f"the recorder's ten best levels at {u}")
    lacking = seen.tops.keys() - set(table.u.tolist())
    if lacking:
        seen.wrong.append(f"the recorder lacks {len(lacking)} updates, the first {min(lacking)}")
    books = recorder.book
    for u in await rig.kept_levels():
        if u in seen.tops:
            await judge_whole(await asyncio.to_thread(books.at, u), rig, seen, " of the recorder")


async def play(faults: Sequence[Fault], rig: Rig, relay: Relay, seen: Seen, seconds: float) -> None:
    """Play faults, one after the other and again from the first, for so many seconds; then let it settle."""
    end = time.monotonic() + seconds
    for fault in cycle(faults):
        if time.monotonic() >= end:
            break
        if fault is CUT:
            relay.cut()
        for ask in fault.asks:
            given = {name: value for name, value in ask.items() if not isinstance(value, str)}
            await rig.fault(str(ask["kind"]), **given)
        seen.faults[fault.name] = seen.faults.get(fault.name, 0) + 1
        await asyncio.sleep(fault.over_after + PERIOD)
    await asyncio.sleep(PERIOD)


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[tuple[Rig, Relay]]:
    """Run the program on the rig, live, behind a relay."""
    async with Rig() as rig, Program(**rig.settings) as program:
        async with listening(program.url(SYMBOL)) as connection:
            await next_live(connection)
        async with Relay(program.api_port) as relay:
            yield rig, relay


async def campaign(faults: Sequence[Fault], seconds: float, *, talk: bool = False) -> Seen:
    """Run it all, and return what was seen."""
    seen = Seen()
    async with running() as (rig, relay):
        recorder = Recorder(SYMBOL, relay.url, updates=True, keep_seconds=round(seconds) + 900)
        recorder.start()
        watcher = asyncio.create_task(watch(relay.url, rig, seen))
        teller = asyncio.create_task(_tell(seen)) if talk else None
        try:
            await play(faults, rig, relay, seen, seconds)
        finally:
            for task in filter(None, (watcher, teller)):
                task.cancel()
            await asyncio.gather(watcher, return_exceptions=True)
            await asyncio.to_thread(recorder.stop)
        try:
            await compare_recording(recorder, rig, seen)
        except ClientError as error:
            seen.wrong.append(f"the recorder: {type(error).__name__}: {error}")
    return seen


async def _tell(seen: Seen) -> None:
    while True:
        await asyncio.sleep(60)
        print(seen.summary(), file=sys.stderr, flush=True)


def with_cuts(faults: Sequence[Fault], every: int = 4) -> list[Fault]:
    """Return the faults with a cut after every few."""
    return [
        one
        for number, fault in enumerate(faults, 1)
        for one in ((fault, CUT) if not number % every else (fault,))
    ]


def main() -> int:
    """Read the command line, run, and print what was seen."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.load.client", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    given = parser.parse_args()
    seen = asyncio.run(campaign(with_cuts(FAULTS), given.minutes * 60, talk=True))
    for sentence in seen.wrong[:SHOWN]:
        print("wrong:", sentence)
    print(seen.summary())
    return 0 if seen.good else 1


if __name__ == "__main__":
    sys.exit(main())
