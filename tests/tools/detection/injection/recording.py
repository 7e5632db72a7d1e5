"""A recording of the rig's format, as far as depth and trades go, and how it is read and written.

Lines are `<receive time, ns> <json>`: one REST snapshot, raw depth diffs and single trades.
"""

import gzip
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import msgspec

_NS: Final = 1_000_000
Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recording:
    """Messages as the exchange sent them, each stream in its own order; times are exchange ms."""

    snapshot: Message
    diffs: list[Message]
    trades: list[Message]

    @property
    def start(self) -> int:
        """Exchange time of the first diff that the snapshot does not have."""
        return int(self.diffs[0]["T"])

    @property
    def end(self) -> int:
        """Exchange time of the last diff."""
        return int(self.diffs[-1]["T"])

    @property
    def price_decimals(self) -> int:
        """Digits after the point of a price as it is written."""
        return _decimals(self.snapshot["bids"][0][0])

    @property
    def size_decimals(self) -> int:
        """Digits after the point of a size as it is written."""
        return _decimals(self.snapshot["bids"][0][1])

    @property
    def tick(self) -> float:
        """Smallest step between the snapshot's prices."""
        prices = sorted(float(price) for side in ("bids", "asks") for price, _ in self.snapshot[side])
        steps = (round(late - early, 8) for early, late in pairwise(prices))
        return min(step for step in steps if step > 0)


def _decimals(number: str) -> int:
    return len(number.partition(".")[2])


def read(path: Path) -> Recording:
    """Return a recording; raise ValueError with one sentence where it has no snapshot, depth or trades."""
    snapshot, diffs, trades = None, list[Message](), list[Message]()
    with gzip.open(path) as lines:
        for line in lines:
            if b"@bookTicker" in line:
                continue
            message = msgspec.json.decode(line.partition(b" ")[2])
            stream = message.get("stream", "")
            if not stream:
                snapshot = snapshot or message
            elif "@depth" in stream:
                diffs.append(message["data"])
            elif stream.endswith("@trade") and message["data"].get("X") == "MARKET":
                trades.append(message["data"])
    if snapshot is None:
        raise ValueError(f"{path} has no depth snapshot: record one beside the streams.")
    diffs = [diff for diff in diffs if diff["u"] >= snapshot["lastUpdateId"]]
    if not diffs or not trades:
        raise ValueError(f"{path} has no depth or no trades after its snapshot.")
    return Recording(snapshot, diffs, [trade for trade in trades if trade["T"] >= diffs[0]["T"]])


def write(recording: Recording, path: Path, symbol: str) -> None:
    """Write a recording that the rig can serve."""
    name = symbol.lower()
    timed: list[tuple[int, bytes]] = [
        *((diff["T"], _line(diff["T"], f"{name}@depth@0ms", diff)) for diff in recording.diffs),
        *((trade["T"], _line(trade["T"], f"{name}@trade", trade)) for trade in recording.trades),
    ]
    timed.sort(key=lambda entry: entry[0])
    with gzip.open(path, "wb", compresslevel=1) as lines:
        lines.write(b"%d %b\n" % (recording.start * _NS, msgspec.json.encode(recording.snapshot)))
        lines.writelines(line for _, line in timed)


def _line(time: int, stream: str, data: Message) -> bytes:
    return b"%d %b\n" % (time * _NS, msgspec.json.encode({"stream": stream, "data": data}))
