"""One step of a price that takers trade at."""

import msgspec


class Interval(msgspec.Struct, frozen=True, gc=False):
    """What happened between two books. One without a trade that left the size as it was is not kept."""

    time: int  # of the later book
    size: float  # visible in it
    taken: float
    came_back: float | None  # a refill
