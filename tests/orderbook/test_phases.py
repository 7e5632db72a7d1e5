"""Which phases of a book may follow each one; `tests/state/test_engine_machine.py` sees which do."""

from orderbook.phases import PHASE_STEPS, Phase


def test_nothing_but_a_snapshot_with_its_events_leads_into_step() -> None:
    """Neither a connection that has just opened nor one that is lost makes a book true."""
    leading = {phase for phase, following in PHASE_STEPS.items() if Phase.SYNCED in following}
    assert leading == {Phase.FETCHING, Phase.BRIDGING}


def test_nothing_leads_out_of_a_lost_connection_but_a_new_one() -> None:
    """And from everywhere else the connection may be lost."""
    assert PHASE_STEPS[Phase.DISCONNECTED] == {Phase.BUFFERING}
    for phase in set(Phase) - {Phase.DISCONNECTED}:
        assert Phase.DISCONNECTED in PHASE_STEPS[phase]
