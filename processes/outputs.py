"""Standard output and error that never wait for a reader: a stalled pager, a terminal held with Ctrl-S.

What is written goes into a bounded queue, and a thread writes it out. Where nobody reads, what does not
fit is left out, and once somebody reads again, is told of.
"""

import contextlib
import io
import os
import select
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Any, Final, TextIO

MOST_WAITING: Final = 2**18  # characters
LAST_WORDS: Final = 0.5  # seconds for what waits at the end
_AGAIN: Final = 0.05  # seconds, where a reader that was set not to block takes nothing


class PatientStream(io.TextIOBase):
    """A text stream whose writes return at once. After its reader has gone they raise BrokenPipeError."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._raw: Any = getattr(stream.buffer, "raw", stream.buffer)  # without a lock that a thread may hold
        self._waiting: deque[str] = deque()
        self._size = self._left_out = 0
        self._broken = False
        self._changed = threading.Condition()
        threading.Thread(target=self._write_out, name="output", daemon=True).start()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The stream's own."""
        return self._stream.encoding

    def isatty(self) -> bool:
        """Say whether it is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Return the stream's own."""
        return self._stream.fileno()

    def writable(self) -> bool:
        """Say that it is one to write to."""
        return True

    def write(self, text: str) -> int:
        """Queue `text`, or leave it out where too much waits. Never waits."""
        with self._changed:
            if self._broken:
                raise BrokenPipeError("nobody reads any more")
            if self._size + len(text) > MOST_WAITING:
                self._left_out += text.count("\n")
            else:
                self._waiting.append(text)
                self._size += len(text)
                self._changed.notify_all()
        return len(text)

    def flush(self) -> None:
        """Do nothing: all is written as soon as it is taken."""

    def drain(self, seconds: float = LAST_WORDS) -> None:
        """Wait until all is written, but not for longer than that."""
        with self._changed:
            self._changed.wait_for(lambda: self._broken or not self._size, seconds)

    def _write_out(self) -> None:
        with contextlib.suppress(ValueError):  # closed: the process ends
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._waiting)
                    text = "".join(self._waiting)
                    self._waiting.clear()
                try:
                    self._write_all(text.encode(self.encoding, "backslashreplace"))
                except OSError:
                    with self._changed:
                        self._broken = True
                        self._changed.notify_all()
                    return
                with self._changed:
                    self._size -= len(text)
                    if self._left_out and not self._waiting:
                        words = f"({self._left_out:,} lines left out, for nobody read them)\n"
                        self._waiting.append(words)
                        self._size += len(words)
                        self._left_out = 0
                    self._changed.notify_all()

    def _write_all(self, data: bytes) -> None:
        while data:
            written = self._raw.write(data)
            if written is None:
                time.sleep(_AGAIN)
            else:
                data = data[written:]


def open_closed_streams() -> None:
    """Have each standard stream that is closed read or write nothing, as if it were sent to nowhere.

    Its number would else go to the next socket that is opened, which libraries then take for a terminal.
    """
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
        if getattr(sys, name) is None:
            stream = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115 - to the end
            setattr(sys, name, stream)


def has_reader(stream: Any) -> bool:
    """Say whether somebody may still read what is written to `stream`, without writing anything."""
    if sys.platform != "win32":  # there the next write will tell
        with contextlib.suppress(AttributeError, OSError, ValueError):  # a stand-in of a test's
            asked = select.poll()
            asked.register(stream.fileno(), 0)
            return not any(event & (select.POLLERR | select.POLLNVAL) for _, event in asked.poll(0))
    return True


@contextlib.contextmanager
def patient_outputs() -> Iterator[None]:
    """Have both outputs of this process wait for nobody, for as long as it is used."""
    before = sys.stdout, sys.stderr
    patient = [PatientStream(stream) if _is_of_a_file(stream) else stream for stream in before]
    sys.stdout, sys.stderr = patient
    try:
        yield
    finally:
        for stream in patient:
            if isinstance(stream, PatientStream):
                stream.drain()
        sys.stdout, sys.stderr = before


def _is_of_a_file(stream: Any) -> bool:
    try:
        stream.fileno()
    except (AttributeError, OSError, ValueError):
        return False  # none, or a stand-in of a test's
    return hasattr(stream, "buffer")
