"""The server's HTTP connections, with bounds on what a client may send and on the time it may take.

A server collects what comes until a request's head is whole, before anything of this program sees it; so the
bounds stand here. No route takes more than a line of a body, and no client asks far ahead of the answers.
"""

import asyncio
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_HEAD: Final = 64 * 2**10
"""Bytes of a request's head, and of requests sent ahead of the answers."""

MOST_HEAD_LINES: Final = 128
MOST_BODY: Final = 4 * 2**10  # bytes, what frames them included
WHOLE_WITHIN: Final = 10.0  # seconds, for a request; for the first also of saying nothing
STALLED_AFTER: Final = 30.0  # seconds in which nothing of an answer is taken
LINGER: Final = 1.0  # seconds that a refusal has to reach who was refused
SLICE: Final = 4 * 2**10
"""Bytes that are parsed before the bounds are looked at again."""


class BoundedHttp(H11Protocol):
    """One client's connection, until it becomes a WebSocket."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._head = self._lines = self._body = 0  # of the request that is being received
        self._request_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None
        self._end_timer: asyncio.TimerHandle | None = None
        self._handed_over = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._request_timer = self.loop.call_later(WHOLE_WITHIN, self._refuse, 408)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        for timer in (self._request_timer, self._stall_timer, self._end_timer):
            if timer is not None:
                timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Take what a client says, slice by slice; one that says too much is refused and cut off."""
        for start in range(0, len(data), SLICE):
            if self.transport.is_closing() or self._handed_over:
                return
            if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):  # ahead of the answer
                super().data_received(data[start:])
                if len(self.conn.trailing_data[0]) > MOST_HEAD:
                    self._refuse(400)
                break
            self._on_part(data[start : start + SLICE])
        self._watch()

    def _on_part(self, part: bytes) -> None:
        before = self.conn.their_state
        if before is h11.IDLE:
            self._head += len(part)
            self._lines += part.count(b"\n")
        else:
            self._body += len(part)
        super().data_received(part)
        if self._handed_over or self.transport.is_closing():
            return
        after = self.conn.their_state
        if after is not before:
            self._head = self._lines = self._body = 0
        if after is h11.IDLE and (self._head > MOST_HEAD or self._lines > MOST_HEAD_LINES):
            self._refuse(431)
        elif after is h11.SEND_BODY and self._body > MOST_BODY:
            self._refuse(413)

    def _watch(self) -> None:
        """Have a timer run while a request is incomplete."""
        if self._handed_over or self.transport.is_closing():
            return
        incomplete = self.conn.their_state in (h11.IDLE, h11.SEND_BODY)
        if incomplete and self._request_timer is None:
            self._request_timer = self.loop.call_later(WHOLE_WITHIN, self._refuse, 408)
        elif not incomplete and self._request_timer is not None:
            self._request_timer.cancel()
            self._request_timer = None

    def _refuse(self, status: int) -> None:
        """Answer with an error, if nothing was answered yet, and end the connection."""
        if self.transport.is_closing():
            return
        answering = self.cycle is not None and not self.cycle.response_complete
        if answering:
            self.cycle.disconnected = True  # what the application still says goes nowhere
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.abort()
                return
        if answering or self._head or self._body:
            self.transport.write(b"HTTP/1.1 %d \r\nconnection: close\r\ncontent-length: 0\r\n\r\n" % status)
        self._end(LINGER)

    def _end(self, within: float) -> None:
        """Close, whether or not what was written is taken."""
        self.transport.close()
        if self._end_timer is None:
            self._end_timer = self.loop.call_later(within, self.transport.abort)

    # --- what uvicorn does by itself, and then waits for the client for ever --------------------------------

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        self._refuse(400)

    def timeout_keep_alive_handler(self) -> None:
        """End a connection that asks nothing more."""
        super().timeout_keep_alive_handler()
        self._end(STALLED_AFTER)

    def on_response_complete(self) -> None:
        """Wait for the next request, except where the last one was answered before it was whole."""
        if self.conn.their_state is h11.SEND_BODY and not self.transport.is_closing():
            self._end(STALLED_AFTER)
        super().on_response_complete()
        if self.transport.is_closing():
            self._end(STALLED_AFTER)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand the connection over."""
        self._handed_over = True
        for timer in (self._request_timer, self._stall_timer):
            if timer is not None:
                timer.cancel()
        super().handle_websocket_upgrade(event)

    def pause_writing(self) -> None:
        """Note that a client is behind with reading; cut it off if it stays so."""
        super().pause_writing()
        if self._stall_timer is None:
            self._stall_timer = self.loop.call_later(STALLED_AFTER, self.transport.abort)

    def resume_writing(self) -> None:
        """Note that a client reads on."""
        super().resume_writing()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
