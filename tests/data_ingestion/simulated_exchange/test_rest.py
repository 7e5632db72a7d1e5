"""REST routes of the simulated exchange that other people's clients ask for on their way."""

import asyncio
import json

import aiohttp
import pytest

from tests.data_ingestion.simulated_exchange.test_server import Bench, bench

__all__ = ["bench"]

WEIGHT = "X-MBX-USED-WEIGHT-1M"


@pytest.mark.parametrize("path", ["/fapi/v1/nothing", "/fapi/v3/depth", "/fapi/v1/ticker/24hr"])
async def test_an_unknown_route_is_the_exchanges_error(bench: Bench, path: str) -> None:
    """JSON with its code, naming path and method, and the weight as with every reply."""
    status, body, headers = await bench.get(path)
    assert (status, body) == (404, {"code": -5000, "msg": f"Path {path}, Method GET is invalid"})
    assert headers[WEIGHT] == "0"


async def test_a_wrong_method_is_the_exchanges_error(bench: Bench) -> None:
    """As an unknown route is."""
    async with bench.session.post(bench.url("/fapi/v1/depth")) as reply:
        body = json.loads(await reply.read())
    assert (reply.status, body["code"]) == (405, -5000)


async def test_the_weight_is_told_with_errors_too(bench: Bench) -> None:
    """A client that is refused a symbol must not lose count."""
    await bench.get("/fapi/v1/ping")
    for path in ("/fapi/v1/depth?symbol=NOPE", "/fapi/v1/depth?symbol=BTCUSDT&limit=3", "/fapi/v1/trades"):
        status, _, headers = await bench.get(path)
        assert (status, headers[WEIGHT]) == (400, "1")


@pytest.mark.parametrize(
    ("status", "code"), [(403, 0), (418, -1003), (429, -1003), (451, 0), (500, -1000), (503, -1008)]
)
async def test_each_refused_status_has_its_own_code(bench: Bench, status: int, code: int) -> None:
    """Only what is about too many requests says so, and asks to wait; over REST and at a handshake."""
    await bench.exchange.fault("snapshot_status", "BTCUSDT", status=status)
    found, body, headers = await bench.get("/fapi/v1/depth?symbol=BTCUSDT")
    assert (found, body["code"], "Retry-After" in headers) == (status, code, code == -1003)
    await bench.exchange.fault("refuse", "BTCUSDT", status=status)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await bench.connect("/public/ws/btcusdt@depth")
    assert refused.value.status == status


async def test_trades_are_those_of_the_streams(bench: Bench) -> None:
    """Single and joined, newest last, as many as asked for; joined ones also from an id or a time on."""
    client = await bench.connect("/market/ws/btcusdt@aggTrade")
    for _ in range(30):
        bench.step()
        await asyncio.sleep(0)  # what is sent waits in a queue of fifty
    await client.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 9})
    told = []
    while (frame := await client.receive_json()).get("id") != 9:
        told.append({key: frame[key] for key in ("a", "p", "q", "nq", "f", "l", "T", "m")})
    _, found, _ = await bench.get("/fapi/v1/aggTrades?symbol=BTCUSDT&limit=1000")
    assert found == told
    _, newest, _ = await bench.get("/fapi/v1/aggTrades?symbol=BTCUSDT&limit=3")
    assert newest == told[-3:]
    _, since, _ = await bench.get(f"/fapi/v1/aggTrades?symbol=BTCUSDT&fromId={told[2]['a']}&limit=2")
    assert since == told[2:4]
    _, fills, _ = await bench.get("/fapi/v1/trades?symbol=BTCUSDT&limit=1000")
    assert [fills[0]["id"], fills[-1]["id"]] == [told[0]["f"], max(one["l"] for one in told)]
    assert sum(float(one["qty"]) for one in fills) == pytest.approx(sum(float(one["q"]) for one in told))
    for wrong in ("trades?symbol=BTCUSDT&limit=0", "aggTrades?symbol=BTCUSDT&fromId=x"):
        assert (await bench.get(f"/fapi/v1/{wrong}"))[0] == 400


async def test_tickers_are_of_one_symbol_or_of_all(bench: Bench) -> None:
    """The touch is the snapshot's, the price that of the newest trade."""
    for _ in range(20):
        bench.step()
    _, book, _ = await bench.get("/fapi/v1/depth?symbol=BTCUSDT&limit=5")
    _, ticker, _ = await bench.get("/fapi/v1/ticker/bookTicker?symbol=BTCUSDT")
    assert [ticker["bidPrice"], ticker["bidQty"]] == book["bids"][0]
    assert [ticker["askPrice"], ticker["askQty"]] == book["asks"][0]
    _, fills, _ = await bench.get("/fapi/v1/trades?symbol=BTCUSDT&limit=1")
    for version in ("v1", "v2"):
        _, price, _ = await bench.get(f"/fapi/{version}/ticker/price?symbol=BTCUSDT")
        assert price["price"] == fills[0]["price"]
        _, everything, _ = await bench.get(f"/fapi/{version}/ticker/price")
        assert [one["symbol"] for one in everything] == ["BTCUSDT", "ETHUSDT"]
    assert (await bench.get("/fapi/v1/ticker/bookTicker?symbol=NOPE"))[1]["code"] == -1121


async def test_a_client_may_have_many_streams_and_few_calls(bench: Bench) -> None:
    """1,024 streams and no more; who says more than ten things in a second is disconnected."""
    client = await bench.connect("/public/ws")
    names = [f"coin{number}usdt@depth" for number in range(1_024)]
    for ask, ids in ((names, 1), (["btcusdt@depth"], 2)):
        await client.send_json({"method": "SUBSCRIBE", "params": ask, "id": ids})
    assert await client.receive_json() == {"result": None, "id": 1}
    refused = await client.receive_json()
    assert (refused["id"], refused["error"]["code"]) == (2, 2)
    for number in range(20):
        await client.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
    while not client.closed:
        await client.receive()
    assert client.close_code == 1008


async def test_streams_of_an_account_are_accepted_and_silent(bench: Bench) -> None:
    """Official clients open them whether or not anybody logs in."""
    for path in ("/private/ws", "/private/ws/alistenkey", "/private/stream?streams=alistenkey"):
        client = await bench.connect(path)
        bench.step()
        await client.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 9})
        assert (await client.receive_json())["id"] == 9
        await client.close()
