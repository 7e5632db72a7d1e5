"""How many detections a minute a page shows that asks for a rank, and which it shows of the recording.

python -m tests.tools.detection.few --rank 0.8 --minutes 60

Counts what opens or fires. Of a kind that comes more than once a minute those count that have the rank; while
there are too few for a rank, none is counted (nor is that time).
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from data_ingestion.simulated_exchange.profiles import SIMULATED_SYMBOLS, profile_of
from features.detectors.detection import Detection, Event, Kind
from tests.replay.playback import Playback
from tests.replay.rig import RECORDING, SYMBOL
from tests.tools.detection.listener import Listener

SHOWN: Final = 10
_MINUTE_MS: Final = 60_000


def main() -> None:
    """Read the arguments, play, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rank", type=float, default=0.8)
    parser.add_argument("--minutes", type=float, default=60.0, help="of each simulated symbol")
    parser.add_argument("--seed", type=int, default=7_000)
    arguments = parser.parse_args()
    print("| market | " + " | ".join(f"{kind}, all / shown" for kind in Kind) + " | all / shown a minute |")
    print("|---" * (len(Kind) + 2) + "|")
    first: list[Detection] = []
    for name, begun, minutes in played(arguments.minutes, arguments.seed):
        shown = few(begun, minutes, arguments.rank)
        first = first or shown
        rates = [(_rate(begun, kind, minutes), _rate_shown(begun, shown, kind, minutes)) for kind in Kind]
        cells = [f"{most:.2f} / {some:.2f}" for most, some in rates]
        cells.append(f"{sum(most for most, _ in rates):.1f} / {sum(some for _, some in rates):.1f}")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    print()
    ranked = sorted(first, key=lambda entry: (entry.rank or 0.0, entry.magnitude), reverse=True)
    for entry in ranked[:SHOWN]:
        print(f"* {entry.id}, magnitude {entry.magnitude:.2f}, rank {entry.rank}")


def played(minutes: float, seed: int) -> Iterator[tuple[str, list[Detection], float]]:
    """Yield each market's name, what opened or fired in it, and its length in minutes."""
    if RECORDING.exists():
        playback = Playback()
        for _ in playback.run():
            pass
        yield f"recording {SYMBOL}", _begun(playback.detections), len(playback.frames) / 60
    else:
        print(f"no recording at {RECORDING}: left out", file=sys.stderr)
    for symbol in SIMULATED_SYMBOLS:
        listener = Listener(profile_of(symbol), seed)
        listener.play(minutes * _MINUTE_MS)
        yield f"simulated {symbol}", _begun(listener.detections), minutes


def few(begun: Sequence[Detection], minutes: float, rank: float) -> list[Detection]:
    """Return those shown: all of a kind that comes at most once a minute, of others those of the rank."""
    counts = Counter(entry.kind for entry in begun)
    return [
        entry
        for entry in begun
        if counts[entry.kind] <= minutes or (entry.rank is not None and entry.rank >= rank)
    ]


def _begun(said: Sequence[Detection]) -> list[Detection]:
    return [entry for entry in said if entry.event in (Event.OPENED, Event.FIRED)]


def _rate(begun: Sequence[Detection], kind: Kind, minutes: float) -> float:
    return sum(entry.kind is kind for entry in begun) / minutes


def _rate_shown(begun: Sequence[Detection], shown: Sequence[Detection], kind: Kind, minutes: float) -> float:
    """Return those shown a minute, of the time in which the kind has ranks if it needs them."""
    of_kind = [entry for entry in begun if entry.kind is kind]
    count = sum(entry.kind is kind for entry in shown)
    if len(of_kind) <= minutes:
        return count / minutes
    ranked = [entry for entry in of_kind if entry.rank is not None]
    if not ranked:
        return 0.0
    share = len(ranked) / len(of_kind)
    return count / (minutes * share)


if __name__ == "__main__":
    main()
