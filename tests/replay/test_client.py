"""The client on the real program and the rig: exact at every update, each second once, whatever happens."""

import pytest

from tests.replay.drill import FAULTS, Fault
from tests.replay.rig import needs_recording
from tests.tools.load.client import CUT, campaign

pytestmark = needs_recording

NAMED = {fault.name: fault for fault in FAULTS}


@pytest.mark.parametrize(
    "faults",
    [
        (NAMED["gap"], CUT, NAMED["reorder"], NAMED["duplicate"]),
        (NAMED["close"], NAMED["lag 5 s by 3.5 s"], CUT),
    ],
    ids=["events lost, swapped and told twice", "streams lost and late"],
)
async def test_every_book_is_exact_and_each_second_comes_once(faults: tuple[Fault, ...]) -> None:
    """The ten best levels at every update, and whole books, are the exchange's; a recorder has the same."""
    seen = await campaign(faults, 12)
    assert seen.good, seen.summary() + "; " + "; ".join(seen.wrong[:5])
    assert seen.compared == seen.updates > 50
    assert seen.unknown == 0
