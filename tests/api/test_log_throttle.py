"""Log lines that come in floods."""

import logging

import pytest

from api.log_throttle import SAID_EVERY, LogThrottle, throttle


def test_a_flood_is_one_line_a_minute_with_a_count(caplog: pytest.LogCaptureFixture) -> None:
    """Each kind for itself: what is different is said at once."""
    now = [0.0]
    log = logging.getLogger("tests.flood")
    log.addFilter(LogThrottle(lambda: now[0]))
    for number in range(1_000):
        log.warning("refused %d", number)
    log.warning("something else")
    assert caplog.messages == ["refused 0", "something else"]
    now[0] += SAID_EVERY
    log.warning("refused %d", 7)
    assert caplog.messages[2:] == ["refused 7 (999 more since the last time)"]


def test_kinds_without_end_are_not_remembered(caplog: pytest.LogCaptureFixture) -> None:
    """They are said: only what repeats itself is left out."""
    throttled = LogThrottle(lambda: 0.0)
    log = logging.getLogger("tests.kinds")
    log.addFilter(throttled)
    for number in range(1_000):
        log.warning(f"kind {number}")  # noqa: G004 - each a kind of its own
    assert len(caplog.messages) == 1_000
    assert len(throttled._said) <= 100


def test_a_logger_is_made_to_say_less_once() -> None:
    """However many servers are made."""
    log = logging.getLogger("tests.once")
    for _ in range(3):
        throttle(log)
    assert len(log.filters) == 1
