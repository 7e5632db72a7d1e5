"""The page in a real browser, on the real program, while its exchange misbehaves."""

from data_ingestion.simulated_exchange.server import SimulatedExchange
from tests.dashboard.browser import NONE, NOT_SHOWN, chromium, open_page, until_numbers_are_shown
from tests.program import Program

SYMBOL = "BTCUSDT"


async def test_a_silent_exchange_is_seen_through_the_whole_program() -> None:
    """When depth falls silent at the exchange the page says STALE and why, and is live again afterwards."""
    async with chromium() as browser, SimulatedExchange([SYMBOL], control=True) as exchange:
        address = f"127.0.0.1:{exchange.port}"
        async with (
            Program(
                source="binance",
                symbols=SYMBOL,
                page=True,
                binance_public_ws_url=f"ws://{address}/public",
                binance_market_ws_url=f"ws://{address}/market",
                binance_rest_url=f"http://{address}",
                stale_after=1,
            ) as program,
            open_page(browser, program.dashboard_port) as page,
        ):
            await page.live(SYMBOL)
            assert await page.text("source") == "BINANCE"
            await exchange.fault("silence", SYMBOL, seconds=8)
            await page.until(  # in one moment, for it passes
                """([names, none]) => document.getElementById("state").textContent === "STALE"
                  && names.every((name) => document.getElementById(name).textContent === none)
                  && document.getElementById("veil-reason").textContent !== "" """,
                [list(NOT_SHOWN), NONE],
            )
            await page.live(SYMBOL)
            await until_numbers_are_shown(page)
            assert page.complaints == []
