"""The sentences of `health.warnings`."""

from typing import Any

import pytest
from msgspec.structs import replace

from data_ingestion.pacing.clock_offset import ClockOffset
from state.frames import Health, Percentiles
from state.health import RATE_WINDOW_MS
from state.health_warnings import warnings_of
from tests.api.serving import a_health
from tests.engine_rig import live


def healthy() -> Health:
    """Return a health of which nothing needs to be said."""
    health = a_health()
    return replace(health, trades=replace(health.depth), clock_offset_ms=3.0, clock_uncertainty_ms=1.0)


def said(thin: bool = False, rate_is_full: bool = True, **changed: Any) -> list[str]:
    """Return the warnings of a health with these fields changed."""
    return warnings_of(replace(healthy(), **changed), rate_is_full=rate_is_full, thin=thin)


def test_of_what_is_well_nothing_is_said() -> None:
    """Nor where something is not known."""
    assert said() == []
    unknown: dict[str, Any] = {
        "clock_offset_ms": None,
        "clock_uncertainty_ms": None,
        "latency_ms": Percentiles(None, None),
    }
    assert said(**unknown, covered_levels=None, thin=True) == []


@pytest.mark.parametrize(
    ("well", "ill", "word"),
    [
        ({"update_rate": 5.0}, {"update_rate": 4.9}, "4.9"),
        ({"latency_ms": Percentiles(5.0, 1_000.0)}, {"latency_ms": Percentiles(5.0, 1_400.0)}, "1.4 s"),
        ({"clock_offset_ms": 251.0}, {"clock_offset_ms": 2_100.0}, "2.1 s behind"),
        ({"clock_offset_ms": -251.0}, {"clock_offset_ms": -2_100.0}, "2.1 s ahead"),
        ({"clock_offset_ms": 900.0, "clock_uncertainty_ms": 700.0}, {"clock_offset_ms": 252.0}, "0.3 s"),
        ({}, {"trades": a_health().trades}, "no trade for 6 s"),
        ({}, {"thin": True}, "900 bids"),
    ],
)
def test_each_trouble_is_one_sentence_with_its_figure(
    well: dict[str, Any], ill: dict[str, Any], word: str
) -> None:
    """At the threshold nothing is said yet."""
    assert said(**well) == []
    (sentence,) = said(**ill)
    assert word in sentence


def test_a_rate_is_not_judged_before_its_window_is_full() -> None:
    """Nor while the stream is not open: its own state says more then."""
    assert said(update_rate=0.5, rate_is_full=False) == []
    down = replace(healthy().depth, state="down")
    assert said(update_rate=0.5, depth=down) == []


def test_an_engine_warns_of_a_slow_stream_and_of_a_clock_that_is_off() -> None:
    """In the frame of the second; a stream back at its rate is not warned of any more."""
    rig = live()
    rig.late_ms = 1_500
    assert not any("rate" in sentence for sentence in rig.health().warnings)
    for _ in range(RATE_WINDOW_MS // 400 + 1):
        rig.emit(after_ms=400)
    slow, late = rig.health().warnings
    assert "low update rate" in slow
    assert "falling behind" in late
    rig.late_ms = 0
    for _ in range(RATE_WINDOW_MS // 100):
        rig.emit()
    frame, _ = rig.engine.close_second(rig.seconds * 1000 + 1000, rig.now, ClockOffset(400.0, 2.0))
    assert frame.health is not None
    (clock,) = frame.health.warnings
    assert "0.4 s behind" in clock
