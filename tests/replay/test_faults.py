"""The real program on the rig: what its frames say while the exchange misbehaves."""

from collections.abc import Iterable

from tests.program import Program, listening, next_live
from tests.replay.drill import FAULTS, Fault, run_drill
from tests.replay.rig import CHECKER, SYMBOL, Rig, checked_by, needs_recording

pytestmark = needs_recording

SLOW = {"silence 12 s", "refuse 12 s", "lag 20 s by 7 s"}
"""Faults of which shorter forms run here; `python -m tests.replay.drill` plays all."""


def kinds_of(faults: Iterable[Fault]) -> set[object]:
    """Return the kinds of fault that are asked of the rig."""
    return {ask["kind"] for fault in faults for ask in fault.asks}


async def test_the_rigs_own_checker_finds_nothing() -> None:
    """`check_frames.py` over live frames of the recording exits 0."""
    async with Rig() as rig, Program(**rig.settings) as program:
        async with listening(program.url(SYMBOL)) as connection:
            await next_live(connection)
        frames = ("--frames", program.url(SYMBOL), "--truth", f"{rig.http}/_truth/{SYMBOL}")
        async with checked_by(CHECKER, *frames, "--seconds", "12"):
            pass


async def test_no_fault_makes_a_wrong_frame_live_and_each_is_recovered_from() -> None:
    """Under each fault in turn every live frame is the exchange's book, and live frames come again."""
    faults = tuple(fault for fault in FAULTS if fault.name not in SLOW)
    assert kinds_of(faults) == kinds_of(FAULTS)
    drill = await run_drill(faults, settle=0.5)
    assert drill.wrong == []
    assert set(drill.recovery) == {fault.name for fault in faults}
    assert any(drill.not_live.values())
