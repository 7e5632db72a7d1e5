"""What the book of a simulated market looks like away from the touch: habits, and the figures of each symbol.

The figures of BTCUSDT come from a recording of that market. Distances are in ticks
from the middle of the best prices, sizes in units of the base asset, times in seconds.
"""

from dataclasses import dataclass, replace
from typing import Final, TypeAlias

Knots: TypeAlias = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class OrderHabits:
    """Large orders of one kind, which stand where they were placed until their time is up."""

    count: float  # of both sides that stand at a time, on average
    distance: Knots  # (probability, distance) of where they are placed
    size: Knots  # (probability, size)
    seconds: Knots  # (probability, time that they stand)
    spacing: int = 1  # ticks: they are placed at multiples of this


@dataclass(frozen=True, slots=True)
class FollowerHabits:
    """Makers who quote one large order at a distance from the price, and move it as the price moves."""

    a_side: int
    distance: Knots  # (probability, distance)
    size: Knots  # (probability, size)
    stray: float  # standard deviation of the distance from one move to the next
    move_share: float = 0.5  # depth events in which one that quotes moves its order
    quoting_seconds: float = 25.0  # mean
    away_seconds: float = 12.0  # mean


@dataclass(frozen=True, slots=True)
class FarHabits:
    """Who quotes away from the touch, beside the crowd of small makers."""

    orders: tuple[OrderHabits, ...]
    followers: FollowerHabits


_PASSING: Final = OrderHabits(
    count=420.0,
    distance=(
        (0.0, 8.0), (0.005, 50.0), (0.014, 100.0), (0.05, 200.0), (0.36, 400.0), (0.51, 800.0),
        (0.75, 1_200.0), (0.92, 2_400.0), (1.0, 6_000.0),
    ),
    size=((0.0, 0.9), (0.5, 1.6), (0.8, 2.8), (0.95, 5.0), (0.99, 12.0), (1.0, 30.0)),
    seconds=((0.0, 0.3), (0.3, 4.0), (0.6, 20.0), (0.9, 100.0), (1.0, 500.0)),
)  # fmt: skip
_WALLS: Final = OrderHabits(
    count=56.0,
    distance=((0.0, 150.0), (0.2, 500.0), (0.5, 1_200.0), (0.8, 2_600.0), (1.0, 8_000.0)),
    size=((0.0, 2.5), (0.5, 4.5), (0.8, 7.5), (0.95, 16.0), (1.0, 38.0)),
    seconds=((0.0, 40.0), (0.5, 240.0), (1.0, 1_500.0)),
    spacing=50,
)
_GREAT_WALLS: Final = OrderHabits(
    count=9.0,
    distance=((0.0, 1_400.0), (0.4, 2_500.0), (1.0, 9_000.0)),
    size=((0.0, 15.0), (0.5, 35.0), (0.8, 90.0), (1.0, 500.0)),
    seconds=((0.0, 120.0), (0.5, 600.0), (1.0, 2_400.0)),
    spacing=1_000,
)
BTC_FAR: Final = FarHabits(
    (_PASSING, _WALLS, _GREAT_WALLS),
    FollowerHabits(
        a_side=2,
        distance=((0.0, 320.0), (0.15, 480.0), (0.75, 680.0), (1.0, 1_100.0)),
        size=((0.0, 7.0), (0.4, 15.0), (1.0, 26.0)),
        stray=8.0,
    ),
)

_ETH_NEARER: Final = 0.6  # as the levels near the touch are, in ticks
_ETH_LARGER: Final = 4.0


def _scaled(knots: Knots, factor: float) -> Knots:
    return tuple((p, value * factor) for p, value in knots)


def _of_eth(orders: OrderHabits, spacing: int) -> OrderHabits:
    distance, size = _scaled(orders.distance, _ETH_NEARER), _scaled(orders.size, _ETH_LARGER)
    return replace(orders, distance=distance, size=size, spacing=spacing)


ETH_FAR: Final = FarHabits(
    (_of_eth(_PASSING, 1), _of_eth(_WALLS, 50), _of_eth(_GREAT_WALLS, 500)),
    replace(
        BTC_FAR.followers,
        distance=_scaled(BTC_FAR.followers.distance, _ETH_NEARER),
        size=_scaled(BTC_FAR.followers.size, _ETH_LARGER),
        stray=6.0,
    ),
)
