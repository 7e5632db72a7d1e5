"""All streams of a simulated market against its plain depth events, its trades and its true book."""

import asyncio
import itertools
from typing import Any

import pytest

from tests.data_ingestion.simulated_exchange.test_server import Bench, bench

__all__ = ["bench"]

STEPS = 45
PLAIN = "btcusdt@depth@100ms"
Message = dict[str, Any]


async def heard(
    bench: Bench, *streams: str, route: str = "public", steps: int = STEPS
) -> dict[str, list[Message]]:
    """Return what comes on each of these streams while the exchange plays so many tenths of a second."""
    client = await bench.connect(f"/{route}/stream?streams={'/'.join(streams)}")
    found: dict[str, list[Message]] = {stream: [] for stream in streams}
    for _ in range(steps):
        bench.step()
        await asyncio.sleep(0)  # what is sent waits in a queue of fifty
    await client.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 99})
    while (frame := await client.receive_json()).get("id") != 99:
        if "stream" in frame:
            found[frame["stream"]].append(frame["data"])
    await client.close()
    return found


def applied(events: list[Message]) -> dict[tuple[str, str], str]:
    """Return the newest size of each side and price that these events tell."""
    return {(side, price): size for event in events for side in "ba" for price, size in event[side]}


@pytest.mark.parametrize(("ending", "count"), [("", 18), ("@500ms", 9), ("@250ms", 18), ("@0ms", 45)])
async def test_slower_depth_streams_join_events(bench: Bench, ending: str, count: int) -> None:
    """Their chain has no gap, and each says what the plain events it stands for say together."""
    stream = f"btcusdt@depth{ending}"
    found = await heard(bench, PLAIN, stream)
    plain, joined = found[PLAIN], found[stream]
    assert count - 1 <= len(joined) <= count
    assert all(event["pu"] == before["u"] for before, event in itertools.pairwise(joined))
    ids = [event["u"] for event in plain]
    for event in joined[1:]:
        parts = plain[ids.index(event["pu"]) + 1 : ids.index(event["u"]) + 1]
        assert (event["U"], event["E"]) == (parts[0]["U"], parts[-1]["E"])
        assert applied([event]) == applied(parts)


@pytest.mark.parametrize("levels", [5, 10, 20])
@pytest.mark.parametrize(("ending", "count"), [("@100ms", 45), ("", 18), ("@500ms", 9)])
async def test_partial_depth_is_the_true_top_of_the_book(
    bench: Bench, levels: int, ending: str, count: int
) -> None:
    """At its `u`, best first; each message names the one before it."""
    stream = f"btcusdt@depth{levels}{ending}"
    messages = (await heard(bench, stream))[stream]
    assert count - 1 <= len(messages) <= count
    assert all(one["pu"] == before["u"] for before, one in itertools.pairwise(messages))
    for message in messages:
        assert (len(message["b"]), len(message["a"])) == (levels, levels)
        truth = bench.exchange.truth_at("BTCUSDT", message["u"])
        assert truth is not None
        for side, true in zip("ba", truth, strict=True):
            shown = [(float(price), float(size)) for price, size in message[side]]
            assert shown[:10] == true[:levels]


async def test_book_tickers_tell_each_change_of_the_touch(bench: Bench) -> None:
    """Of one symbol, and of all; what they say is the true touch, and never the same twice in a row."""
    found = await heard(bench, "btcusdt@bookTicker", "!bookTicker")
    mine, everybody = found["btcusdt@bookTicker"], found["!bookTicker"]
    assert [one for one in everybody if one["s"] == "BTCUSDT"] == mine
    assert {one["s"] for one in everybody} == {"BTCUSDT", "ETHUSDT"}
    touches = []
    for ticker in mine:
        truth = bench.exchange.truth_at("BTCUSDT", ticker["u"])
        assert truth is not None
        touch = (float(ticker["b"]), float(ticker["B"])), (float(ticker["a"]), float(ticker["A"]))
        assert touch == (truth[0][0], truth[1][0])
        touches.append(touch)
    assert len(touches) > 10
    assert all(one != before for before, one in itertools.pairwise(touches))


async def test_single_trades_add_up_to_the_aggregates(bench: Bench) -> None:
    """Ids count up by one, and each aggregate is the sum of its fills."""
    found = await heard(bench, "btcusdt@trade", "btcusdt@aggTrade", route="market")
    fills, aggregates = found["btcusdt@trade"], found["btcusdt@aggTrade"]
    assert [one["t"] for one in fills] == list(range(fills[0]["t"], fills[0]["t"] + len(fills)))
    assert len(fills) >= len(aggregates) > 5
    for side in (True, False):
        total, parts = (
            sum(float(one["q"]) for one in many if one["m"] is side) for many in (aggregates, fills)
        )
        assert total == pytest.approx(parts)


async def test_what_a_fault_takes_is_missing_everywhere_and_can_be_seen(bench: Bench) -> None:
    """No slower stream tells a book from which an event is missing as if it were whole."""
    await bench.exchange.fault("gap", "BTCUSDT")
    stream = "btcusdt@depth@500ms"
    events = (await heard(bench, stream))[stream]
    later = (await heard(bench, stream))[stream]
    assert len(events) == 8
    assert events[0]["pu"] != events[0]["U"]
    assert all(event["pu"] == before["u"] for before, event in itertools.pairwise(events))
    assert len(later) == 9


@pytest.mark.parametrize("stream", ["btcusdt@depth", "btcusdt@bookTicker", "!bookTicker", "btcusdt@depth5"])
async def test_streams_of_the_book_are_silent_on_the_market_route(bench: Bench, stream: str) -> None:
    """As on the exchange since it split them; and nothing is ever sent on the private route."""
    for route in ("market", "private"):
        assert await heard(bench, stream, route=route) == {stream: []}


async def test_faults_that_close_reach_clients_of_every_stream(bench: Bench) -> None:
    """Whichever of the book's streams they listen to."""
    clients = [
        await bench.connect(f"/public/ws/btcusdt@{name}") for name in ("depth", "depth5@500ms", "bookTicker")
    ]
    await bench.exchange.fault("close", "BTCUSDT")
    async with asyncio.timeout(10):
        for client in clients:
            while not client.closed:
                await client.receive()
    assert {client.close_code for client in clients} == {1001}
