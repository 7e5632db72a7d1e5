"""Clients of the simulated exchange that ask without end, or that it is not there for."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator

import aiohttp
import psutil
import pytest
import pytest_asyncio

from data_ingestion.simulated_exchange import http_bounds
from data_ingestion.simulated_exchange.server import SimulatedExchange

PATIENCE = 30.0
LINE = b"GET /fapi/v1/ping HTTP/1.1\r\nHost: 127.0.0.1\r\n"
HANDSHAKE = (
    b"GET /public/ws/btcusdt@depth@100ms HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest_asyncio.fixture
async def exchange() -> AsyncIterator[SimulatedExchange]:
    """Run an exchange that plays nothing by itself and answers nobody who says where he comes from."""
    running = SimulatedExchange(
        ["BTCUSDT"], self_paced=False, objection=lambda values: "go away" if values("origin") else None
    )
    async with running:
        yield running


async def poured(port: int, begin: bytes, more: bytes) -> None:
    """Send `begin`, then `more` over and over until the exchange ends the connection."""
    async with asyncio.timeout(PATIENCE):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(begin)
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(more)
                await writer.drain()


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        pytest.param(b"GET /", b"a" * 10_000, id="a request line"),
        pytest.param(LINE + b"x: ", b"a" * 10_000, id="a header"),
        pytest.param(LINE, b"a: b\r\n" * 1_000, id="headers"),
        pytest.param(b"", b"\0" * 10_000, id="zeros"),
        pytest.param(b"", b"\x16\x03\x01\x02\x00\x01\x00\x01" * 1_000, id="a TLS hello"),
        pytest.param(LINE + b"Content-Length: 99999999\r\n\r\n", b"a" * 10_000, id="a body"),
        pytest.param(LINE + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n" * 1_000, id="chunks"),
    ],
)
async def test_a_request_without_end_is_cut_off(
    exchange: SimulatedExchange, begin: bytes, more: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing of it is kept, and nobody reads of it in the log."""
    gc.collect()
    before = psutil.Process().memory_info().rss
    await poured(exchange.port, begin, more)
    assert psutil.Process().memory_info().rss - before < 20 * 2**20
    assert "Traceback" not in caplog.text
    ping = f"http://127.0.0.1:{exchange.port}/fapi/v1/ping"
    async with aiohttp.ClientSession() as session, session.get(ping) as reply:
        assert reply.status == 200


@pytest.mark.parametrize("said", [b"", b"GET", LINE, LINE + b"\r\n" + LINE])
async def test_a_request_that_does_not_come_is_not_waited_for(
    said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that says nothing, and half a head, end by themselves."""
    monkeypatch.setattr(http_bounds, "WHOLE_WITHIN", 0.05)
    async with SimulatedExchange(["BTCUSDT"], self_paced=False) as exchange, asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", exchange.port)
        writer.write(said)
        await reader.read()
        writer.close()


@pytest.mark.parametrize(
    "path", ["/fapi/v1/depth?symbol=BTCUSDT", "/public/ws/btcusdt@depth@100ms", "/nothing"]
)
async def test_who_is_not_to_be_answered_is_refused(exchange: SimulatedExchange, path: str) -> None:
    """On every route; it costs no request weight."""
    url = f"http://127.0.0.1:{exchange.port}"
    async with aiohttp.ClientSession() as session:
        async with session.get(url + path, headers={"Origin": "https://evil.example.com"}) as reply:
            assert reply.status == 403
        async with session.get(f"{url}/fapi/v1/ping") as reply:
            assert reply.headers["X-MBX-USED-WEIGHT-1M"] == "1"


@pytest.mark.parametrize("frame", [b"\x8a\x80\0\0\0\0", b"\x89\x80\0\0\0\0", b"\x81\x80\0\0\0\0"])
async def test_one_who_floods_a_stream_keeps_nobody_waiting(
    exchange: SimulatedExchange, frame: bytes
) -> None:
    """Pongs, pings and empty calls: meanwhile the next request is answered."""
    _, writer = await asyncio.open_connection("127.0.0.1", exchange.port)
    writer.write(HANDSHAKE)

    async def pour() -> None:
        while True:
            writer.write(frame * 10_000)
            await writer.drain()

    flood = asyncio.create_task(pour())
    async with aiohttp.ClientSession() as session, asyncio.timeout(PATIENCE):
        for _ in range(5):
            async with session.get(f"http://127.0.0.1:{exchange.port}/fapi/v1/ping") as reply:
                assert reply.status == 200
    flood.cancel()
    await asyncio.gather(flood, return_exceptions=True)
    writer.transport.abort()
