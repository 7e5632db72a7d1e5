"""One REST question to the exchange, and what it may answer."""

import asyncio
import email.utils
import math
import re
import time
from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Final

import aiohttp
import msgspec

from data_ingestion.errors import TOO_MANY_REQUESTS, HttpRefusal, MalformedMessage, Unreachable
from data_ingestion.proxies import is_loopback

_MOST_ERROR_BYTES: Final = 10_000
_CHUNK_BYTES: Final = 65_536
_HTTP_OK: Final = 200
_HTTP_BAD_REQUEST: Final = 400

_ERROR_BODY_TIMEOUT: Final = 1.0  # seconds that a refusal's own words are waited for
_A_BAN: Final = re.compile("ban|too many|too much", re.IGNORECASE)
_BANNED_UNTIL: Final = re.compile(r"until\D{0,9}(\d{13})\b")  # ms since the epoch

_NETWORK_ERRORS: Final = (aiohttp.ClientError, OSError, ValueError)
"""What a request raises; a ValueError where a proxy of the environment or an address makes no sense."""


class _ErrorBody(msgspec.Struct):
    code: int = 0
    msg: str = ""


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

    Raises `HttpRefusal` for any status but 200 and for a ban under any, `Unreachable`
    where there was no answer in time, and `MalformedMessage` for a body longer than `most_bytes` and for a
    web page; `what` was asked for, in words.
    """
    total = aiohttp.ClientTimeout(total=timeout)
    try:
        async with session.get(url, params=params, timeout=total) as reply:
            if reply.status != _HTTP_OK:
                raise await _refusal(reply, what)
            body = await _read(reply, most_bytes)
            date = reply.headers.get("Date", "")
    except TimeoutError as error:
        raise Unreachable(what, f"no reply within {timeout:g} s") from error
    except _NETWORK_ERRORS as error:
        raise Unreachable(what, str(error) or type(error).__name__) from error
    if len(body) > most_bytes:
        raise MalformedMessage(what, f"more than {most_bytes} bytes")
    if body.lstrip()[:1] == b"<":
        raise MalformedMessage(
            what,
            "a web page came in the place of the exchange's answer, as from a network's login or block page. "
            "Log in to the network or use another, or --source simulated",
        )
    said = _error(body)
    if said.code == TOO_MANY_REQUESTS and _A_BAN.search(said.msg):  # with a status that says that all is well
        raise HttpRefusal(f"{what} refused", _HTTP_OK, _banned_for(said.msg, date), said.code)
    return body


async def _refusal(reply: aiohttp.ClientResponse, what: str) -> HttpRefusal:
    date = reply.headers.get("Date", "")
    wait = retry_after_seconds(reply.headers.getall("Retry-After", ()), date)
    if wait is not None and reply.status != _HTTP_BAD_REQUEST:
        return HttpRefusal(f"{what} refused", reply.status, wait)  # a named wait must not hang on the body
    patience = None if reply.status == _HTTP_BAD_REQUEST else _ERROR_BODY_TIMEOUT
    try:
        async with asyncio.timeout(patience):
            error = _error(await _read(reply, _MOST_ERROR_BYTES))
    except (TimeoutError, *_NETWORK_ERRORS):
        if patience is None:
            raise
        error = _ErrorBody()
    if wait is None:
        wait = _banned_for(error.msg, date)
    code = error.code if error.code != TOO_MANY_REQUESTS or _A_BAN.search(error.msg) else 0
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


def _error(body: bytes) -> _ErrorBody:
    """Return the error that the exchange tells of in `body`; its code is 0 where it tells of none."""
    if len(body) > _MOST_ERROR_BYTES:
        return _ErrorBody()
    try:
        return msgspec.json.decode(body, type=_ErrorBody)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return _ErrorBody()


def _banned_for(words: str, date: str) -> float | None:
    """Return the seconds until the end that an error names, as in "banned until 1723075200123"."""
    found = _BANNED_UNTIL.search(words)
    if found is None:
        return None
    said = _http_date(date)
    now = time.time() if said is None else said
    left = int(found[1]) / 1000 - now
    return left if left > 0 else None  # over already, or the clocks disagree
