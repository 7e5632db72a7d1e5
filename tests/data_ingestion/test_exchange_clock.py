"""Asking the exchange for its time, in virtual time."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from itertools import pairwise

import aiohttp
import pytest

from data_ingestion.clock import Clock
from data_ingestion.exchange_clock import ASK_EVERY, FIRST_QUESTIONS, ClockPoller, ExchangeClock
from data_ingestion.pacing.request_budget import RequestBudget
from tests.builders import encode
from tests.data_ingestion.fakes import RawServer, Script, http, says, says_and_hangs
from tests.data_ingestion.virtual_time import EPOCH, in_virtual_time, until, virtual_clock

AHEAD_MS = 700


def tells_time() -> Script:
    """Answer with the time of an exchange whose clock is ahead."""

    async def script(writer: asyncio.StreamWriter) -> None:
        now = EPOCH + asyncio.get_running_loop().time()
        body = encode({"serverTime": int(now * 1000) + AHEAD_MS})
        await says(http(200, body))(writer)

    return script


class Bench:
    """A server, and the clock that is set after it."""

    def __init__(self, server: RawServer, clock: Clock) -> None:
        self.server, self.exchange_clock, self.clock = server, ExchangeClock(clock), clock
        self.budget = RequestBudget(600, 200)


@contextlib.asynccontextmanager
async def asking(*scripts: Script, clock: Clock | None = None) -> AsyncIterator[Bench]:
    """Ask a server that follows `scripts`."""
    async with RawServer(*scripts) as server, aiohttp.ClientSession() as session:
        bench = Bench(server, clock or virtual_clock())
        asker = ClockPoller(
            session,
            server.url + "/",
            bench.exchange_clock,
            timeout=5,
            budget=bench.budget,
            clock=bench.clock,
        )
        task = asyncio.create_task(asker.run())
        try:
            yield bench
        finally:
            task.cancel()
            await asyncio.wait([task])
        assert task.cancelled()


@in_virtual_time
async def test_latencies_are_by_the_exchanges_clock_once_it_answered() -> None:
    """Until then by this machine's own."""
    async with asking(says_and_hangs(), tells_time()) as bench:
        assert bench.exchange_clock.offset() is None
        assert bench.exchange_clock.now_ms() == bench.clock.wall_ms()
        await until(lambda: bench.exchange_clock.offset() is not None)
        offset = bench.exchange_clock.offset()
        assert offset is not None
        assert abs(offset.offset_ms - AHEAD_MS) <= offset.uncertainty_ms + 1e-3
        assert bench.exchange_clock.now_ms() == pytest.approx(bench.clock.wall_ms() + AHEAD_MS, abs=1)
        assert bench.server.requests[0].startswith("GET /fapi/v1/time HTTP")


@in_virtual_time
async def test_it_asks_a_few_times_at_first_and_then_rarely() -> None:
    """The first question pays for the connection; an exchange is not asked all the time."""
    async with asking(tells_time()) as bench:
        await until(lambda: len(bench.server.times) == FIRST_QUESTIONS + 3)
        between = [after - before for before, after in pairwise(bench.server.times)]
    assert max(between[: FIRST_QUESTIONS - 1]) < 10
    assert min(between[FIRST_QUESTIONS - 1 :]) == pytest.approx(ASK_EVERY, abs=5)


@pytest.mark.parametrize(
    "script",
    [
        says_and_hangs(),
        says(http(404)),
        says(http(451)),
        says(http(200, b"no JSON")),
        says(http(200, b'{"serverTime":"soon"}')),
        says(http(200, b"[" * 9_000)),
        says(b"hello\r\n\r\n"),
    ],
)
def test_an_exchange_that_does_not_tell_its_time_is_no_harm(
    script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    """The offset stays unknown, it is asked on but rarely, and the log is not filled."""
    caplog.set_level(logging.DEBUG, "data_ingestion")

    @in_virtual_time
    async def ask() -> None:
        async with asking(script) as bench:
            await until(lambda: len(bench.server.times) == 5)
            assert bench.exchange_clock.offset() is None
            between = [after - before for before, after in pairwise(bench.server.times)]
        assert min(between) >= ASK_EVERY - 1

    ask()
    assert len(caplog.records) == 1


@in_virtual_time
async def test_a_wait_that_the_exchange_asks_for_holds_for_all_requests() -> None:
    """To the second, also for a snapshot."""
    async with asking(says(http(429, b"", "Retry-After: 500")), tells_time()) as bench:
        await until(lambda: bench.budget.wait(bench.clock.steady(), 20) > 0)
        await until(lambda: len(bench.server.times) == 2)
        assert bench.server.times[1] - bench.server.times[0] >= 500


@in_virtual_time
async def test_a_clock_that_is_set_is_asked_for_anew_soon() -> None:
    """Long before the next question would be due."""
    loop, stepped = asyncio.get_running_loop(), [0.0]
    clock = Clock(wall=lambda: EPOCH + loop.time() + stepped[0], steady=loop.time)
    async with asking(tells_time(), clock=clock) as bench:
        await until(lambda: len(bench.server.times) == FIRST_QUESTIONS)
        await asyncio.sleep(5)
        stepped[0] = -7200.0
        assert bench.exchange_clock.offset() is None
        asked = loop.time()
        await until(lambda: bench.exchange_clock.offset() is not None)
        assert bench.server.times[FIRST_QUESTIONS] - asked < ASK_EVERY / 2
        offset = bench.exchange_clock.offset()
        assert offset is not None
        assert offset.offset_ms == pytest.approx(AHEAD_MS + 7_200_000, abs=offset.uncertainty_ms + 1e-3)


@in_virtual_time
@pytest.mark.parametrize("late_ms", [5_000, -5_000])
async def test_messages_of_an_odd_time_are_worth_a_question(late_ms: float) -> None:
    """Later than now or long ago: the exchange's clock may have been set. But not with every message."""
    async with asking(tells_time()) as bench:
        await until(lambda: len(bench.server.times) == FIRST_QUESTIONS)
        await asyncio.sleep(5)
        began = bench.clock.steady()
        while bench.clock.steady() - began < 21:
            bench.exchange_clock.arrival_ms(bench.exchange_clock.now_ms() - late_ms)
            await asyncio.sleep(0.1)
        asked = len(bench.server.times) - FIRST_QUESTIONS
    assert 3 <= asked <= 3 * 21 / 5 + FIRST_QUESTIONS
