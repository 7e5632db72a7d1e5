"""Weaves what somebody else does into a recording, so that depth and trades agree.

What is shown at a price is what the recording has there, less what others ate of it or keep back. Where a
hand holds a level, its size is the hand's: what the recording has there is part of it, what trades there
makes it less. So later changes of the same levels are merged. What is eaten prints and is gone, what is
pulled prints nothing, and where the recorded price goes through a level that is held, the level is eaten
first. Update ids go on by one for each event put in, trades are numbered anew.
"""

from collections import deque
from collections.abc import Iterator
from statistics import median
from typing import Final

from sortedcontainers import SortedDict

from tests.tools.detection.injection.recording import Message, Recording

BID: Final = 0
ASK: Final = 1
SIGN: Final = (1, -1)
DEPTH_MS: Final = 100
TOP: Final = 10
_NAMES: Final = ("b", "a")

Level = tuple[float, float]
Top = tuple[list[Level], list[Level]]
Shown = SortedDict[float, float]
"""Size by price, with the sign that puts the best first."""


class Loom:
    """The market as it is shown, and the messages that tell of it. Times in exchange ms.

    `published` is the top ten after the last complete depth event, `published_at` that event's time. An event
    holds the diffs of 100 ms: without a diff there is none. `printed` is what traded at each price of a side
    since `watch` was called for it, `most` the largest size that was published there meanwhile; medians are
    of the last book of each second, as detectors have them.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.tick = recording.tick
        self.now = recording.start
        self._prices, self._sizes = recording.price_decimals, recording.size_decimals
        self.lot = 10.0**-self._sizes
        self.real: tuple[dict[float, float], dict[float, float]] = ({}, {})
        self.shown: tuple[Shown, Shown] = (SortedDict(), SortedDict())
        self.held: tuple[dict[float, float], dict[float, float]] = ({}, {})
        self.eaten: tuple[dict[float, float], dict[float, float]] = ({}, {})
        self.kept_back: list[tuple[float, float] | None] = [None, None]  # best price shown, share of sizes
        self._changes: tuple[dict[float, float], dict[float, float]] = ({}, {})
        self._shift = 0
        self._last_u = 0
        self._open_until = 0  # of the depth event that is being gathered; 0: none is
        self._said_at = 0
        self.published: Top = ([], [])
        self.published_at = 0
        self._samples: deque[tuple[int, Top]] = deque()
        self._mids: deque[tuple[int, float]] = deque()
        self._depths: deque[tuple[int, tuple[float, float]]] = deque()
        self._prints: deque[tuple[int, int, float, float]] = deque(maxlen=5_000)
        self.printed: list[dict[float, float]] = [{}, {}]
        self.most: list[dict[float, float]] = [{}, {}]
        self.diffs: list[Message] = []
        self.trades: list[Message] = []
        for side, name in enumerate(("bids", "asks")):
            for price, size in recording.snapshot[name]:
                self.real[side][float(price)] = float(size)
                self.shown[side][SIGN[side] * -float(price)] = float(size)

    # --- what a hand sees ---------------------------------------------------------------------------------

    def levels(self, side: int, count: int) -> list[Level]:
        """Return the best levels shown, best first."""
        shown = self.shown[side]
        return [(abs(key), shown[key]) for key in shown.islice(0, count)]

    def best(self, side: int) -> float:
        """Return the best price shown."""
        return abs(float(self.shown[side].peekitem(0)[0]))

    def size(self, side: int, price: float) -> float:
        """Return the size shown at a price."""
        return float(self.shown[side].get(SIGN[side] * -price, 0.0))

    def rank(self, side: int, price: float) -> int:
        """Return how many shown levels are better than a price."""
        return int(self.shown[side].bisect_left(SIGN[side] * -price))

    def price(self, price: float) -> float:
        """Return a price as it would be written."""
        return round(price, self._prices)

    def round(self, size: float) -> float:
        """Return a size in whole lots, at least one."""
        return max(self.lot, round(size, self._sizes))

    def median_size(self) -> float:
        """Return the median size of the last minute's levels."""
        return median(
            size for at, top in self._samples if at > self._second() - 61 for side in top for _, size in side
        )

    def median_depth(self, side: int) -> float:
        """Return the median ten-level volume of the last half minute."""
        return median(
            sum(size for _, size in top[side]) for at, top in self._samples if at > self._second() - 31
        )

    def median_spread(self) -> float:
        """Return the median spread of the last half minute."""
        return median(
            top[ASK][0][0] - top[BID][0][0] for at, top in self._samples if at > self._second() - 31
        )

    def peak_depth(self, side: int) -> float:
        """Return the largest ten-level volume of the last two seconds."""
        return max(depths[side] for at, depths in self._depths if at >= self.now - 1_900)

    def fell_lately(self, side: int) -> bool:
        """Whether the side has lost half of its median depth by itself, within the last three seconds."""
        depths = [(at, both[side]) for at, both in self._depths]
        enough = 0.48 * self.median_depth(side)
        return any(
            early - late > enough
            for number, (at, late) in enumerate(depths)
            if at >= self.now - 3_200
            for before, early in depths[:number]
            if before >= at - 2_000
        )

    def printed_lately(self, side: int, price: float, span: int = 10_000) -> float:
        """Return what printed at a price in the last ten seconds, or another span of ms."""
        return sum(
            size
            for at, where, at_price, size in self._prints
            if (where, at_price) == (side, price) and at > self.now - span
        )

    def printed_beyond(self, side: int, price: float, since: int) -> bool:
        """Whether anybody has traded at a worse price of a side since then."""
        sign = SIGN[side]
        return any(
            where == side and at >= since and sign * at_price < sign * price
            for at, where, at_price, _ in self._prints
        )

    def mid_range(self) -> tuple[float, float]:
        """Return lowest and highest mid of any half minute that the price may still have to break out of."""
        mids = [mid for second, mid in self._mids if second < self._second() - 1]
        return min(mids), max(mids)

    def _second(self) -> int:
        return self.now // 1000

    def watch(self, side: int) -> None:
        """Forget what printed on a side, and what was published before the last book."""
        self.printed[side] = {}
        self.most[side] = dict(self.published[side])

    # --- what a hand does ---------------------------------------------------------------------------------

    def hold(self, side: int, price: float, size: float) -> None:
        """Let so much be shown at a price, until it is let go or eaten."""
        self.held[side][price] = self.round(size)
        self._refresh(side, price)

    def let_go(self, side: int, price: float) -> None:
        """Pull what is held, so that only what the recording has there is left."""
        self.held[side].pop(price, None)
        self._refresh(side, price)

    def take(self, side: int, price: float, size: float) -> None:
        """Eat so much at a price, as far as it is there, with a print of it all."""
        size = min(self.round(size), self.size(side, price))
        if not size:
            return
        self._print(side, price, size)
        if price in self.held[side]:
            self._lose(side, price, size)
            return
        eaten = round(self.eaten[side].get(price, 0.0) + size, self._sizes)
        self.eaten[side][price] = min(self.real[side].get(price, 0.0), eaten)
        self._refresh(side, price)

    def eat_up(self, side: int, price: float) -> None:
        """Eat all that is shown at a price, held or not, and with it what the recording has there."""
        self.take(side, price, self.size(side, price))
        if self.held[side].pop(price, None) is not None:
            self.eaten[side][price] = self.real[side].get(price, 0.0)
            self._refresh(side, price)

    def _lose(self, side: int, price: float, size: float) -> None:
        """Take so much off a level that is held."""
        held = self.held[side]
        held[price] = max(0.0, round(held[price] - size, self._sizes))
        self._refresh(side, price)

    def keep_back(self, side: int, veil: tuple[float, float] | None) -> None:
        """Show nothing better than a price and so much of the rest, or all again."""
        self.kept_back[side] = veil
        for price in list(self.real[side]):
            self._refresh(side, price)

    def _refresh(self, side: int, price: float) -> None:
        real, veil = self.real[side].get(price, 0.0), self.kept_back[side]
        if veil is not None:
            real *= 0.0 if SIGN[side] * price > SIGN[side] * veil[0] else veil[1]
        eaten = self.eaten[side].get(price, 0.0)
        size = self.held[side].get(price, round(max(0.0, real - eaten), self._sizes))
        key, shown = SIGN[side] * -price, self.shown[side]
        if shown.get(key, 0.0) == size:
            return
        if size:
            shown[key] = size
        else:
            shown.pop(key, None)
        self._changes[side][price] = size

    def _print(self, side: int, price: float, size: float, message: Message | None = None) -> None:
        known = message or self.recording.trades[0]
        self._prints.append((self.now, side, price, size))
        self.printed[side][price] = self.printed[side].get(price, 0.0) + size
        self.trades.append(
            {
                **known,
                "E": known["E"] if message else self.now,
                "T": self.now,
                "t": self.recording.trades[0]["t"] + len(self.trades),
                "p": f"{price:.{self._prices}f}",
                "q": f"{size:.{self._sizes}f}",
                "m": side == BID,
            }
        )

    def clear(self, side: int) -> None:
        """Take away whatever a hand left on a side."""
        for price in list(self.held[side]):
            self.let_go(side, price)
        if self.kept_back[side] is not None:
            self.keep_back(side, None)

    # --- what the recording says --------------------------------------------------------------------------

    def follow_trade(self, trade: Message) -> None:
        """Take a recorded trade: it meets what rests in its way first, and nothing where all was eaten."""
        self._turn(trade["T"])
        side = BID if trade["m"] else ASK
        price, size = float(trade["p"]), float(trade["q"])
        for own in sorted(self.held[side], key=lambda own: -SIGN[side] * own):
            met = min(size, self.held[side][own])
            if SIGN[side] * own >= SIGN[side] * price and met:
                self._print(side, own, met, trade)
                self._lose(side, own, met)
                size = round(size - met, self._sizes)
        veil = self.kept_back[side]
        hidden = veil is not None and SIGN[side] * price > SIGN[side] * veil[0]
        gone = self.eaten[side].get(price, 0.0) and not self.size(side, price)
        if size and not hidden and not gone:
            self._print(side, price, size, trade)
        self._tell()

    def follow_diff(self, diff: Message) -> None:
        """Take a recorded depth diff."""
        self._turn(diff["T"])
        for side, name in enumerate(_NAMES):
            real, eaten = self.real[side], self.eaten[side]
            for price_text, size_text in diff[name]:
                price, size = float(price_text), float(size_text)
                if size:
                    real[price] = size
                else:
                    real.pop(price, None)
                if price in eaten:
                    eaten[price] = min(eaten[price], size)
                    if not eaten[price]:
                        del eaten[price]
                self._refresh(side, price)
        self._uncross()
        self._say(
            {
                **diff,
                "U": diff["U"] + self._shift,
                "u": diff["u"] + self._shift,
                "pu": diff["pu"] + self._shift,
            }
        )

    def act(self, time: int) -> None:
        """Let the time of a hand's next step come."""
        self._turn(max(time, self.now))

    def acted(self) -> None:
        """Tell what a hand did."""
        self._tell()

    def _uncross(self) -> None:
        """Let the recorded price eat the orders that it has come to."""
        for side in (BID, ASK):
            others = self.real[1 - side]
            if not self.held[side] or not others:
                continue
            other = self.best(1 - side)
            for price in [own for own in self.held[side] if SIGN[side] * (own - other) >= 0]:
                if self.held[side][price]:
                    self._print(side, price, self.held[side][price])
                self._lose(side, price, self.held[side][price])

    def _tell(self) -> None:
        if any(self._changes):
            self._shift += 1
            u = self._last_u + 1
            self._say(
                {**self.recording.diffs[0], "E": self.now, "T": self.now, "U": u, "u": u, "pu": self._last_u}
            )

    def _say(self, message: Message) -> None:
        for side, name in enumerate(_NAMES):
            message[name] = [
                [f"{price:.{self._prices}f}", f"{size:.{self._sizes}f}"]
                for price, size in self._changes[side].items()
            ]
            self._changes[side].clear()
        self._last_u = message["u"]
        self._said_at = self.now
        if not self._open_until:
            self._open_until = (self.now // DEPTH_MS + 1) * DEPTH_MS
        self.diffs.append(message)

    def _turn(self, time: int) -> None:
        """Let a moment come; what stood until then is published if an event of 100 ms is over."""
        if self._open_until and time >= self._open_until:
            self._open_until = 0
            self._publish()
        self.now = time

    def _publish(self) -> None:
        top = self.published = (self.levels(BID, TOP), self.levels(ASK, TOP))
        self.published_at = self._said_at
        for levels, most in zip(top, self.most, strict=True):
            for price, size in levels:
                most[price] = max(size, most.get(price, 0.0))
        if not top[BID] or not top[ASK]:
            return
        second = self.published_at // 1000
        if self._samples and self._samples[-1][0] == second:
            self._samples.pop()
        self._samples.append((second, top))
        self._mids.append((second, (top[BID][0][0] + top[ASK][0][0]) / 2))
        self._depths.append((self.published_at, (_volume(top[BID]), _volume(top[ASK]))))
        for kept, since in ((self._samples, second - 62), (self._mids, second - 39)):
            while kept[0][0] < since:
                kept.popleft()
        while self._depths[0][0] < self.published_at - 5_500:
            self._depths.popleft()

    def woven(self) -> Recording:
        """Return the recording with all that was put in."""
        return Recording(self.recording.snapshot, self.diffs, self.trades)


def _volume(levels: list[Level]) -> float:
    return sum(size for _, size in levels)


def messages(recording: Recording) -> Iterator[tuple[int, bool, Message]]:
    """Yield trades and diffs in order of exchange time, with whether it is a trade; trades first."""
    timed = [
        *((trade["T"], 0, number, trade) for number, trade in enumerate(recording.trades)),
        *((diff["T"], 1, number, diff) for number, diff in enumerate(recording.diffs)),
    ]
    timed.sort(key=lambda entry: entry[:3])
    for time, rank, _, message in timed:
        yield time, rank == 0, message
