"""Whom the simulated exchange answers, and bounds on what a request may have and how long it may take."""

import logging
import os
import socket
from collections.abc import Callable, Sequence

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware

logger = logging.getLogger(__name__)

WHOLE_WITHIN = 10.0  # seconds, for a request's head; also of saying nothing before it
MOST_BODY = 1 << 12  # bytes; only the routes of `control.py` take any
RECEIVE_BUFFER = 1 << 14  # bytes of a client that the system keeps, and that are read at once
MOST_LINE, MOST_FIELD, MOST_FIELDS = 4_096, 1_900, 32  # bytes, bytes and how many: 64 KiB of a head in all

Objection = Callable[[Callable[[str], Sequence[str]]], str | None]
"""Says why a request with these headers is not answered; None where it is."""


def guard(objection: Objection) -> Middleware:
    """Return what answers 403 where there is an objection."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        why_not = objection(lambda name: request.headers.getall(name, []))
        if why_not is not None:
            return web.json_response({"code": 0, "msg": why_not}, status=403)
        return await handler(request)

    return guarded


def bounded_runner(app: web.Application, *, shutdown_timeout: float) -> web.AppRunner:
    """Return what serves `app`, with bounds on a request's head and on the time it may take."""
    return web.AppRunner(
        app,
        access_log=None,
        logger=_requests_log(),
        shutdown_timeout=shutdown_timeout,
        keepalive_timeout=WHOLE_WITHIN,
        lingering_time=0,
        max_line_size=MOST_LINE,
        max_field_size=MOST_FIELD,
        max_headers=MOST_FIELDS,
    )


def small_listener(host: str, port: int) -> socket.socket:
    """Return a socket bound to an address, whose connections inherit its small buffer; raises OSError."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere it would let two programs share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


_OF_CLIENTS = (HttpProcessingError, ConnectionError)  # what is no request, or nobody waits for any more


def _requests_log() -> logging.Logger:
    """Return the log of what goes wrong with requests, but for what clients cause."""
    log = logger.getChild("requests")
    if not log.filters:
        log.addFilter(lambda line: not (line.exc_info and isinstance(line.exc_info[1], _OF_CLIENTS)))
    return log
