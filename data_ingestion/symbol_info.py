"""What the exchange lists of a symbol: whether it trades, and its tick.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/Exchange-Information
"""

import asyncio
import logging
from typing import Final

import aiohttp
import msgspec

from data_ingestion.clock import Clock
from data_ingestion.errors import ExchangeError, MalformedMessage
from data_ingestion.pacing.backoff import Backoff
from data_ingestion.pacing.request_budget import RequestBudget
from data_ingestion.rest import get
from data_ingestion.sink import MarketDataSink, SymbolInfo

log = logging.getLogger(__name__)

INFO_WEIGHT: Final = 1  # request weight
ASK_EVERY: Final = 3_600.0  # seconds
ASK_AGAIN: Final = 60.0  # seconds, at least, after a rebuild, and while the symbol does not trade
LOOK_EVERY: Final = 1.0  # seconds between looks whether the book was rebuilt
MOST_BYTES: Final = 32 * 2**20  # it lists every symbol of the exchange


class _Filter(msgspec.Struct):
    filterType: str  # noqa: N815 - the exchange's name
    tickSize: str = ""  # noqa: N815


class _Listed(msgspec.Struct):
    symbol: str
    status: str
    filters: list[_Filter] = []


class _ExchangeInfo(msgspec.Struct):
    symbols: list[_Listed]


_decode = msgspec.json.Decoder(_ExchangeInfo).decode


def decode_symbol_info(body: bytes, symbol: str) -> SymbolInfo:
    """Return what `body` lists of `symbol`, or raise `MalformedMessage`. Linear in all that is listed."""
    try:
        listed = _decode(body).symbols
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise MalformedMessage("exchange information", str(error)) from error
    for one in listed:
        if one.symbol == symbol:
            return SymbolInfo(one.status, _tick_of(one.filters))
    return SymbolInfo(None, None)


def _tick_of(filters: list[_Filter]) -> float | None:
    for one in filters:
        if one.filterType == "PRICE_FILTER":
            try:
                tick = float(one.tickSize)
            except ValueError:
                return None
            return tick if 1e-8 <= tick <= 1e8 else None  # a tick of 0 means that there is none
    return None


class SymbolInfoPoller:
    """Asks `rest_url` for one symbol, on behalf of `sink`. `session` stays the caller's to close."""

    def __init__(
        self,
        sink: MarketDataSink,
        symbol: str,
        session: aiohttp.ClientSession,
        rest_url: str,
        *,
        timeout: float,
        budget: RequestBudget,
        backoff: Backoff,
        clock: Clock,
    ) -> None:
        self._sink = sink
        self._symbol = symbol
        self._session = session
        self._url = f"{rest_url.rstrip('/')}/fapi/v1/exchangeInfo"
        self._timeout = timeout
        self._budget = budget
        self._backoff = backoff
        self._clock = clock
        self._told = False

    async def run(self) -> None:
        """Ask at the start, every hour, after each rebuild, and each minute while it does not trade."""
        while True:
            wait, trades = await self._ask()
            asked = self._clock.steady()
            while (passed := self._clock.steady() - asked) < ASK_EVERY:
                await asyncio.sleep(LOOK_EVERY)
                if passed >= wait and (self._sink.wants_symbol_info or not trades):
                    break

    async def _ask(self) -> tuple[float, bool]:
        """Ask once; return the least seconds until the next time, and whether the symbol trades."""
        clock, budget = self._clock, self._budget
        while (wait := budget.wait(clock.steady(), INFO_WEIGHT)) > 0:  # noqa: ASYNC110 - time alone changes it
            await asyncio.sleep(wait)
        budget.spend(clock.steady(), INFO_WEIGHT)
        try:
            body = await get(
                self._session,
                self._url,
                "exchange information",
                timeout=self._timeout,
                most_bytes=MOST_BYTES,
            )
            info = decode_symbol_info(body, self._symbol)
        except ExchangeError as error:
            budget.obey(clock.steady(), error)
            if not self._told:
                log.info("the tick is taken from the prices alone: %s", error)
                self._told = True
            return self._backoff.failed(clock.steady()), False
        budget.answered()
        self._backoff.worked(clock.steady())
        self._sink.on_symbol_info(info)
        return ASK_AGAIN, info.status == "TRADING"
