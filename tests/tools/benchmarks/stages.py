"""The engine's work by stage and as a whole, as multiples of decoding, and the goals."""

from collections.abc import Sequence

import msgspec

from data_ingestion.messages import decode_depth_update
from tests.tools.benchmarks.contenders import Floor, ObviousWay, Recording, Stages, Whole
from tests.tools.benchmarks.streams import Input, Tick
from tests.tools.benchmarks.table import table, times
from tests.tools.benchmarks.timing import Spread, WrongAnswer, check, race, spread

TO_TOP_TEN = 5  # stages from bytes to the top ten
GOALS = (
    ("bytes to exact top ten", 6.0),
    ("with all features", 7.0),
    ("with all six detectors", 10.0),
    ("the engine as it runs, trades and bookkeeping too", 10.0),
    ("the recorder, with encoding", 0.5),
)


class Goal(msgspec.Struct, frozen=True):
    """A limit on the mean and the 99th percentile, and what they were."""

    name: str
    limit: float
    reached: Spread

    def __str__(self) -> str:
        verdicts = (
            f"{what} {times(value)} ({'met' if value <= self.limit else 'not met'})"
            for what, value in (("mean", self.reached.mean), ("99 %", self.reached.p99))
        )
        return f"* {self.name}, within {self.limit:g} x decode: {', '.join(verdicts)}"


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


def report(source: Input, *, rounds: int, skip: int) -> str:
    """Check, time, and return the table of `source` with its goals."""
    said = agree(source)
    settings, ticks = source.settings, source.ticks
    wholes: list[Whole] = []

    def whole() -> Whole:
        wholes.append(Whole(settings))
        return wholes[-1]

    floor, stages, engine, recorder, obvious = race(
        [Floor, lambda: Stages(settings), whole, lambda: Recording(settings), ObviousWay],
        ticks,
        rounds=rounds,
        skip=skip,
    )
    base = floor["decode only"]
    spans = list(stages.values())
    reached = (
        _sum(spans[:TO_TOP_TEN]), _sum(spans[: TO_TOP_TEN + 1]), _sum(spans), engine["engine"],
        recorder["recorder"],
    )  # fmt: skip
    rows = [_row(name, base, times_) for name, times_ in stages.items()]
    rows += [
        *(_row(f"**{name}**", base, times_) for (name, _), times_ in zip(GOALS, reached, strict=True)),
        _row("SortedDict, the obvious way, to top ten", base, obvious["to top ten"]),
    ]
    floor_spread = spread(base)
    goals = [
        Goal(name, limit, spread(times_).over(floor_spread))
        for (name, limit), times_ in zip(GOALS, reached, strict=True)
    ]
    parts = [
        f"### {source.name}: {len(base)} messages, {_levels(ticks[skip:]):.0f} levels each\n",
        said,
        f"Decoding alone: mean {_us(floor_spread.mean)}, 99 % {_us(floor_spread.p99)}.\n",
        table(["x decode", "mean", "median", "99 %", "99 % of own"], rows),
        *map(str, goals),
        "",
        _beside(wholes, floor_spread),
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


def _beside(wholes: Sequence[Whole], base: Spread) -> str:
    """Return what happens beside the messages: once a second, and with a snapshot."""
    rows = []
    for name, runs in (
        ("second closed and frame encoded, once a second", [whole.frame_ns for whole in wholes]),
        ("snapshot taken over, audit included", [whole.snapshot_ns for whole in wholes]),
    ):
        least = [min(spans) for spans in zip(*runs, strict=True)]
        if least:
            figures = spread(least)
            rows.append(
                [name, *(times(ns / base.mean) for ns in (figures.mean, figures.median, figures.p99))]
            )
    return table(["x mean decode", "mean", "median", "99 %"], rows)
