"""The simulated exchange as a process of its own, which can be killed, stopped, and told to do wrong.

What is true after each depth event is written to a pipe before the event is sent, so that it is known even
of an exchange that was killed a moment later. Each line of its input is a fault as JSON, or
`{"clock": seconds}`, which sets its clock forward or back.
"""

import argparse
import asyncio
import contextlib
import os
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

import msgspec

from data_ingestion.simulated_exchange.faults import FaultRequest, parse_fault
from data_ingestion.simulated_exchange.market import BestLevels as Truth
from data_ingestion.simulated_exchange.market import DepthUpdateMessage, MarketMessage, SimulatedMarket
from data_ingestion.simulated_exchange.server import SimulatedExchange
from tests.program import PATIENCE, ROOT, free_port
from tests.tools.campaign.acting import Acting

KNOWN: Final = 20_000
"""Events of all symbols whose truth is remembered."""

LOOK_EVERY: Final = 0.05  # seconds
Line = tuple[str, int, Truth | None, float]
"""Symbol, update id and its truth, or none of these and for how many seconds a fault still acts."""


class TruthfulExchange(SimulatedExchange):
    """Says what is true before it sends anything."""

    def _send(self, market: SimulatedMarket, messages: list[MarketMessage]) -> None:
        for message in messages:
            if isinstance(message, DepthUpdateMessage):
                _say(market.profile.symbol, message.final_id, market.truth_at(message.final_id))
        super()._send(market, messages)

    async def tell_what_acts(self) -> None:
        """Say over and over for how long faults still act, as what was asked for may act much later."""
        acting = {symbol: Acting() for symbol in self.symbols}
        while True:
            for symbol, look in acting.items():
                seconds = look.seconds(self._faults[symbol], self._clock.now_ms())
                if seconds is not None:
                    _say(symbol, 0, None, seconds)
            await asyncio.sleep(LOOK_EVERY)


def _say(symbol: str, update_id: int, truth: Truth | None, acts: float = 0.0) -> None:
    os.write(1, msgspec.json.encode((symbol, update_id, truth, acts)) + b"\n")


async def serve(port: int, seed: int, symbols: list[str]) -> None:
    """Serve until the input ends."""
    ahead = 0.0
    commands = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    exchange = TruthfulExchange(symbols, seed=seed, clock=lambda: time.time() + ahead, truth_kept=100)
    await exchange.start(port=port)
    telling = asyncio.create_task(exchange.tell_what_acts())
    async for line in commands:
        order = msgspec.json.decode(line)
        if "clock" in order:
            ahead += order["clock"]
        else:
            fault = parse_fault(order, symbols)
            await exchange.fault(
                fault.kind, fault.symbol, count=fault.count, seconds=fault.seconds, status=fault.status
            )
    telling.cancel()
    await exchange.close()


class ExchangeProcess:
    """Runs it, and remembers what it says is true, whatever becomes of the process."""

    def __init__(self, symbols: tuple[str, ...], seed: int) -> None:
        self.port = free_port()
        self.process: asyncio.subprocess.Process | None = None
        self.on_acts: Callable[[str, float], None] = lambda _symbol, _seconds: None
        self._symbols, self._seed = symbols, seed
        self._truths: OrderedDict[tuple[str, int], Truth] = OrderedDict()
        self._reader: asyncio.Task[None] | None = None

    @property
    def settings(self) -> dict[str, object]:
        """What a program is told to take this exchange for Binance."""
        return {
            "source": "binance",
            "symbols": ",".join(self._symbols),
            "binance_public_ws_url": f"ws://127.0.0.1:{self.port}/public",
            "binance_market_ws_url": f"ws://127.0.0.1:{self.port}/market",
            "binance_rest_url": f"http://127.0.0.1:{self.port}",
        }

    async def start(self) -> None:
        """Start, with other books than the time before, and wait until it plays."""
        self._seed += 1
        command = [
            "-m",
            "tests.tools.campaign.exchange_process",
            "--port",
            str(self.port),
            "--seed",
            str(self._seed),
        ]
        self.process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            *self._symbols,
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=2**20,
        )
        heard = asyncio.Event()
        self._reader = asyncio.create_task(self._read(process, heard))
        await asyncio.wait_for(heard.wait(), PATIENCE)

    async def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None and self._reader is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
            await self._reader

    async def tell(self, order: dict[str, Any]) -> None:
        """Send an order."""
        if self.process is not None and self.process.stdin is not None:
            with contextlib.suppress(ConnectionError):
                self.process.stdin.write(msgspec.json.encode(order) + b"\n")
                await self.process.stdin.drain()

    async def fault(self, fault: FaultRequest) -> None:
        """Have it do wrong."""
        await self.tell(
            {
                "kind": fault.kind.value,
                "symbol": fault.symbol,
                "count": fault.count,
                "seconds": fault.seconds,
                "status": fault.status,
            }
        )

    async def truth(self, symbol: str, update_id: int, patience: float = 2.0) -> Truth | None:
        """Return the top ten after an event; a moment is given to a line that is still in the pipe."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while (symbol, update_id) not in self._truths:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        return self._truths.get((symbol, update_id))

    async def _read(self, process: asyncio.subprocess.Process, heard: asyncio.Event) -> None:
        if process.stdout is None:
            raise RuntimeError("not started")
        async for line in process.stdout:
            with contextlib.suppress(msgspec.DecodeError):  # the last line of one that was killed
                symbol, update_id, truth, acts = msgspec.json.decode(line, type=Line)
                if truth is None:
                    self.on_acts(symbol, acts)
                    continue
                self._truths[symbol, update_id] = truth
                if len(self._truths) > KNOWN:
                    self._truths.popitem(last=False)
                heard.set()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("symbols", nargs="+")
    given = parser.parse_args()
    asyncio.run(serve(given.port, given.seed, given.symbols))
