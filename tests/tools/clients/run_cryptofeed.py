"""The order book of cryptofeed: `python run_cryptofeed.py PORT TLS_PORT`. Prints [u, bids, asks] by update.

It has no setting for addresses; a subclass that names others is all that is changed.
"""

import json
import sys
from typing import Any, ClassVar

from cryptofeed import FeedHandler
from cryptofeed.connection import RestEndpoint, WebsocketEndpoint
from cryptofeed.defines import L2_BOOK
from cryptofeed.exchanges import BinanceFutures

LEVELS = 10
PORT, TLS_PORT = sys.argv[1:]


class Here(BinanceFutures):  # type: ignore[misc]
    """Binance futures at another address."""

    websocket_endpoints: ClassVar = [
        WebsocketEndpoint(f"wss://127.0.0.1:{TLS_PORT}", options={"compression": None})
    ]
    rest_endpoints: ClassVar = [
        RestEndpoint(f"http://127.0.0.1:{PORT}", routes=BinanceFutures.rest_endpoints[0].routes)
    ]


async def show(book: Any, _: float) -> None:
    """Print what it holds."""
    sides = [
        [[float(price), float(size)] for price, size in list(side.to_dict().items())[:LEVELS]]
        for side in (book.book.bids, book.book.asks)
    ]
    print(json.dumps([book.sequence_number, *sides]), flush=True)


handler = FeedHandler()
handler.add_feed(Here(symbols=["BTC-USDT-PERP"], channels=[L2_BOOK], callbacks={L2_BOOK: show}, max_depth=0))
handler.run()
