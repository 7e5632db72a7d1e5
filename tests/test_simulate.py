"""Simulated orders from the whole program, checked against the exchange's own book."""

import asyncio
import contextlib
import itertools
import signal
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import psutil
import pytest
import pytest_asyncio

from data_ingestion.simulated_exchange.server import SimulatedExchange
from features.market_impact import OrderSide, market_impact
from orderbook.book_state import TopOfBook
from tests.program import PATIENCE, Program, asked, free_port, listening, next_live, order_answered

SYMBOL = "BTCUSDT"
ORDERS = [(side, size) for side in ("buy", "sell") for size in (0.001, 0.7, 2.5, 40.0, 1e6)]

in_one_loop = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange() -> AsyncIterator[SimulatedExchange]:
    """Run the exchange where a test can look into its book."""
    async with SimulatedExchange([SYMBOL]) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def program(exchange: SimulatedExchange) -> AsyncIterator[Program]:
    """Run the program on it, live; it takes this exchange for Binance."""
    settings = {
        "binance_public_ws_url": f"ws://127.0.0.1:{exchange.port}/public",
        "binance_market_ws_url": f"ws://127.0.0.1:{exchange.port}/market",
        "binance_rest_url": f"http://127.0.0.1:{exchange.port}",
    }
    async with Program(source="binance", symbols=SYMBOL, stale_after=20, depth_silence=30, **settings) as own:
        async with listening(own.url(SYMBOL)) as connection:
            await next_live(connection)
        yield own


def assert_true(answer: dict[str, Any], exchange: SimulatedExchange) -> None:
    """Assert that an answer is the walk through the exchange's own top ten after that very event."""
    truth = exchange.truth_at(SYMBOL, answer["last_update_id"])
    assert truth is not None
    impact = market_impact(TopOfBook(*truth), answer["size"], OrderSide(answer["side"]))
    assert {name: answer[name] for name in impact.__struct_fields__} == {
        name: getattr(impact, name) for name in impact.__struct_fields__
    }
    assert (answer["symbol"], answer["source"]) == (SYMBOL, "binance")
    assert 0 <= answer["age_ms"] <= 250


def assert_refused(reply: httpx.Response) -> None:
    """Assert that an answer says that the book is not live, and why."""
    assert reply.status_code == 503
    body = reply.json()
    assert body["status"] in ("syncing", "stale")
    assert body["reason"]


@in_one_loop
async def test_every_answer_is_the_exchanges_own_book(program: Program, exchange: SimulatedExchange) -> None:
    """Orders of all sizes, over many events: none is off by a digit, and ids never go back."""
    ids: list[int] = []
    orders = itertools.cycle(ORDERS)
    async with asyncio.timeout(PATIENCE):
        while len(set(ids)) < 20:
            answer = await order_answered(program.order(SYMBOL, *next(orders)))
            assert_true(answer, exchange)
            ids.append(answer["last_update_id"])
    assert ids == sorted(ids)


@in_one_loop
@pytest.mark.parametrize("fault", ["gap", "close", "abort"])
async def test_no_answer_comes_from_a_book_that_was_lost(
    program: Program, exchange: SimulatedExchange, fault: str
) -> None:
    """Each answer through the fault is true or says that the book is not live; then there are new ones."""
    newest = (await order_answered(program.order(SYMBOL, "buy", 1)))["last_update_id"]
    await exchange.fault("snapshot_slow", SYMBOL, seconds=1)
    await exchange.fault(fault, SYMBOL)
    refused = False
    async with asyncio.timeout(PATIENCE):
        while True:
            reply = await asked(program.order(SYMBOL, "sell", 2.5))
            if reply.status_code == 200:
                assert_true(reply.json(), exchange)
                if refused and reply.json()["last_update_id"] > newest:
                    break
            else:
                assert_refused(reply)
                refused = True


@contextlib.contextmanager
def stopped(process: psutil.Process) -> Any:
    """Keep a process from running for a while."""
    process.suspend()
    try:
        yield
    finally:
        process.resume()


@in_one_loop
async def test_an_engine_or_an_api_that_hangs_gives_no_old_answer(
    program: Program, exchange: SimulatedExchange
) -> None:
    """A stopped engine is refused once its word is old, a stopped API when it wakes up among old words."""
    assert program.process is not None
    children = psutil.Process(program.process.pid).children(recursive=True)
    by_role = {child.environ()["ROLE"]: child for child in children}
    url = program.order(SYMBOL, "buy", 1)
    with stopped(by_role["engine"]):
        async with asyncio.timeout(PATIENCE):
            while (reply := await asked(url)).status_code == 200:
                assert_true(reply.json(), exchange)
        assert_refused(reply)
    assert_true(await order_answered(url), exchange)
    market = exchange.market(SYMBOL)
    with stopped(by_role["api"]):
        began, newest, start = market.now_ms, market.last_final_id, time.monotonic()
        moved: float | None = None
        pending = [asyncio.create_task(asked(url)) for _ in range(30)]
        async with asyncio.timeout(PATIENCE):
            # By both clocks: a market that was starved catches up at once, and then its last word is not old.
            while market.now_ms < began + 3_000 or time.monotonic() < start + 3:
                moved = moved or (time.monotonic() if market.last_final_id > newest else None)
                await asyncio.sleep(0.05)
    # An exchange that was starved skips the time: then the word before it is still its newest.
    stood_still = moved is None or moved - start > 0.5
    for reply in await asyncio.gather(*pending):
        if reply.status_code == 200:
            assert_true(reply.json(), exchange)
            told = reply.json()["last_update_id"]
            assert told > newest or (stood_still and told == newest)
        else:
            assert_refused(reply)


async def test_without_an_engine_there_is_no_answer() -> None:
    """503 with the reason, from the first moment on; and the program still ends cleanly."""
    async with Program(source="simulated", role="api", feed_token="x", api_port=free_port()) as program:  # noqa: S106
        async with listening(program.url(SYMBOL)):
            assert_refused(await asked(program.order(SYMBOL, "buy", 1)))
        assert await program.stop(signal.SIGINT) == 0
