"""Runs the real program, and reads its frames as a client would."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 60.0
"""Seconds after which waiting for something that must come is given up; never a measure of speed."""

Frame = dict[str, Any]


def free_port() -> int:
    """Return a TCP port that is free on loopback just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment_of(**settings: object) -> dict[str, str]:
    """Return the environment of a program run with these settings and no others of ours."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BINANCE_")}
    clean.pop("SYMBOLS", None)
    return clean | {name.upper(): str(value) for name, value in settings.items()}


class Program:
    """`python main.py` with settings given as environment variables, without the page unless `page` is True.

    Output is kept in `output`.
    """

    def __init__(self, **settings: object) -> None:
        settings.setdefault("page", False)
        self.api_port = int(str(settings.setdefault("api_port", free_port())))
        self.dashboard_port = int(str(settings.setdefault("dashboard_port", free_port())))
        self._environment = environment_of(**settings)
        self.output: list[str] = []
        self.process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Program":
        """Start."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(ROOT / "main.py"),
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._reader = asyncio.create_task(self._read(self.process))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop, as Ctrl-C would."""
        await self.stop(signal.SIGINT)

    async def stop(self, number: signal.Signals) -> int:
        """Send a signal and return the exit code."""
        if self.process is None or self._reader is None:
            raise RuntimeError("not started")
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        code = await asyncio.wait_for(self.process.wait(), PATIENCE)
        await self._reader
        return code

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is None:
            raise RuntimeError("not started")
        async for line in process.stdout:
            self.output.append(line.decode(errors="replace").rstrip())

    def order(self, symbol: str, side: str, size: float) -> str:
        """Return where that order is simulated."""
        return f"http://127.0.0.1:{self.api_port}/simulate?symbol={symbol}&side={side}&size={size}"

    def url(self, symbol: str, query: str = "") -> str:
        """Return where the frames of `symbol` are."""
        return f"ws://127.0.0.1:{self.api_port}/ws/{symbol}{query}"


@contextlib.asynccontextmanager
async def listening(url: str) -> AsyncIterator[ClientConnection]:
    """Connect to `url` as soon as somebody listens there."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                connection = await connect(url, max_size=None, proxy=None)
                break
            except OSError:
                await asyncio.sleep(0.05)
    try:
        yield connection
    finally:
        await connection.close()


async def listening_at(port: int) -> None:
    """Wait until somebody listens at `port` of loopback."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.05)


async def next_frame(connection: ClientConnection) -> Frame:
    """Return the next frame."""
    async with asyncio.timeout(PATIENCE):
        frame: Frame = json.loads(await connection.recv())
        return frame


async def next_live(connection: ClientConnection) -> Frame:
    """Skip frames until one is live, and return it."""
    async with asyncio.timeout(PATIENCE):
        while True:
            frame = await next_frame(connection)
            if frame["status"] == "live":
                return frame


async def asked(url: str) -> httpx.Response:
    """Return what an HTTP route answers."""
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as http:
        return await http.get(url)


async def order_answered(url: str) -> dict[str, Any]:
    """Ask for a simulated order until the book is live, and return it."""
    async with asyncio.timeout(PATIENCE):
        while (reply := await asked(url)).status_code == 503:  # noqa: ASYNC110 - a busy machine's book
            await asyncio.sleep(0.05)
    answer: dict[str, Any] = reply.json()
    assert reply.status_code == 200, answer
    return answer
