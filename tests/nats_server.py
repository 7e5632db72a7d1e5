"""A nats-server of a test's own: on loopback, keeping things in memory alone."""

import asyncio
import contextlib
import shutil
import signal
from pathlib import Path
from types import TracebackType

import pytest

from tests.program import PATIENCE, free_port

SERVER = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin:/usr/local/sbin")

needs_nats = pytest.mark.skipif(SERVER is None, reason="no nats-server here: apt-get install nats-server")
"""Marks tests that start one."""


class NatsServer:
    """Runs it, and kills it as a power cut would. `folder` must be there; nothing is written to it."""

    def __init__(self, folder: Path, *arguments: str, jetstream: bool = True) -> None:
        self.port = free_port()
        self.process: asyncio.subprocess.Process | None = None
        kept = ("-js", "-sd", str(folder)) if jetstream else ()
        self._arguments = ("-a", "127.0.0.1", "-p", str(self.port), *kept, *arguments)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"nats://127.0.0.1:{self.port}"

    async def __aenter__(self) -> "NatsServer":
        """Start it."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        await self.kill()

    async def start(self) -> None:
        """Start, and wait until it listens."""
        if SERVER is None:
            raise RuntimeError("nats-server is not installed: apt-get install nats-server")
        self.process = await asyncio.create_subprocess_exec(
            SERVER, *self._arguments, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        async with asyncio.timeout(PATIENCE):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()
                    return
                await asyncio.sleep(0.02)

    def stop(self) -> None:
        """Let it stand still, connections and all."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on after `stop`."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        if self.process is None:
            raise RuntimeError("the server is not running")
        self.process.send_signal(number)

    async def kill(self) -> None:
        """End it at once: all that it kept is gone."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
            self.process = None
