"""Which detections are open by what was told, and how another engine's follow on them. Pure.

A detection's id names what was found and when (`features/detectors/detection.py`), so two engines that saw
the same call it the same. One that began later may have seen less: then what it does not know closes as
interrupted, and what only it knows is opened anew, so that each life is told from its beginning to its end.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, Final

from features.detectors.detection import Ending, Event

Said = dict[str, Any]
"""One entry of a frame's `detections`."""

REMEMBERED: Final = 1_000  # lives that are over


class Lives:
    """Follows the lives that one row of seconds tells of."""

    def __init__(self) -> None:
        self.open: dict[str, Said] = {}  # by id, what was said last
        self._over: OrderedDict[str, None] = OrderedDict()

    def take(self, told: Iterable[Said]) -> None:
        """Take a second's detections."""
        for said in told:
            if said["event"] in (Event.CLOSED, Event.FIRED):
                self.open.pop(said["id"], None)
                self._over[said["id"]] = None
                if len(self._over) > REMEMBERED:
                    self._over.popitem(last=False)
            else:
                self.open[said["id"]] = said

    def continued(self, theirs: "Lives", news: Iterable[Said]) -> list[Said]:
        """Return what is to be told where another engine goes on.

        `theirs` is what it knows to be open by now, `news` what it said in this second and since the last one
        that went out, in order.
        """
        opened = dict(self.open)
        told: list[Said] = []
        for said in news:
            name, event = said["id"], said["event"]
            if name in self._over:
                continue
            before = opened.get(name)
            if event == Event.OPENED:
                fits = before is None
            elif event == Event.FIRED:
                fits = True
            else:
                fits = before is not None and said["time"] > before["time"]
            if not fits:
                continue
            told.append(said)
            if event in (Event.CLOSED, Event.FIRED):
                opened.pop(name, None)
            else:
                opened[name] = said
        begun = [
            said | {"event": Event.OPENED.value} for name, said in theirs.open.items() if name not in opened
        ]
        ended = [
            said | {"event": Event.CLOSED.value, "reason": Ending.INTERRUPTED.value}
            for name, said in opened.items()
            if name not in theirs.open
        ]
        return [*ended, *told, *begun]
