"""How far a book is, and which step may follow which."""

import enum
from typing import Final


class Phase(enum.Enum):
    """How far the book is."""

    DISCONNECTED = "the depth stream is not connected"
    BUFFERING = "waiting for the first depth event"
    FETCHING = "waiting for a snapshot"
    BRIDGING = "waiting for the depth event that spans the snapshot"
    SYNCED = "in step with the exchange"


PHASE_STEPS: Final[dict[Phase, frozenset[Phase]]] = {
    Phase.DISCONNECTED: frozenset({Phase.BUFFERING}),
    Phase.BUFFERING: frozenset({Phase.FETCHING, Phase.BUFFERING, Phase.DISCONNECTED}),
    Phase.FETCHING: frozenset(
        {Phase.FETCHING, Phase.BRIDGING, Phase.SYNCED, Phase.BUFFERING, Phase.DISCONNECTED}
    ),
    Phase.BRIDGING: frozenset(
        {Phase.BRIDGING, Phase.FETCHING, Phase.SYNCED, Phase.BUFFERING, Phase.DISCONNECTED}
    ),
    Phase.SYNCED: frozenset({Phase.FETCHING, Phase.BUFFERING, Phase.DISCONNECTED}),
}
"""Which phases may follow each one."""
