"""All that one symbol needs of the exchange: streams and snapshots, the time, and the listing."""

import asyncio

from data_ingestion.exchange_clock import ClockAsker
from data_ingestion.ingestor import Ingestor, Means
from data_ingestion.pacing.backoff import Backoff
from data_ingestion.settings import ExchangeUrls, IngestionSettings
from data_ingestion.sink import MarketDataSink
from data_ingestion.symbol_info import SymbolAsker


async def ingest(
    sink: MarketDataSink, symbol: str, urls: ExchangeUrls, settings: IngestionSettings, means: Means
) -> None:
    """Keep `sink` supplied until cancelled. Raises `ExchangeError` (in a group) where no retry can help."""
    session, budget, clock, timeout = means.session, means.budget, means.clock, settings.answer_timeout
    ingestor = Ingestor(sink, symbol, urls, settings, means)
    asker = ClockAsker(session, urls.rest, means.exchange_clock, timeout=timeout, budget=budget, clock=clock)
    lister = SymbolAsker(
        sink,
        symbol,
        session,
        urls.rest,
        timeout=timeout,
        budget=budget,
        backoff=Backoff(means.random, base=5.0, cap=300.0, longest=300.0, stable=0),
        clock=clock,
    )
    async with asyncio.TaskGroup() as tasks:
        for part in (ingestor.run(), asker.run(), lister.run()):
            tasks.create_task(part)
