"""One side of a book: near end, middle and rim against one plain dict."""

import random

import pytest

from data_ingestion.messages import Levels
from orderbook.side import MOST_NEAR, NEAR_LEVELS, RIM_LEVELS, TOP_LEVELS, CoveredSide


class Plain:
    """A side as one dict, sorted whenever it is looked at."""

    def __init__(self, levels: Levels, *, is_bid: bool, most: int) -> None:
        self.is_bid = is_bid
        self.most = most
        self.held = dict(levels)
        self.edge = self.best_first()[-1]

    def best_first(self) -> list[float]:
        """Return all prices."""
        return sorted(self.held, reverse=self.is_bid)

    def apply(self, changes: Levels) -> None:
        """Set sizes, drop what is too much."""
        for price, size in changes:
            if price >= self.edge if self.is_bid else price <= self.edge:
                self.held[price] = size
                if not size:
                    del self.held[price]
        if len(self.held) > self.most:
            self.held = {price: self.held[price] for price in self.best_first()[: self.most]}
            self.edge = self.best_first()[-1]


def changes_around(random: random.Random, touch: int, reach: int, count: int) -> Levels:
    """Return changes within `reach` ticks of a touch, near ones more often; some prices come twice."""
    return [
        (float(touch + int(reach * random.uniform(-1, 1) ** 3)), random.choice((0.0, 0.0, 1.0, 2.0, 3.0)))
        for _ in range(count)
    ]


@pytest.mark.parametrize("is_bid", [True, False])
@pytest.mark.parametrize("most", [20, NEAR_LEVELS + RIM_LEVELS, 300, 1_000])
def test_a_side_equals_one_plain_dict(most: int, is_bid: bool) -> None:
    """While the touch wanders so far that every part fills up and runs out, all levels stay the same."""
    draw = random.Random(f"{most} {is_bid}")  # noqa: S311 - seeded, no cryptography
    touch, sign = 10_000, -1 if is_bid else 1
    levels = [(float(touch + sign * tick), 1.0) for tick in range(1, 400)]
    side, plain = CoveredSide(levels, is_bid=is_bid, most=most), Plain(levels, is_bid=is_bid, most=most)
    plain.apply([])
    seen = set()
    for number in range(1_500):
        touch += sign * draw.choice((-9, -1, 0, 1, 9)) + (sign if number % 500 < 250 else -sign)
        changes = changes_around(draw, touch, 500, draw.choice((0, 3, 20, 200)))
        side.apply(changes)
        plain.apply(changes)
        side.check()
        best = [(price, plain.held[price]) for price in plain.best_first()]
        some = draw.randrange(60)
        assert side.sizes_of_best(some)[:some] == [size for _, size in best[:some]]
        assert side.levels() == best
        assert side.sizes() == plain.held
        assert (len(side), side.edge) == (len(best), plain.edge)
        assert side.best() == (best[0][0] if best else None)
        assert side.top == (best[:TOP_LEVELS] if len(best) >= TOP_LEVELS else None)
        seen |= {"rim"} if side._rim else set()
        seen |= {"middle"} if side._middle else set()
        assert len(side._near) <= MOST_NEAR
    assert most != 300 or seen == {"rim", "middle"}


def test_a_price_named_twice_ends_as_it_was_named_last() -> None:
    """A message that adds and removes a price, or the other way round, leaves what came last."""
    side = CoveredSide([(100.0 - tick, 1.0) for tick in range(20)], is_bid=True, most=100)
    side.apply([(100.5, 2.0), (100.5, 0.0), (99.0, 0.0), (99.0, 3.0)])
    assert side.levels()[:2] == [(100.0, 1.0), (99.0, 3.0)]
    side.check()


@pytest.mark.parametrize("is_bid", [True, False])
@pytest.mark.parametrize("eaten", [NEAR_LEVELS - 1, NEAR_LEVELS, NEAR_LEVELS + 1, 2 * NEAR_LEVELS])
def test_one_event_that_eats_the_whole_near_end_shows_what_lay_behind(eaten: int, is_bid: bool) -> None:
    """Not one of the levels that were in order is left, and the ten best are known all the same."""
    sign = -1 if is_bid else 1
    levels = [(1_000.0 + sign * tick, 1.0 + tick) for tick in range(200)]
    side = CoveredSide(levels, is_bid=is_bid, most=1_000)
    side.apply([(price, 0.0) for price, _ in levels[:eaten]])
    side.check()
    assert side.top == levels[eaten : eaten + TOP_LEVELS]
    assert side.best() == levels[eaten][0]


@pytest.mark.parametrize("is_bid", [True, False])
def test_the_best_are_found_however_far_apart_the_levels_behind_lie(is_bid: bool) -> None:
    """The touch wears away through levels that lie close, far apart and close again, a few at a time."""
    sign, price, levels = (-1 if is_bid else 1), 50_000.0, list[tuple[float, float]]()
    for step, count in ((0.1, 300), (40.0, 100), (0.1, 400), (7.0, 60)):
        for _ in range(count):
            price += sign * step
            levels.append((round(price, 1), 1.0 + len(levels)))
    side = CoveredSide(levels, is_bid=is_bid, most=2_000)
    for eaten in range(0, len(levels) - TOP_LEVELS, 5):
        side.apply([(price, 0.0) for price, _ in levels[max(0, eaten - 5) : eaten]])
        side.check()
        assert side.top == levels[eaten : eaten + TOP_LEVELS]
    assert side.levels() == levels[eaten:]


@pytest.mark.parametrize("is_bid", [True, False])
@pytest.mark.parametrize("eaten", [30, 60, 200])
def test_how_far_the_levels_behind_reach_is_learned_once(eaten: int, is_bid: bool) -> None:
    """Of levels that go with the near end and come back not all are sorted at each time they go."""
    sign = -1 if is_bid else 1
    levels = [(1_000.0 + sign * tick, 1.0) for tick in range(900)]
    side = CoveredSide(levels, is_bid=is_bid, most=1_000)
    sorted_so_far = []
    for _ in range(12):
        side.apply([(price, 0.0) for price, _ in levels[:eaten]])
        side.apply(levels[:eaten])
        side.check()
        sorted_so_far.append(side._sorted)
    assert sorted_so_far[-1] == sorted_so_far[1]
