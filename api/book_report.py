"""What an engine can say of its book at any moment, between the seconds that it closes. No I/O."""

from api.feed import ExactBook, NoBook
from state.engine import Engine, Phase
from state.frames import Status


class BookReport:
    """Reads one engine's newest exact book, or why there is none.

    An engine keeps its market while the depth stream is silent, and only the frame of the next second
    calls it stale. So silence is measured here too, by the same rule: no new depth event for longer than
    the engine's `stale_after_ms`. An event that only repeats the last one is not new.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._update_id: int | None = None
        self._heard = 0.0  # steady ms at which the event with that id came

    def read(self, steady_ms: float) -> ExactBook | NoBook:
        """Return what is so at this instant of the engine's steady clock. Constant time."""
        market = self._engine.market
        if market is None:
            return NoBook(Status.SYNCING, self._why_not())
        if market.last_update_id != self._update_id:
            self._update_id = market.last_update_id
            self._heard = self._engine.health.depth.last_message or steady_ms
        quiet = steady_ms - self._heard
        if quiet > self._engine.settings.stale_after_ms:
            return NoBook(Status.STALE, f"no depth event for {quiet / 1000:.1f} s")
        return ExactBook(market.last_update_id, market.exchange_time, market.top)

    def _why_not(self) -> str:
        phase, depth = self._engine.phase, self._engine.health.depth
        if phase is Phase.SYNCED:
            return "the price left the range that the last snapshot covers; fetching a new one"
        trouble = f" ({depth.reason})" if phase is Phase.DISCONNECTED and depth.reason else ""
        return f"{phase.value}{trouble}"
