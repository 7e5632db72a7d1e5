"""A program too simple to be wrong: its seconds, its books, and the messages that it sends its clients."""

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from tests.api.serving import a_frame, at

Json = dict[str, Any]
Levels = list[tuple[float, float]]
SYMBOL = "BTCUSDT"
DARK = ("syncing", "rebuilding the book")


class PlayedProgram:
    """Seconds 1 to `seconds`, those in `dark` not live. `truth` has every level after each update.

    A whole book comes with every `book_every`th second, and where a chain of updates begins.
    """

    def __init__(
        self, seconds: int, *, dark: frozenset[int] = frozenset(), seed: int = 1, book_every: int = 5
    ):
        random = Random(seed)  # noqa: S311
        sides = ({100.0 - n: 1.0 + n for n in range(15)}, {101.0 + n: 2.0 + n for n in range(15)})
        self.rows: dict[int, Json] = {}
        self.books: dict[int, Json] = {}
        """The whole book before each second's updates."""
        self.truth: dict[int, tuple[Levels, Levels]] = {}
        u = 1_000
        self.truth[u] = _sorted(sides)
        for second in range(1, seconds + 1):
            self.books[second] = _whole(u, sides)
            updates = []
            for number in range(random.choice((0, 1, 2, 3))):
                changes = [_changed(side, random) for side in sides]
                updates.append(
                    {"u": u + 7, "pu": u, "T": at(second) - 900 + number}
                    | {"bids": changes[0], "asks": changes[1]}
                )
                u += 7
                self.truth[u] = _sorted(sides)
            begins = second == 1 or second - 1 in dark or second % book_every == 0
            self.rows[second] = _row(second, u, sides) | {
                "updates": updates,
                "book": self.books[second] if begins else None,
                "tape": [[at(second) - 100, 100.5, 1.0, None, "buy", second]],
            }
            if second in dark:
                nothing = dict.fromkeys(json.loads(json.dumps(self.rows[second])))
                kept = {name: self.rows[second][name] for name in ("timestamp", "tape", "symbol", "source")}
                self.rows[second] = nothing | kept | {"detections": []}
                self.rows[second] |= {"status": DARK[0], "reason": DARK[1]}

    def frame(self, second: int, *, first: bool = False, window: int = 180, since: int | None = None) -> Json:
        """Return the frame of a second; the `first` of a connection has history, as `?updates=1` does."""
        frame = dict(self.rows[second])
        if not first:
            return frame
        begin = max(1, second - window if since is None else since)
        history = [
            {
                name: value
                for name, value in self.rows[n].items()
                if name not in ("symbol", "source", "health")
            }
            for n in range(begin, second)
        ]
        for row in [*history[:1], frame]:
            if row["updates"] is not None:
                row["book"] = self.books[begin if row is not frame else second]
        return frame | {"history": history}

    def text(self, second: int, **how: Any) -> str:
        """Return the same as JSON."""
        return json.dumps(self.frame(second, **how))


def _row(second: int, u: int, sides: tuple[dict[float, float], dict[float, float]]) -> Json:
    import msgspec

    frame: Json = json.loads(msgspec.json.encode(a_frame(at(second))))
    bids, asks = _sorted(sides)
    return frame | {"last_update_id": u, "bid_levels": bids[:10], "ask_levels": asks[:10]}


def _whole(u: int, sides: tuple[dict[float, float], dict[float, float]]) -> Json:
    bids, asks = _sorted(sides)
    return {"u": u, "T": 0, "low": 50.0, "high": 150.0, "bids": bids, "asks": asks}


def _sorted(sides: tuple[dict[float, float], dict[float, float]]) -> tuple[Levels, Levels]:
    bids, asks = sides
    return sorted(bids.items(), reverse=True), sorted(asks.items())


def _changed(side: dict[float, float], random: Random) -> Levels:
    """Change some levels of a side, and return the changes; at least ten levels stay."""
    changes = []
    for _ in range(random.randrange(4)):
        price = random.choice(sorted(side)) + random.choice((0.0, 0.0, 0.5))
        size = random.choice((0.0, 1.5, 2.5))
        if not size and len(side) <= 11:
            size = 3.5
        if size:
            side[price] = size
        else:
            side.pop(price, None)
        changes.append((price, size))
    return changes


def damaged(text: str, change: Callable[[Json], object]) -> str:
    """Return a message with something in it changed."""
    message = json.loads(text)
    change(message)
    return json.dumps(message)


def seconds_of(frames: list[Any]) -> Iterator[int]:
    """Yield which second each frame is of."""
    for frame in frames:
        yield (frame.timestamp - at(0)) // 1_000
