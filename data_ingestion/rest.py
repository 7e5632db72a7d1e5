"""One REST question to the exchange, and what it may answer."""

import email.utils
import math
import time
from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Final

import aiohttp
import msgspec

from data_ingestion.errors import HttpRefusal, MalformedMessage, Unreachable
from data_ingestion.proxies import is_loopback

_MOST_ERROR_BYTES: Final = 10_000
_CHUNK_BYTES: Final = 65_536
_HTTP_OK: Final = 200
_HTTP_BAD_REQUEST: Final = 400

_NETWORK_ERRORS: Final = (aiohttp.ClientError, OSError, ValueError)
"""What a request raises; a ValueError where a proxy of the environment or an address makes no sense."""


class _ErrorBody(msgspec.Struct):
    code: int = 0


def rest_session(rest_url: str) -> aiohttp.ClientSession:
    """Return a session that honours the environment's proxies, but not for this machine; close it."""
    return aiohttp.ClientSession(trust_env=not is_loopback(rest_url))


async def get(
    session: aiohttp.ClientSession,
    url: str,
    what: str,
    *,
    timeout: float,
    most_bytes: int,
    params: Mapping[str, str] | None = None,
) -> bytes:
    """Ask once, and return the body of the answer; `timeout` is in seconds.

    Raises `HttpRefusal` for any status but 200, `Unreachable` where there was no answer in time, and
    `MalformedMessage` for a body longer than `most_bytes`; `what` was asked for, in words.
    """
    total = aiohttp.ClientTimeout(total=timeout)
    try:
        async with session.get(url, params=params, timeout=total) as reply:
            if reply.status != _HTTP_OK:
                raise await _refusal(reply, what)
            body = await _read(reply, most_bytes)
    except TimeoutError as error:
        raise Unreachable(what, f"no reply within {timeout:g} s") from error
    except _NETWORK_ERRORS as error:
        raise Unreachable(what, str(error) or type(error).__name__) from error
    if len(body) > most_bytes:
        raise MalformedMessage(what, f"more than {most_bytes} bytes")
    return body


async def _refusal(reply: aiohttp.ClientResponse, what: str) -> HttpRefusal:
    # Of other refusals the body is not waited for: their Retry-After must not hang on it.
    bad_request = reply.status == _HTTP_BAD_REQUEST
    code = _error_code(await _read(reply, _MOST_ERROR_BYTES)) if bad_request else 0
    wait = retry_after_seconds(reply.headers.getall("Retry-After", ()), reply.headers.get("Date", ""))
    return HttpRefusal(f"{what} refused", reply.status, wait, code)


def retry_after_seconds(headers: Iterable[str], date: str) -> float | None:
    """Return the longest wait that `Retry-After` headers name, in seconds or as a date; None without one.

    `date` is the reply's own header, for its sender's clock and this machine's may differ.
    """
    said = _http_date(date)
    now = time.time() if said is None else said
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
