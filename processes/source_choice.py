"""Where the market data comes from, decided once at the start."""

import logging
import time
from dataclasses import replace
from typing import Final

from config import SettingError, Settings
from data_ingestion.simulated_exchange.profiles import SIMULATED_SYMBOLS
from data_ingestion.source import unknown_symbols, why_unreachable

log = logging.getLogger("main")

PING_TIMEOUT: Final = 2.0  # seconds


async def with_source(settings: Settings) -> Settings:
    """Return `settings` with `auto` decided, symbols checked and, for the simulated exchange, its address."""
    rest_url, source = settings.binance_rest_url, settings.source
    if source == "auto":
        trouble = await why_unreachable(rest_url, timeout=PING_TIMEOUT)
        source = "binance" if trouble is None else "simulated"
        reason = "it answers" if trouble is None else f"Binance cannot be used: {trouble}"
        log.info("source: %s, because %s", source, reason)
    if source == "binance":
        unknown, hold = await unknown_symbols(rest_url, settings.symbols, timeout=PING_TIMEOUT)
        if unknown:
            raise SettingError(f"the exchange does not know {', '.join(unknown)}: check --symbols.")
        if hold:
            log.warning("the exchange asks for no request for %g s", hold)
        return replace(settings, source=source, rest_not_before=time.time() + hold if hold else 0.0)
    simulated_symbols(settings)
    return replace(settings, source=source)


def at_the_simulated_exchange(settings: Settings, port: int) -> Settings:
    """Return `settings` with the address of the simulated exchange on this machine."""
    return replace(
        settings,
        simulated_port=port,
        binance_public_ws_url=f"ws://127.0.0.1:{port}/public",
        binance_market_ws_url=f"ws://127.0.0.1:{port}/market",
        binance_rest_url=f"http://127.0.0.1:{port}",
    )


def simulated_symbols(settings: Settings) -> tuple[str, ...]:
    """Return the symbols, all of which the simulated exchange has; raises `SettingError`."""
    unknown = [symbol for symbol in settings.symbols if symbol not in SIMULATED_SYMBOLS]
    if unknown:
        known = ", ".join(SIMULATED_SYMBOLS)
        raise SettingError(f"the simulated exchange has no {', '.join(unknown)}: it has {known}.")
    return settings.symbols
