"""Which phases of a book may follow each one."""

from itertools import product

import pytest

from orderbook.phases import PHASE_STEPS, Phase
from tests.engine_rig import PHASES_AFTER


@pytest.mark.parametrize(("before", "after"), list(product(Phase, repeat=2)))
def test_the_table_of_phases(before: Phase, after: Phase) -> None:
    """No phase but these may follow; above all nothing but a snapshot with its events leads into step."""
    assert (after in PHASE_STEPS[before]) == (after in PHASES_AFTER[before])


def test_nothing_leads_out_of_a_lost_connection_but_a_new_one() -> None:
    """And from everywhere else the connection may be lost."""
    assert PHASE_STEPS[Phase.DISCONNECTED] == {Phase.BUFFERING}
    for phase in set(Phase) - {Phase.DISCONNECTED}:
        assert Phase.DISCONNECTED in PHASE_STEPS[phase]
