"""Status lines in a file and in a terminal."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

from processes.screen import SAID_EVERY, Screen
from tests.program import PATIENCE, ROOT

LIVE = "LIVE    SIMULATED  BTCUSDT 61,000"
DARK = "STALE   SIMULATED  BTCUSDT no event"


class Bench:
    """A screen for a file with a clock of its own."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.now = 100.0
        self.screen = Screen(lambda: self.now, lambda: self.now)
        self._capsys = capsys

    def every_second(self, seconds: int, *lines: tuple[str, str]) -> list[str]:
        """Have these lines said each second, and return what was shown."""
        for _ in range(seconds):
            for name, line in lines:
                self.screen.status(name, line)
            self.now += 1
        return self._capsys.readouterr().out.splitlines()


def test_a_file_gets_a_line_a_minute_of_each_symbol(capsys: pytest.CaptureFixture[str]) -> None:
    """Not one a second; each with its time."""
    shown = Bench(capsys).every_second(3 * int(SAID_EVERY), ("BTCUSDT", LIVE), ("ETHUSDT", LIVE))
    assert len(shown) == 6
    assert all(re.fullmatch(r"\d\d:\d\d:\d\d " + LIVE, line) for line in shown)
    assert len({line[:8] for line in shown}) == 3


def test_a_file_gets_each_change_of_state_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """And the minute counts from there; another reason or price is no change."""
    bench = Bench(capsys)
    assert len(bench.every_second(5, ("BTCUSDT", LIVE))) == 1
    (line,) = bench.every_second(1, ("BTCUSDT", DARK))
    assert line.endswith(DARK)
    assert bench.every_second(5, ("BTCUSDT", DARK + " for 5 s")) == []
    (line,) = bench.every_second(int(SAID_EVERY), ("BTCUSDT", LIVE))
    assert line.endswith(LIVE)


TERMINAL = """
from processes.screen import screen_of_this_terminal
with screen_of_this_terminal() as screen:
    screen.status("BTCUSDT", "LIVE    SIMULATED  BTCUSDT    " + "x" * 200)
    screen.status("ETHUSDT", "STALE   SIMULATED  ETHUSDT    " + "y" * 200)
"""


def test_a_narrow_terminal_keeps_state_and_source() -> None:
    """Of sixty columns: each symbol has one line, cut at its end."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 60, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    with subprocess.Popen(  # noqa: S603 - our own
        [sys.executable, "-c", TERMINAL],
        cwd=ROOT,
        env=environment | {"TERM": "xterm", "NO_COLOR": "1"},
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = bytearray()
        while True:
            try:
                part = os.read(ours, 65_536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            shown += part
        assert process.wait(PATIENCE) == 0
    os.close(ours)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    lines = [line for line in re.split(r"[\r\n]+", text) if "USDT" in line]
    assert {line[:29] for line in lines} == {"LIVE    SIMULATED  BTCUSDT   ", "STALE   SIMULATED  ETHUSDT   "}
    assert all(len(line) <= 60 for line in lines)
