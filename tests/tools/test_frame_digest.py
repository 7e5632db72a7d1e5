"""The digest of what an engine gives out: the same for the same, another for anything else."""

import msgspec

from tests.tools.benchmarks.streams import simulated
from tests.tools.frame_digest import SMALL, digest


def test_the_digest_is_of_every_byte_that_goes_out() -> None:
    """It comes again, and is another one after one level's size in one message, or with another book."""
    source = simulated(60)
    ticks = source.ticks
    seconds, found = digest(source, source.settings)
    assert seconds >= 6
    assert digest(source, source.settings) == (seconds, found)
    assert digest(source, SMALL)[1] != found
    wire = msgspec.json.decode(ticks[40].data)
    wire["b"][-1][1] = "77.777"
    changed = msgspec.structs.replace(ticks[40], data=msgspec.json.encode(wire))
    other = msgspec.structs.replace(source, ticks=[*ticks[:40], changed, *ticks[41:]])
    assert digest(other, source.settings)[1] != found
