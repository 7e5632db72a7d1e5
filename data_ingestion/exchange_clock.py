"""The exchange's clock as this process knows it, and the shell that asks for it now and then."""

import asyncio
import logging
from typing import Final

import aiohttp
import msgspec

from data_ingestion.clock import Clock
from data_ingestion.errors import ExchangeError, MalformedMessage
from data_ingestion.messages import Whole
from data_ingestion.pacing.clock_offset import STEP_MS, ClockOffset, ClockOffsetEstimator
from data_ingestion.pacing.request_budget import RequestBudget
from data_ingestion.rest import get

log = logging.getLogger(__name__)

TIME_WEIGHT: Final = 1  # request weight
ASK_EVERY: Final = 120.0  # seconds
ASK_SOON: Final = 1.0  # seconds; the first question pays for the connection, so it is not the only one
FIRST_QUESTIONS: Final = 3
LOOK_EVERY: Final = 0.25  # seconds between looks whether a clock was set
DOUBT_EVERY: Final = 5.0  # seconds between two questions for the sake of messages whose time is odd, at least
LATE_MS: Final = 1_000.0  # a message that seems so late is worth a question
MOST_BYTES: Final = 10_000


class _ServerTime(msgspec.Struct):
    serverTime: Whole  # noqa: N815 - the exchange's name


_decode = msgspec.json.Decoder(_ServerTime).decode


class ExchangeClock:
    """Tells exchange time. Until the first answer that is this machine's own time, as far as it is right."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._estimator = ClockOffsetEstimator()
        self._ahead_of_age: float | None = None  # ms, at the newest answer
        self.doubted = False  # a message's time was odd: later than now, or long ago

    def add(self, sent_steady_ms: float, server_ms: float) -> None:
        """Take an answer that came just now to the question of `sent_steady_ms`."""
        self._estimator.add(sent_steady_ms, *self._now(), server_ms)
        self._ahead_of_age = server_ms - self._clock.steady_ms()

    def offset(self) -> ClockOffset | None:
        """Return how far the exchange is ahead; None while that is not known."""
        return self._estimator.read(*self._now())

    def now_ms(self) -> float:
        """Return milliseconds since the epoch by the exchange's clock, as far as it is known."""
        now_ms = self._estimator.now_ms(*self._now())
        if self._ahead_of_age is None or self.offset() is not None:
            return now_ms
        # A clock was set since, and the machine may have slept besides.
        return max(now_ms, self._clock.steady_ms() + self._ahead_of_age)

    def _now(self) -> tuple[float, float]:
        """Return both clocks as they are: what one of them skipped is for the estimator to find."""
        return self._clock.wall_ms(), self._clock.steady() * 1000

    def arrival_ms(self, event_time: float) -> float:
        """Return the time at which a message that was sent at `event_time` comes; an odd one raises doubt."""
        now_ms = self.now_ms()
        if not -STEP_MS <= now_ms - event_time <= LATE_MS:
            self.doubted = True
        return now_ms


class ClockPoller:
    """Asks `rest_url` for its time. `session` stays the caller's to close."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        rest_url: str,
        exchange_clock: ExchangeClock,
        *,
        timeout: float,
        budget: RequestBudget,
        clock: Clock,
    ) -> None:
        self._session = session
        self._url = f"{rest_url.rstrip('/')}/fapi/v1/time"
        self._exchange_clock = exchange_clock
        self._timeout = timeout
        self._budget = budget
        self._clock = clock
        self._told = False
        self._doubted_at = float("-inf")

    async def run(self) -> None:
        """Ask, at first a few times and then every few minutes, until cancelled. Trouble is told once."""
        while True:
            for _ in range(FIRST_QUESTIONS):
                if not await self._ask():
                    break
                await asyncio.sleep(ASK_SOON)
            await self._keep()

    async def _keep(self) -> None:
        """Ask every few minutes; return once a clock was set, and what was known is void or doubted."""
        exchange_clock, clock = self._exchange_clock, self._clock
        known = exchange_clock.offset() is not None
        while True:
            asked = clock.steady()
            while (left := asked + ASK_EVERY - clock.steady()) > 0:
                await asyncio.sleep(min(LOOK_EVERY, left))
                if known and exchange_clock.offset() is None:
                    return
                if exchange_clock.doubted and clock.steady() - self._doubted_at >= DOUBT_EVERY:
                    self._doubted_at = clock.steady()
                    return
            known = await self._ask() or known

    async def _ask(self) -> bool:
        """Ask once, as soon as the budget lets it; return whether there was an answer."""
        clock, budget = self._clock, self._budget
        while (wait := budget.wait(clock.steady(), TIME_WEIGHT)) > 0:  # noqa: ASYNC110 - time alone changes it
            await asyncio.sleep(wait)
        budget.spend(clock.steady(), TIME_WEIGHT)
        sent = clock.steady() * 1000
        try:
            server_ms = await self._fetch()
        except ExchangeError as error:
            budget.obey(clock.steady(), error)
            if not self._told:
                log.info("latencies are by this machine's clock alone: %s", error)
                self._told = True
            return False
        budget.answered()
        self._exchange_clock.add(sent, server_ms)
        self._exchange_clock.doubted = False
        return True

    async def _fetch(self) -> int:
        return decode_server_time(
            await get(self._session, self._url, "server time", timeout=self._timeout, most_bytes=MOST_BYTES)
        )


def decode_server_time(body: bytes) -> int:
    """Return the exchange's time in `body`, ms since the epoch, or raise `MalformedMessage`."""
    try:
        return _decode(body).serverTime
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise MalformedMessage("server time", str(error)) from error
