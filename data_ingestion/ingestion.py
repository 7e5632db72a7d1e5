"""All that one symbol needs of the exchange: streams and snapshots, the time, and the listing."""

import asyncio

from data_ingestion.exchange_clock import ClockPoller
from data_ingestion.ingestor import Ingestor
from data_ingestion.pacing.backoff import Backoff
from data_ingestion.resources import Resources
from data_ingestion.settings import ExchangeUrls, IngestionSettings
from data_ingestion.sink import MarketDataSink
from data_ingestion.symbol_info import SymbolInfoPoller


async def ingest(
    sink: MarketDataSink, symbol: str, urls: ExchangeUrls, settings: IngestionSettings, resources: Resources
) -> None:
    """Keep `sink` supplied until cancelled. Raises `ExchangeError` (in a group) where no retry can help."""
    session, budget, clock = resources.session, resources.budget, resources.clock
    timeout = settings.answer_timeout
    ingestor = Ingestor(sink, symbol, urls, settings, resources)
    clock_poller = ClockPoller(
        session, urls.rest, resources.exchange_clock, timeout=timeout, budget=budget, clock=clock
    )
    symbol_poller = SymbolInfoPoller(
        sink,
        symbol,
        session,
        urls.rest,
        timeout=timeout,
        budget=budget,
        backoff=Backoff(resources.random, base=5.0, cap=300.0, longest=300.0, stable=0),
        clock=clock,
    )
    async with asyncio.TaskGroup() as tasks:
        for part in (ingestor.run(), clock_poller.run(), symbol_poller.run()):
            tasks.create_task(part)
