"""Which exchange to use, decided once at start, and whether it knows the symbols."""

import msgspec

from data_ingestion.errors import (
    ExchangeError,
    MalformedMessage,
    UnknownSymbol,
    is_ban,
    least_ban,
    retry_after,
)
from data_ingestion.exchange_clock import decode_server_time
from data_ingestion.rest import get, rest_session
from data_ingestion.snapshot_loader import SnapshotLoader

_MOST_BYTES = 10_000


async def why_unreachable(rest_url: str, *, timeout: float) -> ExchangeError | None:
    """Ask the exchange for a sign of life and its time; return None if both are its own, else what is wrong.

    What answers everything with 200, a network's login page say, is no exchange.
    """
    base = f"{rest_url.rstrip('/')}/fapi/v1"
    try:
        async with rest_session(rest_url) as session:
            ping = await get(session, f"{base}/ping", "ping", timeout=timeout, most_bytes=_MOST_BYTES)
            if not _is_object(ping):
                return MalformedMessage("ping", "what answers is not the exchange")
            url = f"{base}/time"
            decode_server_time(
                await get(session, url, "server time", timeout=timeout, most_bytes=_MOST_BYTES)
            )
    except ExchangeError as error:
        return error
    return None


async def unknown_symbols(
    rest_url: str, symbols: tuple[str, ...], *, timeout: float
) -> tuple[list[str], float]:
    """Return the symbols that the exchange does not know, and for how many seconds it wants no request.

    Other trouble is left to the engines.
    """
    unknown = []
    async with rest_session(rest_url) as session:
        for symbol in symbols:
            try:
                await SnapshotLoader(session, rest_url, symbol, timeout=timeout).fetch(limit=5)
            except UnknownSymbol:
                unknown.append(symbol)
            except ExchangeError as error:
                return unknown, retry_after(error) or (least_ban(error) if is_ban(error) else 0.0)
    return unknown, 0.0


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(body), dict)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return False
