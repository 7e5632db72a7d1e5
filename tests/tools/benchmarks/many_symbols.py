"""The simulated exchange under as many names as a benchmark asks for: `python -m ... PORT COUNT`.

The program's own knows two symbols, and says so of any other. Here one market, BTCUSDT's, is sent under every
name: to those who listen that is as much work as so many markets, to this process hardly more than one.
"""

import asyncio
import logging
import sys
from collections.abc import Sequence

import msgspec

from data_ingestion.simulated_exchange.feeds import MARKET, PUBLIC, depth_stream, trade_stream
from data_ingestion.simulated_exchange.market import DepthUpdateMessage, MarketMessage, SimulatedMarket
from data_ingestion.simulated_exchange.server import SimulatedExchange

_TEMPLATE = "BTCUSDT"


def names(count: int) -> tuple[str, ...]:
    """Return the symbols of an exchange of so many."""
    return tuple(f"SIM{number}USDT" for number in range(count))


class ManySymbols(SimulatedExchange):
    """One market under many names."""

    def __init__(self, count: int) -> None:
        super().__init__([_TEMPLATE], truth_kept=10)
        for name in names(count):
            self._markets[name] = self._markets[_TEMPLATE]
            self._faults[name] = self._faults[_TEMPLATE]
            self._feeds[name] = self._feeds[_TEMPLATE]
            self._streams.add(name)
        for known in (self._markets, self._faults):
            del known[_TEMPLATE]

    def _send(self, market: SimulatedMarket, messages: list[MarketMessage]) -> None:
        """Send under every name: the first whose turn it is has all messages, the others' are none."""
        for message in messages:
            raw = msgspec.json.encode(message)
            depth = isinstance(message, DepthUpdateMessage)
            route, stream = (PUBLIC, depth_stream) if depth else (MARKET, trade_stream)
            for name in self.symbols:
                named = raw.replace(b'"%s"' % market.profile.symbol.encode(), b'"%s"' % name.encode())
                self._streams.publish(route, stream(name), [named])


async def serve(port: int, count: int) -> None:
    """Serve until cancelled."""
    exchange = ManySymbols(count)
    try:
        await exchange.start(port=port)
        await asyncio.Event().wait()
    finally:
        await exchange.close()


def main(arguments: Sequence[str]) -> None:
    """Read the port and the number of symbols, then serve."""
    port, count = map(int, arguments)
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)  # many that connect at once give up and try again
    asyncio.run(serve(port, count))


if __name__ == "__main__":
    main(sys.argv[1:])
