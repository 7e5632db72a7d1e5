"""What the measuring of the page makes of a browser's trace."""

from typing import Any

from tests.dashboard.main_thread import shown, spent


def _mark(name: str, ts: float, tts: float) -> dict[str, Any]:
    return {"name": name, "ts": ts, "tts": tts}


def test_thread_time_counts_and_not_the_clock() -> None:
    """Whatever else ran meanwhile is not the page's, and parts may come in any order and within each other."""
    events = [
        _mark("end step", 9000, 2500),
        _mark("begin step", 1000, 500),
        _mark("begin drawData", 20_000, 3000),
        _mark("begin drawSurface", 21_000, 3200),
        _mark("end drawSurface", 29_000, 4200),
        _mark("end drawData", 40_000, 6000),
        _mark("begin step", 50_000, 7000),
        {"name": "navigationStart", "ts": 51_000},
        _mark("end step", 52_000, 7250),
    ]
    assert spent(events) == {"step": [2.0, 0.25], "drawSurface": [1.0], "drawData": [3.0]}


def test_what_was_cut_off_is_not_counted() -> None:
    """A trace may begin and end within a part."""
    assert spent([_mark("end step", 1, 1), _mark("begin step", 2, 2)]) == {}


def test_quantiles_are_said_in_one_line() -> None:
    """Nineteen of twenty are not more than the second figure."""
    assert shown([float(value) for value in range(100, -1, -1)]) == "median  50.0 ms, 95 %  95.0 ms"
