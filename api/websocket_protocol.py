"""The server's WebSocket connections, with bounds on what a client may send and on the work it makes.

A server answers pings, collects the fragments of a message and goes on reading after a close by itself, so a
client that sends nothing else would not be held up by an application that reads slowly. What a client says is
therefore taken in small slices, each paid for with a pause; meanwhile the rest waits in its own socket. Only
an engine that has shown who it is, is trusted: nothing of that holds for it any more.
"""

import asyncio
import contextlib
import socket as sockets
from typing import Any, Final

from starlette.websockets import WebSocket
from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Frame
from websockets.http11 import Request

MOST_OF_A_CLIENT: Final = 64 * 2**10  # bytes of a message, all fragments together
MOST_OF_AN_ENGINE: Final = 64 * 2**20  # the same; the rolling window comes in one, of some 6 MiB
MOST_FRAGMENTS: Final = 1_000  # of one message; an empty one counts for nothing in its size
WHOLE_WITHIN: Final = 10.0  # seconds, for a client's message
SLICE: Final = 600
"""Bytes that are parsed before the work is counted: a hundred of the shortest frames."""
WORK_AT_ONCE: Final = 100  # frames, or slices of longer ones
WORK_PAUSE: Final = 0.1  # seconds
MOST_AFTER_CLOSE: Final = 4 * 2**10  # bytes that are looked at for the answer to a close
CLOSED_WITHIN: Final = 1.0  # seconds, whether or not the other side answers
MOST_UNREAD_BYTES: Final = 2**20  # answers that wait for a client to read them, its frames included
RECEIVE_BUFFER: Final = 16 * 2**10  # bytes of a client that the system keeps for us
SEND_BUFFER: Final = 256 * 2**10  # bytes that the system keeps for a client
PIECE: Final = 64 * 2**10
"""Bytes that are written at once; a longer message goes out as fragments, as the client takes them."""
ENGINE_PATIENCE: Final = 20.0  # seconds for an engine's answer to a ping

_FEED: Final = "/feed/"
_TRUST: Final = "orderbook.trust"


def trust(socket: WebSocket) -> None:
    """Let the other side, which has shown that it is an engine, say as much as it must, from now on."""
    extension = socket.scope.get("extensions", {}).get(_TRUST)
    if extension is not None:  # a test's own server has no bounds to lift
        extension["trust"]()


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """One client's connection. How long a client may read nothing is uvicorn's `ws_ping_timeout`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.conn.max_message_size = MOST_OF_A_CLIENT
        self.close_timeout = CLOSED_WITHIN
        self._trusted = False
        self._unread = bytearray()  # of the client, not parsed yet
        self._work = 0  # frames and slices that are not paid for with pauses
        self._after_close = MOST_AFTER_CLOSE
        self._pause: asyncio.TimerHandle | None = None
        self._message_timer: asyncio.TimerHandle | None = None
        self._end_timer: asyncio.TimerHandle | None = None

    # --- the connection's life ------------------------------------------------------------------------------

    def handle_connect(self, event: Request) -> None:
        """Take the handshake."""
        if event.path.startswith(_FEED):
            self.ping_timeout = ENGINE_PATIENCE
        else:
            connection = self.transport.get_extra_info("socket")
            with contextlib.suppress(OSError, AttributeError):  # no TCP: then there is nothing to bound
                connection.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, RECEIVE_BUFFER)
                connection.setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, SEND_BUFFER)
        super().handle_connect(event)

    async def run_asgi(self) -> None:
        """Serve the application, which may lift the bounds with `trust`."""
        self.scope["extensions"][_TRUST] = {"trust": self._trust}
        await super().run_asgi()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        super().connection_lost(exc)
        self._unread.clear()
        if self.handshake_initiated and hasattr(self, "scope"):
            self.scope["extensions"].pop(_TRUST, None)  # which holds on to this connection
        for timer in (self._pause, self._message_timer, self._end_timer):
            if timer is not None:
                timer.cancel()

    def _trust(self) -> None:
        self._trusted = True
        self.conn.max_message_size = MOST_OF_AN_ENGINE
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        self._read_on()

    def _end(self) -> None:
        """See to it that the connection ends, whatever the client does or does not do."""
        self._unread.clear()
        if self._end_timer is None:
            self._end_timer = self.loop.call_later(CLOSED_WITHIN, self.transport.abort)

    # --- what a client says ---------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Take what a client says."""
        if not self.handshake_initiated:
            self._on_handshake(data)
        elif self.close_sent or self.transport.is_closing():
            self._on_data_after_close(data)
        elif self._trusted and not self._unread:
            super().data_received(data)
            self._see_to_the_end()
        else:
            self._unread += data
            self._read_on()

    def _on_handshake(self, data: bytes) -> None:
        super().data_received(data)
        if not self.handshake_initiated:  # no request that a WebSocket can begin with
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.handshake_complete = self.close_sent = True
            self.transport.close()
        self._see_to_the_end()

    def _on_data_after_close(self, data: bytes) -> None:
        """Look for the answer to a close, not for long."""
        part, self._after_close = data[: self._after_close], self._after_close - len(data)
        if self.transport.is_closing():
            return
        if part and self.conn.parser_exc is None:
            super().data_received(part)
        if self._after_close <= 0 and not self.transport.is_closing():
            self.transport.pause_reading()

    def handle_events(self) -> None:
        """Count the work."""
        self._work += max(1, len(self.conn.events))
        super().handle_events()

    def _read_on(self) -> None:
        """Take of what is unread as much as may be taken now; have the socket wait with more if need be."""
        while self._unread and self._may_read():
            size = len(self._unread) if self._trusted else SLICE
            part = bytes(self._unread[:size])
            del self._unread[:size]
            super().data_received(part)
            self._see_to_the_end()
            if self._work >= WORK_AT_ONCE and not self._trusted:
                self._pause = self.loop.call_later(WORK_PAUSE, self._paid)
        if self.close_sent or self.transport.is_closing():
            return
        if self._unread or not self._may_read():
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()
        self._watch_message()

    def _may_read(self) -> bool:
        return (
            self.handshake_complete
            and not self.read_paused  # a message waits for the application
            and self._pause is None
            and not self.close_sent
            and not self.transport.is_closing()
        )

    def _paid(self) -> None:
        self._pause = None
        self._work = max(0, self._work - WORK_AT_ONCE)
        if self._work >= WORK_AT_ONCE and not self._trusted:
            self._pause = self.loop.call_later(WORK_PAUSE, self._paid)
        else:
            self._read_on()

    def _watch_message(self) -> None:
        """Have a timer run while a client's message is incomplete."""
        begun = self.conn.current_size is not None or bool(self.conn.reader.buffer)
        if begun and not self._trusted and self._message_timer is None:
            self._message_timer = self.loop.call_later(WHOLE_WITHIN, self.transport.abort)
        elif self._message_timer is not None and (not begun or self._trusted):
            self._message_timer.cancel()
            self._message_timer = None

    def handle_cont(self, event: Frame) -> None:
        """Take a further fragment of a message; a client with too many of them is cut off."""
        if len(self.frames) >= MOST_FRAGMENTS:
            self.transport.abort()
        else:
            super().handle_cont(event)

    def handle_ping(self) -> None:
        """Answer a ping; who does not read the answers is cut off."""
        if self.transport.is_closing():
            return
        super().handle_ping()
        if self.transport.get_write_buffer_size() > MOST_UNREAD_BYTES:
            self.transport.abort()

    def send_receive_event_to_app(self) -> None:
        """Hand over a message; a text that is no UTF-8 ends its connection."""
        if self.curr_msg_data_type == "text" and not self.close_sent:
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self.frames = []
                self.conn.fail(1007)
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()

    # --- the application ------------------------------------------------------------------------------------

    async def receive(self) -> ASGIReceiveEvent:
        """Return the next message; the client is read on when none is left."""
        message = await self.queue.get()
        if self.read_paused and self.queue.empty():
            self.read_paused = False
            self._read_on()
        return message

    async def send(self, message: ASGISendEvent) -> None:
        """Send a message; a long one piece by piece, as the client takes it."""
        text = message.get("text") if message["type"] == "websocket.send" else None
        if isinstance(text, str) and len(text) > PIECE:
            await self._send_in_pieces(text.encode())
            return
        await super().send(message)
        if self.close_sent:
            self._see_to_the_end()
        elif message["type"] == "websocket.accept":
            self._read_on()

    async def _send_in_pieces(self, data: bytes) -> None:
        for start in range(0, len(data), PIECE):
            await self.writable.wait()
            if self.disconnected or self.close_sent:
                raise ClientDisconnected
            piece, last = data[start : start + PIECE], start + PIECE >= len(data)
            try:
                if start:
                    self.conn.send_continuation(piece, last)
                else:
                    self.conn.send_text(piece, last)
            except InvalidState:
                raise ClientDisconnected from None
            self.transport.write(b"".join(self.conn.data_to_send()))

    def keepalive_timeout(self) -> None:
        """Close on a client that has read nothing for too long."""
        super().keepalive_timeout()
        self._see_to_the_end()

    def _see_to_the_end(self) -> None:
        if self.close_sent or self.transport.is_closing():
            self._end()
