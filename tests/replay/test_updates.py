"""The real program on the rig: the whole book, rebuilt from what a client is sent, at every update."""

import asyncio

import pytest

from tests.program import Program, listening, next_live
from tests.replay.rig import SHARED, SYMBOL, Rig, checked_by, needs_recording

pytestmark = needs_recording

CHECKER = SHARED / "replay_exchange" / "check_updates.py"


@pytest.mark.parametrize(
    ("options", "faults"),
    [
        ((), ()),
        (("--snapshot-levels", "300", "--resting", "150"), ()),
        ((), ("gap", "close", "reorder")),
        ((), ("lag",)),
    ],
    ids=["plain", "small snapshots over resting levels", "faults", "late"],
)
async def test_the_rigs_own_checker_finds_every_level_right(
    options: tuple[str, ...], faults: tuple[str, ...]
) -> None:
    """`check_updates.py` checks each top ten, whole books and frames against the exchange; it exits 0."""
    async with Rig(*options) as rig, Program(**rig.settings) as program:
        async with listening(program.url(SYMBOL)) as connection:
            await next_live(connection)
        frames = ("--frames", program.url(SYMBOL, "?updates=1"), "--exchange", rig.http)
        async with checked_by(CHECKER, *frames, "--symbol", SYMBOL, "--seconds", "16"):
            for kind in faults:
                await asyncio.sleep(3)
                await rig.fault(kind)
