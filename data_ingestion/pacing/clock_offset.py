"""How far the exchange's clock is ahead of ours, by questions and answers. Pure; ms throughout."""

from collections import deque
from typing import Final

import msgspec

WINDOW_MS: Final = 600_000
"""Older answers no longer count: clocks drift."""

STEP_MS: Final = 100
"""A wall clock that has moved by more against the steady one was set: what was known is void."""

_SERVER_STEP_MS: Final = 1  # the exchange tells whole milliseconds, cut off
_MOST_ANSWERS: Final = 32


class ClockOffset(msgspec.Struct, frozen=True):
    """The exchange's wall clock less this machine's; the truth is at most `uncertainty_ms` away."""

    offset_ms: float
    uncertainty_ms: float  # half the round trip, and half of what the exchange cuts off


class _Answer(msgspec.Struct, frozen=True):
    offset: ClockOffset
    steady_ms: float  # when it came
    apart_ms: float  # wall less steady clock then


class ClockOffsetEstimator:
    """Keeps the answers of the last ten minutes; the one with the shortest round trip is the best.

    The exchange read its clock somewhere between the question and the answer. Halfway is the guess, and
    half the time between them is the most by which it can be wrong.
    """

    def __init__(self) -> None:
        self._answers: deque[_Answer] = deque(maxlen=_MOST_ANSWERS)

    def add(self, sent_steady_ms: float, wall_ms: float, steady_ms: float, server_ms: float) -> None:
        """Note that to a question of `sent_steady_ms` the answer `server_ms` came at the other two times."""
        round_trip = max(0.0, steady_ms - sent_steady_ms)
        # The steady clock measures the way: the other may be set while the question travels.
        halfway = wall_ms - round_trip / 2
        offset = server_ms + _SERVER_STEP_MS / 2 - halfway
        estimate = ClockOffset(offset, round_trip / 2 + _SERVER_STEP_MS / 2)
        newest = self._answers[-1].offset if self._answers else estimate
        if abs(offset - newest.offset_ms) > STEP_MS + estimate.uncertainty_ms + newest.uncertainty_ms:
            self._answers.clear()  # the exchange's clock was set, or this one: the newest answer is right
        self._answers.append(_Answer(estimate, steady_ms, wall_ms - steady_ms))

    def now_ms(self, wall_ms: float, steady_ms: float) -> float:
        """Return the exchange's time, ms since the epoch; this machine's own before the first answer.

        Where the wall clock and the steady one disagree on how long ago the newest answer was, the machine
        slept or a clock was set: until the next answer the later time counts, so that nothing seems young.
        """
        known = self.read(wall_ms, steady_ms)
        if known is not None:
            return wall_ms + known.offset_ms
        if not self._answers:
            return wall_ms
        newest = self._answers[-1]
        return max(wall_ms, steady_ms + newest.apart_ms) + newest.offset.offset_ms

    def read(self, wall_ms: float, steady_ms: float) -> ClockOffset | None:
        """Return the best estimate of this instant; None where there is none, or the clock was set."""
        apart, oldest = wall_ms - steady_ms, steady_ms - WINDOW_MS
        known = (
            answer.offset
            for answer in self._answers
            if answer.steady_ms >= oldest and abs(answer.apart_ms - apart) <= STEP_MS
        )
        return min(known, key=lambda offset: offset.uncertainty_ms, default=None)
