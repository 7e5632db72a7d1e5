"""Faults: what may be asked for, and what they make of a stream of events."""

import pytest

from data_ingestion.simulated_exchange.faults import FAULTS, FaultKind, FaultRequest, FaultState, parse_fault

SYMBOLS = ("BTCUSDT", "ETHUSDT")


def played(events: int, *requests: FaultRequest) -> list[bytes]:
    """Return what is sent for events {"n":0}, {"n":1}, ... that come every 100 ms."""
    state = FaultState("BTCUSDT")
    for request in requests:
        state.arm(request, now_ms=0)
    return [frame for n in range(events) for frame in state.depth_frames(event(n), n * 100)]


def event(number: int) -> bytes:
    """Make a stand-in for a depth event."""
    return b'{"n":%d}' % number


def test_every_kind_has_its_rule() -> None:
    """The table says of each kind how long it lasts and what it does."""
    assert set(FAULTS) == set(FaultKind)


def test_without_a_fault_everything_passes() -> None:
    """A state in which nothing is armed changes nothing."""
    assert played(3) == [event(0), event(1), event(2)]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (FaultRequest(FaultKind.GAP, count=2), [2, 3]),
        (FaultRequest(FaultKind.DUPLICATE), [0, 0, 1, 2, 3]),
        (FaultRequest(FaultKind.REORDER), [1, 0, 2, 3]),
        (FaultRequest(FaultKind.REORDER, count=2), [1, 0, 3, 2]),
        (FaultRequest(FaultKind.SILENCE, seconds=0.3), [3]),
        (FaultRequest(FaultKind.BURST, seconds=0.3), [0, 1, 2, 3]),
    ],
    ids=lambda value: value.kind if isinstance(value, FaultRequest) else "",
)
def test_events_are_lost_doubled_or_moved(request_: FaultRequest, expected: list[int]) -> None:
    """Each fault does to four events what its name says, and nothing after."""
    assert played(4, request_) == [event(n) for n in expected]


def test_a_burst_holds_back_and_then_sends_all_at_once() -> None:
    """Nothing comes while it lasts; the first event after it brings everything held."""
    state = FaultState("BTCUSDT")
    state.arm(FaultRequest(FaultKind.BURST, seconds=0.2), now_ms=1_000)
    assert state.depth_frames(event(0), 1_050) == []
    assert state.depth_frames(event(1), 1_150) == []
    assert state.depth_frames(event(2), 1_250) == [event(0), event(1), event(2)]


def test_garbage_comes_before_an_event_that_is_whole() -> None:
    """Malformed frames are additional: no event is lost by them."""
    frames = played(1, FaultRequest(FaultKind.MALFORMED))
    assert len(frames) > 5
    assert frames[-1] == event(0)
    assert b"{not json" in frames


def test_an_extra_field_leaves_the_others_as_they_are() -> None:
    """The event is still JSON and still says what it said."""
    assert played(2, FaultRequest(FaultKind.EXTRA_FIELD)) == [b'{"n":0,"zz":{"new":[1,2]}}', event(1)]


def test_trades_are_lost_only_in_a_trade_silence() -> None:
    """Trades come back when the seconds are over."""
    state = FaultState("BTCUSDT")
    state.arm(FaultRequest(FaultKind.TRADE_SILENCE, seconds=1.0), now_ms=0)
    assert state.trade_frames(event(0), 500) == []
    assert state.trade_frames(event(1), 1_000) == [event(1)]


def test_counts_of_the_same_kind_add_up() -> None:
    """Two gaps asked for one after the other are two events lost."""
    gap = FaultRequest(FaultKind.GAP)
    assert played(3, gap, gap) == [event(2)]


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        ([], "JSON object"),
        ({}, "kind must be one of gap, duplicate"),
        ({"kind": ["gap"]}, "kind must be one of"),
        ({"kind": "gap", "size": 3}, "has no size"),
        ({"kind": "gap", "symbol": "DOGEUSDT"}, "symbol must be one of BTCUSDT, ETHUSDT"),
        ({"kind": "gap", "symbol": 3}, "symbol must be one of"),
        ({"kind": "gap", "count": 0}, "count must be from 1"),
        ({"kind": "gap", "count": True}, "whole number"),
        ({"kind": "gap", "count": "1"}, "whole number"),
        ({"kind": "silence", "seconds": -1}, "seconds of silence must be above 0"),
        ({"kind": "silence", "seconds": float("nan")}, "seconds of silence must be above 0"),
        ({"kind": "silence", "seconds": "5"}, "seconds must be a number"),
        ({"kind": "burst", "seconds": 61}, "at most 60"),
        ({"kind": "refuse", "status": 200}, "status must be an HTTP error"),
        ({"kind": "refuse", "status": "503"}, "status must be a whole number"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_in_words(payload: object, sentence: str) -> None:
    """Whoever asks for a fault wrongly is told in a sentence what is wrong."""
    with pytest.raises(ValueError, match=sentence):
        parse_fault(payload, SYMBOLS)


def test_a_fault_is_read_from_json() -> None:
    """What is left out has a default; a symbol may be written in any letter case."""
    assert parse_fault({"kind": "gap"}, SYMBOLS) == FaultRequest(FaultKind.GAP)
    asked = {"kind": "refuse", "symbol": "ethusdt", "count": 3, "seconds": 2, "status": 451}
    assert parse_fault(asked, SYMBOLS) == FaultRequest(FaultKind.REFUSE, "ETHUSDT", 3, 2.0, 451)
