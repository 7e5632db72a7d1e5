"""Stages patterns on a simulated market, one after the other, and keeps the record of what it staged."""

from array import array
from collections import deque
from collections.abc import Callable, Sequence
from random import Random

from data_ingestion.simulated_exchange.crowd import Crowd
from data_ingestion.simulated_exchange.staging.hands import Hands, Steps, Usual
from data_ingestion.simulated_exchange.staging.patterns import StagedPattern, StageRequest
from data_ingestion.simulated_exchange.staging.scripts import SCRIPTS


class Stage:
    """The patterns asked for and not yet staged, the one that plays, and the record of those that ended.

    `tops` gives the ten best levels a side after each recent depth event, oldest first
    (see `Usual.of`): what is usual is read from them as a pattern begins. A pattern asked
    for before the first of them waits.
    """

    def __init__(self, crowd: Crowd, random: Random, tops: Callable[[], "Sequence[array[int]]"]) -> None:
        self.staged: list[StagedPattern] = []
        self._crowd = crowd
        self._random = random
        self._tops = tops
        self._asked: deque[StageRequest] = deque()
        self._hands: Hands | None = None
        self._script: Steps = iter(())

    @property
    def busy(self) -> bool:
        """Whether something is being staged or waits for it."""
        return self._hands is not None or bool(self._asked)

    def ask(self, request: StageRequest) -> None:
        """Stage this once all that was asked for before it is over."""
        self._asked.append(request)

    def step(self, at_ms: int) -> None:
        """Play on after the micro step of the crowd that began at `at_ms`."""
        hands = self._hands or self._begin()
        if hands is None:
            return
        hands.now_ms = at_ms
        hands.put_back()
        if next(self._script, self) is self:  # the script's steps are None
            self._crowd.takers_away = False
            self.staged.append(hands.record())
            self._hands = None

    def _begin(self) -> Hands | None:
        tops = self._tops()
        if not tops:
            return None
        request = self._asked.popleft()
        self._hands = hands = Hands(self._crowd, request, Usual.of(tops), self._random)
        self._script = _with_return(hands)
        return hands


def _with_return(hands: Hands) -> Steps:
    """Play a script and then give the book back."""
    yield from SCRIPTS[hands.request.kind, hands.request.near_miss](hands)
    yield from hands.give_back()
