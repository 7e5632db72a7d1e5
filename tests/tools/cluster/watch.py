"""What clients of `?updates=1` are sent by an API, held against the exchange second by second."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from api.client import ClientError, Frame, NobodyListens, frames
from tests.program import Program
from tests.tools.campaign.exchange_process import ExchangeProcess
from tests.tools.campaign.judge import Judge

_APART: Final = ("updates", "book", "tape", "ladders")
"""Keys that the client itself compares, or that seconds that are not live have as well."""


@dataclass(slots=True)
class Watched:
    """The seconds of one symbol at one API."""

    name: str
    status: dict[int, str] = field(default_factory=dict)
    """By time stamp, as it was sent first."""
    reasons: dict[int, str] = field(default_factory=dict)
    """Of seconds that were not live."""
    updates: int = 0
    trades: int = 0
    open_ids: set[str] = field(default_factory=set)
    last_trade: int | None = None
    came_ms: dict[int, float] = field(default_factory=dict)

    def lost(self, since_ms: float, until_ms: float) -> int:
        """Return how many of the seconds that ended in between were not live."""
        first, last = int(since_ms // 1_000 + 1) * 1_000, int(until_ms // 1_000) * 1_000
        return sum(self.status.get(at) != "live" for at in range(first, last + 1, 1_000))

    def live_since(self, since_ms: float) -> int | None:
        """Return the first live second that ended after those not live that began after `since_ms`."""
        stamps = [at for at in sorted(self.status) if at > since_ms]
        not_live = [at for at in stamps if self.status[at] != "live"]
        return next((at for at in stamps if not not_live or at > not_live[-1]), None)


class Watcher:
    """Reads one symbol of one API for as long as it runs, with the client that people use."""

    def __init__(self, exchange: ExchangeProcess, judge: Judge) -> None:
        self._exchange, self._judge = exchange, judge

    async def watch(self, api: Program, symbol: str, seen: Watched) -> None:
        """Judge each second until cancelled."""
        url = f"ws://127.0.0.1:{api.api_port}"
        while True:
            try:
                async for frame in frames(symbol, url, updates=True):
                    await self._take(frame, seen)
            except NobodyListens:
                continue
            except ClientError as error:
                self._judge.object(f"{seen.name}: {type(error).__name__}: {error}")
                await asyncio.sleep(1)

    async def _take(self, frame: Frame, seen: Watched) -> None:
        at, where = frame.timestamp, f"{seen.name} at {frame.timestamp}"
        if at in seen.status:
            return
        seen.status[at] = frame.status
        if frame.status != "live":
            seen.reasons[at] = frame.reason or ""
        update_id = frame.last_update_id
        truth = None if update_id is None else await self._exchange.truth(seen.name.split()[0], update_id)
        said: dict[str, Any] = {
            name: value for name, value in msgspec.structs.asdict(frame).items() if name not in _APART
        }
        if frame.status != "unknown":
            self._judge.frame(said, truth, where)
        seen.updates += len(frame.updates or ())
        self._trades(frame, seen, where)
        for detection in frame.detections:
            opens = detection.event == "opened"
            if detection.event != "fired" and opens == (detection.id in seen.open_ids) and seen.trades:
                self._judge.object(f"{where}: {detection.event} twice or never opened: {detection.id}")
            if opens:
                seen.open_ids.add(detection.id)
            elif detection.event == "closed":
                seen.open_ids.discard(detection.id)

    def _trades(self, frame: Frame, seen: Watched, where: str) -> None:
        tape = frame.tape or []
        for entry in tape:
            seen.trades += 1
            if seen.last_trade is not None and entry[5] <= seen.last_trade:
                self._judge.object(f"{where}: the trade {entry[5]} again")
            seen.last_trade = entry[5]
        if frame.trades is not None and frame.trades.count != len(tape):
            self._judge.object(f"{where}: {frame.trades.count} trades are summed, the tape has {len(tape)}")
