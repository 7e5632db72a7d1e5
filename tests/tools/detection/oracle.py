"""The detectors held against their definitions, which look at the whole stored sequence: entry by entry.

python -m tests.tools.detection.oracle --minutes 60 --seed 3000 --markets 2000

On the recording, so many minutes of each simulated symbol, and so many small random markets. Prints a table
and what only one of both says; ends with 1 if there is any.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from random import Random
from typing import Final

from data_ingestion.simulated_exchange.profiles import SIMULATED_SYMBOLS, profile_of
from features.detectors.detection import Detection, Kind
from features.detectors.settings import DetectorSettings
from tests.features.detectors.noise import KEEN, noise
from tests.features.detectors.oracle.definitions import Item, differences
from tests.replay.playback import Playback
from tests.replay.rig import RECORDING, SYMBOL
from tests.tools.detection.listener import Listener
from tests.tools.detection.tap import TappedEngine

SHOWN: Final = 5  # differing entries printed of a market
MARKETS_A_LINE: Final = 100

Market = tuple[str, list[tuple[Sequence[Item], DetectorSettings, float]]]
"""Its name, and the sequences of which it is made, with settings and tick."""


def main() -> None:
    """Read the arguments, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0, help="of each simulated symbol; 0 for none")
    parser.add_argument("--seed", type=int, default=3_000)
    parser.add_argument("--markets", type=int, default=2_000, help="small random ones")
    arguments = parser.parse_args()
    print("| market | " + " | ".join(Kind) + " | entries | differing |")
    print("|---" * (len(Kind) + 3) + "|")
    differing = 0
    for name, sequences in markets(arguments.minutes, arguments.seed, arguments.markets):
        same, other = Counter[Kind](), list[Detection]()
        for items, settings, tick in sequences:
            both, missing, extra = differences(items, settings, tick)
            same.update(entry.kind for entry in both)
            other += missing + extra
        cells = [*(same[kind] for kind in Kind), same.total(), len(other)]
        print(f"| {name} | " + " | ".join(map(str, cells)) + " |", flush=True)
        for entry in islice(other, SHOWN):
            print(entry, file=sys.stderr)
        differing += len(other)
    sys.exit(1 if differing else 0)


def markets(minutes: float, seed: int, count: int) -> Iterator[Market]:
    """Yield the markets, one after another."""
    if RECORDING.exists():
        yield f"recording {SYMBOL}", [recorded()]
    for symbol in SIMULATED_SYMBOLS:
        if minutes:
            yield f"simulated {symbol}, {minutes:g} min", [simulated(symbol, seed, minutes)]
    if count:
        yield f"{count} random ones", [(noise(Random(seed + n)), KEEN, 1.0) for n in range(count)]  # noqa: S311


def recorded() -> tuple[Sequence[Item], DetectorSettings, float]:
    """Return what the detectors are told of the recording."""
    engine = TappedEngine(SYMBOL, "binance")
    for _ in Playback(engine=engine).run():
        pass
    return _told(engine)


def simulated(symbol: str, seed: int, minutes: float) -> tuple[Sequence[Item], DetectorSettings, float]:
    """Return what the detectors are told of a simulated market."""
    listener = Listener(profile_of(symbol), seed)
    listener.play(minutes * 60_000)
    return _told(listener.engine)


def _told(engine: TappedEngine) -> tuple[Sequence[Item], DetectorSettings, float]:
    tap = engine.tap
    if tap.breaks:
        raise RuntimeError("the book was lost on the way: the definitions are of one unbroken sequence")
    return tap.items, tap.settings, tap.tick


if __name__ == "__main__":
    main()
