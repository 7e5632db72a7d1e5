"""How many detections a minute the page shows, and which it shows first of the recording.

python -m tests.tools.detection.few --rank 0.8 --minutes 60

Counts what opens or fires, and of it what was ever in the page's list: by the page's own rule, run by node
on the detections of each second (tests/dashboard/shown_detections.mjs).
"""

import argparse
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from data_ingestion.simulated_exchange.profiles import SIMULATED_SYMBOLS, profile_of
from features.detectors.detection import Detection, Event, Kind
from tests.replay.playback import Playback
from tests.replay.rig import RECORDING, SYMBOL
from tests.tools.detection.listener import Listener

SHOWN: Final = 10
_MINUTE_MS: Final = 60_000
_SCRIPT: Final = Path(__file__).parents[2] / "dashboard" / "shown_detections.mjs"

Seconds = Sequence[Sequence[Detection]]
"""What each second of a market told."""


class Entry(msgspec.Struct, frozen=True):
    """A detection that came into the list, and the second in which it did."""

    id: str
    second: int


class Shown(msgspec.Struct, frozen=True):
    """What came into the list, in that order; `listed` is how many were in it in the mean."""

    shown: list[Entry]
    listed: float


def main() -> None:
    """Read the arguments, play, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rank", type=float, default=0.8)
    parser.add_argument("--minutes", type=float, default=60.0, help="of each simulated symbol")
    parser.add_argument("--seed", type=int, default=7_000)
    arguments = parser.parse_args()
    print(
        "| market | " + " | ".join(f"{kind}, all / shown" for kind in Kind) + " | all / shown | in the list |"
    )
    print("|---" * (len(Kind) + 3) + "|")
    first: list[Detection] = []
    for name, seconds in played(arguments.minutes, arguments.seed):
        shown = shown_of(seconds, arguments.rank)
        begun = {entry.id: entry for entry in beginnings(seconds)}
        listed = [begun[entry.id] for entry in shown.shown]
        first = first or listed
        minutes = len(seconds) / 60
        most, some = (Counter(entry.kind for entry in entries) for entries in (begun.values(), listed))
        cells = [f"{most[kind] / minutes:.2f} / {some[kind] / minutes:.2f}" for kind in Kind]
        cells += [f"{len(begun) / minutes:.1f} / {len(listed) / minutes:.2f}", f"{shown.listed:.1f}"]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    print()
    for entry in first[:SHOWN]:
        print(f"* {entry.id}, told at {entry.time}, magnitude {entry.magnitude:.2f}, rank {entry.rank}")


def played(minutes: float, seed: int) -> Iterator[tuple[str, Seconds]]:
    """Yield each market's name, and what the detectors told in each second."""
    if RECORDING.exists():
        playback = Playback()
        for _ in playback.run():
            pass
        yield f"recording {SYMBOL}", playback.seconds
    else:
        print(f"no recording at {RECORDING}: left out", file=sys.stderr)
    for symbol in SIMULATED_SYMBOLS:
        listener = Listener(profile_of(symbol), seed)
        listener.play(minutes * _MINUTE_MS)
        yield f"simulated {symbol}", listener.seconds


def beginnings(seconds: Seconds) -> list[Detection]:
    """Return what opened or fired."""
    return [entry for told in seconds for entry in told if entry.event in (Event.OPENED, Event.FIRED)]


def shown_of(seconds: Seconds, rank: float) -> Shown:
    """Return what the page's list shows. Needs node; raises OSError where there is none."""
    node = shutil.which("node")
    if node is None:
        raise OSError("node is not there: it runs the page's own rule. Install Node 20.19 or newer.")
    asked = [node, str(_SCRIPT), str(rank)]
    told = msgspec.json.encode(seconds)
    answer = subprocess.run(asked, input=told, stdout=subprocess.PIPE, check=True)  # noqa: S603
    return msgspec.json.decode(answer.stdout, type=Shown)


if __name__ == "__main__":
    main()
