"""The order book of ccxt.pro, unpatched: `python run_ccxt.py PORT`. Prints [u, bids, asks] at each update."""

import asyncio
import json
import sys

import ccxt.pro

LEVELS = 10


async def main(port: str) -> None:
    """Follow BTCUSDT until killed."""
    urls = {
        "api": {
            "fapiPublic": f"http://127.0.0.1:{port}/fapi/v1",
            "fapiPublicV2": f"http://127.0.0.1:{port}/fapi/v2",
            "ws": {"linear": f"ws://127.0.0.1:{port}/ws"},
        }
    }
    exchange = ccxt.pro.binanceusdm({"urls": urls, "options": {"fetchMarkets": {"types": ["linear"]}}})
    while True:
        try:
            book = await exchange.watch_order_book("BTC/USDT:USDT")
            print(json.dumps([book["nonce"], book["bids"][:LEVELS], book["asks"][:LEVELS]]), flush=True)
        except ccxt.BaseError as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            await asyncio.sleep(0.2)


asyncio.run(main(sys.argv[1]))
