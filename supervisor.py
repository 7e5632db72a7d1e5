"""Watches the program's processes: starts them, shows what they say, and replaces those that end or hang.

Both ends of that are here. A process shows once a second that its event loop turns, with an empty line on
its standard output (`run_until_stopped`); one that is stopped or blocked says nothing, and is killed
and replaced. Silence is measured in this process's own turns of its loop: where the whole machine slept,
or this process was stopped, no time has passed for anybody.
"""

import asyncio
import contextlib
import logging
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from dataclasses import replace
from typing import Any, Final

from config import SettingError, Settings
from data_ingestion.backoff import Backoff

log = logging.getLogger("main")

EXIT_SETTINGS: Final = 2
ORPHAN_CHECK: Final = 0.5  # seconds
BEAT_EVERY: Final = 1.0  # seconds
HUNG_AFTER: Final = 8  # turns of about a second without a sign of life
STARTED_AFTER: Final = 60  # turns until the first one; imports take long on a busy machine
STOP_TIMEOUT: Final = 5.0  # seconds
PROFILE_STOP_TIMEOUT: Final = 30.0  # seconds, where each process has a report of its memory to make first
LAST_WORDS_TIMEOUT: Final = 1.0  # seconds for what an ended process said to be read


class SilenceMeter:
    """Counts turns without a sign of life. Pure."""

    def __init__(self) -> None:
        self._turns = 0
        self._heard = False

    def heard(self) -> None:
        """Note a sign of life."""
        self._turns, self._heard = 0, True

    def turn(self) -> bool:
        """Note that a turn has passed; return whether the process counts as hung."""
        self._turns += 1
        return self._turns >= (HUNG_AFTER if self._heard else STARTED_AFTER)


class Screen:
    """Where the processes' lines go: status lines stay in place on a terminal, and scroll elsewhere."""

    def status(self, name: str, line: str) -> None:
        """Show the newest status line of a process."""
        del name
        print(line, flush=True)

    def message(self, line: str) -> None:
        """Show a line of a process's log."""
        print(line, file=sys.stderr, flush=True)


class _Terminal(Screen):
    def __init__(self, live: Any) -> None:
        self._live = live
        self._lines: dict[str, str] = {}

    def status(self, name: str, line: str) -> None:
        from rich.text import Text

        self._lines[name] = line
        text = Text(
            "\n".join(self._lines[key] for key in sorted(self._lines)), no_wrap=True, overflow="ellipsis"
        )
        text.highlight_words(["LIVE"], "bold green")
        text.highlight_words(["SYNCING", "STALE", "SIMULATED"], "bold yellow")
        self._live.update(text, refresh=True)

    def message(self, line: str) -> None:
        self._live.console.print(line, markup=False, highlight=False)


@contextlib.contextmanager
def screen_of_this_terminal() -> Any:
    """Give a `Screen` for as long as it is used."""
    if not sys.stdout.isatty():
        yield Screen()
        return
    from rich.live import Live

    with Live(auto_refresh=False) as live:
        yield _Terminal(live)


class Child:
    """One process of this program, run by `program`, started again whenever it dies or hangs."""

    def __init__(self, name: str, program: str, settings: Settings) -> None:
        self._name = name
        self._program = program
        self._settings = settings
        self._stop_timeout = PROFILE_STOP_TIMEOUT if settings.profile_memory else STOP_TIMEOUT

    async def run(self, screen: Screen) -> None:
        """Keep the process running. Raises `SettingError` where its settings do not let it start at all."""
        backoff, clock = Backoff(random.SystemRandom().random), asyncio.get_running_loop().time
        restarts = 0
        while True:
            backoff.worked(clock())
            code, last_words = await self._run_once(screen, restarts)
            if code == EXIT_SETTINGS and not restarts:
                raise SettingError(last_words.removeprefix("main.py: "))
            delay = backoff.failed(clock())
            restarts += 1
            log.warning(
                "the %s process ended (code %s); starting it again in %.1f s", self._name, code, delay
            )
            await asyncio.sleep(delay)

    async def _run_once(self, screen: Screen, restarts: int) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            self._program,
            env=os.environ | replace(self._settings, restarts=restarts).environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C reaches this process alone, which then ends the others
            limit=2**20,
        )
        last_words, silence = "", SilenceMeter()

        async def pump_status(pipe: asyncio.StreamReader) -> None:
            async for line in lines_of(pipe):
                silence.heard()
                if line:
                    screen.status(self._name, line)

        async def pump_messages(pipe: asyncio.StreamReader) -> None:
            nonlocal last_words
            async for line in lines_of(pipe):
                last_words = line
                if not last_words.startswith("main.py: "):
                    screen.message(last_words)

        async with asyncio.TaskGroup() as tasks:
            if process.stdout is None or process.stderr is None:
                raise RuntimeError("a process without pipes")
            pumps = [
                tasks.create_task(pump_status(process.stdout)),
                tasks.create_task(pump_messages(process.stderr)),
            ]
            watch = tasks.create_task(self._kill_when_hung(process, silence))
            try:
                code = await process.wait()
            finally:
                watch.cancel()
                await self._end(process)
                await asyncio.wait(pumps, timeout=LAST_WORDS_TIMEOUT)
        return code, last_words

    async def _kill_when_hung(self, process: asyncio.subprocess.Process, silence: SilenceMeter) -> None:
        while not silence.turn():  # noqa: ASYNC110 - turns are what is counted
            await asyncio.sleep(BEAT_EVERY)
        log.warning("the %s process gave no sign of life for too long", self._name)
        with contextlib.suppress(ProcessLookupError):
            process.kill()  # a stopped process would not hear a request

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self._stop_timeout)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def lines_of(pipe: asyncio.StreamReader) -> AsyncIterator[str]:
    """Yield what a process says; a line too long for the stream's limit is left out."""
    while True:
        try:
            line = await pipe.readline()
        except ValueError:
            continue
        if not line:
            return
        yield line.decode(errors="replace").rstrip()


# --- the other end: what each process does about its supervisor -----------------------------------------


def say(line: str = "") -> None:
    """Write a line to standard output; where nobody reads it is left out, and never waited for."""
    with contextlib.suppress(OSError):
        print(line, flush=True)


async def run_until_stopped(work: Coroutine[Any, Any, None], supervisor_pid: int) -> None:
    """Run `work` until it ends, a signal asks for its end, or its supervisor, if it has one, is gone."""
    job = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C cancels by itself
            loop.add_signal_handler(number, job.cancel)
    others = []
    if supervisor_pid:
        others = [asyncio.create_task(_cancel_orphan(job, supervisor_pid)), asyncio.create_task(_beat())]
    try:
        await job
    finally:
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


async def _beat() -> None:
    """Show once a second that the loop turns."""
    with contextlib.suppress(OSError):  # a supervisor that does not read must not hold up anything
        os.set_blocking(sys.stdout.fileno(), False)
    while True:
        say()
        await asyncio.sleep(BEAT_EVERY)


async def _cancel_orphan(job: asyncio.Task[None], supervisor_pid: int) -> None:
    """End a process whose supervisor was killed: nobody else would."""
    while os.getppid() == supervisor_pid:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(ORPHAN_CHECK)
    job.cancel()
