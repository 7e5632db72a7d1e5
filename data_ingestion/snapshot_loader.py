"""Fetches the REST depth snapshot."""

import email.utils
import math
import time
from collections.abc import Iterable
from datetime import UTC
from typing import Final

import aiohttp
import msgspec

from data_ingestion.errors import HttpRefusal, MalformedMessage, UnknownSymbol, Unreachable
from data_ingestion.messages import Snapshot, decode_snapshot

SNAPSHOT_LIMIT: Final = 1000  # levels a side, the most the exchange gives
SNAPSHOT_WEIGHT: Final = 20  # request weight at that limit, of 2,400 a minute for one address
MAX_SNAPSHOT_BYTES: Final = 8 * 2**20
MAX_ERROR_BYTES: Final = 10_000
_INVALID_SYMBOL: Final = -1121
_CHUNK_BYTES: Final = 65_536
_HTTP_OK: Final = 200
_HTTP_BAD_REQUEST: Final = 400

NETWORK_ERRORS: Final = (aiohttp.ClientError, OSError, ValueError)
"""What a request raises; a ValueError where a proxy of the environment or an address makes no sense."""


class _ErrorBody(msgspec.Struct):
    code: int = 0


class SnapshotLoader:
    """Asks `rest_url` for the depth of one symbol. `session` stays the caller's to close."""

    def __init__(self, session: aiohttp.ClientSession, rest_url: str, symbol: str, *, timeout: float) -> None:
        self._session = session
        self._url = f"{rest_url.rstrip('/')}/fapi/v1/depth"
        self._symbol = symbol
        self._timeout = aiohttp.ClientTimeout(total=timeout)

    async def fetch(self, limit: int = SNAPSHOT_LIMIT) -> Snapshot:
        """Return a snapshot, or raise an `ExchangeError`: one try, no retry."""
        params = {"symbol": self._symbol, "limit": str(limit)}
        try:
            async with self._session.get(self._url, params=params, timeout=self._timeout) as reply:
                if reply.status != _HTTP_OK:
                    raise await self._refusal(reply)
                body = await _read(reply, MAX_SNAPSHOT_BYTES)
        except TimeoutError as error:
            raise Unreachable("snapshot", f"no reply within {self._timeout.total:g} s") from error
        except NETWORK_ERRORS as error:
            raise Unreachable("snapshot", str(error) or type(error).__name__) from error
        if len(body) > MAX_SNAPSHOT_BYTES:
            raise MalformedMessage("snapshot", f"more than {MAX_SNAPSHOT_BYTES} bytes")
        return decode_snapshot(body)

    async def _refusal(self, reply: aiohttp.ClientResponse) -> HttpRefusal | UnknownSymbol:
        # Of other refusals the body is not waited for: their Retry-After must not hang on it.
        if reply.status == _HTTP_BAD_REQUEST:
            body = await _read(reply, MAX_ERROR_BYTES)
            if _error_code(body) == _INVALID_SYMBOL:
                return UnknownSymbol(self._symbol)
        now = _http_date(reply.headers.get("Date", ""))
        wait = retry_after_seconds(
            reply.headers.getall("Retry-After", ()), time.time() if now is None else now
        )
        return HttpRefusal("snapshot refused", reply.status, wait)


def retry_after_seconds(headers: Iterable[str], now: float) -> float | None:
    """Return the longest wait that `Retry-After` headers name, in seconds or as a date; None without one.

    `now` is what the sender's clock says, seconds since the epoch.
    """
    return max((wait for header in headers if (wait := _wait(header, now)) is not None), default=None)


def _wait(header: str, now: float) -> float | None:
    if header.strip().isdecimal():
        seconds = float(header)
        return seconds if math.isfinite(seconds) else None
    until = _http_date(header)
    return None if until is None else max(0.0, until - now)


def _http_date(text: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(text).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None


async def _read(reply: aiohttp.ClientResponse, most: int) -> bytes:
    """Return the body; of one longer than `most`, some more than that. It may name no length, or inflate."""
    body = bytearray()
    async for chunk in reply.content.iter_chunked(_CHUNK_BYTES):
        body += chunk
        if len(body) > most:
            break
    return bytes(body)


def _error_code(body: bytes) -> int:
    try:
        return msgspec.json.decode(body, type=_ErrorBody).code
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return 0
