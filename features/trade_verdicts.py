"""What can be said of a trade's place in the sequence."""

import enum

import msgspec


class TradeVerdict(enum.Enum):
    """What the ids say of a trade before which none is missing."""

    FIRST = "first"  # none before it is known
    NEXT = "next"  # follows on the one before: nothing was missed between them
    DUPLICATE = "duplicate"  # at or below the last one: it was told already


class TradeGap(msgspec.Struct, frozen=True):
    """Trades between two are missing, or the exchange counts anew."""

    expected: int  # the id that would have continued the sequence
    got: int  # the id that came

    @property
    def missing(self) -> int:
        """How many trades are missing; 0 where the exchange counts anew, which tells no number."""
        return max(0, self.got - self.expected)

    def __str__(self) -> str:
        if self.missing:
            return f"gap in the trade sequence: {self.missing} missing before id {self.got}"
        return f"the trade sequence began anew: expected id {self.expected}, got {self.got}"
