"""One step of a price that takers trade at."""

from typing import Final, final


@final
class Interval:
    """What happened between two books. One without a trade that left the size as it was is not kept."""

    __slots__ = ("came_back", "size", "taken", "time")

    def __init__(self, time: int, size: float, taken: float, came_back: float | None) -> None:
        self.time: Final = time  # of the later book
        self.size: Final = size  # visible in it
        self.taken: Final = taken
        self.came_back: Final = came_back  # a refill
