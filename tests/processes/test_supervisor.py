"""When a process that says nothing counts as hung."""

import asyncio
import os
import socket
from pathlib import Path

import pytest

from config import SettingError, Settings
from processes.screen import Screen
from processes.supervisor import HUNG_AFTER, STARTED_AFTER, Child, Holds, SilenceMeter
from tests.program import PATIENCE


def turns_until_hung(meter: SilenceMeter) -> int:
    """Return how many turns of silence it takes."""
    turns = 1
    while not meter.turn():
        turns += 1
    return turns


def test_a_process_that_was_heard_and_falls_silent_counts_as_hung() -> None:
    """Turns count, not time: a machine that slept for a night has made no turn in it."""
    meter = SilenceMeter()
    for _ in range(3):
        meter.heard()
        assert not any(meter.turn() for _ in range(HUNG_AFTER - 1))
    meter.heard()
    assert turns_until_hung(meter) == HUNG_AFTER


def test_a_process_that_only_starts_is_given_longer() -> None:
    """Until its first sign of life, and no longer than that."""
    meter = SilenceMeter()
    assert turns_until_hung(meter) == STARTED_AFTER
    meter = SilenceMeter()
    meter.turn()
    meter.heard()
    assert turns_until_hung(meter) == HUNG_AFTER


class Heard(Screen):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.logged: list[str] = []

    def status(self, name: str, line: str) -> None:
        """Keep."""
        self.said.append(f"{name}: {line}")

    def message(self, line: str) -> None:
        """Keep."""
        self.logged.append(line)


PROGRAM = """
import os, signal, sys, time
restarts = int(os.environ["RESTARTS"])
print("run", restarts, os.getpid(), flush=True)
print(flush=True)
{then}
"""


def child(
    folder: Path, then: str, holds: Holds | None = None, listener: socket.socket | None = None
) -> Child:
    """Return a supervised process that says its number and then does as told."""
    script = folder / "program.py"
    script.write_text(PROGRAM.format(then=then), encoding="utf-8")
    return Child("it", str(script), Settings(), holds=holds, listener=listener)


async def said(screen: Heard, lines: int) -> None:
    """Wait until so many lines were said."""
    async with asyncio.timeout(PATIENCE):
        while len(screen.said) < lines:  # noqa: ASYNC110 - a list tells nobody
            await asyncio.sleep(0.05)


async def stopped(task: asyncio.Task[None]) -> None:
    """Stop supervising."""
    task.cancel()
    await asyncio.wait([task], timeout=PATIENCE)
    assert task.cancelled()


@pytest.mark.parametrize("then", ["sys.exit(1)", "os.kill(os.getpid(), signal.SIGKILL)", "time.sleep(1e6)"])
async def test_what_dies_or_blocks_is_started_again_and_told_how_often(tmp_path: Path, then: str) -> None:
    """The third asleep for ever says nothing more after its first sign of life; empty lines are not shown."""
    screen = Heard()
    task = asyncio.create_task(child(tmp_path, then).run(screen))
    await said(screen, 2)
    await stopped(task)
    assert [line.split()[:3] for line in screen.said[:2]] == [["it:", "run", "0"], ["it:", "run", "1"]]
    pids = [int(line.split()[3]) for line in screen.said]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_the_last_words_of_a_process_that_is_asked_to_end_are_heard(tmp_path: Path) -> None:
    """What it says between the request and its end is not lost."""
    screen = Heard()
    then = (
        "def bye(*_):\n"
        "    print('goodbye', file=sys.stderr, flush=True)\n"
        "    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, bye)\n"
        "print('ready', flush=True)\n"
        "signal.pause()\n"
    )
    task = asyncio.create_task(child(tmp_path, then).run(screen))
    await said(screen, 2)
    await stopped(task)
    assert screen.logged == ["goodbye"]


async def test_what_ran_before_is_tried_again_whatever_it_says(tmp_path: Path) -> None:
    """A port that is taken, or a symbol that is not listed, only when a process comes back may pass."""
    screen = Heard()
    task = asyncio.create_task(child(tmp_path, "sys.exit(2 if restarts else 1)").run(screen))
    await said(screen, 3)
    await stopped(task)
    assert [line.split()[2] for line in screen.said[:3]] == ["0", "1", "2"]


async def test_settings_that_cannot_work_are_not_tried_again(tmp_path: Path) -> None:
    """The sentence of the process is the program's."""
    then = "print('main.py: no such port.', file=sys.stderr); sys.exit(2)"
    with pytest.raises(SettingError, match=r"^no such port\.$"):
        await child(tmp_path, then).run(Heard())


async def test_a_ban_is_told_to_all_processes_and_outlives_their_restart(tmp_path: Path) -> None:
    """What one says of it, the other hears on its standard input, and the next has among its settings."""
    screen, holds = Heard(), Holds()
    speaks = child(tmp_path, "print('hold 5000000000.5', flush=True); time.sleep(1e6)", holds)
    other = tmp_path / "other"
    other.mkdir()
    listens = child(
        other,
        "print('began with', os.environ['REST_NOT_BEFORE'], flush=True)\n"
        "if not restarts: print('heard', sys.stdin.readline().strip(), flush=True)\n"
        "sys.exit(1) if not restarts else time.sleep(1e6)\n",
        holds,
    )
    tasks = [asyncio.create_task(listens.run(screen))]
    await said(screen, 2)
    tasks.append(asyncio.create_task(speaks.run(screen)))
    await said(screen, 6)
    for task in tasks:
        await stopped(task)
    words = [line.partition(": ")[2] for line in screen.said if "run" not in line.split()]
    assert words == ["began with 0.0", "heard hold 5000000000.5", "began with 5000000000.5"]
    assert holds.until == 5_000_000_000.5


def test_only_a_later_end_of_a_ban_counts() -> None:
    """One that is over sooner than another says nothing new."""
    holds = Holds(100.0)
    holds.hold_until(50.0)
    assert holds.until == 100
    holds.hold_until(150.0)
    assert holds.until == 150


async def test_a_held_port_is_nobody_elses_while_there_is_no_process(tmp_path: Path) -> None:
    """Another cannot bind it, the next process listens on the same socket, and nobody asks in vain."""
    then = (
        "import socket\n"
        "listener = socket.socket(fileno=int(os.environ['LISTEN_FD']))\n"
        "if not restarts: sys.exit(1)\n"
        "there, _ = listener.accept()\n"
        "there.sendall(b'second process')\n"
        "time.sleep(1e6)\n"
    )
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        address = listener.getsockname()
        held = child(tmp_path, then, listener=listener)
        with socket.create_connection(address) as early:  # before any process is there
            task = asyncio.create_task(held.run(Heard()))
            with socket.socket() as thief:
                thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                with pytest.raises(OSError, match="in use"):
                    thief.bind(address)
            early.settimeout(PATIENCE)
            assert await asyncio.to_thread(early.recv, 100) == b"second process"
        await stopped(task)
