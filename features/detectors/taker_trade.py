"""A trade as detectors look at it."""

from typing import Final, final

from data_ingestion.messages import AggTrade
from features.detectors.book import Book
from features.detectors.cooldown import Place
from features.detectors.detection import ASK, BID, Fill


@final
class TakerTrade:
    """A trade, where it hit the book, and the book that stood before it."""

    __slots__ = ("before", "fill", "place")

    def __init__(self, place: Place, fill: Fill, before: Book) -> None:
        self.place: Final = place
        self.fill: Final = fill
        self.before: Final = before

    @property
    def time(self) -> int:
        """Exchange time, ms since the epoch."""
        return self.fill[3]

    @property
    def price(self) -> float:
        """USDT."""
        return self.fill[1]


def taker_trade_of(trade: AggTrade, before: Book) -> TakerTrade:
    """Return the view of a trade. Constant time."""
    price, volume = trade.price, trade.visible_size
    if volume is None:
        volume = trade.size  # not said: all of it
    place = (BID if trade.buyer_is_maker else ASK, price)
    return TakerTrade(place, (trade.trade_id, price, volume, trade.trade_time), before)
