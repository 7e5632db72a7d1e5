"""The simulated exchange as its clients see it, over real loopback sockets and a clock moved by hand."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from data_ingestion.simulated_exchange.server import SIMULATED_SYMBOLS, SimulatedExchange

START_S = 1_700_000_000.0
DEPTH = "/public/ws/btcusdt@depth@100ms"
TRADES = "/market/ws/btcusdt@aggTrade"
HANDSHAKE = (
    f"GET {DEPTH} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
).encode()
LIST = {"method": "LIST_SUBSCRIPTIONS", "id": 9}


class HandClock:
    """A wall clock that only a test moves."""

    def __init__(self) -> None:
        self.seconds = START_S

    def __call__(self) -> float:
        """Return the time in seconds since the epoch."""
        return self.seconds


class Bench:
    """An exchange, its clock and a client session, and short ways to use them."""

    def __init__(self, exchange: SimulatedExchange, clock: HandClock, session: aiohttp.ClientSession) -> None:
        self.exchange, self.clock, self.session = exchange, clock, session

    def step(self, seconds: float = 0.1) -> None:
        """Let time pass and the exchange play it."""
        self.clock.seconds = round(self.clock.seconds + seconds, 3)
        self.exchange.advance()

    def url(self, path: str) -> str:
        """Return the address of a route."""
        return f"http://127.0.0.1:{self.exchange.port}{path}"

    async def get(self, path: str) -> tuple[int, Any, dict[str, str]]:
        """Ask a route; returns the status, the JSON body and the headers."""
        async with self.session.get(self.url(path)) as reply:
            return reply.status, await reply.json(content_type=None), dict(reply.headers)

    async def connect(self, path: str) -> aiohttp.ClientWebSocketResponse:
        """Open a WebSocket."""
        client: aiohttp.ClientWebSocketResponse = await self.session.ws_connect(self.url(path))
        return client


async def listed(client: aiohttp.ClientWebSocketResponse) -> list[str]:
    """Return what the exchange answers to LIST_SUBSCRIPTIONS, which must be the next frame."""
    await client.send_json(LIST)
    answer = await client.receive_json()
    assert answer["id"] == 9
    return list(answer["result"])


async def receive(client: aiohttp.ClientWebSocketResponse, count: int) -> list[dict[str, Any]]:
    """Return the next frames, decoded."""
    return [await client.receive_json() for _ in range(count)]


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    """Run an exchange with both symbols and its control routes that plays only when it is told to."""
    clock = HandClock()
    async with (
        SimulatedExchange(
            SIMULATED_SYMBOLS, clock=clock, self_paced=False, control=True, client_queue=50
        ) as exchange,
        aiohttp.ClientSession() as session,
    ):
        yield Bench(exchange, clock, session)


async def test_ping_and_time_answer(bench: Bench) -> None:
    """The REST ping is an empty object and the time is that of the injected clock."""
    assert (await bench.get("/fapi/v1/ping"))[:2] == (200, {})
    assert (await bench.get("/fapi/v1/time"))[:2] == (200, {"serverTime": int(START_S * 1_000)})


async def test_a_snapshot_carries_as_many_levels_as_asked(bench: Bench) -> None:
    """Each documented limit is served, 500 without one, at the documented weight."""
    used = 0
    for limit, weight in ((5, 2), (10, 2), (20, 2), (50, 2), (100, 5), (500, 10), (1000, 20)):
        status, body, headers = await bench.get(f"/fapi/v1/depth?symbol=BTCUSDT&limit={limit}")
        used += weight
        assert (status, len(body["bids"]), len(body["asks"])) == (200, limit, limit)
        assert headers["X-MBX-USED-WEIGHT-1M"] == str(used)
        assert tuple(body) == ("lastUpdateId", "E", "T", "bids", "asks")
    _, body, _ = await bench.get("/fapi/v1/depth?symbol=ETHUSDT")
    assert len(body["bids"]) == 500


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("symbol=DOGEUSDT", -1121),
        ("limit=5", -1121),
        ("symbol=BTCUSDT&limit=7", -4021),
        ("symbol=BTCUSDT&limit=x", -4021),
        ("symbol=BTCUSDT&limit=-5", -4021),
    ],
)
async def test_a_wrong_snapshot_request_gets_the_exchanges_error(bench: Bench, query: str, code: int) -> None:
    """Unknown symbols and limits are HTTP 400 with Binance's code."""
    status, body, _ = await bench.get(f"/fapi/v1/depth?{query}")
    assert (status, body["code"]) == (400, code)
    assert body["msg"]


async def test_too_many_requests_are_refused_until_the_minute_is_over(bench: Bench) -> None:
    """Past a weight of 2,400 comes 429 with Retry-After, and after that wait an answer."""
    for _ in range(120):
        assert (await bench.get("/fapi/v1/depth?symbol=BTCUSDT&limit=1000"))[0] == 200
    status, body, headers = await bench.get("/fapi/v1/depth?symbol=BTCUSDT&limit=1000")
    assert (status, body["code"], headers["Retry-After"]) == (429, -1003, "60")
    bench.step(60)
    assert (await bench.get("/fapi/v1/depth?symbol=BTCUSDT&limit=1000"))[0] == 200


async def test_a_client_that_follows_the_rules_holds_the_true_book(bench: Bench) -> None:
    """Buffer, snapshot inside an event, drop what is older, chain by pu: the top ten is the exchange's."""
    client = await bench.connect(DEPTH)
    bench.step()
    bench.clock.seconds += 0.06  # the snapshot is asked for between two events
    _, snapshot, _ = await bench.get("/fapi/v1/depth?symbol=BTCUSDT&limit=1000")
    bench.step(0.84)
    books = [{float(p): float(q) for p, q in snapshot[side]} for side in ("bids", "asks")]
    events = [e for e in await receive(client, 10) if e["u"] >= snapshot["lastUpdateId"]]
    assert events[0]["U"] <= snapshot["lastUpdateId"] <= events[0]["u"]
    previous = events[0]["pu"]
    for event in events:
        assert event["pu"] == previous
        previous = event["u"]
        for book, changes in zip(books, (event["b"], event["a"]), strict=True):
            book.update({float(p): float(q) for p, q in changes})
        bids = sorted(((p, q) for p, q in books[0].items() if q), reverse=True)[:10]
        asks = sorted((p, q) for p, q in books[1].items() if q)[:10]
        assert (bids, asks) == bench.exchange.truth_at("btcusdt", event["u"])
        status, truth, _ = await bench.get(f"/_truth/BTCUSDT/{event['u']}")
        assert (status, truth) == (200, json.loads(json.dumps({"bids": bids, "asks": asks})))


async def test_trades_come_on_their_own_route(bench: Bench) -> None:
    """Trades are served under /market, and only there."""
    trades, misplaced = await bench.connect(TRADES), await bench.connect("/public/ws/btcusdt@aggTrade")
    bench.step(1)
    assert (await trades.receive_json())["e"] == "aggTrade"
    assert await listed(misplaced) == ["btcusdt@aggTrade"]


@pytest.mark.parametrize(
    "path",
    [
        "/ws/btcusdt@depth@100ms",
        "/stream?streams=btcusdt@depth@100ms",
        "/market/ws/btcusdt@depth@100ms",
        "/public/ws/dogeusdt@depth@100ms",
        "/public/ws/btcusdt@depth@1ms",
    ],
)
async def test_a_stream_off_its_route_is_accepted_and_silent(bench: Bench, path: str) -> None:
    """The handshake succeeds, the stream is listed, and nothing is ever sent on it."""
    client = await bench.connect(path)
    bench.step(1)
    assert len(await listed(client)) == 1


async def test_combined_streams_name_their_stream(bench: Bench) -> None:
    """On /stream each message is wrapped with the name of its stream."""
    client = await bench.connect("/public/stream?streams=btcusdt@depth@100ms/ethusdt@depth@100ms")
    bench.step()
    frames = await receive(client, 2)
    assert {f["stream"]: f["data"]["s"] for f in frames} == {
        "btcusdt@depth@100ms": "BTCUSDT",
        "ethusdt@depth@100ms": "ETHUSDT",
    }


async def test_streams_are_subscribed_and_left_by_message(bench: Bench) -> None:
    """SUBSCRIBE starts a stream and UNSUBSCRIBE ends it, each answered with its id."""
    client = await bench.connect("/public/ws")
    await client.send_json({"method": "SUBSCRIBE", "params": ["ethusdt@depth@100ms"], "id": 1})
    assert await client.receive_json() == {"result": None, "id": 1}
    bench.step()
    assert (await client.receive_json())["s"] == "ETHUSDT"
    await client.send_json({"method": "UNSUBSCRIBE", "params": ["ethusdt@depth@100ms"], "id": "b"})
    assert await client.receive_json() == {"result": None, "id": "b"}
    bench.step()
    assert await listed(client) == []


@pytest.mark.parametrize(
    "frame", ["{", "[]", '{"method": "BUY"}', '{"params": []}', '{"method": "SUBSCRIBE", "params": 3}']
)
async def test_a_frame_that_asks_for_nothing_known_is_answered_with_an_error(
    bench: Bench, frame: str
) -> None:
    """A client's garbage harms nobody: it is told so and the connection stays."""
    client = await bench.connect(DEPTH)
    await client.send_str(frame)
    assert "error" in await client.receive_json()
    bench.step()
    assert (await client.receive_json())["e"] == "depthUpdate"


async def test_the_server_pings(bench: Bench) -> None:
    """A quiet connection gets a WebSocket ping."""
    async with SimulatedExchange(
        ["BTCUSDT"], clock=bench.clock, self_paced=False, ping_seconds=0.01
    ) as exchange:
        client = await bench.session.ws_connect(f"http://127.0.0.1:{exchange.port}{DEPTH}", autoping=False)
        assert (await client.receive()).type is aiohttp.WSMsgType.PING


async def test_a_slow_client_is_cut_off_and_the_others_get_everything() -> None:
    """Somebody who does not read is dropped; a neighbour meanwhile misses no event."""
    clock, loop = HandClock(), asyncio.get_running_loop()
    async with (
        SimulatedExchange(["BTCUSDT"], clock=clock, self_paced=False, client_queue=50) as exchange,
        aiohttp.ClientSession() as session,
    ):
        bench = Bench(exchange, clock, session)
        with socket.create_connection(("127.0.0.1", exchange.port)) as stuck:
            stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            stuck.setblocking(False)
            await loop.sock_sendall(stuck, HANDSHAKE)
            assert b"101 Switching" in await loop.sock_recv(stuck, 64)
            healthy = await bench.connect(DEPTH)
            assert exchange.connections == 2
            previous = None
            for _ in range(600):
                bench.step(2)
                for event in await receive(healthy, 20):
                    assert previous in {None, event["pu"]}
                    previous = event["u"]
                if exchange.connections == 1:
                    break
            assert exchange.connections == 1


async def test_a_pause_of_the_clock_is_skipped(bench: Bench) -> None:
    """After hours asleep the stream goes on at once, in one piece, without the hours between."""
    client = await bench.connect(DEPTH)
    bench.step()
    (before,) = await receive(client, 1)
    bench.step(7_200)
    bench.step()
    (after,) = await receive(client, 1)
    assert after["pu"] == before["u"]
    assert after["T"] - before["T"] >= 7_199_000
    assert await listed(client) == [DEPTH.rpartition("/")[2]]


async def test_a_clock_set_back_does_not_stop_or_turn_back_the_market(bench: Bench) -> None:
    """Events and their times go on from where they were."""
    client = await bench.connect(DEPTH)
    bench.step()
    bench.step(-3_600)
    bench.step()
    bench.step()
    times = [event["T"] for event in await receive(client, 3)]
    assert times == [times[0], times[0] + 100, times[0] + 200]
    bench.step(3_600)
    _, body, _ = await bench.get("/fapi/v1/time")
    assert body["serverTime"] == int(bench.clock.seconds * 1_000)


async def test_a_gap_breaks_the_chain_of_ids_and_a_duplicate_repeats_it(bench: Bench) -> None:
    """One event is missing, so that pu does not match; another comes twice."""
    client = await bench.connect(DEPTH)
    bench.step()
    await bench.exchange.fault("gap", "BTCUSDT")
    bench.step(0.2)
    await bench.exchange.fault("duplicate", "btcusdt")
    bench.step()
    first, after_gap, third, again = await receive(client, 4)
    assert after_gap["pu"] != first["u"]
    assert third["pu"] == after_gap["u"]
    assert again == third


@pytest.mark.parametrize(("kind", "path"), [("close", DEPTH), ("abort", DEPTH), ("close_trades", TRADES)])
async def test_connections_are_closed_or_cut_on_demand(bench: Bench, kind: str, path: str) -> None:
    """The stream ends, other streams stay, and a new connection is served."""
    other = await bench.connect("/public/ws/ethusdt@depth@100ms")
    client = await bench.connect(path)
    ending = asyncio.create_task(client.receive())
    await bench.exchange.fault(kind, "BTCUSDT")
    message = await ending
    assert message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
    assert (message.type is aiohttp.WSMsgType.CLOSE) == (kind != "abort")
    again = await bench.connect(path)
    bench.step(1)
    assert (await again.receive_json())["s"] == "BTCUSDT"
    assert (await other.receive_json())["s"] == "ETHUSDT"


async def test_silence_loses_events_and_keeps_the_connection(bench: Bench) -> None:
    """For its seconds nothing comes, on the symbol and stream that it is for; then the stream goes on."""
    depth, trades = await bench.connect(DEPTH), await bench.connect(TRADES)
    await bench.exchange.fault("silence", "BTCUSDT", seconds=1)
    bench.step(0.9)
    assert (await trades.receive_json())["e"] == "aggTrade"
    assert await listed(depth) == [DEPTH.rpartition("/")[2]]
    bench.step(0.2)
    assert (await depth.receive_json())["e"] == "depthUpdate"


async def test_handshakes_are_refused_for_a_while(bench: Bench) -> None:
    """A refused handshake gets the HTTP status asked for; afterwards it succeeds."""
    await bench.exchange.fault("refuse", "BTCUSDT", seconds=2, status=451)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await bench.connect(DEPTH)
    assert refused.value.status == 451
    await bench.connect("/public/ws/ethusdt@depth@100ms")
    bench.step(2.5)
    await bench.connect(DEPTH)


async def test_snapshots_fail_and_are_old_on_demand(bench: Bench) -> None:
    """A status with Retry-After, then an old snapshot, then a right one."""
    path = "/fapi/v1/depth?symbol=BTCUSDT&limit=5"
    bench.step(2)
    old = (await bench.get(path))[1]
    bench.step(2)
    bench.step(1)
    await bench.exchange.fault("snapshot_status", "BTCUSDT", status=418)
    status, _, headers = await bench.get(path)
    assert (status, headers["Retry-After"]) == (418, "1")
    await bench.exchange.fault("snapshot_stale", "BTCUSDT", seconds=3)
    assert (await bench.get(path))[1] == old
    await bench.exchange.fault("snapshot_slow", "BTCUSDT", seconds=0.01)
    assert (await bench.get(path))[1]["lastUpdateId"] == bench.exchange.market("BTCUSDT").last_update_id


async def test_the_fault_door_plays_faults_and_explains_refusals(bench: Bench) -> None:
    """POST /_fault does what fault() does, and says in a sentence what it cannot do."""
    client = await bench.connect(DEPTH)
    async with bench.session.post(
        bench.url("/_fault"), json={"kind": "malformed", "symbol": "BTCUSDT"}
    ) as reply:
        assert (reply.status, await reply.json()) == (200, {"ok": True})
    bench.step()
    assert (await client.receive_str()) == "{not json"
    for body, sentence in (
        (b"{", "must be JSON"),
        (b'{"kind":"flood"}', "kind must be one of"),
        (b"\xff", "JSON"),
    ):
        async with bench.session.post(bench.url("/_fault"), data=body) as reply:
            assert reply.status == 400
            assert sentence in (await reply.json())["error"]


async def test_the_truth_door_knows_its_events(bench: Bench) -> None:
    """The newest id is looked up first; unknown markets and ids are not found."""
    bench.step()
    _, about, _ = await bench.get("/_truth/btcusdt")
    assert about == {"newest": bench.exchange.market("BTCUSDT").last_final_id, "kept": 1}
    for path in ("/_truth/DOGEUSDT", f"/_truth/BTCUSDT/{about['newest'] + 1}"):
        async with bench.session.get(bench.url(path)) as reply:
            assert reply.status == 404


async def test_the_stage_door_stages_patterns_and_tells_when(bench: Bench) -> None:
    """POST /_stage does what stage() does; GET /_staged lists what has ended, with its times."""
    bench.step()
    sweep = {"kind": "sweep", "symbol": "btcusdt", "side": "ask"}
    async with bench.session.post(bench.url("/_stage"), json=sweep) as reply:
        assert (reply.status, await reply.json()) == (200, {"ok": True})
    bench.exchange.stage("sweep", "BTCUSDT", near_miss="slow")
    for _ in range(6):
        bench.step(1.0)
    _, staged, _ = await bench.get("/_staged/BTCUSDT")
    assert [(one["kind"], one["side"], one["near_miss"]) for one in staged] == [
        ("sweep", "ask", None),
        ("sweep", "bid", "slow"),
    ]
    assert START_S * 1_000 < staged[0]["started_at"] <= staged[0]["fulfilled_at"]
    assert staged[0]["ended_at"] < staged[1]["started_at"]
    assert (await bench.get("/_staged/ETHUSDT"))[1] == []


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"{", "must be JSON"),
        (b"\xff", "JSON"),
        (b'{"kind":"storm","symbol":"BTCUSDT"}', "kind must be one of"),
        (b'{"kind":"wall","symbol":"DOGEUSDT"}', "symbol must be one of"),
        (b'{"kind":"wall","symbol":"BTCUSDT","near_miss":"thin"}', "near_miss of wall"),
    ],
)
async def test_the_stage_door_explains_refusals(bench: Bench, body: bytes, sentence: str) -> None:
    """What it cannot stage is answered with status 400 and a sentence."""
    async with bench.session.post(bench.url("/_stage"), data=body) as reply:
        assert reply.status == 400
        assert sentence in (await reply.json())["error"]


async def test_only_markets_that_exist_have_a_record(bench: Bench) -> None:
    """GET /_staged of an unknown symbol is not found."""
    async with bench.session.get(bench.url("/_staged/DOGEUSDT")) as reply:
        assert reply.status == 404


async def test_test_http_bounds_are_shut_unless_asked_for() -> None:
    """An exchange as users run it can neither be broken nor questioned from outside."""
    async with (
        SimulatedExchange(["BTCUSDT"], self_paced=False) as exchange,
        aiohttp.ClientSession() as session,
    ):
        async with session.get(f"http://127.0.0.1:{exchange.port}/_truth/BTCUSDT") as reply:
            assert reply.status == 404
        async with session.get(f"http://127.0.0.1:{exchange.port}/_staged/BTCUSDT") as reply:
            assert reply.status == 404
        for door in ("_fault", "_stage"):
            async with session.post(
                f"http://127.0.0.1:{exchange.port}/{door}", json={"kind": "gap"}
            ) as reply:
                assert reply.status == 404


async def test_left_alone_it_plays_by_itself_and_leaves_nothing_behind() -> None:
    """With its own pace events come unasked; closing ends every task and connection, even twice."""
    tasks = asyncio.all_tasks()
    exchange = SimulatedExchange(["ETHUSDT"])
    port = await exchange.start()
    assert exchange.port == port
    async with aiohttp.ClientSession() as session:
        client = await session.ws_connect(f"http://127.0.0.1:{port}/public/ws/ethusdt@depth@100ms")
        first, second = await receive(client, 2)
        assert second["pu"] == first["u"]
        reading = asyncio.create_task(read_to_the_end(client))
        await exchange.close()
        assert await reading is aiohttp.WSMsgType.CLOSE
    await exchange.close()
    assert exchange.connections == 0
    with pytest.raises(RuntimeError, match="not started"):
        _ = exchange.port
    assert asyncio.all_tasks() <= tasks


async def read_to_the_end(client: aiohttp.ClientWebSocketResponse) -> aiohttp.WSMsgType:
    """Read until the server closes; returns the kind of the last message."""
    while (message := await client.receive()).type is aiohttp.WSMsgType.TEXT:
        pass
    return message.type


def test_symbols_without_a_market_are_refused() -> None:
    """The error names the symbols that there are."""
    with pytest.raises(ValueError, match="BTCUSDT, ETHUSDT"):
        SimulatedExchange(["DOGEUSDT"])
    with pytest.raises(ValueError, match="needs a symbol"):
        SimulatedExchange([])
