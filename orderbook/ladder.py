"""A book's levels grouped at one price step: a value."""

import msgspec

Rung = tuple[float, float | None]
"""`(price, size)` of one group; the size is None where the group reaches past coverage."""


class Ladder(msgspec.Struct, frozen=True):
    """The ten best groups that are not empty on each side, best first.

    A bid group at price `p` holds the bids in `[p, p + step)`, an ask group the asks in `(p - step, p]`.
    """

    step: float  # USDT
    bids: list[Rung]
    asks: list[Rung]
