"""Why a connection or a book had to be made again: one short word a cause, and one place that finds it."""

import enum
from typing import Final

from data_ingestion.errors import ExchangeError, HttpRefusal, MalformedMessage, StreamSilent, Unreachable

LIFETIME: Final = 23.5 * 3600
"""Seconds. The exchange ends every connection after 24 h: an end near that is no fault of anybody."""


class Cause(enum.StrEnum):
    """Stable words: they are labels in `/metrics` and keys in frames."""

    CLOSED = "closed"  # the connection ended or broke
    LIFETIME = "lifetime"  # it ended at the age at which the exchange ends them all
    SILENT = "silent"  # it was open and brought nothing
    REFUSED = "refused"  # the exchange answered the handshake with an HTTP error
    UNREACHABLE = "unreachable"  # no connection could be made
    MALFORMED = "malformed"  # what came was not what the exchange documents
    GAP = "gap"  # the depth sequence broke
    CORRUPT = "corrupt"  # after an event the book looked like no real one
    AUDIT = "audit"  # the book differed from a fresh snapshot
    OVERFLOW = "overflow"  # the queue in front of the book was full


def cause_of(error: ExchangeError) -> Cause:
    """Return the word for `error`."""
    match error:
        case StreamSilent():
            return Cause.SILENT
        case HttpRefusal():
            return Cause.REFUSED
        case MalformedMessage():
            return Cause.MALFORMED
        case Unreachable(lasted=float(seconds)):
            return Cause.LIFETIME if seconds >= LIFETIME else Cause.CLOSED
        case _:
            return Cause.UNREACHABLE
