"""Outputs that wait for nobody."""

import os
import threading
from pathlib import Path
from typing import TextIO

import pytest

from processes.outputs import MOST_WAITING, PatientStream, has_reader
from tests.program import PATIENCE


def pipe() -> tuple[int, PatientStream, TextIO]:
    """Return the reading end of a pipe, a stream that writes into it, and the file under that."""
    reader, writer = os.pipe()
    file = os.fdopen(writer, "w", encoding="utf-8")
    return reader, PatientStream(file), file


def test_what_is_read_comes_whole_and_in_order() -> None:
    """Whatever is written, and in whatever pieces."""
    reader, stream, file = pipe()
    for number in range(100):
        print(f"line {number}", "ü", file=stream)
    stream.drain(PATIENCE)
    lines = os.read(reader, 100_000).decode().splitlines()
    assert lines == [f"line {number} ü" for number in range(100)]
    os.close(reader)
    file.close()


def test_nobody_who_reads_means_that_lines_are_left_out_and_counted() -> None:
    """No write waits; who reads at last is told how many are missing."""
    reader, stream, file = pipe()
    line = "x" * 1_000
    for _ in range(2_000):
        print(line, file=stream)
    received = bytearray()

    def read() -> None:
        while b"lines left out" not in received:
            received.extend(os.read(reader, 65_536))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    *kept, told = received.decode().splitlines()
    assert MOST_WAITING / 1_001 - 2 <= len(kept) < 2_000
    assert told == f"({2_000 - len(kept):,} lines left out, for nobody read them)"
    os.close(reader)
    file.close()


def test_a_reader_that_has_gone_is_told_of() -> None:
    """As by any stream: what writes on learns of it."""
    reader, stream, file = pipe()
    os.close(reader)
    print("one", file=stream)
    stream.drain(PATIENCE)
    with pytest.raises(BrokenPipeError):
        print("two", file=stream)
    file.close()


def test_a_reader_that_has_gone_is_known_without_writing(tmp_path: Path) -> None:
    """Also where nothing is to be said for a minute; a file's reader may come later."""
    reader, stream, file = pipe()
    assert has_reader(stream)
    os.close(reader)
    assert not has_reader(stream)
    file.close()
    with (tmp_path / "out").open("w", encoding="ascii") as out:
        assert has_reader(out)


def test_what_an_encoding_lacks_is_written_in_ascii(tmp_path: Path) -> None:
    """A symbol of any script harms no terminal."""
    path = tmp_path / "out"
    with path.open("w", encoding="ascii") as file:
        stream = PatientStream(file)
        print("币", file=stream)
        stream.drain(PATIENCE)
    assert path.read_bytes() == b"\\u5e01\n"
