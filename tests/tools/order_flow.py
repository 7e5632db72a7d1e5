"""Checks each order-flow figure against the move of the mid on the recording beside the project.

python -m tests.tools.order_flow

Prints, per update and per second, how often a figure's sign agrees with the move of the mid where the mid
moved, and the R2 of least squares of the move on the figure. Same time: this explains moves and predicts
none. The last row is the one that looks ahead: the queue imbalance before the next move.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from data_ingestion.messages import decode_depth_update, decode_snapshot
from features.basic_metrics import basic_metrics
from features.level_ofi import LevelOrderFlow
from features.ofi import OrderFlowImbalance
from orderbook.book_state import TOP_LEVELS
from orderbook.synchronizer import LocalBook
from tests.replay.rig import RECORDING, RIG
from tests.tools.benchmarks.streams import Input, recorded
from tests.tools.benchmarks.table import table

Array = npt.NDArray[np.float64]
SECOND_MS: Final = 1_000


class Step(msgspec.Struct, frozen=True):
    """What one update, or all of one second, did."""

    time: int  # T, ms since the epoch, of the last update in it
    move: float  # of the mid, USDT
    ofi: float
    levels: list[float]
    traded: float  # taker buys less sells, base asset
    queue_imbalance: float  # after it


def updates_of(source: Input, book_levels: int = 5_000) -> Iterator[Step]:
    """Yield what each update of the exact top ten did."""
    book: LocalBook | None = None
    ofi, flow, before = OrderFlowImbalance(), LevelOrderFlow(), b""
    mid: float | None = None
    for tick in source.ticks:
        if tick.snapshot is not None:
            book = LocalBook(decode_snapshot(tick.snapshot), book_levels=book_levels)
            if before:
                book.apply(decode_depth_update(before))
        before = tick.data
        if book is None:
            continue
        event = decode_depth_update(tick.data)
        book.apply(event)
        top = book.state.top()
        if top is None:
            ofi.restart()
            flow.restart()
            mid = None
            continue
        metrics = basic_metrics(top)
        change = ofi.update(metrics.total_bid_volume, metrics.total_ask_volume)
        flow.update(top)
        traded = sum(-trade.size if trade.buyer_is_maker else trade.size for trade in tick.trades)
        levels, mid_before, mid = flow.drain(), mid, metrics.mid_price
        if mid_before is not None:
            yield Step(
                event.transaction_time, mid - mid_before, change, levels, traded, metrics.queue_imbalance
            )


def seconds_of(updates: Iterable[Step]) -> Iterator[Step]:
    """Yield the sums of each second of exchange time."""
    for _, group in groupby(updates, key=lambda step: step.time // SECOND_MS):
        steps = list(group)
        yield Step(
            steps[-1].time,
            sum(step.move for step in steps),
            sum(step.ofi for step in steps),
            [sum(flows) for flows in zip(*(step.levels for step in steps), strict=True)],
            sum(step.traded for step in steps),
            steps[-1].queue_imbalance,
        )


def agreement(figure: Array, move: Array) -> float:
    """Return the share of the moves whose sign `figure` has; a figure of 0 does not agree."""
    moved = np.abs(move) > 1e-9
    return float(np.mean(np.sign(figure[moved]) == np.sign(move[moved])))


def r_squared(figures: Array, move: Array) -> float:
    """Return the R2 of least squares, with a constant, of `move` on the columns of `figures`."""
    columns = np.column_stack([np.ones(len(move)), figures])
    fitted = columns @ np.linalg.lstsq(columns, move, rcond=None)[0]
    return 1 - float(np.sum((move - fitted) ** 2) / np.sum((move - move.mean()) ** 2))


def rows_of(steps: list[Step]) -> list[tuple[str, str, str]]:
    """Return name, sign agreement and R2 of each figure."""
    move = np.array([step.move for step in steps])
    levels = np.array([step.levels for step in steps])
    scale = levels.std(axis=0)
    figures = {
        "`ofi`": np.array([step.ofi for step in steps]),
        "`ofi_best`": levels[:, 0],
        f"`ofi_levels`, mean of {TOP_LEVELS}": (levels / np.where(scale > 0, scale, 1)).mean(axis=1),
        "taker buys less sells": np.array([step.traded for step in steps]),
    }
    rows = [
        (name, f"{agreement(figure, move):.0%}", f"{r_squared(figure, move):.2f}")
        for name, figure in figures.items()
    ]
    rows.append((f"`ofi_levels`, {TOP_LEVELS} coefficients", "", f"{r_squared(levels, move):.2f}"))
    ahead = np.array([step.queue_imbalance for step in steps[:-1]])
    rows.append(
        (
            "`queue_imbalance` before the move",
            f"{agreement(ahead, move[1:]):.0%}",
            f"{r_squared(ahead, move[1:]):.2f}",
        )
    )
    return rows


def report(source: Input) -> str:
    """Return both tables as Markdown."""
    updates = list(updates_of(source))
    seconds = list(seconds_of(updates))
    parts = []
    for name, steps in (("update", updates), ("second", seconds)):
        moved = sum(abs(step.move) > 1e-9 for step in steps)
        parts.append(f"Per {name}, {len(steps):,} of them, {moved:,} with a move:\n")
        parts.append(table(["figure", "sign agrees", "R2"], rows_of(steps)))
    return "\n".join(parts)


def main() -> int:
    """Read the command line and print."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None).parse_args()
    if not (RIG.exists() and RECORDING.exists()):
        sys.stderr.write("The recording is not beside the project (../shared).\n")
        return 1
    sys.stdout.write(report(recorded()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
