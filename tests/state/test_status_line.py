"""The line that a terminal shows of each symbol."""

import msgspec
import pytest

from state.frames import Frame, Percentiles, Status, not_live_frame
from state.status_line import status_line
from tests.api.serving import a_frame, a_health, at


def test_a_live_line_has_all_that_was_promised() -> None:
    """State, source, symbol, mid price, spread, update rate and latency."""
    words = status_line(a_frame(at(5))).split()
    assert words == ["LIVE", "SIMULATED", "BTCUSDT", "1,005.000", "spread", "2", "9.5/s", "8", "ms"]


def test_the_real_exchange_is_named() -> None:
    """Only simulated data is shouted."""
    assert " binance " in status_line(a_frame(at(1), source="binance"))


@pytest.mark.parametrize("status", [Status.SYNCING, Status.STALE])
def test_a_line_that_is_not_live_has_no_price_and_says_why(status: Status) -> None:
    """The reason stands in it; no number that might be wrong does."""
    line = status_line(not_live_frame("BTCUSDT", "binance", at(1), status, "the stream ended", a_health()))
    assert line.split(maxsplit=3) == [status.value.upper(), "binance", "BTCUSDT", "the stream ended"]
    assert "1,0" not in line
    assert "LIVE" not in line


def test_an_engine_that_cannot_be_heard_has_a_line_too() -> None:
    """Without health there is no rate and no latency, and no error."""
    line = status_line(not_live_frame("BTCUSDT", "simulated", at(1), Status.SYNCING, "gone", None))
    assert line.split() == ["SYNCING", "SIMULATED", "BTCUSDT", "gone"]


@pytest.mark.parametrize("status", list(Status))
def test_state_and_source_stand_where_no_narrow_terminal_cuts_them(status: Status) -> None:
    """Before all else, whatever the symbol's length; twenty columns are enough."""
    frame = (
        changed(symbol="X" * 30)
        if status is Status.LIVE
        else not_live_frame("X" * 30, "simulated", at(1), status, "y" * 200, a_health())
    )
    assert status_line(frame)[:20].split()[:2] == [status.value.upper(), "SIMULATED"]


def test_a_reason_of_several_lines_stays_one_line() -> None:
    """Whatever a library put into its message, each symbol has one line."""
    line = status_line(
        not_live_frame("BTCUSDT", "binance", at(1), Status.STALE, "no\nreply\r\n at all", None)
    )
    assert line.splitlines() == [line]
    assert line.startswith("STALE ")
    assert line.endswith(" no reply at all")


def changed(**values: object) -> Frame:
    """Return a live frame with other values."""
    return msgspec.structs.replace(a_frame(at(1)), **values)


@pytest.mark.parametrize(
    ("mid", "shown"), [(61234.55, "61,234.550"), (0.00891241, "0.0089124"), (1.23455, "1.2345500")]
)
def test_cheap_contracts_keep_their_digits(mid: float, shown: str) -> None:
    """A price of a fraction of a cent is not shown as zero."""
    assert shown in status_line(changed(mid_price=mid)).split()


def test_columns_stay_in_place() -> None:
    """Symbols stand at the same column, live or not, and figures below one another."""
    health = msgspec.structs.replace(a_health(), latency_ms=Percentiles(None, None))
    dark = not_live_frame("ETHUSDT", "simulated", at(1), Status.STALE, "no event", health)
    lines = [status_line(frame) for frame in (changed(mid_price=98765.4, spread=12.5), a_frame(at(1)), dark)]
    assert len({line.index("USDT") for line in lines}) == 1
    assert len({line.index("spread") for line in lines[:2]}) == 1
