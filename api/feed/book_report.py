"""What an engine can say of its book at any moment, between the seconds that it closes. No I/O."""

from api.feed.messages import ExactBook, NoBook
from state.engine import Engine
from state.frames import Status


def book_report(
    engine: Engine, steady_ms: float, wall_ms: float | None = None, uncertainty_ms: float = 0.0
) -> ExactBook | NoBook:
    """Return the newest exact book at this instant, or why there is none; see `Engine.status` for the clocks.

    By the rules of frames: what the frame of a second that closed now would say. Constant time.
    """
    (status, reason), market = engine.status(steady_ms, wall_ms, uncertainty_ms), engine.market
    known = engine.known_range()
    if status is not Status.LIVE or market is None or known is None:
        return NoBook(status, reason)
    return ExactBook(market.last_update_id, market.exchange_time, market.top, *known)
