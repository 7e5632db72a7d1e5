"""The rolling window: one row a second, never more than its cap."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import figures
from dashboard.figures import surface_figure
from state.rolling_buffer import WINDOW_SECONDS, RollingBuffer
from tests.builders import property_settings

ROOT = Path(__file__).resolve().parents[2]


class Stamp(msgspec.Struct, frozen=True):
    """A row with nothing but its time, and whether the buffer made it up."""

    timestamp: int
    missing: bool = False


def buffer(*seconds: int, cap: int = WINDOW_SECONDS) -> RollingBuffer[Stamp]:
    """Return a buffer to which the rows of `seconds` were appended."""
    made = RollingBuffer(lambda at: Stamp(at, missing=True), cap)
    for second in seconds:
        made.append(Stamp(second * 1000))
    return made


def shown(made: RollingBuffer[Stamp]) -> list[str]:
    """Return the seconds of the rows in order, those made up in brackets."""
    return [f"({row.timestamp // 1000})" if row.missing else f"{row.timestamp // 1000}" for row in made]


def test_an_empty_buffer_has_no_rows() -> None:
    """At the start there is nothing."""
    assert (len(buffer()), list(buffer())) == (0, [])


def test_rows_come_oldest_first() -> None:
    """Rows of consecutive seconds stand in order, the newest last."""
    assert shown(buffer(5, 6, 7)) == ["5", "6", "7"]


def test_the_window_is_capped_at_180_seconds() -> None:
    """The oldest rows go when 180 are exceeded."""
    made = buffer(*range(1, 501))
    assert WINDOW_SECONDS == made.seconds == len(made) == 180
    assert shown(made) == [str(second) for second in range(321, 501)]


def test_a_hole_stays_a_hole() -> None:
    """Seconds for which nothing was appended are rows that say so."""
    assert shown(buffer(5, 9)) == ["5", "(6)", "(7)", "(8)", "9"]


@pytest.mark.parametrize("second", [11, 12, 13, 1_000_000_000])
def test_a_hole_longer_than_the_window_leaves_only_itself(second: int) -> None:
    """After a long hole the window holds missing rows and the new one, and is not longer than its cap."""
    made = buffer(1, 2, second, cap=10)
    first = second - 9
    assert shown(made) == [str(at) if at in (2, second) else f"({at})" for at in range(first, second + 1)]


@pytest.mark.parametrize(
    ("seconds", "rows"),
    [
        ((5, 6, 7, 6), ["5", "6"]),
        ((5, 6, 7, 7), ["5", "6", "7"]),
        ((5, 6, 7, 3), ["3"]),
        ((5, 6, 9, 8), ["5", "6", "(7)", "8"]),
        ((5, 6, 7, 6, 8), ["5", "6", "(7)", "8"]),
    ],
)
def test_a_clock_set_back_replaces_what_lay_ahead(seconds: tuple[int, ...], rows: list[str]) -> None:
    """Rows at or after a second that comes again give way to it."""
    assert shown(buffer(*seconds)) == rows


@given(seconds=st.lists(st.integers(0, 60), max_size=60), cap=st.integers(1, 20))
@property_settings(200)
def test_any_seconds_leave_the_naive_window(seconds: list[int], cap: int) -> None:
    """Whatever the clock does: one row a second up to the newest, in order, capped, real rows kept."""
    made = buffer(cap=cap)
    naive: list[str] = []
    for second in seconds:
        made.append(Stamp(second * 1000))
        known = [row for row in naive if int(row.strip("()")) < second]
        hole = range(int(known[-1].strip("()")) + 1, second) if known else ()
        naive = [*known, *(f"({at})" for at in hole), str(second)][-cap:]
        assert shown(made) == naive
        assert len(made) == len(naive)


def test_the_page_shows_the_same_window() -> None:
    """It imports nothing of the program, and so says its length again, in its modules and a figure."""
    modules = (ROOT / "dashboard/assets/book/book_window.mjs").read_text(encoding="utf-8")
    assert f"export const WINDOW_MS = {WINDOW_SECONDS}_000;" in modules
    assert figures.WINDOW_SECONDS == WINDOW_SECONDS
    assert surface_figure()["layout"]["scene"]["xaxis"]["range"] == [-WINDOW_SECONDS, 0]
