"""Log lines that come in floods."""

import logging

import pytest

from api.seldom import SAID_EVERY, Seldom, say_seldom


def test_a_flood_is_one_line_a_minute_with_a_count(caplog: pytest.LogCaptureFixture) -> None:
    """Each kind for itself: what is different is said at once."""
    now = [0.0]
    log = logging.getLogger("tests.flood")
    log.addFilter(Seldom(lambda: now[0]))
    for number in range(1_000):
        log.warning("refused %d", number)
    log.warning("something else")
    assert caplog.messages == ["refused 0", "something else"]
    now[0] += SAID_EVERY
    log.warning("refused %d", 7)
    assert caplog.messages[2:] == ["refused 7 (999 more since the last time)"]


def test_kinds_without_end_are_not_remembered(caplog: pytest.LogCaptureFixture) -> None:
    """They are said: only what repeats itself is left out."""
    seldom = Seldom(lambda: 0.0)
    log = logging.getLogger("tests.kinds")
    log.addFilter(seldom)
    for number in range(1_000):
        log.warning(f"kind {number}")  # noqa: G004 - each a kind of its own
    assert len(caplog.messages) == 1_000
    assert len(seldom._said) <= 100


def test_a_logger_is_made_to_say_less_once() -> None:
    """However many servers are made."""
    log = logging.getLogger("tests.once")
    for _ in range(3):
        say_seldom(log)
    assert len(log.filters) == 1
