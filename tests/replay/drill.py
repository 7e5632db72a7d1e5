"""The fault drill: plays each fault of the rig against the real program and judges every frame.

python -m tests.replay.drill            prints a table; exits 1 if a live frame was wrong
"""

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field

from websockets.asyncio.client import ClientConnection

from tests.program import Frame, Program, listening, next_live
from tests.replay.rig import SYMBOL, Rig

STALE_AFTER_MS = 2_000.0
HAIR_MS = 100.0
"""By which a frame's lag may be misjudged here, where the exchange's clock is taken for this machine's."""

NOT_MARKET_FIELDS = {"symbol", "source", "timestamp", "status", "reason", "detections", "health", "history"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: what to ask of the rig in this order, and after how many seconds it is over."""

    name: str
    asks: tuple[dict[str, float | str], ...]
    over_after: float


FAULTS = (
    Fault("gap", ({"kind": "gap"},), 0.1),
    Fault("gap of 20 events", ({"kind": "gap", "count": 20},), 2.0),
    Fault("duplicate", ({"kind": "duplicate", "count": 5},), 0.5),
    Fault("reorder", ({"kind": "reorder"},), 0.2),
    Fault("reorder 3 times", ({"kind": "reorder", "count": 3},), 0.6),
    Fault("close", ({"kind": "close"},), 0.0),
    Fault("abort", ({"kind": "abort"},), 0.0),
    Fault("close_trades", ({"kind": "close_trades"},), 0.0),
    Fault("silence 4 s", ({"kind": "silence", "seconds": 4},), 4.0),
    Fault("silence 12 s", ({"kind": "silence", "seconds": 12},), 12.0),
    Fault("trade_silence", ({"kind": "trade_silence", "seconds": 7},), 7.0),
    Fault("malformed", ({"kind": "malformed", "count": 5},), 0.5),
    Fault("extra_field", ({"kind": "extra_field", "count": 5},), 0.5),
    # Each 429 of the rig says Retry-After: 1; with the gap the book needs a snapshot.
    Fault("snapshot 429 x 3", ({"kind": "snapshot_status", "status": 429, "count": 3}, {"kind": "gap"}), 3.1),
    Fault("snapshot 418", ({"kind": "snapshot_status", "status": 418}, {"kind": "gap"}), 1.1),
    Fault("snapshot 503 x 2", ({"kind": "snapshot_status", "status": 503, "count": 2}, {"kind": "gap"}), 0.2),
    Fault("snapshot 451", ({"kind": "snapshot_status", "status": 451}, {"kind": "gap"}), 0.1),
    Fault("snapshot slow", ({"kind": "snapshot_slow", "seconds": 3}, {"kind": "gap"}), 3.1),
    Fault("snapshot stale", ({"kind": "snapshot_stale", "seconds": 5, "count": 2}, {"kind": "gap"}), 0.4),
    Fault("refuse 503", ({"kind": "refuse", "seconds": 5, "status": 503},), 5.0),
    Fault("refuse 12 s", ({"kind": "refuse", "seconds": 12, "status": 403},), 12.0),
    Fault("trade_gap", ({"kind": "trade_gap", "count": 40},), 8.0),
    Fault("lag 5 s by 3.5 s", ({"kind": "lag", "seconds": 5, "delay": 3.5},), 5.0),
    Fault("lag 20 s by 7 s", ({"kind": "lag", "seconds": 20, "delay": 7},), 20.0),
    Fault("burst", ({"kind": "burst", "seconds": 5},), 0.1),
)


@dataclass(slots=True)
class Drill:
    """What was seen."""

    frames: int = 0
    live: int = 0
    wrong: list[str] = field(default_factory=list)
    recovery: dict[str, float] = field(default_factory=dict)
    """Seconds from the end of each fault to the first live frame after it; 0 where it stayed live."""
    not_live: dict[str, int] = field(default_factory=dict)


async def judge(frame: Frame, rig: Rig, drill: Drill) -> None:
    """Check one frame against the truth."""
    drill.frames += 1
    if frame["status"] != "live":
        shown = [name for name in frame.keys() - NOT_MARKET_FIELDS if frame[name] is not None]
        if shown or not frame["reason"]:
            drill.wrong.append(f"{frame['status']}: {shown} carry values")
        return
    drill.live += 1
    behind = frame["timestamp"] - frame["exchange_time"]
    if behind > STALE_AFTER_MS + frame["health"]["clock_uncertainty_ms"] + HAIR_MS:
        drill.wrong.append(f"live at {frame['last_update_id']}: {behind:.0f} ms old")
    truth = await rig.truth(frame["last_update_id"])
    if truth != {"bids": frame["bid_levels"], "asks": frame["ask_levels"]}:
        drill.wrong.append(f"live at {frame['last_update_id']}: not the exchange's book")


async def _watch(connection: ClientConnection, rig: Rig, drill: Drill, latest: list[Frame]) -> None:
    async for text in connection:
        frame: Frame = json.loads(text)
        await judge(frame, rig, drill)
        latest.append(frame)


async def _play(fault: Fault, rig: Rig, drill: Drill, latest: list[Frame], settle: float) -> None:
    before = len(latest)
    start = time.time()
    for ask in fault.asks:
        arguments = {key: value for key, value in ask.items() if key != "kind" and not isinstance(value, str)}
        await rig.fault(str(ask["kind"]), **arguments)
    over = start + fault.over_after
    dark = 0
    while True:
        await asyncio.sleep(0.05)
        # Frames up to half a second after the end may not yet know of the fault.
        new = latest[before:]
        dark = sum(frame["status"] != "live" for frame in new)
        after = [frame for frame in new if frame["timestamp"] / 1000 > over + (0.5 if not dark else 0)]
        live = [frame for frame in after if frame["status"] == "live"]
        if live:
            back = live[0]["timestamp"] / 1000
            drill.recovery[fault.name] = round(back - over, 2) if dark else 0.0
            drill.not_live[fault.name] = dark
            break
    await asyncio.sleep(settle)


async def run_drill(faults: tuple[Fault, ...], *, settle: float = 1.5, talk: bool = False) -> Drill:
    """Run the program on the rig, play `faults` one after the other, and judge every frame."""
    drill, latest = Drill(), list[Frame]()
    async with Rig() as rig, Program(**rig.settings) as program, listening(program.url(SYMBOL)) as connection:
        await next_live(connection)
        watcher = asyncio.create_task(_watch(connection, rig, drill, latest))
        await asyncio.sleep(settle)
        for fault in faults:
            await asyncio.wait_for(_play(fault, rig, drill, latest, settle), fault.over_after + 60)
            if talk:
                seconds, dark = drill.recovery[fault.name], drill.not_live[fault.name]
                print(
                    f"{fault.name:<20} {dark:>3} frames not live, live again after {seconds:5.2f} s",
                    flush=True,
                )
        watcher.cancel()
        await asyncio.gather(watcher, return_exceptions=True)
    return drill


def main() -> int:
    """Run all faults and print what was seen."""
    drill = asyncio.run(run_drill(FAULTS, talk=True))
    for sentence in drill.wrong[:20]:
        print("wrong:", sentence)
    worst = max(drill.recovery.values())
    print(
        f"{len(drill.recovery)} faults, {drill.frames} frames, {drill.live} live, {len(drill.wrong)} wrong; "
        f"slowest recovery {worst:.2f} s after the end of the fault"
    )
    return 1 if drill.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
