"""What the simulated markets look like: one profile of figures for each symbol.

The figures of BTCUSDT come from a recording of that market. Distances are in
ticks from the best price of the same side, sizes in units of the base asset.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from random import Random
from types import MappingProxyType

from data_ingestion.simulated_exchange.far_habits import BTC_FAR, ETH_FAR, FarHabits, Knots

_NEVER_MS = 4_133_404_800_000  # of a delivery, as the exchange lists perpetuals
_LISTED_MS = 1_569_398_400_000
QUANTILE_STEPS = 4_096
NEVER_EMPTIER = 0.95  # a level quoted with certainty could never be created again by chance


@dataclass(frozen=True, slots=True)
class MarketProfile:
    """The habits of one market. Rates are means for one micro step of 25 ms at normal activity."""

    symbol: str
    start_price: float
    ticks_per_unit: int  # ticks in one unit of the quote asset
    lots_per_unit: int  # lots in one unit of the base asset
    price_decimals: int  # as the exchange writes prices, which may be finer than a tick
    size_decimals: int
    occupancy: Knots  # (distance, share of ticks that hold a level); the last distance ends the book
    round_prices: tuple[tuple[int, int], ...]  # (from distance, makers prefer multiples of this)
    level_size: Knots  # (probability, size) of levels behind the best
    best_size: Knots  # (probability, size) of the best level: makers queue at the touch
    trade_size: Knots  # (probability, size) of taker orders that stay at the touch
    change_distance: Knots  # (probability, distance) of the levels that makers change
    maker_rate: float
    taker_rate: float
    sweep_rate: float
    sweep_ticks: float  # median length of a sweep
    sweep_sigma: float  # log standard deviation of that length
    excitement: float = 0.22  # of activity by a sweep, per logarithm of its length
    pull_share: float = 0.3  # of the levels ahead of a sweep, pulled by their makers before it arrives
    linger_share: float = 0.06  # chances to close an open spread that makers let pass
    requeue_share: float = 0.66  # best levels just eaten up that makers quote again at the same price
    far: int = 1_500  # ticks from the touch beyond which makers thin out a side with too many levels
    most_levels: int = 1_900  # of a side, before they do
    quote_zone: int = 130  # ticks from the touch in which makers move along with the price at once
    removal_share: float = 0.19  # levels a maker reaches which are cancelled rather than resized
    flash_share: float = 0.05  # maker operations that add a level and cancel it at once
    keep_share: float = 0.55  # resized levels that change a little; the others are drawn anew
    nudge: float = 0.10  # what little means: at most so far, in quantiles of the sizes
    short_queue: float = 0.07  # quantile of the best sizes below which makers leave a queue that takers eat
    stay_large: float = 0.975  # changes of large levels near the touch to a small size, not made after all
    stay_small: float = 0.89  # changes of small or new ones there to a large size, likewise
    far_zone: int = 1_000  # and in which those farther away change many levels after a large move
    usual_share: float = 0.8  # levels, new or resized, that take the size that is usual at their price
    far_habits: FarHabits | None = None  # of those who quote large orders away from the touch

    def price(self, tick: int) -> float:
        """Return the price of a tick, in the quote asset."""
        return tick / self.ticks_per_unit

    def listing(self, status: str) -> dict[str, object]:
        """Return what `exchangeInfo` lists of it."""
        tick, lot = (f"{1 / units:.8f}".rstrip("0") for units in (self.ticks_per_unit, self.lots_per_unit))
        base, quote = self.symbol.removesuffix("USDT"), "USDT"
        return {
            "symbol": self.symbol,
            "pair": self.symbol,
            "contractType": "PERPETUAL",
            "deliveryDate": _NEVER_MS,
            "onboardDate": _LISTED_MS,
            "status": status,
            "maintMarginPercent": "2.5000",
            "requiredMarginPercent": "5.0000",
            "baseAsset": base,
            "quoteAsset": quote,
            "marginAsset": quote,
            "pricePrecision": self.price_decimals,
            "quantityPrecision": self.size_decimals,
            "baseAssetPrecision": 8,
            "quotePrecision": 8,
            "underlyingType": "COIN",
            "underlyingSubType": [],
            "triggerProtect": "0.0500",
            "liquidationFee": "0.012500",
            "marketTakeBound": "0.05",
            "maxMoveOrderLimit": 10000,
            "filters": [
                {"filterType": "PRICE_FILTER", "tickSize": tick, "minPrice": tick, "maxPrice": "1000000"},
                {"filterType": "LOT_SIZE", "stepSize": lot, "minQty": lot, "maxQty": "1000000"},
                {"filterType": "MARKET_LOT_SIZE", "stepSize": lot, "minQty": lot, "maxQty": "1000"},
                {"filterType": "MAX_NUM_ORDERS", "limit": 200},
                {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": 10},
                {"filterType": "MIN_NOTIONAL", "notional": "5"},
                {
                    "filterType": "PERCENT_PRICE",
                    "multiplierUp": "1.0500",
                    "multiplierDown": "0.9500",
                    "multiplierDecimal": "4",
                },
            ],
            "orderTypes": ["LIMIT", "MARKET"],
            "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
        }

    def size(self, lots: int) -> float:
        """Return a number of lots in the base asset."""
        return lots / self.lots_per_unit

    @property
    def reach(self) -> int:
        """Ticks between the best price and the farthest level that makers keep."""
        return int(self.occupancy[-1][0])


@cache
def quantile_table(knots: Knots, scale: float = 1.0) -> tuple[int, ...]:
    """Equally likely whole numbers, in rising order: indexing it at random draws from the distribution.

    `knots` are (probability, value) pairs, joined by straight lines on a logarithmic
    scale; values are multiplied by `scale` and are at least one.
    """
    probabilities = [p for p, _ in knots]
    logs = [math.log(v * scale) for _, v in knots]
    table = []
    for step in range(QUANTILE_STEPS):
        p = (step + 0.5) / QUANTILE_STEPS
        i = min(max(bisect_right(probabilities, p), 1), len(knots) - 1)
        share = (p - probabilities[i - 1]) / (probabilities[i] - probabilities[i - 1])
        table.append(max(1, round(math.exp(logs[i - 1] + share * (logs[i] - logs[i - 1])))))
    return tuple(table)


@dataclass(frozen=True, slots=True)
class OccupancyTables:
    """Where makers quote: the share of ticks that hold a level, by distance from the best price."""

    on_round: tuple[float, ...]  # ticks at a preferred price (every tick, near the touch)
    between: tuple[float, ...]  # the other ticks
    spacing: tuple[int, ...]  # multiples that are preferred at this distance

    @classmethod
    @cache
    def of(cls, profile: MarketProfile) -> "OccupancyTables":
        """Split the occupancy of `profile` into round prices and those between them."""
        on_round, between, spacings = [], [], []
        for (near, near_share), (far, far_share) in pairwise(profile.occupancy):
            for distance in range(int(near), int(far)):
                way = (distance - near) / (far - near)
                share = near_share * (far_share / near_share) ** way
                spacing = max((s for start, s in profile.round_prices if start <= distance), default=1)
                # Four levels in five sit on round prices, as far as those have room.
                round_share = min(share * spacing * 0.8, 0.6) if spacing > 1 else share
                on_round.append(min(round_share, NEVER_EMPTIER))
                between.append((share * spacing - round_share) / (spacing - 1) if spacing > 1 else share)
                spacings.append(spacing)
        return cls(tuple(on_round), tuple(between), tuple(spacings))

    def share(self, tick: int, distance: int) -> float:
        """How likely the tick at that distance holds a level; 0 beyond the reach of makers."""
        if distance < 0 or distance >= len(self.spacing):
            return 0.0
        return self.on_round[distance] if tick % self.spacing[distance] == 0 else self.between[distance]


class Activity:
    """How busy the market is, as a factor with mean about 1: three clustered parts and noise."""

    def __init__(self, random: Random) -> None:
        self._gauss = random.gauss
        self._parts = [0.0] * len(self.PARTS)

    # (memory in micro steps, standard deviation of the logarithm)
    PARTS = ((2.5, 0.75), (12.0, 0.25), (160.0, 0.36), (2_400.0, 0.20))

    def step(self) -> float:
        """Move on by a micro step; returns the factor."""
        total = -0.5 * sum(deviation**2 for _, deviation in self.PARTS)
        for i, (memory, deviation) in enumerate(self.PARTS):
            keep = 1 - 1 / memory
            self._parts[i] = keep * self._parts[i] + self._gauss(0.0, deviation * math.sqrt(1 - keep * keep))
            total += self._parts[i]
        return math.exp(total)

    def excite(self, amount: float) -> None:
        """Stir the market up for about a quarter of a second."""
        self._parts[1] = min(self._parts[1] + amount, 2.0)


BTCUSDT = MarketProfile(
    symbol="BTCUSDT",
    start_price=61_800.0,
    ticks_per_unit=10,
    lots_per_unit=1_000,
    price_decimals=2,
    size_decimals=3,
    occupancy=(
        (0, 0.12),
        (20, 0.17),
        (40, 0.24),
        (60, 0.32),
        (90, 0.46),
        (110, 0.58),
        (200, 0.68),
        (800, 0.72),
        (1_000, 0.78),
        (1_250, 0.72),
        (1_500, 0.52),
        (2_000, 0.30),
        (3_000, 0.15),
        (4_500, 0.05),
        (6_000, 0.025),
        (12_000, 0.010),
        (25_000, 0.004),
    ),
    round_prices=((3_000, 10), (6_000, 50)),
    level_size=(
        (0.0, 0.001),
        (0.1, 0.002),
        (0.25, 0.003),
        (0.5, 0.050),
        (0.75, 0.12),
        (0.9, 0.45),
        (0.97, 1.2),
        (0.985, 3.0),
        (1.0, 24.0),
    ),
    best_size=(
        (0.0, 0.008),
        (0.1, 0.38),
        (0.25, 1.15),
        (0.5, 3.0),
        (0.75, 4.6),
        (0.9, 6.6),
        (0.99, 17.0),
        (1.0, 40.0),
    ),
    trade_size=(
        (0.0, 0.001),
        (0.1, 0.002),
        (0.25, 0.004),
        (0.5, 0.010),
        (0.75, 0.07),
        (0.9, 0.28),
        (0.99, 2.0),
        (1.0, 20.0),
    ),
    change_distance=(
        (0.0, 1.0),
        (0.035, 14.0),
        (0.105, 66.0),
        (0.26, 190.0),
        (0.49, 430.0),
        (0.72, 1_050.0),
        (0.775, 2_000.0),
        (0.835, 3_600.0),
        (0.89, 6_500.0),
        (0.95, 13_500.0),
        (1.0, 24_000.0),
    ),
    maker_rate=19.0,
    taker_rate=0.31,
    sweep_rate=0.031,
    sweep_ticks=11.0,
    sweep_sigma=1.30,
    far_habits=BTC_FAR,
)


_CALM_REACH = 1_000  # ticks
_ETH_NEARER = 0.6  # ten levels span 0.25 USDT, 25 ticks, where those of BTCUSDT span 41

ETHUSDT = replace(
    BTCUSDT,
    symbol="ETHUSDT",
    start_price=2_650.0,
    ticks_per_unit=100,
    occupancy=(
        (0, 0.28),
        (10, 0.34),
        (25, 0.42),
        (50, 0.55),
        (120, 0.68),
        (600, 0.73),
        (1_000, 0.70),
        (1_300, 0.50),
        (2_000, 0.25),
        (3_500, 0.08),
        (6_000, 0.02),
        (10_000, 0.008),
        (20_000, 0.004),
    ),
    round_prices=((2_000, 10), (4_000, 50)),
    level_size=(
        (0.0, 0.003),
        (0.1, 0.02),
        (0.25, 0.08),
        (0.5, 0.5),
        (0.75, 1.9),
        (0.9, 5.0),
        (0.97, 9.0),
        (0.99, 20.0),
        (1.0, 90.0),
    ),
    best_size=(
        (0.0, 0.05),
        (0.1, 1.5),
        (0.25, 4.5),
        (0.5, 10.0),
        (0.75, 16.0),
        (0.9, 25.0),
        (0.99, 65.0),
        (1.0, 150.0),
    ),
    trade_size=(
        (0.0, 0.002),
        (0.1, 0.008),
        (0.25, 0.02),
        (0.5, 0.03),
        (0.75, 0.25),
        (0.9, 1.3),
        (0.99, 8.0),
        (1.0, 80.0),
    ),
    change_distance=tuple((p, max(1.0, ticks * _ETH_NEARER)) for p, ticks in BTCUSDT.change_distance),
    maker_rate=19.0,
    taker_rate=0.21,
    sweep_rate=0.025,
    sweep_ticks=6.0,
    stay_large=0.0,
    stay_small=0.0,
    quote_zone=80,
    far_zone=700,
    far=1_300,
    most_levels=1_700,
    far_habits=ETH_FAR,
)


def calm(profile: MarketProfile) -> MarketProfile:
    """Return a market of that symbol in which nothing happens by itself that a detector looks for.

    Sizes of levels differ by a factor of about three, nobody sweeps, taker orders are
    a thousandth of a level, and so the price stays where it is. Makers far from the
    touch are left out.
    """
    usual = dict(profile.best_size)[0.5]
    return replace(
        profile,
        occupancy=tuple(knot for knot in profile.occupancy if knot[0] <= _CALM_REACH),
        round_prices=(),
        level_size=((0.0, 0.55 * usual), (0.5, usual), (1.0, 1.7 * usual)),
        best_size=((0.0, 0.8 * usual), (0.5, usual), (1.0, 1.5 * usual)),
        trade_size=((0.0, 0.0003 * usual), (1.0, 0.001 * usual)),
        change_distance=((0.0, 1.0), (0.4, 50.0), (1.0, 0.8 * _CALM_REACH)),
        maker_rate=3.0,
        taker_rate=0.05,
        sweep_rate=0.0,
        short_queue=0.0,
        far=_CALM_REACH,
        usual_share=0.0,
        far_habits=None,
    )


PROFILES = MappingProxyType({profile.symbol: profile for profile in (BTCUSDT, ETHUSDT)})
SIMULATED_SYMBOLS = tuple(PROFILES)


def profile_of(symbol: str) -> MarketProfile:
    """Find the profile of a symbol, in any letter case; raises ValueError naming the known ones."""
    profile = PROFILES.get(symbol.upper())
    if profile is None:
        raise ValueError(f"no simulated market for {symbol!r}; there are {', '.join(SIMULATED_SYMBOLS)}")
    return profile
