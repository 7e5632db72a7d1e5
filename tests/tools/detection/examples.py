"""One detection of each kind of the recording, with the messages that it rests on, as Markdown.

python -m tests.tools.detection.examples

Of depth events only the levels that the detection is about are shown, of many messages the first and last.
"""

import textwrap
from collections.abc import Iterator
from typing import Final

import msgspec

from data_ingestion.messages import AggTrade, DepthUpdate
from features.detectors.detection import Detection, Event, Kind
from state.engine import Engine
from tests.replay.playback import Playback
from tests.replay.rig import SYMBOL

MOST_LINES: Final = 10


class ListeningEngine(Engine):
    """An engine that keeps the messages that it is told."""

    def __init__(self) -> None:
        super().__init__(SYMBOL, "binance")
        self.told: list[DepthUpdate | AggTrade] = []

    def on_depth(self, event: DepthUpdate, wall_ms: float, steady_ms: float) -> None:
        """Keep a depth event."""
        self.told.append(event)
        super().on_depth(event, wall_ms, steady_ms)

    def on_trade(self, trade: AggTrade, steady_ms: float) -> None:
        """Keep a trade."""
        self.told.append(trade)
        super().on_trade(trade, steady_ms)


def main() -> None:
    """Play the recording, print."""
    engine = ListeningEngine()
    playback = Playback(engine=engine)
    for _ in playback.run():
        pass
    for kind in Kind:
        entry = next(
            (e for e in playback.detections if e.kind is kind and e.event in (Event.OPENED, Event.FIRED)),
            None,
        )
        if entry is not None:
            evidence = {name: figure for name, figure in entry.evidence.items() if name != "trades"}
            said = msgspec.json.encode(msgspec.structs.replace(entry, evidence=evidence)).decode()
            print(f"### {kind}\n\n```\n" + "\n".join(textwrap.wrap(said.replace(",", ", "), 118)))
            lines = list(messages_of(entry, engine.told))
            half = MOST_LINES // 2
            shown = lines if len(lines) <= MOST_LINES else [*lines[:half], "...", *lines[-half:]]
            print("```\n\n```\n" + "\n".join(shown) + "\n```\n")


def messages_of(entry: Detection, told: list[DepthUpdate | AggTrade]) -> Iterator[str]:
    """Yield the messages between an evidence's update ids, as far as they are of its side and prices."""
    evidence = entry.evidence
    first, last = int(str(evidence["first_update_id"])), int(str(evidence["last_update_id"]))
    listed = evidence.get("level_prices")
    prices = {float(str(price)) for price in listed} if isinstance(listed, list) else {entry.price}
    within = False
    for message in told:
        if isinstance(message, DepthUpdate):
            begun = message.final_update_id >= first
            if entry.kind is Kind.LAYERING:  # its evidence is of the changes until it opened
                begun = message.transaction_time >= entry.started_at
            within = begun and message.final_update_id < last
            if not begun or message.final_update_id > last:
                continue
            levels = message.bids if entry.side == "bid" else message.asks
            changed = [level for level in levels if level[0] in prices or entry.kind is Kind.EXHAUSTION][:4]
            if changed:
                changes = ", ".join(f"[{price:.2f}, {size:.3f}]" for price, size in changed)
                when = f"T={message.transaction_time} u={message.final_update_id}"
                yield f"depthUpdate {when} {entry.side}s: {changes}"
        elif (
            within
            and message.buyer_is_maker == (entry.side == "bid")
            and (message.price in prices or entry.kind is Kind.EXHAUSTION)
        ):
            what = f"p={message.price:.2f} q={message.size:.3f} m={str(message.buyer_is_maker).lower()}"
            yield f"aggTrade    T={message.trade_time} a={message.trade_id} {what}"


if __name__ == "__main__":
    main()
