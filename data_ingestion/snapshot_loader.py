"""Fetches the REST depth snapshot."""

import email.utils
from datetime import UTC
from typing import Final

import aiohttp
import msgspec

from data_ingestion.errors import HttpRefusal, MalformedMessage, UnknownSymbol, Unreachable
from data_ingestion.messages import Snapshot, decode_snapshot

SNAPSHOT_LIMIT: Final = 1000  # levels a side, the most the exchange gives
SNAPSHOT_WEIGHT: Final = 20  # request weight at that limit, of 2,400 a minute for one address
MAX_SNAPSHOT_BYTES: Final = 8 * 2**20
_INVALID_SYMBOL: Final = -1121
_HTTP_OK: Final = 200


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
                    raise self._refusal(reply, await reply.content.read(10_000))
                if (reply.content_length or 0) > MAX_SNAPSHOT_BYTES:
                    raise MalformedMessage("snapshot", f"{reply.content_length} bytes")
                body = await reply.read()
        except TimeoutError as error:
            raise Unreachable("snapshot", f"no reply within {self._timeout.total:g} s") from error
        except aiohttp.ClientError as error:
            raise Unreachable("snapshot", str(error) or type(error).__name__) from error
        return decode_snapshot(body)

    def _refusal(self, reply: aiohttp.ClientResponse, body: bytes) -> HttpRefusal | UnknownSymbol:
        if _error_code(body) == _INVALID_SYMBOL:
            return UnknownSymbol(self._symbol)
        now = _http_date(reply.headers.get("Date"))
        wait = retry_after_seconds(reply.headers.get("Retry-After"), now)
        return HttpRefusal("snapshot refused", reply.status, wait)


def retry_after_seconds(header: str | None, now: float | None) -> float | None:
    """Return the seconds that a `Retry-After` header names, as a number or as a date; None without one.

    `now` is what the sender's clock says, seconds since the epoch.
    """
    if header is None:
        return None
    if header.strip().isdigit():
        return float(header)
    until = _http_date(header)
    return None if until is None or now is None else max(0.0, until - now)


def _http_date(text: str | None) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(text or "").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _error_code(body: bytes) -> int:
    try:
        return msgspec.json.decode(body, type=_ErrorBody).code
    except msgspec.DecodeError:
        return 0
