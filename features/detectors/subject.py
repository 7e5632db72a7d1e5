"""What a detection is about."""

from features.detectors.detection import SIDES, Detection, Ending, Event, Evidence, Kind
from orderbook.rounding import rounded


class Subject:
    """What detections of one life have in common: from it its events are made."""

    __slots__ = ("id", "kind", "price", "side", "started_at")

    def __init__(self, kind: Kind, side: int, price: float, started_at: int) -> None:
        self.kind = kind
        self.side = SIDES[side]
        self.price = price
        self.started_at = started_at
        self.id = f"{kind}-{self.side}-{price:.10g}-{started_at}"

    def detection(
        self, event: Event, time: int, magnitude: float, evidence: Evidence, reason: Ending | None = None
    ) -> Detection:
        """Return an event of this life, which is not ranked yet."""
        return Detection(
            self.id,
            self.kind,
            event,
            self.side,
            self.price,
            self.started_at,
            time,
            reason,
            rounded(magnitude),
            None,
            evidence,
        )
