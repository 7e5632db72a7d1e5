"""The engine's work by stage and as a whole, as multiples of decoding, and the goals."""

from collections.abc import Mapping, Sequence

import msgspec

from data_ingestion.messages import decode_depth_update
from processes.core import Core, running_core
from tests.tools.benchmarks.contenders import Floor, ObviousWay, Recording, Stages, Whole
from tests.tools.benchmarks.streams import RECORDED, Input, Tick
from tests.tools.benchmarks.table import table, times
from tests.tools.benchmarks.timing import Spread, WrongAnswer, check, race, spread

TO_TOP_TEN = 5  # stages from bytes to the top ten
SECOND = "second closed and frame encoded, once a second"
WHOLES = (
    "bytes to exact top ten",
    "with all features",
    "with all six detectors",
    "the engine as it runs, trades and bookkeeping too",
    "the recorder, with encoding",
)
GOALS: dict[Core, dict[str, tuple[float, float]]] = {  # most of the mean, on the recording and simulated
    Core.PURE: {
        WHOLES[0]: (3.7, 4.2),
        WHOLES[1]: (4.4, 5.0),
        WHOLES[3]: (8.8, 11.0),
        WHOLES[4]: (0.5, 0.5),
        SECOND: (40, 60),
    },
    Core.COMPILED: {
        WHOLES[0]: (3.0, 3.5),
        WHOLES[1]: (3.4, 3.9),
        WHOLES[3]: (6.0, 7.5),
        WHOLES[4]: (0.5, 0.5),
        SECOND: (36, 55),
    },
}
GOALS_99: dict[Core, dict[str, tuple[float, float]]] = {
    Core.PURE: {WHOLES[0]: (3.6, 5.5)},
    Core.COMPILED: {WHOLES[0]: (3.0, 4.5)},
}


class Goal(msgspec.Struct, frozen=True):
    """The most that something may take in multiples of decoding, and what it took."""

    name: str
    what: str  # mean or 99 %
    limit: float
    reached: float

    def __str__(self) -> str:
        verdict = "met" if self.reached <= self.limit else "not met"
        return f"* {self.name}, {self.what} within {self.limit:g} x decode: {times(self.reached)} ({verdict})"


def goals_of(source: Input, reached: Mapping[str, Spread], core: Core) -> list[Goal]:
    """Return the goals of `core` for `source` with what was reached, in multiples of decoding, by name."""
    place = 0 if source.name == RECORDED else 1
    means, highs = GOALS[core].items(), GOALS_99[core].items()
    return [
        *(Goal(name, "mean", limits[place], reached[name].mean) for name, limits in means),
        *(Goal(name, "99 %", limits[place], reached[name].p99) for name, limits in highs),
    ]


def agree(source: Input) -> str:
    """Check the answers of all contenders; return a line that says what was compared.

    Raises WrongAnswer where a top ten is not the true one, the floor's floats are not the program's, or the
    stages give other metrics than the engine.
    """
    ticks = source.ticks
    for tick in ticks[:50]:
        floor = Floor()
        floor.take(tick)
        event = decode_depth_update(tick.data)
        if (floor.message.b, floor.message.a) != (event.bids, event.asks):
            raise WrongAnswer("the floor decodes to other floats")
    stages, whole = Stages(source.settings), Whole(source.settings)
    compared = check(stages, ticks)
    if compared != check(whole, ticks):
        raise WrongAnswer("the stages and the engine were in step at different messages")
    if stages.metrics != whole.metrics:
        raise WrongAnswer(f"metrics {stages.metrics} instead of {whole.metrics}")
    frame = whole.last_frame
    found = f"{len(whole.frames)} frames, {len(whole.detections)} detections"
    if frame is None or frame.health is None or frame.health.audits.mismatches:
        raise WrongAnswer("the engine's own audit found mismatches")
    # Without coverage the obvious way drifts off once the price leaves its snapshot: it may only be timed.
    return f"{compared} of {len(ticks)} top tens compared with the truth, all equal; {found}."


def _sum(columns: Sequence[Sequence[int]]) -> list[int]:
    return [sum(spans) for spans in zip(*columns, strict=True)]


class Timed(msgspec.Struct, frozen=True):
    """What was timed, ns a message."""

    base: list[int]  # of decoding alone
    stages: dict[str, list[int]]
    wholes: dict[str, list[int]]
    obvious: list[int]
    beside: dict[str, Spread]  # what happens once a second or seldom, in multiples of decoding

    def reached(self) -> dict[str, Spread]:
        """Return all but the obvious way in multiples of decoding, by name."""
        floor = spread(self.base)
        columns = self.stages | self.wholes
        return {name: spread(spans).over(floor) for name, spans in columns.items()} | self.beside


def timed(source: Input, *, rounds: int, skip: int) -> Timed:
    """Time all contenders."""
    settings = source.settings
    runs: list[Whole] = []

    def whole() -> Whole:
        runs.append(Whole(settings))
        return runs[-1]

    floor, stages, engine, recorder, obvious = race(
        [Floor, lambda: Stages(settings), whole, lambda: Recording(settings), ObviousWay],
        source.ticks,
        rounds=rounds,
        skip=skip,
    )
    base, spans = floor["decode only"], list(stages.values())
    columns = (
        _sum(spans[:TO_TOP_TEN]), _sum(spans[: TO_TOP_TEN + 1]), _sum(spans), engine["engine"],
        recorder["recorder"],
    )  # fmt: skip
    wholes = dict(zip(WHOLES, columns, strict=True))
    return Timed(base, stages, wholes, obvious["to top ten"], _beside(runs, spread(base)))


def report(source: Input, *, rounds: int, skip: int) -> str:
    """Check, time, and return the table of `source` with its goals."""
    said = agree(source)
    found = timed(source, rounds=rounds, skip=skip)
    base = found.base
    rows = [_row(name, base, times_) for name, times_ in found.stages.items()]
    rows += [
        *(_row(f"**{name}**", base, times_) for name, times_ in found.wholes.items()),
        _row("SortedDict, the obvious way, to top ten", base, found.obvious),
    ]
    floor_spread = spread(base)
    parts = [
        f"### {source.name}: {len(base)} messages, {_levels(source.ticks[skip:]):.0f} levels each\n",
        said,
        f"Decoding alone: mean {_us(floor_spread.mean)}, 99 % {_us(floor_spread.p99)}.\n",
        table(["x decode", "mean", "median", "99 %", "99 % of own"], rows),
        *map(str, goals_of(source, found.reached(), running_core())),
        "",
        table(
            ["x mean decode", "mean", "median", "99 %"],
            [[name, *map(times, (at.mean, at.median, at.p99))] for name, at in found.beside.items()],
        ),
    ]
    return "\n".join(parts)


def _row(name: str, base: Sequence[int], spans: Sequence[int]) -> list[str]:
    figures = spread(spans).over(spread(base))
    own = spread([span / least for span, least in zip(spans, base, strict=True)])
    return [name, times(figures.mean), times(figures.median), times(figures.p99), times(own.p99)]


def _levels(ticks: Sequence[Tick]) -> float:
    events = [decode_depth_update(tick.data) for tick in ticks]
    return sum(len(event.bids) + len(event.asks) for event in events) / len(events)


def _us(nanoseconds: float) -> str:
    return f"{nanoseconds / 1000:.1f} us"


def _beside(wholes: Sequence[Whole], base: Spread) -> dict[str, Spread]:
    """Return what happens beside the messages, over mean decoding: once a second, and with a snapshot."""
    found = {}
    for name, runs in (
        (SECOND, [whole.frame_ns for whole in wholes]),
        ("snapshot taken over, audit included", [whole.snapshot_ns for whole in wholes]),
    ):
        least = [min(spans) for spans in zip(*runs, strict=True)]
        if least:
            found[name] = spread(least).over(Spread(base.mean, base.mean, base.mean))
    return found
