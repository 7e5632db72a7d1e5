"""Draws faults: what a campaign plays, decided by its seed alone.

A campaign is a row of bouts. In each some faults are played close together, so that they meet each other,
and then the program is given the time to be live again. The next bout begins only then: what is measured
is each recovery, and not how long one lasts on top of another.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from data_ingestion.simulated_exchange.faults import FAULTS, FaultKind, FaultRequest, Lasts

STATUSES: Final = (400, 403, 418, 429, 451, 500, 502, 503, 504)
LONGEST_SECONDS: Final = 12.0  # longer than both watchdogs of the depth stream
MOST_SNAPSHOTS: Final = 4  # faults that each cost a wait are not piled up for minutes


@dataclass(frozen=True, slots=True)
class Deed:
    """Something done to the program or around it that is no fault of the exchange's own list."""

    name: str
    target: str  # a symbol, a role, or nothing
    amount: float  # seconds, or how many


@dataclass(frozen=True, slots=True)
class Planned:
    """One fault and how many seconds after the one before it is played."""

    after: float
    fault: FaultRequest | Deed

    def __str__(self) -> str:
        fault = self.fault
        if isinstance(fault, Deed):
            return f"+{self.after:.2f} s {fault.name} {fault.target} {fault.amount:g}".replace("  ", " ")
        lasts = FAULTS[fault.kind].lasts
        how = {Lasts.COUNT: f"x {fault.count}", Lasts.SECONDS: f"{fault.seconds:.2f} s"}.get(lasts, "")
        status = f"status {fault.status}" if fault.status else ""
        return f"+{self.after:.2f} s {fault.kind} {fault.symbol or 'all'} {how} {status}".rstrip()


@dataclass(frozen=True, slots=True)
class DeedKind:
    """A kind of deed: whom it may hit, between which amounts, and how often next to other kinds."""

    name: str
    targets: tuple[str, ...]
    least: float
    most: float
    weight: float = 1.0


def exchange_fault(random: Random, symbols: Sequence[str]) -> FaultRequest:
    """Draw one of the faults that the simulated exchange knows, each kind as likely as the next."""
    kind = random.choice(list(FaultKind))
    symbol = random.choice([*symbols, None])
    few = kind.value.startswith("snapshot")
    count = min(1 + int(random.expovariate(1 / 3)), MOST_SNAPSHOTS if few else 100)
    seconds = min(0.05 + random.expovariate(1 / 1.5), LONGEST_SECONDS)
    if kind is FaultKind.LAG:
        seconds = random.uniform(1, LONGEST_SECONDS)  # what lags for shorter cannot be late by much
    status = random.choice(STATUSES) if FAULTS[kind].status is not None else None
    delay = random.uniform(0.5, 8.0)
    return FaultRequest(kind, symbol, count, seconds, status, delay)


def a_deed(random: Random, kinds: Sequence[DeedKind]) -> Deed:
    """Draw a deed; amounts of all magnitudes are as likely."""
    kind = random.choices(kinds, [kind.weight for kind in kinds])[0]
    amount = math.exp(random.uniform(math.log(kind.least), math.log(kind.most)))
    return Deed(kind.name, random.choice(kind.targets), amount)


def bouts(
    random: Random,
    faults: int,
    symbols: Sequence[str],
    deeds: Sequence[DeedKind],
    *,
    deed_share: float,
    most_at_once: int,
) -> Iterator[list[Planned]]:
    """Yield bouts until so many faults are drawn."""
    while faults > 0:
        size = min(faults, random.randint(1, most_at_once))
        faults -= size
        yield [
            Planned(
                random.choice((0.0, random.uniform(0, 1))),
                a_deed(random, deeds) if random.random() < deed_share else exchange_fault(random, symbols),
            )
            for _ in range(size)
        ]
