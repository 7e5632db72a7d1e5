"""One second of all that a book knows, and its JSON: values."""

from typing import NamedTuple

import msgspec

from data_ingestion.messages import Levels


class TapeEntry(NamedTuple):
    """One aggregate trade; an array on the wire, in this order."""

    time: int  # T, ms since the epoch
    price: float
    size: float
    visible_size: float | None  # without RPI fills; None where the exchange left it out
    side: str  # of the taker: buy or sell
    id: int


class Update(msgspec.Struct, frozen=True, omit_defaults=True):
    """One depth event as it was applied; one whose `u` is that of the one before: what a snapshot added."""

    u: int
    pu: int  # the `u` before it
    T: int
    bids: Levels  # absolute sizes inside the covered range, 0 removes
    asks: Levels
    low: float | None = None  # the covered range from then on, where it changed
    high: float | None = None


class WholeBook(msgspec.Struct, frozen=True):
    """Every covered level at one instant, best first."""

    u: int
    T: int
    low: float
    high: float
    bids: Levels
    asks: Levels


class Chunk(msgspec.Struct, frozen=True):
    """One second of all that the book knows."""

    updates: list[Update] | None  # None in a second that did not end live
    book: WholeBook | None  # before the first of these updates
    tape: list[TapeEntry]  # every aggregate trade that arrived


class EncodedChunk(msgspec.Struct, frozen=True):
    """A chunk as JSON: a tenth of the memory that its numbers take, and what clients are sent."""

    updates: bytes = b"null"
    book: bytes = b"null"
    tape: bytes = b"[]"

    def decode(self) -> Chunk:
        """Return the chunk. Linear in it."""
        return Chunk(_decode_updates(self.updates), _decode_book(self.book), _decode_tape(self.tape))


class EncodedNews(msgspec.Struct, frozen=True):
    """What has come since the last news, as JSON: a whole book, or the updates that follow on them."""

    updates: bytes = b"[]"
    book: bytes = b"null"  # as of now; then there are no updates


_encode = msgspec.json.Encoder().encode
_decode_updates = msgspec.json.Decoder(list[Update] | None).decode
_decode_book = msgspec.json.Decoder(WholeBook | None).decode
_decode_tape = msgspec.json.Decoder(list[TapeEntry]).decode


def encoded(chunk: Chunk) -> EncodedChunk:
    """Return `chunk` as JSON. Linear in it."""
    return EncodedChunk(_encode(chunk.updates), _encode(chunk.book), _encode(chunk.tape))
