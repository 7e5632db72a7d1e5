"""Many WebSocket clients in one process, as light as can be: they read frames and note how late each came."""

import asyncio
import struct
import sys
import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Final, cast

from tests.tools.campaign.hostile import handshake, masked

AT_ONCE: Final = 50  # connections being made
OPEN_TIMEOUT: Final = 30.0
PING: Final = 9
_STAMP: Final = b'"timestamp":'
_HEAD: Final = 300
"""Bytes of a frame within which its time stamp stands."""


@dataclass(slots=True)
class Tally:
    """What a swarm has seen. Lags are ms from the second that a frame closes to its last byte."""

    clients: int = 0
    lags: "array[float]" = field(default_factory=lambda: array("d"))
    missed: int = 0
    closed: int = 0


class Listener(asyncio.Protocol):
    """One client."""

    def __init__(self, port: int, path: str, tally: Tally) -> None:
        self.opened: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._request, self._tally = handshake(path, port), tally
        self._waiting = bytearray()
        self._transport: asyncio.Transport | None = None
        self._newest = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the frames."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class is not derived from it
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Take what came: first the answer to the handshake, then frames."""
        waiting = self._waiting
        waiting += data
        if not self.opened.done():
            end = waiting.find(b"\r\n\r\n")
            if end < 0:
                return
            self.opened.set_result(b" 101 " in waiting[:20])
            del waiting[: end + 4]
        end = 0
        for opcode, start, end in _messages(waiting):
            if opcode == PING and self._transport is not None:
                self._transport.write(masked(10, bytes(waiting[start:end])))
            elif opcode == 1:
                self._frame(bytes(waiting[start : min(end, start + _HEAD)]))
        del waiting[:end]

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the other side has gone."""
        del exc
        self._tally.closed += 1
        if not self.opened.done():
            self.opened.set_result(False)

    def _frame(self, head: bytes) -> None:
        now = time.time() * 1_000
        at = head.find(_STAMP) + len(_STAMP)
        stamp = int(head[at : head.index(b",", at)])
        if self._newest:  # the first frame is as old as it is
            self._tally.lags.append(now - stamp)
            self._tally.missed += max(0, (stamp - self._newest) // 1_000 - 1)
        self._newest = stamp


def _messages(data: bytearray) -> Iterator[tuple[int, int, int]]:
    """Yield opcode, start and end of each message that is there to its last byte."""
    start = 0
    while len(data) >= start + 2:
        length, body = data[start + 1], start + 2
        if length == 126:
            if len(data) < start + 4:
                return
            (length,), body = struct.unpack_from("!H", data, start + 2), start + 4
        elif length == 127:
            if len(data) < start + 10:
                return
            (length,), body = struct.unpack_from("!Q", data, start + 2), start + 10
        if len(data) < body + length:
            return
        yield data[start] & 0x0F, body, body + length
        start = body + length


async def _run(orders: Connection, port: int, path: str) -> None:
    """Add clients and measure, as `orders` says, until told to end."""
    tally, loop = Tally(), asyncio.get_running_loop()

    async def one() -> None:
        try:
            async with asyncio.timeout(OPEN_TIMEOUT):
                _, listener = await loop.create_connection(
                    lambda: Listener(port, path, tally), "127.0.0.1", port
                )
                accepted = await listener.opened
                tally.clients += accepted
        except (OSError, TimeoutError):
            return

    while True:
        order, amount = await asyncio.to_thread(orders.recv)
        if order == "add":
            for start in range(0, int(amount), AT_ONCE):
                await asyncio.gather(*(one() for _ in range(min(AT_ONCE, amount - start))))
            orders.send(tally.clients)
        elif order == "measure":
            del tally.lags[:]
            tally.missed = tally.closed = 0
            await asyncio.sleep(amount)
            orders.send(tally)
        else:
            return


def swarm(orders: Connection, port: int, path: str) -> None:
    """Be a process of clients."""
    factory = None
    if sys.platform != "win32":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_run(orders, port, path))
