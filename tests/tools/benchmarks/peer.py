"""One peer on the messages of a file, in a Python of its own: `python peer.py NAME FILE` prints JSON.

It imports nothing of this program but to time that too. Every peer gets its messages decoded by msgspec in
the way that it takes them, and is timed against msgspec decoding the same bytes to floats, block by block in
turns.
"""

import gc
import json
import os
import sys
import time
from contextlib import suppress
from decimal import Decimal
from importlib import import_module
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any

import msgspec

BLOCK = 50
LEVELS = 10


class Floats(msgspec.Struct, gc=False):
    """A message for those who take numbers."""

    u: int
    b: list[tuple[float, float]]
    a: list[tuple[float, float]]


class Texts(msgspec.Struct, gc=False):
    """A message for those who take the exchange's strings."""

    u: int
    b: list[tuple[str, str]]
    a: list[tuple[str, str]]


floats = msgspec.json.Decoder(Floats, strict=False).decode
texts = msgspec.json.Decoder(Texts).decode
plain = msgspec.json.Decoder().decode  # for those who take the whole message, as dict


class ThisProgram:
    """Its own decoder, sequence rules, book and check; `PYTHONPATH` says where it is."""

    def __init__(self) -> None:
        if os.environ.get("CORE") == "compiled":
            import_module("processes.core").use_compiled_core()
        self.messages = import_module("data_ingestion.messages")
        self.decode = self.messages.decode_depth_update
        self.applied = import_module("orderbook.sequence_validator").Verdict.APPLY
        self.book: Any = None

    def take(self, data: bytes) -> tuple[Any, Any]:
        """Apply, and return the top ten."""
        if self.book is None:
            self._begin(floats(data))
        elif self.book.apply(self.decode(data)) is not self.applied:
            raise RuntimeError("the messages do not follow each other")
        top = self.book.state.top()
        return top.bids, top.asks

    def _begin(self, whole: Floats) -> None:
        snapshot = self.messages.Snapshot(whole.u, 0, 0, whole.b, whole.a)
        self.book = import_module("orderbook.synchronizer").LocalBook(snapshot, book_levels=5_000)
        self.book.validator.bridged = True  # as after the event that spans a snapshot


class PythonBinance:
    """`DepthCache` as its manager fills it: two dicts, sorted at each look."""

    def __init__(self) -> None:
        self.cache = import_module("binance.ws.depthcache").DepthCache("BTCUSDT")

    def take(self, data: bytes) -> tuple[Any, Any]:
        """Apply, and return the top ten."""
        cache, message = self.cache, texts(data)
        for level in message.b:
            cache.add_bid(level)
        for level in message.a:
            cache.add_ask(level)
        return cache.get_bids()[:LEVELS], cache.get_asks()[:LEVELS]


class UnicornCache:
    """Its manager's `_apply_updates`, which sorts a side to cut it to 1,000 levels, and its sorted looks."""

    def __init__(self) -> None:
        kind = import_module("unicorn_binance_local_depth_cache").BinanceLocalDepthCacheManager
        manager = self.manager = kind.__new__(kind)  # its __init__ opens connections and starts threads
        manager.depth_caches, manager.threading_lock_ask, manager.threading_lock_bid = {}, {}, {}
        manager.default_refresh_interval, manager.stop_request = None, False
        manager._add_depthcache("btcusdt")
        self.cache = manager.depth_caches["btcusdt"]

    def take(self, data: bytes) -> tuple[Any, Any]:
        """Apply, and return the top ten."""
        manager, message = self.manager, plain(data)
        manager._apply_updates(asks=message["a"], bids=message["b"], market="btcusdt")
        self.cache["is_synchronized"] = True  # from the first message on, as after its snapshot
        return manager.get_bids("btcusdt", LEVELS), manager.get_asks("btcusdt", LEVELS)


class Cryptofeed:
    """`_book` of its feed of Binance's futures: sides of order-book, in decimals, and a list of the delta."""

    def __init__(self) -> None:
        feeds = import_module("cryptofeed.exchanges.binance_futures").BinanceFutures
        import_module("cryptofeed.symbols").Symbols.set(feeds.id, {"BTC-USDT-PERP": "BTCUSDT"}, {})
        self.feed = feeds()
        self.new = import_module("cryptofeed.types").OrderBook

    def take(self, data: bytes) -> tuple[Any, Any]:
        """Apply, and return the top ten."""
        feed, message = self.feed, plain(data)
        if feed._l2_book:
            with suppress(StopIteration):  # it awaits nothing but callbacks, and nobody listens
                feed._book(message, "BTCUSDT", 0.0).send(None)
        else:
            self._begin(message)
        book = feed._l2_book["BTC-USDT-PERP"].book
        return _first(book.bids), _first(book.asks)

    def _begin(self, message: Any) -> None:
        """Do what `_snapshot` does with the answer to its request."""
        bids, asks = ({Decimal(p): Decimal(q) for p, q in message[side]} for side in "ba")
        book = self.new(self.feed.id, "BTC-USDT-PERP", max_depth=0, bids=bids, asks=asks)
        self.feed._l2_book["BTC-USDT-PERP"] = book
        self.feed.last_update_id["BTC-USDT-PERP"] = message["u"]


class OrderBookC:
    """The C extension `order-book`, whose sides are sorted dicts."""

    def __init__(self) -> None:
        self.book = import_module("order_book").OrderBook()

    def take(self, data: bytes) -> tuple[Any, Any]:
        """Apply, and return the top ten."""
        book, message = self.book, floats(data)
        for side, levels in ((book.bids, message.b), (book.asks, message.a)):
            for price, size in levels:
                if size:
                    side[price] = size
                elif price in side:
                    del side[price]
        return _first(book.bids), _first(book.asks)


def _first(side: Any) -> list[Any]:
    return [side.index(place) for place in range(min(LEVELS, len(side)))]


class NautilusRust:
    """`OrderBook` of nautilus_trader's Rust core, price by price."""

    def __init__(self) -> None:
        n = self.n = import_module("nautilus_trader.core").nautilus_pyo3
        self.book = n.OrderBook(n.InstrumentId.from_str("BTCUSDT-PERP.BINANCE"), n.BookType.L2_MBP)

    def take(self, data: bytes) -> tuple[Any, Any]:
        """Apply, and return the top ten."""
        n, book, message = self.n, self.book, floats(data)
        for side, levels in ((n.OrderSide.BUY, message.b), (n.OrderSide.SELL, message.a)):
            for price, size in levels:
                order = n.BookOrder(side, n.Price(price, 2), n.Quantity(size, 3), 0)
                if size:
                    book.update(order, 0, message.u, 0)
                else:
                    book.delete(order, 0, message.u, 0)
        return (
            [(float(level.price), level.size()) for level in book.bids(LEVELS)],
            [(float(level.price), level.size()) for level in book.asks(LEVELS)],
        )


class NautilusCython:
    """`OrderBook` of nautilus_trader's Cython, in deltas as its adapter makes; a look is at all levels."""

    def __init__(self) -> None:
        book, data, objects, enums, identifiers = (
            import_module(f"nautilus_trader.model.{name}")
            for name in ("book", "data", "objects", "enums", "identifiers")
        )
        self.id = identifiers.InstrumentId.from_str("BTCUSDT-PERP.BINANCE")
        self.book = book.OrderBook(self.id, enums.BookType.L2_MBP)
        self.data, self.actions, self.sides = data, enums.BookAction, enums.OrderSide
        self.price, self.quantity = objects.Price.from_str, objects.Quantity.from_str

    def take(self, data: bytes) -> tuple[Any, Any]:
        """Apply, and return the top ten."""
        n, book, actions, message, deltas = self.data, self.book, self.actions, texts(data), []
        for side, levels in ((self.sides.BUY, message.b), (self.sides.SELL, message.a)):
            for price, text in levels:
                size = self.quantity(text)
                order = n.BookOrder(side, self.price(price), size, 0)
                action = actions.UPDATE if size > 0 else actions.DELETE
                deltas.append(n.OrderBookDelta(self.id, action, order, 0, message.u, 0, 0))
        if deltas:
            book.apply_deltas(n.OrderBookDeltas(self.id, deltas))
        return (
            [(float(level.price), level.size()) for level in book.bids()[:LEVELS]],
            [(float(level.price), level.size()) for level in book.asks()[:LEVELS]],
        )


class PlainSortedDict:
    """No peer but the obvious way: each side one `SortedDict`."""

    def __init__(self) -> None:
        sorted_dict = import_module("sortedcontainers").SortedDict
        self.bids, self.asks = sorted_dict(), sorted_dict()

    def take(self, data: bytes) -> tuple[Any, Any]:
        """Apply, and return the top ten."""
        message = floats(data)
        for side, sign, levels in ((self.bids, -1, message.b), (self.asks, 1, message.a)):
            for price, size in levels:
                if size:
                    side[sign * price] = size
                else:
                    side.pop(sign * price, None)
        return (
            [(-key, size) for key, size in islice(self.bids.items(), LEVELS)],
            list(islice(self.asks.items(), LEVELS)),
        )


PEERS: dict[str, type[Any]] = {
    "this program": ThisProgram,
    "SortedDict, the obvious way": PlainSortedDict,
    "order-book (C extension)": OrderBookC,
    "nautilus_trader OrderBook (Rust)": NautilusRust,
    "nautilus_trader OrderBook (Cython)": NautilusCython,
    "cryptofeed, Binance futures": Cryptofeed,
    "unicorn-binance-local-depth-cache": UnicornCache,
    "python-binance DepthCache": PythonBinance,
}


def _times(take: Any, messages: list[bytes]) -> list[int]:
    spans, now = [], time.perf_counter_ns
    gc.collect()
    for data in messages:
        start = now()
        take(data)
        spans.append(now() - start)
    return spans


def _figures(times: list[int]) -> tuple[float, float, float]:
    ordered = sorted(times)
    median, p99 = (ordered[ceil(share * len(ordered)) - 1] for share in (0.5, 0.99))
    return sum(ordered) / len(ordered), median, p99


def run(name: str, messages: list[bytes], truths: list[Any], *, rounds: int) -> dict[str, Any]:
    """Check every answer, then time. The first message is the whole book."""
    checked = PEERS[name]()
    right = 0
    for data, truth in zip(messages, truths, strict=True):
        # Some keep decimals of their own: eight of them are the exchange's, the rest is their noise.
        answer = [[[round(float(p), 8), round(float(q), 8)] for p, q in side] for side in checked.take(data)]
        right += answer == [[list(level) for level in side] for side in truth]
    base, mine = [2**62] * (len(messages) - 1), [2**62] * (len(messages) - 1)
    for _ in range(rounds):
        peer = PEERS[name]()
        peer.take(messages[0])
        for start in range(1, len(messages), BLOCK):
            block = messages[start : start + BLOCK]
            for least, take in ((base, floats), (mine, peer.take)):
                for place, span in enumerate(_times(take, block), start - 1):
                    least[place] = min(least[place], span)
    multiples = [a / b for a, b in zip(_figures(mine), _figures(base), strict=True)]
    return {"right": right, "of": len(messages), "multiples": multiples}


def main() -> None:
    """Read the command line and run."""
    name, file = sys.argv[1:]
    messages, truths = msgspec.msgpack.decode(Path(file).read_bytes(), type=tuple[list[bytes], list[Any]])
    sys.stdout.write(json.dumps(run(name, messages, truths, rounds=3)))


if __name__ == "__main__":
    main()
