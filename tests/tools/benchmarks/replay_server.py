"""Replays a script at any speed to one client, as a process of its own: `python -m ... FILE PORT SPEED`.

It speaks as the exchange does as far as an engine asks, takes the engine's feed, and tells at /_sent when it
sent each depth message, by the clock that all processes of a machine share.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import msgspec
from aiohttp import WSMsgType, web

from tests.tools.benchmarks.replay_script import Line, Script

SETTLE = 1.0  # seconds from both connections to the first message


class Book:
    """The levels of a script as its messages leave them: dicts, sorted only when somebody asks."""

    def __init__(self, script: Script) -> None:
        self._bids, self._asks = dict(script.bids), dict(script.asks)
        self._last_id = script.last_update_id

    def take(self, line: Line) -> None:
        """Take a depth message on."""
        rest = msgspec.json.decode(b"{" + line.parts[2][1:])
        for side, changes in ((self._bids, rest["b"]), (self._asks, rest["a"])):
            for price, size in changes:
                if float(size):
                    side[price] = size
                else:
                    side.pop(price, None)
        self._last_id = rest["u"]

    def snapshot(self, limit: int) -> dict[str, object]:
        """Return what `GET /fapi/v1/depth` answers."""
        now = int(time.time() * 1000)
        bids = sorted(self._bids.items(), key=lambda level: -float(level[0]))
        asks = sorted(self._asks.items(), key=lambda level: float(level[0]))
        return {
            "lastUpdateId": self._last_id, "E": now, "T": now,
            "bids": list(islice(bids, limit)), "asks": list(islice(asks, limit)),
        }  # fmt: skip


class Replay:
    """Sends a script once both streams are connected."""

    def __init__(self, script: Script, speed: float) -> None:
        self._script, self._speed = script, speed
        self._book = Book(script)
        self._sockets: dict[str, web.WebSocketResponse] = {}
        self._sent: list[tuple[int, int]] = []
        self._task: asyncio.Task[None] | None = None

    def app(self) -> web.Application:
        """Return the server's routes."""
        app = web.Application()
        app.router.add_get("/fapi/v1/depth", self._depth)
        app.router.add_get("/_sent", self._tell)
        app.router.add_get("/{route:public|market}/ws/{stream}", self._stream)
        app.router.add_get("/feed/{symbol}", self._feed)
        return app

    async def _depth(self, request: web.Request) -> web.Response:
        return _json(self._book.snapshot(int(request.query["limit"])))

    async def _tell(self, request: web.Request) -> web.Response:
        del request
        return _json(self._sent)

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        self._sockets[request.match_info["route"]] = socket
        if len(self._sockets) == 2 and self._task is None:
            self._task = asyncio.create_task(self._play())
        await _read_on(socket)
        return socket

    async def _feed(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        await _read_on(socket)
        return socket

    async def _play(self) -> None:
        await asyncio.sleep(SETTLE)
        lines = self._script.lines
        first, begin, begin_ms = lines[0].at_ms, time.monotonic(), time.time() * 1000
        for line in lines:
            after = (line.at_ms - first) / self._speed  # ms
            delay = begin + after / 1000 - time.monotonic()
            await asyncio.sleep(max(0.0, delay))
            stamp = b"%d" % (begin_ms + after)
            head, middle, rest = line.parts
            data = head + stamp + middle + stamp + rest
            if line.depth_id is None:
                await self._sockets["market"].send_frame(data, WSMsgType.TEXT)
                continue
            self._book.take(line)
            self._sent.append((line.depth_id, time.monotonic_ns()))
            await self._sockets["public"].send_frame(data, WSMsgType.TEXT)


async def _read_on(socket: web.WebSocketResponse) -> None:
    async for _ in socket:
        pass


def _json(answer: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(answer), content_type="application/json")


async def serve(script: Script, port: int, speed: float) -> None:
    """Serve until cancelled."""
    runner = web.AppRunner(Replay(script, speed).app(), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def main(arguments: Sequence[str]) -> None:
    """Read the script, then serve."""
    path, port, speed = arguments
    script = msgspec.msgpack.decode(Path(path).read_bytes(), type=Script)
    asyncio.run(serve(script, int(port), float(speed)))


if __name__ == "__main__":
    main(sys.argv[1:])
