"""Sweeps: a taker that eats through several levels at once.

Fires when taker trades of one side print, first to last within less than `sweep_ms` (200 ms) of exchange
time, at the best `sweep_levels` (3) or more levels of the book that stood before the first of them, and
the first book after the last shows those levels gone. A level that is back by then is not confirmed.

Instant. `price` is the first print's, `magnitude` the volume over the median ten-level volume of the side
that was eaten. A sweep moves the price, so its cooldown holds for the whole side;
`withheld` counts those that it kept back. Sizes in base asset, times in exchange ms.
Source: the project's own definition.
"""

from collections import deque
from collections.abc import Sequence
from itertools import takewhile
from typing import Final

from features.detectors.book import Book
from features.detectors.cooldown import ANY_PRICE, Cooldown
from features.detectors.detection import FILLS_SHOWN, SIGNS, Detection, Ending, Event, Kind
from features.detectors.detector import NOTHING, Step
from features.detectors.settings import DetectorSettings
from features.detectors.subject import Subject
from features.detectors.taker_trade import TakerTrade
from orderbook.rounding import rounded

_MOST_TRADES: Final = 1_000  # trades of one side within the time of a sweep; more have never been seen


class SweepDetector:
    """Finds sweeps. Work per book grows with the number of trades within `sweep_ms`."""

    def __init__(self, settings: DetectorSettings) -> None:
        self._levels = settings.sweep_levels
        self._span = settings.sweep_ms
        self._cooldown = Cooldown(settings.cooldown_ms)
        self._withheld = [0, 0]
        self._trades: tuple[deque[TakerTrade], deque[TakerTrade]] = (
            deque(maxlen=_MOST_TRADES),
            deque(maxlen=_MOST_TRADES),
        )

    def on_trade(self, trade: TakerTrade) -> None:
        """Take a trade."""
        self._trades[trade.place[0]].append(trade)

    def on_book(self, step: Step) -> Sequence[Detection]:
        """Look for sweeps among the trades since the last book."""
        found: list[Detection] | None = None
        for side, trades in enumerate(self._trades):
            if not trades:
                continue
            if (
                len(trades) >= self._levels
                and trades[-1].before is step.before
                and self._may_have_eaten(side, trades, step.after)
            ):
                run, prices = self._best_run(side, trades, step.after)
                if prices:
                    trades.clear()
                    if self._cooldown.over((side, ANY_PRICE), step.after.time):
                        self._cooldown.start((side, ANY_PRICE), step.after.time)
                        found = [*(found or ()), _sweep(side, run, prices, self._withheld[side], step)]
                        self._withheld[side] = 0
                    else:
                        self._withheld[side] += 1
                    continue
            until = step.after.time - self._span
            while trades and trades[0].fill[3] <= until:
                trades.popleft()
        return found or NOTHING

    def _best_run(
        self, side: int, trades: deque[TakerTrade], after: Book
    ) -> tuple[list[TakerTrade], list[float]]:
        """Return the trades that ate the most levels, and those levels' prices, best first."""
        ordered, end = list(trades), 0
        span, prices = slice(0), list[float]()
        printed: dict[float, int] = {}  # prices of the run that begins with `first`, and how often
        before, gone, eaten, stale = None, list[float](), list[float](), True
        for start, first in enumerate(ordered):
            if first.before is not before:
                before = first.before
                gone, stale = _gone(side, before, after), True
            until = first.fill[3] + self._span
            while end < len(ordered) and ordered[end].fill[3] < until:
                price = ordered[end].fill[1]
                printed[price] = printed.get(price, 0) + 1
                end += 1
                stale = True
            # The last one's book must be the newest of all, or `after` is not the first book after the run.
            if len(gone) >= self._levels and ordered[end - 1].before is ordered[-1].before:
                if stale:
                    eaten, stale = list(takewhile(printed.get, gone)), False
                if len(eaten) >= max(self._levels, len(prices)):
                    span, prices = slice(start, end), eaten
                elif prices and before is ordered[-1].before and end == len(ordered):
                    break  # the runs that are left are parts of this one
            printed[first.price] -= 1
            stale = stale or not printed[first.price]
        return ordered[span], prices

    def _may_have_eaten(self, side: int, trades: deque[TakerTrade], after: Book) -> bool:
        """Whether enough best levels that stood before were traded at and are gone: mostly not."""
        printed = {trade.fill[1] for trade in trades}
        if len(printed) < self._levels:
            return False
        before = None
        for trade in trades:
            if trade.before is not before:
                before = trade.before
                best = _gone(side, before, after)[: self._levels]
                if len(best) == self._levels and printed.issuperset(best):
                    return True
        return False

    def stop(self, time: int, reason: Ending) -> Sequence[Detection]:
        """Forget the trades; a sweep is instant, so nothing is open."""
        for trades in self._trades:
            trades.clear()
        self._withheld = [0, 0]
        self._cooldown.clear()
        return NOTHING


def _gone(side: int, before: Book, after: Book) -> list[float]:
    """Return the best levels' prices of the one book at which nothing rests in the other."""
    gone, left, sign = list[float](), after.levels[side], SIGNS[side]
    in_sight = sign * after.last[side]
    for price in before.levels[side]:
        if price in left or sign * price < in_sight:  # there still, or beyond the tenth level
            break
        gone.append(price)
    return gone


def _sweep(side: int, run: list[TakerTrade], prices: list[float], withheld: int, step: Step) -> Detection:
    first, last = run[0], run[-1]
    stood, median_depth = first.before.levels[side], step.depth[side]
    volume = rounded(sum(trade.fill[2] for trade in run))
    return Subject(Kind.SWEEP, side, first.price, first.time).detection(
        Event.FIRED,
        step.after.time,
        volume / median_depth,
        {
            "levels": len(prices),
            "level_prices": prices,
            "sizes_before": [stood[price] for price in prices],
            "volume": volume,
            "median_depth": rounded(median_depth),
            "first_price": first.price,
            "last_price": last.price,
            "duration_ms": last.time - first.time,
            "trade_count": len(run),
            "withheld": withheld,
            "trades": [trade.fill for trade in run[:FILLS_SHOWN]],
            "first_update_id": first.before.update_id,
            "last_update_id": step.after.update_id,
        },
    )
