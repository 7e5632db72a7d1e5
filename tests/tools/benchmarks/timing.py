"""Times contenders side by side: in one process, in turns, so that noise hits all alike.

The messages go through in blocks. Each block is played by every contender before the next one begins, in
an order that rotates; the whole is repeated in rounds, each with fresh contenders. A contender does the
same work on the same message in every round, so the least of a message's times is what the work takes, and
what lies above it is the machine's noise.

The garbage collector stays on, as in the program, and is made fair: all that the benchmark itself holds is
frozen, and everyone begins each block right after a full collection, so that nobody collects another's
garbage. As the same objects are made in every round, collections fall on the same messages in each of
them, and the least time keeps them.
"""

import gc
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import ceil
from typing import Protocol

import msgspec

from processes.conduct import calm_garbage_collector
from tests.tools.benchmarks.streams import Tick, Top, blocks

BLOCK = 250


class Contender(Protocol):
    """Takes messages one by one. `columns` name the spans between the marks that `take` returns."""

    columns: tuple[str, ...]

    def take(self, tick: Tick) -> Sequence[int]:
        """Do the work on `tick`; return `time.perf_counter_ns` before and after each of the columns."""

    def answer(self) -> Top | None:
        """Return the top ten that the contender knows now, or None if it keeps no book."""


class WrongAnswer(Exception):
    """A contender gave another top ten than the true one."""


class Spread(msgspec.Struct, frozen=True):
    """Of the times of all messages, ns."""

    mean: float
    median: float
    p99: float

    def over(self, base: "Spread") -> "Spread":
        """Return each figure as a multiple of the same figure of `base`."""
        return Spread(self.mean / base.mean, self.median / base.median, self.p99 / base.p99)


def spread(times: Sequence[float]) -> Spread:
    """Return mean, median and 99th percentile by nearest rank."""
    ordered = sorted(times)
    at = [ordered[ceil(share * len(ordered)) - 1] for share in (0.5, 0.99)]
    return Spread(sum(ordered) / len(ordered), *at)


def check(contender: Contender, ticks: Sequence[Tick]) -> int:
    """Play all `ticks` untimed; raise WrongAnswer at the first top ten that is not the true one.

    Returns how many answers were compared. A contender may be without one before its first snapshot only.
    """
    compared, synchronised = 0, False
    for number, tick in enumerate(ticks):
        contender.take(tick)
        answer = contender.answer()
        synchronised = synchronised or answer is not None
        if answer is None and not synchronised:
            continue
        if answer != tick.truth:
            raise WrongAnswer(f"message {number}: {answer} instead of {tick.truth}")
        compared += 1
    return compared


def race(
    make: Sequence[Callable[[], Contender]], ticks: list[Tick], *, rounds: int, skip: int
) -> list[dict[str, list[int]]]:
    """Return, for each contender, the ns of each column for each message after the first `skip`."""
    least: list[list[list[int]]] = []
    contenders: list[Contender] = []
    thresholds = gc.get_threshold()
    calm_garbage_collector()  # as in an engine's process
    try:
        for turn in range(rounds):
            contenders = [build() for build in make]
            times = _play(contenders, ticks, turn)
            least = [
                [list(map(min, old, new)) for old, new in zip(known, fresh, strict=True)]
                for known, fresh in zip(least or times, times, strict=True)
            ]
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
    return [
        {name: [spans[i] for spans in rows[skip:]] for i, name in enumerate(contender.columns)}
        for rows, contender in zip(least, contenders, strict=True)
    ]


def _play(contenders: Sequence[Contender], ticks: list[Tick], turn: int) -> list[list[list[int]]]:
    times: list[list[list[int]]] = [[] for _ in contenders]
    for number, block in enumerate(blocks(ticks, BLOCK)):
        for place in range(len(contenders)):
            index = (place + number + turn) % len(contenders)
            take = contenders[index].take
            gc.collect()
            marks = [take(tick) for tick in block]
            times[index] += [[b - a for a, b in pairwise(row)] for row in marks]
    return times
