"""A trade as detectors look at it."""

from features.detectors.detection import ASK, BID
from features.detectors.taker_trade import taker_trade_of
from tests.builders import START_MS
from tests.features.detectors.market import Market, trade_of


def test_a_hit_shows_what_was_taken_of_visible_orders() -> None:
    """`nq` where the exchange tells it, also when it is zero, else the whole size."""
    before = Market().books()[0]
    for visible, volume in ((None, 2.0), (0.5, 0.5), (0.0, 0.0)):
        trade = taker_trade_of(trade_of(BID, 100.0, 2.0, START_MS, visible=visible), before)
        assert trade.fill[2] == volume


def test_a_hit_knows_its_place_and_the_book_before_it() -> None:
    """A buy hits the asks and a sell the bids; id, price, size and time are the trade's."""
    before = Market().books()[0]
    sold = taker_trade_of(trade_of(BID, 100.0, 2.0, START_MS, 7, visible=0.5), before)
    assert (sold.place, sold.fill) == ((BID, 100.0), (7, 100.0, 0.5, START_MS))
    assert (sold.price, sold.time) == (100.0, START_MS)
    assert sold.before is before
    assert taker_trade_of(trade_of(ASK, 101.0, 2.0, START_MS), before).place == (ASK, 101.0)
