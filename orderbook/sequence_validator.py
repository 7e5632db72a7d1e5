"""Binance's rules for the order of futures depth events, as a state machine of one integer.

Source: "How to manage a local order book correctly", Binance USDS-M futures,
https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams

1. Drop events with `u < lastUpdateId` of the snapshot.
2. The first event applied has `U <= lastUpdateId <= u`.
3. From then on each event's `pu` equals the `u` of the event before it. `U` is not `pu + 1` on futures.
"""

import enum

from data_ingestion.messages import DepthUpdate
from orderbook.findings import Gap

__all__ = ["Gap", "SequenceValidator", "Verdict"]


class Verdict(enum.Enum):
    """What the rules say of an event that is no gap."""

    APPLY = "apply"  # next in line
    OUTDATED = "outdated"  # the snapshot already has it, or it is the last event once more: drop it
    SNAPSHOT_TOO_OLD = "snapshot too old"  # starts after the snapshot: fetch a newer one


class SequenceValidator:
    """Judges depth events against the snapshot's id first and against one another after that.

    `last_update_id` is the id up to which the book is true: the snapshot's, then `u` of the last event
    that got `APPLY`.
    """

    __slots__ = ("_last", "bridged", "last_update_id")

    def __init__(self, last_update_id: int) -> None:
        self.last_update_id = last_update_id
        self.bridged = False  # whether the event that spans the snapshot has been seen
        self._last: tuple[int, int] = (0, 0)  # U and pu of the last event applied

    def check(self, event: DepthUpdate) -> Verdict | Gap:
        """Judge `event`; on `APPLY`, move on to it. Constant time."""
        last = self.last_update_id
        if self.bridged:
            if event.previous_final_update_id != last:
                return self._out_of_line(event)
        elif event.final_update_id < last:
            return Verdict.OUTDATED
        elif event.first_update_id > last:
            return Verdict.SNAPSHOT_TOO_OLD
        self.bridged = True
        self.last_update_id = event.final_update_id
        self._last = (event.first_update_id, event.previous_final_update_id)
        return Verdict.APPLY

    def _out_of_line(self, event: DepthUpdate) -> Verdict | Gap:
        # The very event applied last, sent again, proves that nothing is missing. Any other event from the
        # past does not: after a change of the exchange's counter all events look like that.
        ids = (event.first_update_id, event.previous_final_update_id)
        if event.final_update_id == self.last_update_id and ids == self._last:
            return Verdict.OUTDATED
        return Gap(self.last_update_id, event.previous_final_update_id)
