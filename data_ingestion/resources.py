"""What the parts of one symbol's ingestion share."""

from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from data_ingestion.clock import Clock
from data_ingestion.exchange_clock import ExchangeClock
from data_ingestion.pacing.latency import LatencyMeter
from data_ingestion.pacing.request_budget import RequestBudget


@dataclass(frozen=True, slots=True)
class Resources:
    """What ingestion shares with others, or tests replace. The session stays the caller's to close."""

    session: aiohttp.ClientSession
    budget: RequestBudget  # the share of the exchange's request weight that this symbol may use
    applied: LatencyMeter  # of each depth event, from the exchange's event time to when the sink has it
    random: Callable[[], float]  # 0 to 1
    clock: Clock
    exchange_clock: ExchangeClock
