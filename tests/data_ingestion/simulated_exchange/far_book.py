"""Measures what a client sees of a market's book by the distance from the mid.

    python -m tests.data_ingestion.simulated_exchange.far_book --symbol BTCUSDT --markets 3

prints, for each range of distances, the figures of the simulated market. Distances are in
the quote asset, sizes in the base asset.
"""

import argparse
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

from data_ingestion.simulated_exchange.market import DepthUpdateMessage, SimulatedMarket
from data_ingestion.simulated_exchange.profiles import profile_of

START_MS = 1_700_000_000_000
EVENT_MS = 100
LOOK_EVENTS = 10  # between two looks at the whole book
LATER_LOOKS = 10  # between a look and the one that it is compared with: 10 s
BTC_EDGES = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 80.0, 120.0)
ETH_EDGES = tuple(edge * 0.06 for edge in BTC_EDGES)  # 0.6 of as many ticks, and a tick is a tenth
SAME_SIZE = 1.5  # a factor

Prices = dict[float, float]


@dataclass(slots=True)
class Range:
    """What was seen between two distances, on both sides."""

    near: float
    far: float
    sizes: list[float] = field(default_factory=list)  # of every level at every look
    changes: int = 0
    large: int = 0  # levels of the large size that were looked for again
    large_kept: int = 0  # of those, how many were about as large still


@dataclass(slots=True)
class FarBook:
    """The figures of one market, or of several together."""

    ranges: list[Range]
    large: float  # size that counts as large
    events: int = 0
    looks: int = 0
    moved: dict[tuple[int, float], dict[float, float]] = field(default_factory=dict)
    """By side and size of what was added to a level far out: the distance of each price it was seen at."""
    longest: dict[float, int] = field(default_factory=dict)
    """By price: most looks in a row in which a large level was seen there."""

    def levels_a_unit(self, place: Range) -> float:
        """Levels of one side in one unit of the quote asset."""
        return len(place.sizes) / (2 * self.looks * (place.far - place.near))

    def size_a_unit(self, place: Range) -> float:
        """Size of one side in one unit of the quote asset."""
        return sum(place.sizes) / (2 * self.looks * (place.far - place.near))

    def changes_an_event(self, place: Range) -> float:
        """Levels of both sides that one depth event changes."""
        return place.changes / self.events

    def large_size(self, place: Range) -> float:
        """Size that 99 % of the levels do not reach."""
        return sorted(place.sizes)[int(0.99 * len(place.sizes))]

    def kept_share(self) -> float:
        """Share of the large levels that are there, and about as large, ten seconds later."""
        return sum(p.large_kept for p in self.ranges) / sum(p.large for p in self.ranges)

    def followers(self, most_spread: float) -> int:
        """Orders seen at ten prices or more that were all about as far from the mid as it moved."""
        return sum(
            len(seen) >= 10 and max(seen.values()) - min(seen.values()) <= most_spread
            for seen in self.moved.values()
        )

    def walls(self, looks: int) -> list[float]:
        """Prices where a large level was seen in so many looks in a row."""
        return [price for price, longest in self.longest.items() if longest >= looks]


class Watch:
    """Keeps a client's book of one market, and notes what it sees in the figures."""

    def __init__(self, figures: FarBook, market: SimulatedMarket) -> None:
        self._figures = figures
        self._market = market
        self._edges = [place.near for place in figures.ranges] + [figures.ranges[-1].far]
        self._books: tuple[Prices, Prices] = (
            {float(price): float(size) for price, size in market.snapshot(100_000).bids},
            {float(price): float(size) for price, size in market.snapshot(100_000).asks},
        )
        self._past: list[tuple[Prices, Prices]] = []
        self._running: dict[float, int] = defaultdict(int)

    def play(self, seconds: int) -> None:
        """Let the market run for so long."""
        for number in range(1, seconds * 1_000 // EVENT_MS + 1):
            for message in self._market.advance(self._market.now_ms + EVENT_MS):
                if isinstance(message, DepthUpdateMessage):
                    self._apply(message)
            if number % LOOK_EVENTS == 0:
                self._look()

    def _range(self, distance: float) -> Range | None:
        place = bisect_right(self._edges, distance) - 1
        return self._figures.ranges[place] if 0 <= place < len(self._figures.ranges) else None

    def _mid(self) -> float:
        return (max(self._books[0]) + min(self._books[1])) / 2

    def _apply(self, event: DepthUpdateMessage) -> None:
        figures, mid = self._figures, self._mid()
        figures.events += 1
        for side, changes in enumerate((event.bids, event.asks)):
            book, sign = self._books[side], 1 - 2 * side
            for text, size_text in changes:
                price, size = float(text), float(size_text)
                distance = sign * (mid - price)
                place = self._range(distance)
                if place is not None:
                    place.changes += 1
                    added = round(size - book.get(price, 0.0), 3)
                    if added >= figures.large and place.near >= figures.ranges[5].near:
                        figures.moved.setdefault((side, added), {})[price] = distance
                if size:
                    book[price] = size
                else:
                    book.pop(price, None)

    def _look(self) -> None:
        figures, mid = self._figures, self._mid()
        figures.looks += 1
        for side, book in enumerate(self._books):
            for price, size in book.items():
                place = self._range((1 - 2 * side) * (mid - price))
                if place is not None:
                    place.sizes.append(size)
        self._compare()
        seen = {p for book in self._books for p, size in book.items() if size >= figures.large}
        self._running = defaultdict(int, {price: self._running[price] + 1 for price in seen})
        for price, count in self._running.items():
            figures.longest[price] = max(figures.longest.get(price, 0), count)

    def _compare(self) -> None:
        """Look at what has become of the large levels of ten seconds ago."""
        self._past.append((dict(self._books[0]), dict(self._books[1])))
        if len(self._past) <= LATER_LOOKS:
            return
        before, mid = self._past.pop(0), self._mid()
        for side, book in enumerate(self._books):
            for price, size in before[side].items():
                place = self._range((1 - 2 * side) * (mid - price))
                if (
                    place is not None
                    and place.near >= self._figures.ranges[5].near
                    and size >= self._figures.large
                ):
                    place.large += 1
                    place.large_kept += 1 / SAME_SIZE < book.get(price, 0.0) / size < SAME_SIZE


def measure(symbol: str, seconds: int, seeds: range) -> FarBook:
    """Measure one market for each seed, all together."""
    edges, large = (BTC_EDGES, 3.0) if symbol == "BTCUSDT" else (ETH_EDGES, 12.0)
    figures = FarBook([Range(near, far) for near, far in pairwise(edges)], large)
    for seed in seeds:
        market = SimulatedMarket(profile_of(symbol), seed=seed, start_ms=START_MS)
        Watch(figures, market).play(seconds)
    return figures


def table(figures: FarBook) -> str:
    """Write the figures of each range as a table."""
    lines = [
        "| from the mid | levels a unit | size a unit | 99 % of sizes | changes an event, both sides |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {place.near:g} - {place.far:g} | {figures.levels_a_unit(place):.1f} "
        f"| {figures.size_a_unit(place):.1f} | {figures.large_size(place):.1f} "
        f"| {figures.changes_an_event(place):.1f} |"
        for place in figures.ranges
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the figures that the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbol", default="BTCUSDT")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=180)
    parser.add_argument("--markets", type=int, default=3)
    args = parser.parse_args()
    figures = measure(args.symbol, args.seconds, range(args.seed, args.seed + args.markets))
    print(table(figures))
    spread = figures.ranges[-1].far / 12
    print(f"\nlarge levels as large ten seconds later: {figures.kept_share():.0%}")
    print(f"orders that followed the price: {figures.followers(spread)}")
    print(f"large levels for two minutes: {len(figures.walls(120))}")


if __name__ == "__main__":
    main()
