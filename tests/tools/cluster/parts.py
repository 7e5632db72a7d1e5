"""A cluster on loopback: a bus, a truthful exchange, engines and APIs, each of which can be killed."""

import contextlib
import signal
import time
from pathlib import Path
from types import TracebackType

from tests.nats_server import NatsServer
from tests.program import Program
from tests.tools.campaign.exchange_process import ExchangeProcess


class Cluster:
    """`engines` are symbols by an engine's name, such as `BTCUSDT on host 1`; each is a process of its own.

    As there is no supervisor here, what was killed is started again when a caller says so.
    """

    def __init__(self, folder: Path, engines: dict[str, str], apis: int, seed: int = 1) -> None:
        self.symbols = tuple(dict.fromkeys(engines.values()))
        self.server = NatsServer(folder)
        self.exchange = ExchangeProcess(self.symbols, seed)
        self.engines: dict[str, Program] = {}
        self.apis: list[Program] = []
        self._wanted, self._api_count = engines, apis
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> "Cluster":
        """Start all parts."""
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self.server)
            stack.push_async_callback(self.exchange.kill)
            await self.exchange.start()
            self._stack = stack.pop_all()
            for name in self._wanted:
                await self.start_engine(name)
            for _ in range(self._api_count):
                await self.start_api()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End them."""
        await self._stack.aclose()

    async def start_engine(self, name: str) -> None:
        """Start an engine, for the first time or again."""
        own = {"role": "engine", "symbols": self._wanted[name]}
        self.engines[name] = await self._stack.enter_async_context(Program(**self._settings(), **own))

    async def start_api(self) -> Program:
        """Start one more API."""
        own = {"role": "api", "symbols": self.symbols[0]}  # of the others it hears over the bus
        api = await self._stack.enter_async_context(Program(**self._settings(), **own))
        self.apis.append(api)
        return api

    async def kill_engine(self, name: str) -> float:
        """End an engine as a power cut would; return when, in ms since the epoch."""
        at = time.time() * 1_000
        await self.engines[name].stop(signal.SIGKILL)
        return at

    def _settings(self) -> dict[str, object]:
        settings = {name: value for name, value in self.exchange.settings.items() if name != "symbols"}
        return settings | {"bus": self.server.url}
