"""Clients that do what no client should: read nothing, flood, come and go by the hundred, or just sit."""

import asyncio
import base64
import contextlib
import os
import socket
import struct
import sys
from collections.abc import AsyncIterator
from random import Random
from typing import Final

HUGE: Final = 9 * 2**20
"""Bytes of a message longer than the API takes."""

RECEIVE_BUFFER: Final = 4_096
"""Bytes that the system takes for one who does not read."""

POURS: Final = {
    "requests without end": ("api", "dashboard", "exchange"),
    "pongs without end": ("BTCUSDT",),
    "half messages": ("BTCUSDT",),
}
"""What is poured by a process of its own, and at whom."""

HALVES: Final = 8.0
"""Seconds for which half messages are held."""

_GONE: Final = (OSError, asyncio.IncompleteReadError, TimeoutError)


def handshake(path: str, port: int) -> bytes:
    """Return the request that opens a WebSocket."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def masked(opcode: int, body: bytes, *, final: bool = True) -> bytes:
    """Return a client's WebSocket frame; the mask is zero, which is a mask like any other."""
    first = (0x80 if final else 0) | opcode
    if len(body) < 126:
        head = struct.pack("!BB", first, 0x80 | len(body))
    elif len(body) < 2**16:
        head = struct.pack("!BBH", first, 0x80 | 126, len(body))
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, len(body))
    return head + bytes(4) + body


@contextlib.asynccontextmanager
async def connection(port: int, path: str) -> AsyncIterator[asyncio.StreamWriter | None]:
    """Hold a WebSocket of which nobody reads more than the answer to the handshake; None if it is refused."""
    writer = await _opened(port, path)
    try:
        yield writer
    finally:
        if writer is not None:
            writer.transport.abort()


async def _opened(port: int, path: str) -> asyncio.StreamWriter | None:
    raw = socket.socket()
    raw.setblocking(False)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    writer = None
    try:
        async with asyncio.timeout(10):
            await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", port))
            reader, writer = await asyncio.open_connection(sock=raw, limit=1_024)
            writer.write(handshake(path, port))
            answer = await reader.readuntil(b"\r\n\r\n")
            if b" 101 " in answer.split(b"\r\n", 1)[0]:
                return writer
    except _GONE:
        pass
    if writer is None:
        raw.close()
    else:
        writer.transport.abort()
    return None


async def read_nothing(port: int, symbol: str, seconds: float) -> None:
    """Connect, and let everything lie."""
    async with connection(port, f"/ws/{symbol}?ladders=1"):
        await asyncio.sleep(seconds)


async def flood(port: int, symbol: str, seconds: float, random: Random) -> None:
    """Send garbage as fast as it is taken: broken frames, texts, binaries, pings, fragments without end."""
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        async with connection(port, f"/ws/{symbol}") as writer:
            if writer is None:
                await asyncio.sleep(0.1)
                continue
            with contextlib.suppress(*_GONE):
                while asyncio.get_running_loop().time() < end and not writer.is_closing():
                    writer.write(b"".join(_garbage(random) for _ in range(20)))
                    async with asyncio.timeout(1):
                        await writer.drain()
                    await asyncio.sleep(0)


def _garbage(random: Random) -> bytes:
    body = random.randbytes(random.choice((0, 1, 100, 5_000)))
    choice = random.random()
    if choice < 0.4:
        return masked(2, body)
    if choice < 0.7:
        return masked(1, b'{"subscribe": "everything"}')
    if choice < 0.9:
        return masked(9, body[:100])  # a ping that must be answered
    if choice < 0.999:
        return masked(1, b"x" * 50)
    return body  # no frame at all: this connection ends


async def send_huge(port: int, symbol: str, messages: int) -> None:
    """Send messages longer than the API takes."""
    for _ in range(messages):
        async with connection(port, f"/ws/{symbol}") as writer:
            if writer is not None:
                with contextlib.suppress(*_GONE):
                    async with asyncio.timeout(5):
                        for part in range(0, HUGE, 2**18):
                            del part
                            writer.write(masked(2, bytes(2**18), final=False))
                            await writer.drain()


async def pour(port: int, begin: bytes, more: bytes, seconds: float, *, path: str = "") -> None:
    """Send `begin` and then `more` over and over, as fast as it is taken; again from the start when cut off.

    With a `path`, what is sent follows the handshake of a WebSocket there. Nothing is ever read.
    """
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        with contextlib.suppress(*_GONE):
            async with asyncio.timeout(end - asyncio.get_running_loop().time()):
                if path:
                    async with connection(port, path) as writer:
                        if writer is not None:
                            await _pour(writer, begin, more)
                else:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    try:
                        await _pour(writer, begin, more)
                    finally:
                        writer.transport.abort()
        await asyncio.sleep(0.1)


async def _pour(writer: asyncio.StreamWriter, begin: bytes, more: bytes) -> None:
    writer.write(begin)
    while not writer.is_closing():
        writer.write(more)
        await writer.drain()
        await asyncio.sleep(0)


def heads(port: int) -> tuple[tuple[bytes, bytes], ...]:
    """Return beginnings of a request, each with what is then sent without end."""
    line = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % port
    post = line.replace(b"GET", b"POST")
    return (
        (line + b"x: ", b"a" * 2**16),
        (line, b"a: b\r\n" * 10_000),
        (b"GET /", b"a" * 2**16),
        (post + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n" * 10_000),
        (post + b"Content-Length: 99999999999\r\n\r\n", b"a" * 2**16),
        (b"", (line + b"\r\n") * 1_000),
    )


async def pour_heads(port: int, seconds: float) -> None:
    """Send requests that never end, one connection for each way to do so."""
    await asyncio.gather(*(pour(port, begin, more, seconds) for begin, more in heads(port)))


async def pour_pongs(port: int, symbol: str, seconds: float) -> None:
    """Send pongs, pings and empty messages without end, and go on after a close with 4404."""
    pong, ping, message = masked(10, b""), masked(9, b""), masked(1, b"")
    await asyncio.gather(
        *(pour(port, b"", pong * 10_000, seconds, path=f"/ws/{symbol}") for _ in range(4)),
        *(pour(port, b"", one * 10_000, seconds, path="/ws/NOTHING") for one in (pong, ping, message)),
        pour(port, b"", masked(8, b"\x03\xe8") * 10_000, seconds, path=f"/ws/{symbol}"),
    )


async def half_messages(port: int, symbol: str, count: int, seconds: float) -> None:
    """Send messages of 7 MiB of which the last byte never comes, whole and in fragments, and wait."""
    size, part = 7 * 2**20, bytes(2**16)
    head = struct.pack("!BBQ", 0x82, 0x80 | 127, size) + bytes(4)
    fragment = masked(0, part, final=False)

    async def one(number: int) -> None:
        async with connection(port, f"/ws/{symbol}") as writer:
            if writer is None:
                return
            with contextlib.suppress(*_GONE):
                async with asyncio.timeout(seconds):
                    writer.write(head if number % 2 else masked(2, part, final=False))
                    for _ in range(size // len(part) - 1):
                        writer.write(part if number % 2 else fragment)
                        await writer.drain()
                    await asyncio.sleep(seconds)

    await asyncio.gather(*(one(number) for number in range(count)))


async def come_and_go(port: int, symbol: str, times: int) -> None:
    """Connect and leave at once, some of them in the middle of the handshake."""

    async def once(number: int) -> None:
        if number % 3:
            async with connection(port, f"/ws/{symbol}"):
                return
        with contextlib.suppress(*_GONE):
            async with asyncio.timeout(5):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(handshake(f"/ws/{symbol}", port)[: number % 150])
                await writer.drain()
                writer.transport.abort()

    for start in range(0, times, 50):
        await asyncio.gather(*(once(number) for number in range(start, min(times, start + 50))))


async def sit(port: int, symbol: str, count: int, seconds: float) -> int:
    """Hold many idle connections for a while; return how many there were at once."""
    async with contextlib.AsyncExitStack() as stack:
        opened = 0
        for start in range(0, count, 100):
            size = min(100, count - start)
            found = await asyncio.gather(
                *(stack.enter_async_context(connection(port, f"/ws/{symbol}")) for _ in range(size))
            )
            opened += sum(writer is not None for writer in found)
        await asyncio.sleep(seconds)
        return opened


async def ask_nonsense(port: int, times: int, random: Random) -> None:
    """Send HTTP requests that are none, or that ask for what cannot be."""
    asks = (
        b"GET /simulate?symbol=BTCUSDT&side=buy&size=nan HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /simulate?symbol=" + b"A" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /simulate HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n",
        b"\x16\x03\x01" + bytes(200),
        b"GET " * 1_000,
    )
    for _ in range(times):
        with contextlib.suppress(*_GONE):
            async with asyncio.timeout(2):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                try:
                    writer.write(random.choice(asks))
                    await writer.drain()
                    await reader.read(100)
                finally:
                    writer.transport.abort()


def main() -> None:
    """Pour what the command line says: name, port, whom it is meant for, and how much."""
    name, port, target, amount = sys.argv[1:]
    if name == "half messages":
        work = half_messages(int(port), target, int(float(amount)), HALVES)
    elif name == "pongs without end":
        work = pour_pongs(int(port), target, float(amount))
    else:
        work = pour_heads(int(port), float(amount))
    asyncio.run(work)


if __name__ == "__main__":
    main()
