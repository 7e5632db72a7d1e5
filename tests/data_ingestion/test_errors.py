"""The exchange's failures, and what they call for."""

import pytest

from data_ingestion.errors import (
    Action,
    ExchangeError,
    HttpRefusal,
    MalformedMessage,
    StreamSilent,
    UnknownSymbol,
    Unreachable,
    classify,
    retry_after,
)

EVERY: list[tuple[ExchangeError, Action, float]] = [
    (MalformedMessage("snapshot", "no JSON"), Action.RETRY, 0.0),
    (StreamSilent("depth", 30.0), Action.RETRY, 0.0),
    (Unreachable("snapshot", "connection refused"), Action.RETRY, 0.0),
    (HttpRefusal("snapshot", 500), Action.RETRY, 0.0),
    (HttpRefusal("snapshot", 429), Action.RETRY, 0.0),
    (HttpRefusal("snapshot", 429, 7.0), Action.RETRY, 7.0),
    (HttpRefusal("snapshot", 429, 0.0), Action.RETRY, 0.0),
    (HttpRefusal("snapshot", 418, 1_800.0), Action.RETRY, 1_800.0),
    (HttpRefusal("snapshot", 503, 2.5), Action.RETRY, 2.5),
    (HttpRefusal("snapshot", 403), Action.RETRY, 0.0),
    (HttpRefusal("snapshot", 451), Action.RETRY, 0.0),
    (UnknownSymbol("BTCUSD"), Action.GIVE_UP, 0.0),
]


@pytest.mark.parametrize(("error", "action", "seconds"), EVERY, ids=lambda value: str(value)[:40])
def test_every_failure_has_its_action_and_wait(error: ExchangeError, action: Action, seconds: float) -> None:
    """Only an unknown symbol is hopeless, and a named wait is handed on to the second."""
    assert classify(error) is action
    assert retry_after(error) == seconds


@pytest.mark.parametrize("error", [error for error, _, _ in EVERY], ids=lambda error: str(error)[:40])
def test_every_failure_speaks_in_words(error: ExchangeError) -> None:
    """Each failure says something, on one line."""
    assert str(error).strip()
    assert "\n" not in str(error)


@pytest.mark.parametrize("status", [403, 451])
def test_a_refused_region_names_what_a_person_can_do(status: int) -> None:
    """A refusal of the network names the status, the proxy variables and the simulated source."""
    words = str(HttpRefusal("snapshot", status))
    for name in (str(status), "HTTPS_PROXY", "NO_PROXY", "--source simulated"):
        assert name in words


@pytest.mark.parametrize("status", [403, 418, 429, 451, 500])
def test_the_wait_is_named(status: int) -> None:
    """Where the exchange asks for a wait, its seconds are in the words."""
    assert "73" in str(HttpRefusal("snapshot", status, 73.0))


def test_figures_are_kept_beside_the_words() -> None:
    """What a failure is about can be read without parsing its words."""
    refusal = HttpRefusal("snapshot", 429, 7.0)
    assert (refusal.what, refusal.status, refusal.retry_after) == ("snapshot", 429, 7.0)
    silent = StreamSilent("trade", 12.5)
    assert (silent.stream, silent.seconds) == ("trade", 12.5)
    assert "trade" in str(silent)
    malformed = MalformedMessage("depthUpdate", "no u")
    assert (malformed.kind, malformed.detail) == ("depthUpdate", "no u")
    assert UnknownSymbol("BTCUSD").symbol == "BTCUSD"
    assert Unreachable("snapshot", "refused").what == "snapshot"
