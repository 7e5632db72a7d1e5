"""How often an exchange is asked that answers what is of no use, or that wants to be left alone."""

import asyncio
import logging
from collections.abc import Callable, Iterable

import aiohttp
import pytest
from aiohttp import web

from data_ingestion.causes import Cause
from data_ingestion.exchange_clock import ClockPoller, ExchangeClock
from data_ingestion.ingestor import BURST_WEIGHT, Ingestor
from data_ingestion.pacing.latency import LatencyMeter
from data_ingestion.pacing.request_budget import RequestBudget
from data_ingestion.resources import Resources
from data_ingestion.settings import ExchangeUrls, IngestionSettings
from data_ingestion.simulated_exchange.faults import FaultKind
from data_ingestion.simulated_exchange.rest import RestRoutes
from data_ingestion.simulated_exchange.server import SimulatedExchange
from data_ingestion.symbol_info import decode_symbol_info
from state.engine import Engine
from state.frames import Status
from tests.data_ingestion.fakes import http_date
from tests.data_ingestion.virtual_time import EPOCH, in_virtual_time, virtual_clock

SYMBOL = "BTCUSDT"
BEGIN = 1_000.0  # the loop's time at which virtual time begins
Answer = Callable[[], web.Response | None]
"""What is answered; None is what the exchange answers by itself."""


class Stubborn(SimulatedExchange):
    """An exchange that answers each snapshot, and with `always` everything, as it is told."""

    def __init__(self, answer: Answer, *, always: bool = False) -> None:
        loop = asyncio.get_running_loop()
        super().__init__([SYMBOL], clock=lambda: EPOCH + loop.time())
        self._says, self._always = answer, always
        self.asked: list[float] = []

    def _rest_routes(self) -> RestRoutes:
        return _StubbornRoutes(self)

    def answer(self, *, snapshot: bool) -> web.Response | None:
        """Return what is answered instead."""
        if not snapshot and not self._always:
            return None
        self.asked.append(asyncio.get_running_loop().time())
        return self._says()


class _StubbornRoutes(RestRoutes):
    def __init__(self, exchange: Stubborn) -> None:
        super().__init__(exchange._markets, exchange._faults, exchange._clock.now_ms, exchange.advance)
        self._exchange = exchange

    async def _depth(self, request: web.Request) -> web.Response:
        return self._exchange.answer(snapshot=True) or await super()._depth(request)

    async def _time(self, request: web.Request) -> web.Response:
        return self._exchange.answer(snapshot=False) or await super()._time(request)


def status(code: int, *, words: str = "", headers: Iterable[tuple[str, str]] = ()) -> Answer:
    """Answer with a status."""
    body = {"code": -1003, "msg": words} if words else {}

    def answer() -> web.Response:
        date = http_date(EPOCH + asyncio.get_running_loop().time())
        return web.json_response(body, status=code, headers={"Date": date, **dict(headers)})

    return answer


def banned_for(seconds: float, code: int) -> Answer:
    """Answer that the address is banned until a time in ms since the epoch."""
    until = int((EPOCH + BEGIN + seconds) * 1000)
    return status(
        code, words=f"Way too many requests; IP(1.2.3.4) banned until {until}. Please use WebSocket."
    )


async def first_minute(
    exchange: SimulatedExchange, seconds: float = 60.0, look: Callable[[Engine], None] = lambda engine: None
) -> Engine:
    """Run one symbol's ingestion from the start for so long; `look` each second."""
    clock, engine = virtual_clock(), Engine(SYMBOL, "binance")
    urls, budget = ExchangeUrls.on_loopback(exchange.port), RequestBudget(1_800, BURST_WEIGHT)
    exchange_clock = ExchangeClock(clock)
    async with aiohttp.ClientSession() as session:
        resources = Resources(session, budget, LatencyMeter(), lambda: 1.0, clock, exchange_clock)
        ingestor = Ingestor(engine, SYMBOL, urls, IngestionSettings(), resources)
        asker = ClockPoller(session, urls.rest, exchange_clock, timeout=5, budget=budget, clock=clock)
        tasks = [asyncio.create_task(task) for task in (ingestor.run(), asker.run())]
        for _ in range(int(seconds)):
            await asyncio.sleep(1)
            look(engine)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return engine


@pytest.mark.parametrize(
    ("fault", "words"),
    [(FaultKind.THIN, "asks; ten are needed"), (FaultKind.ONE_SIDED, "0 asks; ten are needed")],
)
def test_a_book_of_no_use_is_asked_for_ever_more_rarely(
    fault: FaultKind, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    """In the first minute some ten times, said in words, and in the log a few times."""
    caplog.set_level(logging.INFO, "data_ingestion")

    @in_virtual_time
    async def minute() -> None:
        async with Stubborn(lambda: None) as exchange:
            await exchange.fault(fault, seconds=3_600)
            engine = await first_minute(exchange)
            assert words in engine.status(asyncio.get_running_loop().time() * 1000)[1]
            assert 2 <= len(exchange.asked) <= 16

    minute()
    assert len(caplog.records) <= 15


@pytest.mark.parametrize(
    ("answer", "most"),
    [
        (status(429), 5),
        (status(429, words="Too many requests."), 5),
        (status(418), 1),
        (status(200, words="Too many requests."), 5),
        (status(403, words="Too many requests."), 5),
        (banned_for(100, 418), 1),
        (banned_for(100, 429), 1),
        (banned_for(100, 200), 1),
        (status(429, headers=[("Retry-After", "61")]), 1),
    ],
)
def test_an_exchange_that_wants_to_be_left_alone_is(answer: Answer, most: int) -> None:
    """With a named end, and without one from ten seconds on; no question of any kind comes sooner."""

    @in_virtual_time
    async def minute() -> None:
        async with Stubborn(answer, always=True) as exchange:
            await first_minute(exchange)
            assert 1 <= len(exchange.asked) <= most + 1  # two questions may be under way when the ban begins

    minute()


def test_a_ban_that_ends_is_over() -> None:
    """When the time that the words name has come, the book is asked for and live."""

    @in_virtual_time
    async def ban() -> None:
        banned = banned_for(30, 200)

        def answer() -> web.Response | None:
            return None if len(exchange.asked) > 1 else banned()

        async with Stubborn(answer) as exchange:
            engine = await first_minute(exchange, 35)
            assert exchange.asked[1] >= BEGIN + 30
            assert engine.market is not None

    ban()


def is_live(engine: Engine) -> bool:
    """Return whether the book is live at this moment."""
    now = asyncio.get_running_loop().time()
    return engine.status(now * 1000, (EPOCH + now) * 1000, 10)[0] is Status.LIVE


@pytest.mark.parametrize("every", [1.5, 3.0, 7.0, 30.0])
def test_a_quiet_market_stays_live(every: float) -> None:
    """An event every so many seconds: the exchange confirms the book meanwhile, no connection is remade."""

    @in_virtual_time
    async def quiet() -> None:
        async with Stubborn(lambda: None) as exchange:
            live: list[bool] = []

            async def pace() -> None:
                await asyncio.sleep(2)
                while True:
                    await exchange.fault(FaultKind.QUIET, seconds=every - 0.1)
                    await asyncio.sleep(every)

            pacing = asyncio.create_task(pace())
            engine = await first_minute(exchange, 62, lambda engine: live.append(is_live(engine)))
            pacing.cancel()
            assert all(live[2:])
            assert engine.health.depth.connections == 1
            assert engine.health.resyncs == 0
            assert len(exchange.asked) <= 65  # of weight 2, but for the first ones

    quiet()


def test_a_market_that_is_quiet_from_the_start_is_live_with_its_first_event() -> None:
    """A connection that has brought nothing is not remade again and again before anything could come."""

    @in_virtual_time
    async def quiet() -> None:
        async with Stubborn(lambda: None) as exchange:
            await exchange.fault(FaultKind.QUIET, seconds=20)
            engine = await first_minute(exchange, 23)
            assert engine.health.depth.connections == 1
            assert is_live(engine)

    quiet()


def test_a_frozen_stream_is_not_live_for_longer_than_without_confirmations() -> None:
    """The market goes on, and the stream says nothing: the exchange shows another book, and that ends it."""

    @in_virtual_time
    async def frozen() -> None:
        async with SimulatedExchange(
            [SYMBOL], clock=lambda: EPOCH + asyncio.get_running_loop().time()
        ) as exchange:
            until: list[float] = []

            def look(engine: Engine) -> None:
                if is_live(engine):
                    until.append(asyncio.get_running_loop().time())

            running = asyncio.create_task(first_minute(exchange, 20, look))
            await asyncio.sleep(10)
            await exchange.fault(FaultKind.SILENCE, seconds=60)
            engine = await running
            assert max(until) <= BEGIN + 12
            assert engine.health.depth.causes[Cause.SILENT] >= 1

    frozen()


def test_a_symbol_that_is_settled_says_so() -> None:
    """In the reason of each frame that is not live, and it is not asked for every second."""

    @in_virtual_time
    async def settled() -> None:
        async with Stubborn(lambda: None) as exchange:
            await exchange.fault(FaultKind.SETTLING, seconds=3_600)
            engine = Engine(SYMBOL, "binance")
            engine.on_symbol_info(decode_symbol_info(await listing(exchange), SYMBOL))
            assert "SETTLING" in engine.status(0.0)[1]
            engine.on_symbol_info(decode_symbol_info(await listing(exchange), "GONEUSDT"))
            assert "no longer lists it" in engine.status(0.0)[1]

    settled()


async def listing(exchange: SimulatedExchange) -> bytes:
    """Return what the exchange lists."""
    url = f"http://127.0.0.1:{exchange.port}/fapi/v1/exchangeInfo"
    async with aiohttp.ClientSession() as session, session.get(url) as reply:
        return await reply.read()
