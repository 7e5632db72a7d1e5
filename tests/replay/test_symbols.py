"""The real program on a symbol of another script than Latin."""

import json
from urllib.parse import quote

from tests.program import Program, asked, listening, next_live, order_answered
from tests.replay.rig import Rig, needs_recording

pytestmark = needs_recording

SYMBOL = "币安人生USDT"


async def test_a_symbol_of_any_script_is_followed() -> None:
    """In settings, streams, snapshots, frames, orders, metrics, the log and the list of symbols."""
    async with Rig(symbol=SYMBOL) as rig, Program(**rig.settings, page=True) as program:
        async with listening(program.url(quote(SYMBOL.lower()))) as connection:
            frame = await next_live(connection)
        assert frame["symbol"] == SYMBOL
        truth = await rig.truth(frame["last_update_id"])
        assert truth == {"bids": frame["bid_levels"], "asks": frame["ask_levels"]}
        order = await order_answered(program.order(quote(SYMBOL), "buy", 0.1))
        assert order["symbol"] == SYMBOL
        base = f"http://127.0.0.1:{program.api_port}"
        assert (await asked(f"{base}/symbols")).json() == {"symbols": [SYMBOL]}
        assert f'symbol="{SYMBOL}"' in (await asked(f"{base}/metrics")).text
        page = await asked(f"http://127.0.0.1:{program.dashboard_port}/_dash-layout")
        assert json.dumps(SYMBOL) in page.text
        async with listening(program.url("NOSUCH")) as connection:
            await connection.wait_closed()
            assert connection.close_code == 4404
            assert SYMBOL in (connection.close_reason or "")
    assert any(SYMBOL in line for line in program.output)
