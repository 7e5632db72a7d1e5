"""When a process that says nothing counts as hung."""

import asyncio
import os
from pathlib import Path

import pytest

from config import SettingError, Settings
from supervisor import HUNG_AFTER, STARTED_AFTER, Child, Screen, SilenceMeter
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


def child(folder: Path, then: str) -> Child:
    """Return a supervised process that says its number and then does as told."""
    script = folder / "program.py"
    script.write_text(PROGRAM.format(then=then), encoding="utf-8")
    return Child("it", str(script), Settings())


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
