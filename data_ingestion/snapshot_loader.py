"""Fetches the REST depth snapshot."""

from typing import Final

import aiohttp

from data_ingestion.errors import HttpRefusal, UnknownSymbol
from data_ingestion.messages import Snapshot, decode_snapshot
from data_ingestion.rest import get

SNAPSHOT_LIMIT: Final = 1000  # levels a side, the most the exchange gives
SNAPSHOT_WEIGHT: Final = 20  # request weight at that limit, of 2,400 a minute for one address
MAX_SNAPSHOT_BYTES: Final = 8 * 2**20
_INVALID_SYMBOL: Final = -1121


class SnapshotLoader:
    """Asks `rest_url` for the depth of one symbol. `session` stays the caller's to close."""

    def __init__(self, session: aiohttp.ClientSession, rest_url: str, symbol: str, *, timeout: float) -> None:
        self._session = session
        self._url = f"{rest_url.rstrip('/')}/fapi/v1/depth"
        self._symbol = symbol
        self._timeout = timeout

    async def fetch(self, limit: int = SNAPSHOT_LIMIT) -> Snapshot:
        """Return a snapshot, or raise an `ExchangeError`: one try, no retry."""
        params = {"symbol": self._symbol, "limit": str(limit)}
        try:
            body = await get(
                self._session,
                self._url,
                "snapshot",
                timeout=self._timeout,
                most_bytes=MAX_SNAPSHOT_BYTES,
                params=params,
            )
        except HttpRefusal as refusal:
            if refusal.code == _INVALID_SYMBOL:
                raise UnknownSymbol(self._symbol) from refusal
            raise
        return decode_snapshot(body)
