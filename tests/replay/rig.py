"""The recording and the rig that stand beside the project, where they do."""

import asyncio
import contextlib
import importlib.util
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import aiohttp
import pytest

from tests.program import PATIENCE, ROOT, free_port

SHARED = Path(os.environ.get("ORDERBOOK_SHARED", ROOT.parent / "shared"))
RIG = SHARED / "replay_exchange" / "replay_exchange.py"
CHECKER = SHARED / "replay_exchange" / "check_frames.py"
RECORDING = SHARED / "recordings" / "btcusdt_20240808.gz"
SYMBOL = "BTCUSDT"

needs_recording = pytest.mark.skipif(
    not (RIG.exists() and RECORDING.exists()),
    reason="skipped: the recording and its rig are not beside the project (../shared)",
)


def rig_module() -> ModuleType:
    """Return the rig as a module, for replays without sockets."""
    spec = importlib.util.spec_from_file_location("replay_exchange", RIG)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"cannot load {RIG}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextlib.asynccontextmanager
async def checked_by(checker: Path, *arguments: str) -> AsyncIterator[None]:
    """Run one of the rig's own checkers beside the block; afterwards it must have found nothing wrong."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(checker), *arguments, stdout=asyncio.subprocess.PIPE
    )
    yield
    said, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 0, said.decode()


class Rig:
    """The rig as a server of its own."""

    def __init__(self, *options: str, symbol: str = SYMBOL) -> None:
        self.symbol = symbol
        self.port = free_port()
        self.http = f"http://127.0.0.1:{self.port}"
        self.settings = {
            "source": "binance",
            "symbols": symbol,
            "binance_public_ws_url": f"ws://127.0.0.1:{self.port}/public",
            "binance_market_ws_url": f"ws://127.0.0.1:{self.port}/market",
            "binance_rest_url": self.http,
        }
        self._command = [
            sys.executable,
            str(RIG),
            "--port",
            str(self.port),
            *options,
            f"{symbol}={RECORDING}",
        ]

    async def __aenter__(self) -> "Rig":
        """Start, and wait until it serves."""
        self._process = await asyncio.create_subprocess_exec(
            *self._command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        self._session = aiohttp.ClientSession()
        if self._process.stdout is None:
            raise RuntimeError("not started")
        await self._process.stdout.readline()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self._session.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        await self._process.communicate()

    async def fault(self, kind: str, **ask: float) -> None:
        """Switch a fault on."""
        async with self._session.post(
            f"{self.http}/_fault", json={"kind": kind, "symbol": self.symbol, **ask}
        ) as reply:
            reply.raise_for_status()

    async def truth(self, update_id: int) -> dict[str, list[list[float]]] | None:
        """Return the true top ten after an event, or None where no event ended with that id."""
        async with self._session.get(f"{self.http}/_truth/{self.symbol}/{update_id}") as reply:
            return await reply.json() if reply.status == 200 else None

    async def kept_levels(self) -> list[int]:
        """Return the update ids whose whole book is kept for long."""
        async with self._session.get(f"{self.http}/_levels/{self.symbol}") as reply:
            kept: list[int] = await reply.json()
            return kept

    async def levels(self, update_id: int) -> dict[str, list[list[float]]] | None:
        """Return the whole true book after an event, or None where it is no longer kept."""
        async with self._session.get(f"{self.http}/_levels/{self.symbol}/{update_id}") as reply:
            return await reply.json() if reply.status == 200 else None

    async def stats(self) -> dict[str, int]:
        """Return what the rig has counted."""
        async with self._session.get(f"{self.http}/_stats") as reply:
            counted: dict[str, dict[str, int]] = await reply.json()
            return counted[self.symbol]


def book_tickers() -> Iterator[dict[str, Any]]:
    """Yield the recording's own best prices, as the exchange sent them."""
    import gzip
    import json

    with gzip.open(RECORDING) as lines:
        for line in lines:
            if b"@bookTicker" in line:
                yield json.loads(line.partition(b" ")[2])["data"]
