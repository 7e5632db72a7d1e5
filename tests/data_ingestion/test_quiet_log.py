"""Log lines that are repeated with growing distance."""

import logging

import pytest

from data_ingestion.clock import Clock
from data_ingestion.quiet_log import LONGEST_DISTANCE, QuietLog

log = logging.getLogger("data_ingestion.test")


class Bench:
    """A log with a clock of its own."""

    def __init__(self) -> None:
        self.now = 100.0
        self.quiet = QuietLog(log, Clock(wall=lambda: self.now, steady=lambda: self.now))

    def every_second(self, seconds: int, text: str) -> None:
        """Write the same for so long."""
        for _ in range(seconds):
            self.quiet.write(logging.WARNING, text)
            self.now += 1


def test_one_cause_is_told_ever_more_rarely(caplog: pytest.LogCaptureFixture) -> None:
    """At 0, 5, 15, 35, 75 ... seconds, and what was left out is counted."""
    bench = Bench()
    bench.every_second(80, "refused: HTTP 503")
    assert [record.getMessage() for record in caplog.records] == [
        "refused: HTTP 503",
        "refused: HTTP 503 (4 more like it meanwhile)",
        "refused: HTTP 503 (9 more like it meanwhile)",
        "refused: HTTP 503 (19 more like it meanwhile)",
        "refused: HTTP 503 (39 more like it meanwhile)",
    ]


def test_figures_make_no_other_cause_and_words_do(caplog: pytest.LogCaptureFixture) -> None:
    """A gap is a gap wherever it is; a refusal is something else."""
    bench = Bench()
    for number in range(100):
        bench.quiet.write(logging.INFO, f"gap: expected pu {number}, got {number + 7}")
        bench.quiet.write(logging.WARNING, "refused")
    caplog.set_level(logging.INFO)
    assert len(caplog.records) == 1
    bench.quiet.write(logging.INFO, "in step")
    assert len(caplog.records) == 2


def test_a_cause_that_was_away_is_told_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """And after days it is still told every ten minutes."""
    bench = Bench()
    bench.every_second(10, "refused")
    before = len(caplog.records)
    bench.now += 100
    bench.quiet.write(logging.WARNING, "refused")
    assert len(caplog.records) == before + 1
    bench.every_second(100_000, "refused")
    told = len(caplog.records)
    bench.every_second(10 * int(LONGEST_DISTANCE), "refused")
    assert len(caplog.records) - told == pytest.approx(10, abs=1)


def test_a_log_of_level_debug_leaves_nothing_out(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever looks that closely wants to see each."""
    caplog.set_level(logging.DEBUG, log.name)
    Bench().every_second(10, "refused: HTTP 503")
    assert len(caplog.records) == 10
