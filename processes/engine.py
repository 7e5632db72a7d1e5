"""One symbol's engine as a process: streams in, frames out to the API."""

import asyncio
import contextlib
import random
import secrets
import socket
import sys

from api.feed.publisher import FeedPublisher
from api.feed.voice import Publisher, Voice
from api.processes import ProcessReader
from config import SettingError, Settings
from data_ingestion.clock import Clock
from data_ingestion.errors import UnknownSymbol
from data_ingestion.exchange_clock import ExchangeClock
from data_ingestion.ingestion import ingest
from data_ingestion.ingestor import BURST_WEIGHT
from data_ingestion.pacing.backoff import Backoff
from data_ingestion.pacing.latency import LatencyMeter
from data_ingestion.pacing.request_budget import RequestBudget
from data_ingestion.resources import Resources
from data_ingestion.rest import rest_session
from data_ingestion.settings import ExchangeUrls, IngestionSettings
from processes.conduct import calm_garbage_collector, first_leaf
from processes.core import running_core
from processes.lifeline import HOLD, Words, say
from processes.listening import local_address
from processes.screen import Screen
from state.engine import Engine, EngineSettings
from state.status_line import status_line


async def run_engine(settings: Settings, words: Words) -> None:
    """Follow one symbol: streams in, frames out to the API."""
    if len(settings.symbols) != 1 or settings.source == "auto":
        raise SettingError("--role engine follows one symbol: give one in --symbols, and a --source.")
    symbol, clock = settings.symbols[0], Clock()
    engine = Engine(symbol, settings.source, _engine_settings(settings))
    applied, exchange_clock = LatencyMeter(), ExchangeClock(clock)
    host = socket.gethostname() if settings.bus else None
    process = ProcessReader("engine", symbol, settings.restarts, core=running_core(), host=host)
    voice = Voice(engine, applied=applied, clock=clock, exchange_clock=exchange_clock, process=process)
    publisher = _publisher(settings, voice)

    calm_garbage_collector()

    # A supervisor hears each line, which is also a sign of life; a person or a file hears what is new.
    screen = Screen() if not settings.supervisor_pid and not sys.stdout.isatty() else None

    async def close_seconds() -> None:
        async for timestamp in clock.seconds():
            line = status_line(publisher.close_second(timestamp))
            if screen is None:
                say(line)
            else:
                screen.status(symbol, line)

    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_ingest(settings, engine, applied, clock, exchange_clock, words))
            tasks.create_task(publisher.run())
            tasks.create_task(close_seconds())
    except* UnknownSymbol as group:
        raise SettingError(f"{first_leaf(group)}.") from None


def _publisher(settings: Settings, voice: Voice) -> Publisher:
    if settings.bus:
        from api.bus.publisher import BusPublisher
        from processes.bus import bus_of

        return BusPublisher(voice, bus_of(settings), secrets.token_hex(8))
    url = settings.feed_url or f"ws://{local_address(settings.api_host)}:{settings.api_port}"
    return FeedPublisher(voice, url, settings.feed_token, backoff=Backoff(random.SystemRandom().random))


async def _ingest(
    settings: Settings,
    engine: Engine,
    applied: LatencyMeter,
    clock: Clock,
    exchange_clock: ExchangeClock,
    words: Words,
) -> None:
    """Keep an engine supplied with the exchange's messages, and its clock with the exchange's time."""

    def tell_of_ban(seconds: float) -> None:
        if (
            settings.supervisor_pid
        ):  # the exchange counts by address: the other symbols' engines must hear of it
            say(f"{HOLD}{clock.wall() + seconds!r}")

    budget = RequestBudget(settings.request_weight, BURST_WEIGHT, tell_of_ban)
    budget.hold(clock.steady(), settings.rest_not_before - clock.wall())
    words.on_line = lambda line: _hold(budget, clock, line)
    urls = ExchangeUrls(
        settings.binance_public_ws_url, settings.binance_market_ws_url, settings.binance_rest_url
    )
    patience = IngestionSettings(
        depth_silence=settings.depth_silence,
        trade_silence=settings.trade_silence,
        queue_size=settings.queue_size,
        answer_timeout=settings.snapshot_timeout,
    )
    async with rest_session(urls.rest) as session:
        resources = Resources(session, budget, applied, random.SystemRandom().random, clock, exchange_clock)
        await ingest(engine, engine.symbol, urls, patience, resources)


def _hold(budget: RequestBudget, clock: Clock, line: str) -> None:
    """Obey the supervisor's word that the exchange wants no request for a while."""
    if line.startswith(HOLD):
        with contextlib.suppress(ValueError):
            budget.hold(clock.steady(), float(line.removeprefix(HOLD)) - clock.wall())


def _engine_settings(settings: Settings) -> EngineSettings:

    return EngineSettings(
        stale_after_ms=settings.stale_after * 1000,
        trade_silent_after_ms=settings.trade_stale_after * 1000,
        book_levels=settings.book_levels,
        coverage_margin=settings.coverage_margin,
        audit_interval_ms=settings.audit_interval * 1000,
        detectors=settings.detectors,
    )
