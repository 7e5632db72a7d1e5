"""What the exchange lists of a symbol."""

import asyncio

import aiohttp
import pytest

from data_ingestion.errors import MalformedMessage
from data_ingestion.pacing.backoff import Backoff
from data_ingestion.pacing.request_budget import RequestBudget
from data_ingestion.sink import SymbolInfo
from data_ingestion.symbol_info import ASK_AGAIN, ASK_EVERY, SymbolInfoPoller, decode_symbol_info
from tests.builders import encode
from tests.data_ingestion.fakes import RawServer, Recorder, Script, http, says
from tests.data_ingestion.virtual_time import in_virtual_time, virtual_clock


def listing(status: str = "TRADING", tick: object = "0.10") -> bytes:
    """Return what the exchange lists, as it writes it, with fields that nobody asked for."""
    price = {"filterType": "PRICE_FILTER", "tickSize": tick, "minPrice": "1", "maxPrice": "9"}
    lot = {"filterType": "LOT_SIZE", "stepSize": "0.001"}
    one = {"symbol": "BTCUSDT", "status": status, "filters": [lot, price], "contractType": "PERPETUAL"}
    return encode({"timezone": "UTC", "symbols": [{"symbol": "ETHUSDT", "status": "TRADING"}, one]})


def test_status_and_tick_are_read() -> None:
    """Of the symbol alone; a symbol that is not there is listed as nothing."""
    assert decode_symbol_info(listing(), "BTCUSDT") == SymbolInfo("TRADING", 0.1)
    assert decode_symbol_info(listing("SETTLING"), "BTCUSDT") == SymbolInfo("SETTLING", 0.1)
    assert decode_symbol_info(listing(), "ETHUSDT") == SymbolInfo("TRADING", None)
    assert decode_symbol_info(listing(), "BTC") == SymbolInfo(None, None)


@pytest.mark.parametrize("tick", ["0", "0.000", "-1", "nan", "inf", "much", ""])
def test_a_tick_that_is_none_is_not_believed(tick: str) -> None:
    """It is then taken from the prices."""
    assert decode_symbol_info(listing(tick=tick), "BTCUSDT") == SymbolInfo("TRADING", None)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"<html>", b'{"symbols":{}}', listing(tick=5)])
def test_what_is_no_listing_is_malformed(body: bytes) -> None:
    """A page of HTML above all."""
    with pytest.raises(MalformedMessage):
        decode_symbol_info(body, "BTCUSDT")


async def asked_within(seconds: float, sink: Recorder, *scripts: Script) -> list[float]:
    """Return when the exchange was asked, from the start on."""
    async with RawServer(*scripts) as server, aiohttp.ClientSession() as session:
        clock = virtual_clock()
        asker = SymbolInfoPoller(
            sink,
            "BTCUSDT",
            session,
            server.url,
            timeout=5,
            budget=RequestBudget(600, 200),
            backoff=Backoff(lambda: 1.0, base=5, cap=300, longest=300, stable=0),
            clock=clock,
        )
        began, task = clock.steady(), asyncio.create_task(asker.run())
        await asyncio.sleep(seconds)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return [at - began for at in server.times]


@in_virtual_time
async def test_it_is_asked_for_at_the_start_and_every_hour() -> None:
    """A symbol that trades changes rarely."""
    sink = Recorder()
    times = await asked_within(2 * ASK_EVERY + 10, sink, says(http(200, listing())))
    assert times == pytest.approx([0, ASK_EVERY, 2 * ASK_EVERY], abs=5)
    assert sink.listed == [SymbolInfo("TRADING", 0.1)] * 3


@in_virtual_time
async def test_a_symbol_that_does_not_trade_is_looked_at_each_minute() -> None:
    """Not each second."""
    times = await asked_within(5 * ASK_AGAIN, Recorder(), says(http(200, listing("SETTLING"))))
    assert 4 <= len(times) <= 6


@in_virtual_time
async def test_where_nothing_answers_it_is_asked_ever_more_rarely() -> None:
    """An exchange without that route is none to be asked all the time."""
    times = await asked_within(600, Recorder(), says(http(404)))
    assert 3 <= len(times) <= 10
