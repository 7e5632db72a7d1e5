"""The server's WebSocket connections, with bounds on what never reaches the application.

A server answers pings and collects the fragments of a message by itself, so a client that sends nothing else
would not be held up by an application that reads slowly.
"""

from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

MOST_FRAGMENTS: Final = 1_000  # of one message; an empty one counts for nothing in its size
PINGS_AT_ONCE: Final = 100
PING_PAUSE: Final = 0.1  # seconds
MOST_UNREAD_BYTES: Final = 2**20  # answers that wait for a client to read them, its frames included


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """One client's connection."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._pings = 0  # that are not paid for with pauses

    def handle_cont(self, event: Frame) -> None:
        """Take a further fragment of a message; a client with too many of them is cut off."""
        if len(self.frames) >= MOST_FRAGMENTS:
            self.transport.abort()
        else:
            super().handle_cont(event)

    def handle_ping(self) -> None:
        """Answer a ping, and pause reading after many; who does not read the answers is cut off."""
        if self.transport.is_closing():
            return
        super().handle_ping()
        if self.transport.get_write_buffer_size() > MOST_UNREAD_BYTES:
            self.transport.abort()
            return
        self._pings += 1
        if self._pings == PINGS_AT_ONCE:
            self.transport.pause_reading()
            self.loop.call_later(PING_PAUSE, self._read_on)

    def _read_on(self) -> None:
        self._pings -= PINGS_AT_ONCE
        if self._pings >= PINGS_AT_ONCE:  # one read may have brought thousands
            self.loop.call_later(PING_PAUSE, self._read_on)
        elif (
            not self.read_paused and not self.transport.is_closing()
        ):  # else the application's reading resumes
            self.transport.resume_reading()
