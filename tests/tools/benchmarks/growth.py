"""Bytes to top ten as the book grows: as many changes on books of different size."""

from tests.tools.benchmarks.contenders import Floor, ObviousWay, Stages
from tests.tools.benchmarks.stages import TO_TOP_TEN
from tests.tools.benchmarks.streams import of_size
from tests.tools.benchmarks.table import table, times
from tests.tools.benchmarks.timing import check, race, spread

SIZES = (1_000, 5_000, 20_000)
NO_WORSE = 1.1  # times the mean of the smallest book: what lies within is noise


def report(messages: int, *, rounds: int, skip: int) -> str:
    """Return a table of multiples by book size; every answer is checked first."""
    rows, means = [], []
    for size in SIZES:
        source = of_size(size, messages)
        settings = source.settings
        check(Stages(settings), source.ticks)
        floor, stages, obvious = race(
            [Floor, lambda settings=settings: Stages(settings), ObviousWay],  # type: ignore[misc]
            source.ticks,
            rounds=rounds,
            skip=skip,
        )
        base = spread(floor["decode only"])
        mine = spread([sum(spans) for spans in zip(*list(stages.values())[:TO_TOP_TEN], strict=True)]).over(
            base
        )
        other = spread(obvious["to top ten"]).over(base)
        means.append(mine.mean)
        figures = (mine.mean, mine.median, mine.p99, other.mean, other.p99)
        rows.append([f"{size:,} a side", *map(times, figures)])
    head = ["bytes to top ten, x decode", "mean", "median", "99 %", "obvious way, mean", "99 %"]
    grows = means[-1] / means[0]
    verdict = "met" if grows <= NO_WORSE else "not met"
    goal = (
        f"* no worse as the book grows, largest over smallest within {NO_WORSE:g}: {grows:.2f} ({verdict})\n"
    )
    return table(head, rows) + "\n" + goal
