"""Orders at depth=known from the real program on the rig, checked against the exchange's whole book."""

import asyncio
from itertools import chain, repeat

import pytest

from tests.program import PATIENCE, Program, listening, next_live
from tests.replay.rig import SYMBOL, Rig, needs_recording
from tests.tools.load.orders import Checker, checked_orders

pytestmark = needs_recording


@pytest.mark.parametrize("options", [(), ("--snapshot-levels", "300", "--resting", "150")])
async def test_no_order_is_wrong(options: tuple[str, ...]) -> None:
    """Through the book as recorded, and over levels that rest where only snapshots tell of them."""
    checked = await checked_orders(200, 1, *options)
    assert checked.wrong == []
    assert checked.orders >= 200
    assert 0 < checked.incomplete < checked.orders
    assert len(checked.updates) > 3


async def test_no_order_is_wrong_through_faults() -> None:
    """A book that is lost is not answered from, and the one after it is right from its first answer on."""
    async with Rig() as rig, Program(**rig.settings) as program:
        async with listening(program.url(SYMBOL)) as connection:
            await next_live(connection)
        checker = Checker(program, rig, 2)
        checked = checker.checked
        async with asyncio.timeout(6 * PATIENCE):
            # A book is rebuilt so fast that few orders come meanwhile: on with gaps until one was refused.
            for kind in chain(("gap", "close", "reorder"), repeat("gap")):
                await checker.check(checked.orders + 200)
                await rig.fault(kind)
                if checked.refused and checked.orders >= 1_200:
                    break
    assert checked.wrong == []
    assert checked.refused > 0
