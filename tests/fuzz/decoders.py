"""Feeds the decoders with what libFuzzer makes of valid messages: only `MalformedMessage` may be raised.

python -m tests.fuzz.decoders -max_total_time=60 [other options of libFuzzer]

needs `atheris`, for which there are wheels for Linux; tests/fuzz/test_decoders.py does without.
"""

import contextlib
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["data_ingestion"]):
    from data_ingestion.errors import MalformedMessage
    from data_ingestion.messages import decode_agg_trade, decode_depth_update, decode_snapshot

from tests.builders import depth_wire, encode, snapshot_wire, trade_wire


def one(data: bytes) -> None:
    """Try one input on all decoders."""
    for decode in (decode_depth_update, decode_snapshot, decode_agg_trade):
        with contextlib.suppress(MalformedMessage):
            decode(data)


def main() -> None:
    """Run until libFuzzer ends or something is found."""
    with tempfile.TemporaryDirectory() as corpus:
        for wire in (depth_wire, snapshot_wire, trade_wire):
            (Path(corpus) / wire.__name__).write_bytes(encode(wire()))
        atheris.Setup([*sys.argv, corpus], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
