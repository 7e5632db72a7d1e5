"""What `/health` and `/symbols` answer."""

import msgspec

from api.processes import ShownProcess
from state.frames import Health, Status


class SymbolHealth(msgspec.Struct, frozen=True):
    """How one symbol is doing."""

    status: Status
    reason: str | None  # in words, when not live
    age_ms: int | None  # of its newest frame; None before the first
    warnings: list[str]  # what a person should know, in sentences
    health: Health | None  # as its newest frame has it


class HealthReport(msgspec.Struct, frozen=True):
    """How each symbol and each process is doing."""

    status: str  # live only if all symbols are
    symbols: dict[str, SymbolHealth]
    processes: list[ShownProcess]


class SymbolList(msgspec.Struct, frozen=True):
    """The symbols that are followed."""

    symbols: list[str]
