"""Watches the program's processes: starts them, shows what they say, and replaces those that end or hang.

The other end of that is `lifeline.py`. A process shows once a second that its event loop turns, with an empty
line on its standard output; one that is stopped or blocked says nothing, and is killed and replaced. Silence
is measured in this process's own turns of its loop: where the whole machine slept, or this process was
stopped, no time has passed for anybody.
"""

import asyncio
import contextlib
import logging
import os
import random
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any, Final

from config import SettingError, Settings
from data_ingestion.pacing.backoff import Backoff
from processes.lifeline import BEAT_EVERY, HOLD
from processes.screen import Screen

log = logging.getLogger("main")

EXIT_SETTINGS: Final = 2
HUNG_AFTER: Final = 8  # turns of about a second without a sign of life
STARTED_AFTER: Final = 60  # turns until the first one; imports take long on a busy machine
STOP_TIMEOUT: Final = 5.0  # seconds after which a process that was asked to end is killed
ASK_AGAIN: Final = 1.0  # seconds after which it is asked once more, by a signal
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


class Holds:
    """The latest time before which the exchange wants no request of this address, as any process was told.

    All processes hear of it, those that start later too.
    """

    def __init__(self, until: float = 0.0) -> None:
        self.until = until
        self._listeners: set[asyncio.StreamWriter] = set()

    def hold_until(self, until: float) -> None:
        """Note what a process was told, in seconds since the epoch, and pass it on."""
        if until <= self.until:
            return
        self.until = until
        for listener in self._listeners:
            listener.write(f"{HOLD}{until!r}\n".encode())

    @contextlib.contextmanager
    def told_to(self, listener: asyncio.StreamWriter) -> Iterator[None]:
        """Tell a process from now on."""
        self._listeners.add(listener)
        try:
            yield
        finally:
            self._listeners.discard(listener)


class Child:
    """One process of this program, run by `program`, started again whenever it dies or hangs.

    `listener` is a socket that it listens on. This process keeps it, so that nobody else can take the port
    while there is no process to listen.
    """

    def __init__(
        self,
        name: str,
        program: str,
        settings: Settings,
        *,
        listener: socket.socket | None = None,
        holds: Holds | None = None,
    ) -> None:
        self._name = name
        self._program = program
        self._settings = settings
        self._listener = listener
        self._holds = holds or Holds(settings.rest_not_before)
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
            env=os.environ | self._settings_of(restarts).environment(),
            stdin=asyncio.subprocess.PIPE,  # the process's lifeline: see lifeline.py
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=2**20,
            **self._platform_options(),
        )
        last_words, silence = "", SilenceMeter()

        async def pump_status(pipe: asyncio.StreamReader) -> None:
            async for line in lines_of(pipe):
                silence.heard()
                if line.startswith(HOLD):
                    self._on_hold(line)
                elif line:
                    screen.status(self._name, line)

        async def pump_messages(pipe: asyncio.StreamReader) -> None:
            nonlocal last_words
            async for line in lines_of(pipe):
                last_words = line
                if not last_words.startswith("main.py: "):
                    screen.message(last_words)

        async with asyncio.TaskGroup() as tasks:
            if process.stdin is None or process.stdout is None or process.stderr is None:
                raise RuntimeError("a process without pipes")
            pumps = [
                tasks.create_task(pump_status(process.stdout)),
                tasks.create_task(pump_messages(process.stderr)),
            ]
            watch = tasks.create_task(self._kill_when_hung(process, silence))
            try:
                with self._holds.told_to(process.stdin):
                    code = await process.wait()
            finally:
                watch.cancel()
                await self._end(process)
                await asyncio.wait(pumps, timeout=LAST_WORDS_TIMEOUT)
        return code, last_words

    def _settings_of(self, restarts: int) -> Settings:
        handed = self._listener.fileno() if self._listener is not None and os.name == "posix" else -1
        return replace(self._settings, restarts=restarts, listen_fd=handed, rest_not_before=self._holds.until)

    def _platform_options(self) -> dict[str, Any]:
        """Return how the process is set apart: Ctrl-C reaches this one alone, which then ends the others."""
        if sys.platform == "win32":  # there a process binds its port by itself, and nobody else can meanwhile
            options: dict[str, Any] = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        else:
            handed = (self._listener.fileno(),) if self._listener is not None else ()
            options = {"start_new_session": True, "pass_fds": handed}
        return options

    def _on_hold(self, line: str) -> None:
        with contextlib.suppress(ValueError):
            self._holds.hold_until(float(line.removeprefix(HOLD)))

    async def _kill_when_hung(self, process: asyncio.subprocess.Process, silence: SilenceMeter) -> None:
        while not silence.turn():  # noqa: ASYNC110 - turns are what is counted
            await asyncio.sleep(BEAT_EVERY)
        log.warning("the %s process gave no sign of life for too long", self._name)
        with contextlib.suppress(ProcessLookupError):
            process.kill()  # a stopped process would not hear a request

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        """Ask a process to end, at first by the end of its lifeline: that is heard on every system."""
        if process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        for patience, insist in ((ASK_AGAIN, process.terminate), (self._stop_timeout, process.kill)):
            try:
                await asyncio.wait_for(process.wait(), patience)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    insist()
            else:
                return
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
