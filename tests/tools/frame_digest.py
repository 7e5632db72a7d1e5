"""Prints a digest of all that an engine gives out on the benchmarks' inputs.

python -m tests.tools.frame_digest [--messages 3000]

A change that is only about speed leaves every byte as it was: the digests before and after it are equal.
"""

import argparse
import hashlib
import sys

import msgspec

from data_ingestion.messages import decode_depth_update, decode_snapshot
from state.engine import EngineSettings
from tests.replay.rig import RECORDING, RIG
from tests.tools.benchmarks.streams import Input, connected_engine, recorded, simulated

_encode = msgspec.json.Encoder().encode


SMALL = EngineSettings(book_levels=150, coverage_margin=20, audit_interval_ms=30_000)
"""Of a book that drops levels, and runs out of them."""


def digest(source: Input, settings: EngineSettings) -> tuple[int, str]:
    """Return how many seconds `source` has, and a SHA-256 of their frames, ladders, chunks and news."""
    engine, second, seconds = connected_engine(settings), 0, 0
    found = hashlib.sha256()
    for number, tick in enumerate(source.ticks):
        now = float(tick.now_ms)  # as clocks give it: a whole number would be another text in the JSON
        if tick.now_ms // 1000 > second:
            second = tick.now_ms // 1000
            seconds += 1
            frame, row = engine.close_second(second * 1000, now)
            found.update(_encode(frame))
            found.update(_encode(row))
        if tick.snapshot is not None and engine.snapshot_request is not None:
            engine.on_snapshot(engine.snapshot_request, decode_snapshot(tick.snapshot), now)
        for trade in tick.trades:
            engine.on_trade(trade, now)
        engine.on_depth(decode_depth_update(tick.data), now, now)
        if number % 7 == 0:  # not at every second's end, and not always at another place of it
            found.update(_encode(engine.drain_news()))
    return seconds, found.hexdigest()


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and print one line an input."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.frame_digest", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--messages", type=int, help="of each input; all of the recording by default")
    chosen = parser.parse_args(arguments)
    inputs = [simulated(chosen.messages or 3_000)]
    if RIG.exists() and RECORDING.exists():
        inputs.insert(0, recorded(chosen.messages))
    for source in inputs:
        for name, settings in (("as it comes", source.settings), ("with a small book", SMALL)):
            seconds, found = digest(source, settings)
            sys.stdout.write(f"{source.name}, {name}, {seconds} seconds: {found}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
