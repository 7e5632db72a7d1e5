"""The simulated exchange with as many symbols as a benchmark asks for: `python -m ... PORT COUNT`.

The program's own knows two symbols, and says so of any other. Here each is a market as lively as BTCUSDT,
with a chance of its own.
"""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

from data_ingestion import simulated_profiles
from data_ingestion.simulated_exchange import SimulatedExchange


def names(count: int) -> tuple[str, ...]:
    """Return the symbols of an exchange of so many."""
    return tuple(f"SIM{number}USDT" for number in range(count))


def exchange(count: int) -> SimulatedExchange:
    """Return the exchange, not started. From here on this process knows its symbols and no others."""
    busy = simulated_profiles.BTCUSDT
    simulated_profiles.PROFILES = MappingProxyType(
        {symbol: replace(busy, symbol=symbol) for symbol in names(count)}
    )
    return SimulatedExchange(names(count), truth_kept=10)


async def serve(port: int, count: int) -> None:
    """Serve until cancelled."""
    markets = exchange(count)
    try:
        await markets.start("127.0.0.1", port)
        await asyncio.Event().wait()
    finally:
        await markets.close()


def main(arguments: Sequence[str]) -> None:
    """Read the port and the number of symbols, then serve."""
    port, count = map(int, arguments)
    asyncio.run(serve(port, count))


if __name__ == "__main__":
    main(sys.argv[1:])
