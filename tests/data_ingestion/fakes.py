"""Small servers on loopback that say what a test wants, and a sink that remembers all it hears."""

import asyncio
import contextlib
import email.utils
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Self

from aiohttp import web

from data_ingestion.causes import Cause
from data_ingestion.messages import AggTrade, DepthUpdate, Snapshot
from data_ingestion.sink import Notice, SnapshotRequest, Stream, StreamState, SymbolInfo
from tests.builders import depth_wire, encode, snapshot_wire

Script = Callable[[asyncio.StreamWriter], Awaitable[None]]
"""Writes what a raw server has to say to one request."""


def http_date(seconds: float) -> str:
    """Write a time as HTTP does."""
    return email.utils.formatdate(seconds, usegmt=True)


def http(status: int, body: bytes = b"", *headers: str) -> bytes:
    """Return a whole HTTP reply."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def says(*parts: bytes) -> Script:
    """Write `parts` one after another, a second apart, and hang up."""

    async def script(writer: asyncio.StreamWriter) -> None:
        for number, part in enumerate(parts):
            if number:
                await asyncio.sleep(1)
            writer.write(part)
            await writer.drain()

    return script


def says_and_hangs(*parts: bytes) -> Script:
    """Write `parts`, and then nothing more for a very long time."""

    async def script(writer: asyncio.StreamWriter) -> None:
        await says(*parts)(writer)
        await asyncio.sleep(1e6)

    return script


class RawServer:
    """A TCP server that reads the head of one HTTP request on each connection and then follows a script.

    The scripts are used in turn, the last one for ever.
    """

    def __init__(self, *scripts: Script) -> None:
        self._scripts = list(scripts)
        self._tasks: set[asyncio.Task[Any]] = set()
        self.requests: list[str] = []
        self.times: list[float] = []
        self.open = 0
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """Where it is, for REST."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        """Where it is, for WebSockets."""
        return f"ws://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.open += 1
        try:
            self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
            self.times.append(asyncio.get_running_loop().time())
            script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
            talk = asyncio.ensure_future(script(writer))
            hang_up = asyncio.ensure_future(reader.read())
            try:
                await asyncio.wait((talk, hang_up), return_when=asyncio.FIRST_COMPLETED)
            finally:
                talk.cancel()
                hang_up.cancel()
                await asyncio.gather(talk, hang_up, return_exceptions=True)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def update(number: int, **fields: object) -> bytes:
    """Return depth event `number`; each follows the one before it."""
    ids = {"U": number * 10 + 1, "u": number * 10 + 10, "pu": number * 10}
    return encode(depth_wire(**(ids | fields)))


Answer = Callable[[], Awaitable[web.Response]]


def answers(status: int = 200, body: bytes | None = None, **headers: str) -> Answer:
    """Answer with a snapshot, or with `status` and `body`."""

    async def answer() -> web.Response:
        content = encode(snapshot_wire()) if body is None else body
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=content, headers=names)

    return answer


def hangs() -> Answer:
    """Never answer."""

    async def answer() -> web.Response:
        await asyncio.sleep(1e6)
        raise AssertionError

    return answer


class FakeExchange:
    """Both stream routes and the snapshot, which do only what a test makes them do.

    `snapshots` are used in turn, the last one for ever.
    """

    def __init__(self, *snapshots: Answer) -> None:
        self.snapshots = list(snapshots) or [answers()]
        self.asked: list[float] = []
        self.queries: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.hung_up = 0
        self.depth: web.WebSocketResponse | None = None
        self.trades: web.WebSocketResponse | None = None
        self.refuse_depth = self.ban_trades = False
        self.port = 0
        self._sent = 0
        self._transports: dict[web.WebSocketResponse, asyncio.Transport] = {}

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/fapi/v1/depth", self._snapshot)
        app.router.add_get("/{route:public|market}/ws/{name}", self._stream)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(self, *_: object) -> None:
        for socket in list(self._transports):
            await socket.close()
        await self._runner.cleanup()

    async def _snapshot(self, request: web.Request) -> web.Response:
        self.asked.append(asyncio.get_running_loop().time())
        self.queries.append(dict(request.query))
        answer = self.snapshots.pop(0) if len(self.snapshots) > 1 else self.snapshots[0]
        try:
            return await answer()
        except asyncio.CancelledError:
            self.hung_up += 1
            raise

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path_qs)
        depth = request.match_info["route"] == "public"
        if depth and self.refuse_depth:
            return web.Response(status=503)
        if not depth and self.ban_trades:
            return web.Response(status=418, headers={"Retry-After": "60"})
        socket = web.WebSocketResponse(timeout=1, compress=False)
        await socket.prepare(request)
        assert isinstance(request.transport, asyncio.Transport)
        self._transports[socket] = request.transport
        if depth:
            self.depth = socket
        else:
            self.trades = socket
        try:
            async for _ in socket:
                pass
        finally:
            del self._transports[socket]
            if depth and self.depth is socket:
                self.depth = None
            elif self.trades is socket:
                self.trades = None
        return socket

    @property
    def connections(self) -> int:
        """How many streams are open."""
        return len(self._transports)

    async def send_depth(self, *frames: bytes) -> None:
        """Send these on the depth stream, at once."""
        assert self.depth is not None
        for frame in frames:
            await self.depth.send_str(frame.decode(errors="surrogateescape"))

    async def send_updates(self, count: int = 1) -> None:
        """Send the next depth events, at once."""
        for _ in range(count):
            self._sent += 1
            await self.send_depth(update(self._sent))

    async def send_trade(self, frame: bytes) -> None:
        """Send this on the trade stream."""
        assert self.trades is not None
        await self.trades.send_str(frame.decode())

    def cut_depth(self) -> None:
        """Cut the depth connection without a closing handshake."""
        assert self.depth is not None
        self._transports[self.depth].abort()

    async def close_trades(self) -> None:
        """Close the trade connection."""
        assert self.trades is not None
        await self.trades.close()

    @contextlib.asynccontextmanager
    async def updating(self, every: float = 0.1) -> AsyncIterator[None]:
        """Send a depth event every so often wherever the stream is open."""

        async def go_on() -> None:
            while True:
                if self.depth is not None:
                    with contextlib.suppress(ConnectionError):
                        await self.send_updates()
                await asyncio.sleep(every)

        task = asyncio.create_task(go_on())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])


class Recorder:
    """A sink that remembers what it hears, in order.

    It wants the snapshot that a test sets. Each answer to it is followed by `after_snapshot`, and each
    depth event by `after_depth`.
    """

    def __init__(self) -> None:
        self.snapshot_request: SnapshotRequest | None = None
        self.confirmation_request: SnapshotRequest | None = None
        self.wants_symbol_info = False
        self.failed = False
        self.confirms = True
        self.confirmations: list[tuple[SnapshotRequest, Snapshot]] = []
        self.listed: list[SymbolInfo] = []
        self.log: list[tuple[str, object]] = []
        self.depth: list[DepthUpdate] = []
        self.trades: list[AggTrade] = []
        self.arrivals: list[tuple[float, float]] = []
        self.malformed: Counter[Stream] = Counter()
        self.dropped: Counter[Stream] = Counter()
        self.states: dict[Stream, list[StreamState]] = {Stream.DEPTH: [], Stream.TRADES: []}
        self.reasons: list[str] = []
        self.causes: list[Cause] = []
        self.snapshots: list[tuple[SnapshotRequest, Snapshot]] = []
        self.failures: list[tuple[SnapshotRequest, str]] = []
        self.after_snapshot: Callable[[], object] = self.want_nothing
        self.after_depth: Callable[[], object] = lambda: None
        self.at_down: Callable[[], object] = lambda: None
        self._requests = 0

    def want(self, epoch: int = 1) -> SnapshotRequest:
        """Want a snapshot, by a request that is new."""
        self._requests += 1
        self.snapshot_request = SnapshotRequest(epoch, self._requests)
        return self.snapshot_request

    def want_nothing(self) -> None:
        """Want no snapshot."""
        self.snapshot_request = None

    def watch(self, steady_ms: float, wall_ms: float) -> bool:
        """Say, once, that the stream has failed if a test said so."""
        del steady_ms, wall_ms
        failed, self.failed = self.failed, False
        return failed

    def on_confirmation(
        self, request: SnapshotRequest, snapshot: Snapshot, sent_ms: float, wall_ms: float
    ) -> bool:
        """Remember, and want no other."""
        del sent_ms, wall_ms
        self.confirmation_request = None
        self.confirmations.append((request, snapshot))
        return self.confirms

    def on_symbol_info(self, info: SymbolInfo) -> None:
        """Remember."""
        self.wants_symbol_info = False
        self.listed.append(info)

    def on_stream(
        self,
        stream: Stream,
        state: StreamState,
        steady_ms: float,
        reason: str | None = None,
        cause: Cause | None = None,
    ) -> None:
        """Remember."""
        del steady_ms
        self.states[stream].append(state)
        self.log.append((f"{stream.value} {state.value}", None))
        if reason is not None:
            self.reasons.append(reason)
        if cause is not None:
            self.causes.append(cause)
        if stream is Stream.DEPTH and state is StreamState.DOWN:
            self.at_down()

    def on_malformed(self, stream: Stream) -> None:
        """Count."""
        self.malformed[stream] += 1

    def on_overflow(self, stream: Stream, dropped: int) -> None:
        """Count, and remember."""
        self.dropped[stream] += dropped
        self.log.append(("overflow", dropped))

    def on_depth(self, event: DepthUpdate, wall_ms: float, steady_ms: float) -> None:
        """Remember."""
        self.depth.append(event)
        self.arrivals.append((wall_ms, steady_ms))
        self.log.append(("depth", event.final_update_id))
        self.after_depth()

    def on_trade(self, trade: AggTrade, steady_ms: float) -> None:
        """Remember."""
        del steady_ms
        self.trades.append(trade)

    def on_snapshot(self, request: SnapshotRequest, snapshot: Snapshot, steady_ms: float) -> None:
        """Remember."""
        del steady_ms
        self.snapshots.append((request, snapshot))
        self.after_snapshot()

    def on_snapshot_failed(self, request: SnapshotRequest, reason: str) -> None:
        """Remember."""
        self.failures.append((request, reason))

    def drain_notices(self) -> list[Notice]:
        """Return none."""
        return []
