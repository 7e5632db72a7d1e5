"""The limit of open files, raised where one may and kept to where not."""

import asyncio
import contextlib
import json
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from processes.open_files import RESERVE
from tests.program import PATIENCE, ROOT, asked, environment_of, free_port, listening, next_live

CLIENTS = 150
LIMIT = 200
"""Of open files: with it, a third of the clients find no room."""


@contextlib.asynccontextmanager
async def limited(ulimit: str, log: Path) -> AsyncIterator[int]:
    """Run the program under a limit of open files; gives the port of its API."""
    port = free_port()
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            "sh",
            *("-c", f'{ulimit} && exec "$@"', "sh", sys.executable, str(ROOT / "main.py")),
            env=environment_of(
                source="simulated",
                symbols="BTCUSDT",
                stale_after=20,
                depth_silence=30,
                page=False,
                api_port=port,
            ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        async with listening(f"ws://127.0.0.1:{port}/ws/BTCUSDT") as connection:
            await next_live(connection)
        yield port
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()


async def outcome(url: str, stack: contextlib.AsyncExitStack) -> str:
    """Return what becomes of one more client, which stays."""
    try:
        connection: ClientConnection = await stack.enter_async_context(
            connect(url, max_size=None, proxy=None)
        )
        async with asyncio.timeout(PATIENCE):
            return str(json.loads(await connection.recv())["status"])
    except ConnectionClosed as closed:
        return f"closed {closed.rcvd.code if closed.rcvd else None}"
    except (OSError, WebSocketException) as error:
        return repr(error)


async def crowd(port: int) -> tuple[Counter[str], int, str]:
    """Return what becomes of a crowd of clients, and meanwhile the status of /symbols and /metrics' text."""
    async with contextlib.AsyncExitStack() as stack:
        url = f"ws://127.0.0.1:{port}/ws/BTCUSDT"
        found = Counter([await outcome(url, stack) for _ in range(CLIENTS)])
        status = (await asked(f"http://127.0.0.1:{port}/symbols")).status_code
        return found, status, (await asked(f"http://127.0.0.1:{port}/metrics")).text


async def test_a_soft_limit_is_raised(tmp_path: Path) -> None:
    """Whoever has not heard of it is served."""
    async with limited(f"ulimit -Sn {LIMIT}", tmp_path / "log") as port:
        found, *_ = await crowd(port)
    assert found == {"live": CLIENTS}


async def test_under_a_hard_limit_operators_are_still_answered(tmp_path: Path) -> None:
    """Streams beyond it are refused with a code and a reason, and the log says so."""
    async with limited(f"ulimit -n {LIMIT}", tmp_path / "log") as port:
        found, status, metrics = await crowd(port)
    room = LIMIT - RESERVE - 1
    assert found == {"live": room, "closed 1013": CLIENTS - room}
    assert status == 200
    assert f"orderbook_streams_refused_total {CLIENTS - room}.0" in metrics
    log = (tmp_path / "log").read_text()
    assert "code 1013" in log
    assert "ulimit -n" in log
    assert "Too many open files" not in log
