"""An ending that is not yet sure."""

import msgspec

from features.detectors.detection import Detection, Ending, Event, Evidence
from features.detectors.subject import Subject


class Closing(msgspec.Struct, frozen=True):
    """An ending that waits for the next trade's id to say that all trades of it are known."""

    subject: Subject
    time: int
    magnitude: float
    evidence: Evidence
    reason: Ending  # if they are

    def detection(self, *, proven: bool) -> Detection:
        """Return the ending; `proven` says that no trade of it was missed."""
        reason = self.reason if proven else Ending.UNEXPLAINED
        return self.subject.detection(Event.CLOSED, self.time, self.magnitude, self.evidence, reason)
