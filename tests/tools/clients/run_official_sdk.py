"""Binance's official SDK, unpatched: `python run_official_sdk.py PORT`. Prints [u, bids, asks] by update.

The SDK brings depth events and snapshots but no book; the book here is built by the steps that Binance
documents, with nothing of this project.
"""

import asyncio
import json
import sys
from typing import Any

from binance_common.configuration import ConfigurationRestAPI, ConfigurationWebSocketStreams
from binance_sdk_derivatives_trading_usds_futures import DerivativesTradingUsdsFutures

SYMBOL = "BTCUSDT"
LEVELS = 10


class Book:
    """A book by Binance's own steps."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._sides: tuple[dict[float, float], dict[float, float]] = ({}, {})
        self._last = 0  # u of the last event applied; 0 while there is no book
        self._snapshot: Any = None  # waits for the event that it falls into
        self._fetching: asyncio.Task[None] | None = None
        self._buffer: list[Any] = []

    def hear(self, event: Any) -> None:
        """Take a depth event; one that came already, by a connection that was replaced, says nothing."""
        if event.u <= max(self._last, self._buffer[-1].u if self._buffer else 0):
            return
        if self._last and event.pu == self._last:
            self._apply(event)
            return
        if self._last or (self._buffer and event.pu != self._buffer[-1].u):
            self._last, self._snapshot, self._buffer = 0, None, []
        self._buffer.append(event)
        if self._snapshot is not None:
            self._build()
        elif self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._fetch())

    async def _fetch(self) -> None:
        try:
            answer = await asyncio.to_thread(self._client.rest_api.order_book, SYMBOL, 1000)
        except Exception as error:  # whatever the SDK raises
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            await asyncio.sleep(0.5)
            return
        self._snapshot = answer.data()
        self._build()
        await asyncio.sleep(0.5)  # before the next one: the exchange counts them

    def _build(self) -> None:
        """Begin with the snapshot, if the buffered events lead on from it."""
        snapshot = self._snapshot
        events = [event for event in self._buffer if event.u >= snapshot.last_update_id]
        if not events:
            return
        self._snapshot = None
        if snapshot.last_update_id < events[0].U:
            return  # it is too old: the next event asks for another
        for side, levels in zip(self._sides, (snapshot.bids, snapshot.asks), strict=True):
            side.clear()
            side.update((float(price), float(size)) for price, size in levels)
        self._buffer = []
        for event in events:
            self._apply(event)

    def _apply(self, event: Any) -> None:
        for side, changes in zip(self._sides, (event.b, event.a), strict=True):
            for price, size in changes:
                if float(size):
                    side[float(price)] = float(size)
                else:
                    side.pop(float(price), None)
        self._last = event.u
        bids = sorted(self._sides[0].items(), reverse=True)[:LEVELS]
        print(json.dumps([event.u, bids, sorted(self._sides[1].items())[:LEVELS]]), flush=True)


async def main(port: str) -> None:
    """Follow the book until killed. The SDK connects no second time by itself where the exchange closes."""
    rest = ConfigurationRestAPI(base_path=f"http://127.0.0.1:{port}")
    book = Book(DerivativesTradingUsdsFutures(config_rest_api=rest))
    while True:
        streams = ConfigurationWebSocketStreams(stream_url=f"ws://127.0.0.1:{port}")
        client = DerivativesTradingUsdsFutures(config_ws_streams=streams)
        closed = asyncio.Event()
        try:
            connection = await client.websocket_streams.create_connection()
            stream = await connection.diff_book_depth_streams(symbol=SYMBOL.lower(), update_speed="100ms")
            stream.on("message", book.hear)
            for event in ("close", "error"):
                stream.on(event, lambda *_, closed=closed: closed.set())
            await closed.wait()
            await connection.close_connection(close_session=True)
        except Exception as error:  # whatever the SDK raises
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        await asyncio.sleep(0.5)


asyncio.run(main(sys.argv[1]))
