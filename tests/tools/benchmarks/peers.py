"""Other people's order books on the same messages, each in a process and an environment of their own."""

import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

import msgspec

from processes.core import running_core
from tests.program import ROOT
from tests.tools.benchmarks.peer import PEERS
from tests.tools.benchmarks.streams import Input
from tests.tools.benchmarks.table import table, times

ENVIRONMENT = ROOT / f".venv-peers-{sys.version_info.major}.{sys.version_info.minor}"
PACKAGES = (  # the newest of each for a Python, as of November 2026
    "msgspec==0.22.0",
    "sortedcontainers==2.4.0",
    "order-book==1.1.0; python_version >= '3.12'",
    "order-book==0.6.1; python_version < '3.12'",
    "nautilus_trader==1.231.0; python_version >= '3.12'",
    "nautilus_trader==1.221.0; python_version < '3.12'",
    "cryptofeed==3.0.1; python_version >= '3.12'",
    "cryptofeed==2.4.1; python_version < '3.12'",
    "unicorn-binance-local-depth-cache==2.14.0",
    "python-binance==1.0.37",
)
OURS = "this program"
TO_BEAT = "order-book (C extension)"
MESSAGES = 400  # the slowest of them takes milliseconds a message


def install() -> list[str]:
    """Make the environment if need be; return the packages that could not be installed here."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return [
        package
        for package in PACKAGES
        if subprocess.run([*pip, package], capture_output=True, check=False).returncode  # noqa: S603
    ]


def _messages(source: Input) -> tuple[list[bytes], list[Any]]:
    """Return a first message that is the whole book after some tick, and the messages after that."""
    ticks = source.ticks
    begin = next(place for place, tick in enumerate(ticks) if tick.snapshot is not None)
    wire = msgspec.json.decode(ticks[begin].snapshot or b"")
    sides: list[dict[str, str]] = [dict(wire["bids"]), dict(wire["asks"])]
    for tick in ticks[max(0, begin - 1) : begin + 1]:  # one of them spans the snapshot
        message = msgspec.json.decode(tick.data)
        if message["u"] >= wire["lastUpdateId"]:
            sides[0] |= dict(message["b"])
            sides[1] |= dict(message["a"])
    bids, asks = ([level for level in side.items() if float(level[1])] for side in sides)
    last = msgspec.json.decode(ticks[begin].data)["u"]  # the next message names it as the one before
    first = msgspec.json.encode({"u": last, "b": bids, "a": asks})
    run = ticks[begin + 1 : begin + 1 + MESSAGES]
    return [first, *(tick.data for tick in run)], [ticks[begin].truth, *(tick.truth for tick in run)]


def compare(source: Input) -> str:
    """Return a table of all peers on the first messages of `source`."""
    missing = install()
    rows = []
    reached: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "messages")
        file.write_bytes(msgspec.msgpack.encode(_messages(source)))
        environment = os.environ | {"PYTHONPATH": str(ROOT), "CORE": running_core()}
        for name in PEERS:
            peer = [
                str(ENVIRONMENT / "bin" / "python"),
                str(Path(__file__).with_name("peer.py")),
                name,
                str(file),
            ]
            done = subprocess.run(peer, capture_output=True, text=True, check=False, env=environment)  # noqa: S603
            if done.returncode:
                sys.stderr.write(done.stderr)
                rows.append([name, "", "", "", "not installable or not runnable here"])
                continue
            found = json.loads(done.stdout)
            reached[name] = found["multiples"][0]
            right = f"{found['right']} of {found['of']}"
            rows.append([name, *(times(multiple) for multiple in found["multiples"]), right])
    goal = ""
    if OURS in reached and TO_BEAT in reached:
        ours, theirs = reached[OURS], reached[TO_BEAT]
        verdict = "met" if ours < theirs else "not met"
        goal = f"\n* {OURS} below {TO_BEAT}, mean: {times(ours)} to {times(theirs)} ({verdict})\n"
    note = f"\nNot installable here: {', '.join(missing)}.\n" if missing else ""
    return table(["who, bytes to top ten", "mean", "median", "99 %", "right answers"], rows) + goal + note
