"""Which exchange to use, decided once at start, and whether it knows the symbols."""

import aiohttp

from data_ingestion.errors import ExchangeError, HttpRefusal, UnknownSymbol, Unreachable
from data_ingestion.proxies import is_loopback
from data_ingestion.snapshot_loader import NETWORK_ERRORS, SnapshotLoader

_HTTP_OK = 200


def rest_session(rest_url: str) -> aiohttp.ClientSession:
    """Return a session that honours the environment's proxies, but not for this machine; close it."""
    return aiohttp.ClientSession(trust_env=not is_loopback(rest_url))


async def why_unreachable(rest_url: str, *, timeout: float) -> ExchangeError | None:
    """Ping the exchange once; return None if it answers, else what is wrong."""
    url = f"{rest_url.rstrip('/')}/fapi/v1/ping"
    try:
        async with (
            rest_session(rest_url) as session,
            session.get(url, timeout=aiohttp.ClientTimeout(total=timeout)) as reply,
        ):
            return None if reply.status == _HTTP_OK else HttpRefusal("ping refused", reply.status)
    except TimeoutError:
        return Unreachable("ping", f"no reply within {timeout:g} s")
    except NETWORK_ERRORS as error:
        return Unreachable("ping", str(error) or type(error).__name__)


async def unknown_symbols(rest_url: str, symbols: tuple[str, ...], *, timeout: float) -> list[str]:
    """Return the symbols that the exchange says it does not know. Other trouble is left to the engines."""
    unknown = []
    async with rest_session(rest_url) as session:
        for symbol in symbols:
            try:
                await SnapshotLoader(session, rest_url, symbol, timeout=timeout).fetch(limit=5)
            except UnknownSymbol:
                unknown.append(symbol)
            except ExchangeError:
                break
    return unknown
