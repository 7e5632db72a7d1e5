"""Checks what the program says against the exchange's own book, and counts what it finds. No I/O."""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from api.feed.messages import ExactBook
from data_ingestion.simulated_exchange.market import AggTradeMessage
from data_ingestion.simulated_exchange.market import BestLevels as Truth
from features.market_impact import MarketImpact, OrderSide, market_impact
from features.trade_summary import TradeSummary
from orderbook.book_state import TopOfBook
from tests.replay.drill import NOT_MARKET_FIELDS

Said = Mapping[str, Any]
"""A frame, or an answer of `/simulate`, by its keys."""

KEPT: Final = 20
"""Sentences of what was wrong; all are counted."""


@dataclass(slots=True)
class Judge:
    """Judges frames and simulated orders one by one."""

    frames: int = 0
    live: int = 0
    books: int = 0
    answers: int = 0
    totals: int = 0
    wrong: int = 0
    sentences: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT))

    def frame(self, said: Said, truth: Truth | None, where: str) -> None:
        """Judge a frame; `truth` is the exchange's top ten at its update id, None where no event has it."""
        self.frames += 1
        if said["status"] != "live":
            shown = sorted(name for name in said.keys() - NOT_MARKET_FIELDS if said[name] is not None)
            if shown or not said["reason"]:
                self.object(f"{where}: {said['status']}, and yet it shows {shown}, reason {said['reason']!r}")
            return
        self.live += 1
        self._levels(
            said["bid_levels"], said["ask_levels"], truth, f"{where}: live at {said['last_update_id']}"
        )

    def book(self, said: ExactBook, truth: Truth | None, where: str) -> None:
        """Judge a book that an engine calls exact, as it does ten times a second for `/simulate`."""
        self.books += 1
        self._levels(said.top.bids, said.top.asks, truth, f"{where}: exact at {said.last_update_id}")

    def answer(self, said: Said, truth: Truth | None, where: str) -> None:
        """Judge a simulated order that was answered."""
        self.answers += 1
        if truth is None:
            self.object(f"{where}: an order at {said['last_update_id']}, with which no event ended")
            return
        right = market_impact(TopOfBook(*truth), said["size"], OrderSide(said["side"]))
        if any(said[name] != getattr(right, name) for name in MarketImpact.__struct_fields__):
            self.object(f"{where}: an order of {said['size']} at {said['last_update_id']} was walked wrongly")

    def trades(self, said: TradeSummary, traded: Sequence[AggTradeMessage], where: str) -> None:
        """Judge the sums of a second's trades against all that traded, told or not."""
        self.totals += 1
        sold = math.fsum(float(trade.quantity) for trade in traded if trade.buyer_is_maker)
        bought = math.fsum(float(trade.quantity) for trade in traded if not trade.buyer_is_maker)
        right = (len(traded), round(bought, 8), round(sold, 8))
        if (said.count, said.buy_volume, said.sell_volume) != right:
            self.object(f"{where}: trades {said.count, said.buy_volume, said.sell_volume}, and not {right}")

    def _levels(self, bids: Any, asks: Any, truth: Truth | None, where: str) -> None:
        if truth is None:
            self.object(f"{where}, with which no event ended")
        elif (pairs(bids), pairs(asks)) != (pairs(truth[0]), pairs(truth[1])):
            self.object(f"{where}, and not the exchange's book")

    def object(self, sentence: str) -> None:
        """Note that something is wrong."""
        self.wrong += 1
        self.sentences.append(sentence)


def pairs(levels: Any) -> list[tuple[float, float]]:
    """Return levels as pairs: JSON has lists where the book has tuples."""
    return [(price, size) for price, size in levels]


def fields_of(said: msgspec.Struct) -> dict[str, Any]:
    """Return a frame by its keys."""
    return msgspec.structs.asdict(said)
