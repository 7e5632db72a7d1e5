"""Orders simulated over the API, as scripts and pages ask for them."""

from collections.abc import AsyncIterator
from dataclasses import fields
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio

from api.access import Access
from api.feed.messages import FeedBook
from api.newest_book import CONFIRMED_MS
from api.simulate import NotLive, SimulatedOrder, SimulatedOrders, UnknownSymbol
from api.websocket_server import Api
from features.market_impact import BadSize
from tests.api.serving import (
    SOURCE,
    SYMBOLS,
    T0,
    TOKEN,
    HandClock,
    Served,
    a_book,
    a_state,
    no_book,
    tell,
    until,
)

ALLOWED = "https://lab.example.org"
ORDER = "/simulate?symbol=BTCUSDT&side=buy&size=2.5"


@pytest_asyncio.fixture
async def served() -> AsyncIterator[Served]:
    """Run an API of two symbols. Nothing may escape its routes in any test."""
    clock = HandClock()
    running = Served(
        Api(SYMBOLS, SOURCE, feed_token=TOKEN, access=Access(allowed_origins=[ALLOWED]), clock=clock), clock
    )
    await running.start()
    yield running
    await running.stop()
    assert running.app.escaped == []


def hold(served: Served, said: FeedBook, symbol: str = "BTCUSDT") -> None:
    """Let the API have just been told a book."""
    served.api.channels[symbol].book.on_said(said, served.clock.steady_ms())


def assert_refused(reply: httpx.Response, status_code: int) -> str:
    """Assert that an answer is an error in the API's one shape; return its one sentence."""
    body = reply.json()
    assert reply.status_code == status_code
    assert set(body) == ({"reason", "status"} if status_code == 503 else {"reason"})
    reason: str = body["reason"]
    assert reason
    assert len(reason) < 200
    assert "\n" not in reason
    return reason


# --- answers ----------------------------------------------------------------------------------------------


async def test_an_order_is_walked_through_the_newest_book(served: Served) -> None:
    """Asks 102, 103, 104 of 1 each: 2.5 cost 257, which is 1.8 above the mid of 101 each."""
    hold(served, a_book(6))
    hold(served, a_book(7))
    served.clock.set(0.1)
    reply = await served.get(ORDER)
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
    assert reply.json() == {
        "symbol": "BTCUSDT",
        "source": SOURCE,
        "side": "buy",
        "depth": "10",
        "size": 2.5,
        "quote_size": None,
        "avg_price": 102.8,
        "worst_price": 104,
        "mid_price": 101,
        "slippage": 1.8,
        "slippage_bps": 178.21782178,
        "levels_consumed": 3,
        "filled": 2.5,
        "unfilled": 0,
        "filled_quote": 257,
        "unfilled_quote": None,
        "complete": True,
        "last_update_id": 7,
        "exchange_time": T0 - 50,
        "age_ms": 100,
    }


@pytest.mark.parametrize("symbol", ["BTCUSDT", "btcusdt", "BtcUsdt"])
@pytest.mark.parametrize("side", ["sell", "SELL", "Sell"])
async def test_symbol_and_side_may_be_given_in_any_letter_case(
    served: Served, symbol: str, side: str
) -> None:
    """The answer has their one spelling."""
    hold(served, a_book(7))
    answer = (await served.get(f"/simulate?symbol={symbol}&side={side}&size=1")).json()
    assert (answer["symbol"], answer["side"], answer["avg_price"]) == ("BTCUSDT", "sell", 100)


@pytest.mark.parametrize(
    ("size", "taken"), [("0.3", 0.3), ("1e-8", 1e-8), ("%2B2", 2), ("0.30000000000000004", 0.3), ("10", 10)]
)
async def test_any_number_above_zero_is_a_size(served: Served, size: str, taken: float) -> None:
    """The answer says what was taken for it."""
    hold(served, a_book(7))
    answer = (await served.get(f"/simulate?symbol=BTCUSDT&side=buy&size={size}")).json()
    assert (answer["size"], answer["filled"], answer["complete"]) == (taken, taken, True)


async def test_more_than_the_book_shows_is_answered_as_incomplete(served: Served) -> None:
    """What ten levels do not hold is unfilled; that is no error."""
    hold(served, a_book(7))
    answer = (await served.get("/simulate?symbol=BTCUSDT&side=sell&size=1e300")).json()
    assert (answer["filled"], answer["complete"], answer["unfilled"]) == (10, False, 1e300)


# --- several orders, all that is known, sizes in USDT ---------------------------------------------------

BUY = "/simulate?symbol=BTCUSDT&side=buy"
SHARED = ("symbol", "source", "side", "depth", "mid_price", "last_update_id", "exchange_time", "age_ms")


async def test_several_sizes_are_answered_from_one_book_in_the_order_asked(served: Served) -> None:
    """What they share stands once; each order is what it is alone. Commas, repeats, or both."""
    hold(served, a_book(7))
    alone = [(await served.get(f"{BUY}&size={size}")).json() for size in (2.5, 0.5, 12)]
    for query in ("sizes=2.5,0.5,12", "sizes=2.5&sizes=0.5&sizes=12", "sizes=2.5,+0.5&sizes=12"):
        answer = (await served.get(f"{BUY}&{query}")).json()
        assert {name: answer[name] for name in SHARED} == {name: alone[0][name] for name in SHARED}
        assert answer["orders"] == [
            {name: value for name, value in one.items() if name not in SHARED} for one in alone
        ]
        assert set(answer) == {*SHARED, "orders"}


async def test_all_that_is_known_is_walked_where_it_is_asked_for(served: Served) -> None:
    """30 levels of 1 from 102: 12 end at 113; 31 are more than is known, and have no slippage."""
    hold(served, a_book(7))
    order = (await served.get(f"{BUY}&size=12&depth=known")).json()
    assert (order["levels_consumed"], order["worst_price"], order["complete"]) == (12, 113, True)
    assert (order["depth"], order["avg_price"], order["slippage"]) == ("known", 107.5, 6.5)
    answer = (await served.get(f"{BUY}&sizes=12,31&depth=KNOWN")).json()
    inside, beyond = answer["orders"]
    assert inside["avg_price"] == 107.5
    assert (beyond["complete"], beyond["filled"], beyond["unfilled"], beyond["avg_price"]) == (
        False,
        30,
        1,
        116.5,
    )
    assert beyond["slippage"] is beyond["slippage_bps"] is None
    default, ten = [(await served.get(f"{BUY}&size=12{more}")).json() for more in ("", "&depth=10")]
    assert default == ten
    assert (ten["levels_consumed"], ten["complete"], ten["slippage"]) == (10, False, 5.5)


async def test_a_size_may_be_given_in_usdt(served: Served) -> None:
    """250 pay for 1 at 102, 1 at 103 and 45 / 104, in steps of 0.00000001; one or several."""
    hold(served, a_book(7))
    order = (await served.get(f"{BUY}&quote_size=250")).json()
    assert (order["size"], order["quote_size"], order["unfilled"]) == (None, 250, None)
    assert (order["filled"], order["filled_quote"], order["unfilled_quote"]) == (
        2.4326923,
        249.9999992,
        8e-7,
    )
    answer = (await served.get(f"{BUY}&quote_sizes=250,1e6&depth=known")).json()
    assert answer["orders"][0].items() <= order.items()
    assert (answer["orders"][1]["complete"], answer["orders"][1]["filled_quote"]) == (False, 30 * 116.5)


async def test_a_hundred_sizes_are_the_most(served: Served) -> None:
    """All of them are answered; one more is 422, and the sentence says how many there may be."""
    hold(served, a_book(7))
    answer = await served.get(f"{BUY}&sizes={','.join(['0.1'] * 100)}")
    assert len(answer.json()["orders"]) == 100
    reason = assert_refused(await served.get(f"{BUY}&sizes={','.join(['0.1'] * 101)}"), 422)
    assert reason.startswith("sizes is '0.1,0.1,")
    assert reason.endswith("it must have at most 100 items, and has 101")


@pytest.mark.parametrize("name", ["sizes", "quote_sizes"])
@pytest.mark.parametrize(
    ("items", "which"),
    [
        ("", 1),
        (",", 1),
        ("1,,2", 2),
        ("1,2,", 3),
        ("1,two", 2),
        ("nan", 1),
        ("1,inf", 2),
        ("0,1", 1),
        ("-1", 1),
        ("1,4e-9", 2),
        ("1;2", 1),
        ("1," + "1" * 41, 2),
    ],
)
async def test_an_item_that_no_order_can_have_is_named(
    served: Served, name: str, items: str, which: int
) -> None:
    """Empty ones, what is no number, and what is too small."""
    hold(served, a_book(7))
    reason = assert_refused(await served.get(f"{BUY}&{name}={items}"), 422)
    assert reason.startswith(f"item {which} of {name} is '")


@pytest.mark.parametrize(
    "query",
    ["", "size=1&sizes=1,2", "size=1&quote_size=2", "sizes=1&quote_sizes=1", "size=1&quote_sizes=1&sizes=1"],
)
async def test_just_one_kind_of_size_is_to_be_given(served: Served, query: str) -> None:
    """None and several are told apart, and all four names are there."""
    hold(served, a_book(7))
    reason = assert_refused(await served.get(f"{BUY}&{query}"), 422)
    given = " and ".join(
        name for name in ("size", "sizes", "quote_size", "quote_sizes") if f"&{name}=" in f"&{query}"
    )
    assert reason == (
        f"exactly one of size, sizes, quote_size, quote_sizes is needed: {given or 'none'} given"
    )


@pytest.mark.parametrize("depth", ["", "20", "all", "10,known"])
async def test_any_depth_but_ten_and_known_is_422(served: Served, depth: str) -> None:
    """The sentence names both."""
    reason = assert_refused(await served.get(f"{BUY}&size=1&depth={depth}"), 422)
    assert reason == f"depth is '{depth}': it must be '10' or 'known'"


@pytest.mark.parametrize("query", ["quote_size=0.00000101", "quote_sizes=5,0.00000101"])
async def test_usdt_that_pay_for_nothing_are_422(served: Served, query: str) -> None:
    """At 102 the smallest order costs 0.00000102."""
    hold(served, a_book(7))
    reason = assert_refused(await served.get(f"{BUY}&{query}"), 422)
    assert reason.startswith("quote_size is 1.01e-06: at the best price, 102, ")


async def test_where_the_whole_book_does_not_hold_together_ten_levels_are_still_answered(
    served: Served,
) -> None:
    """depth=known says why it has no answer until the engine's next whole book."""
    hold(served, a_book(7))
    assert (await served.get(f"{BUY}&size=12&depth=known")).status_code == 200
    hold(served, a_book(8, levels=None))  # an update is missing
    reply = await served.get(f"{BUY}&sizes=12,13&depth=known")
    assert reply.json()["status"] == "syncing"
    assert "does not hold together" in assert_refused(reply, 503)
    assert (await served.get(f"{BUY}&size=12")).json()["last_update_id"] == 8
    hold(served, a_book(9))
    assert (await served.get(f"{BUY}&size=12&depth=known")).json()["last_update_id"] == 9


# --- refusals ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "size",
    [
        "",
        "two",
        "nan",
        "inf",
        "-inf",
        "Infinity",
        "1e400",
        "0",
        "-0.0",
        "-1",
        "4e-9",
        "1e-400",
        "0x10",
        "1,5",
        "null",
        "%00",
        "%F0%9F%A6%A9",
        "1" * 41,
        "9" * 20_000,
    ],
)
async def test_a_size_that_no_order_can_have_is_422(served: Served, size: str) -> None:
    """Whether or not the book is live, and the sentence is about the size and short."""
    for _ in range(2):
        reply = await served.get(f"/simulate?symbol=BTCUSDT&side=buy&size={size}")
        assert assert_refused(reply, 422).startswith("size is ")
        hold(served, a_book(7))


@pytest.mark.parametrize("side", ["", "bid", "buy,sell", "b" * 10_000, "%FF"])
async def test_any_side_but_buy_and_sell_is_422(served: Served, side: str) -> None:
    """The sentence names both."""
    hold(served, a_book(7))
    reason = assert_refused(await served.get(f"/simulate?symbol=BTCUSDT&side={side}&size=1"), 422)
    assert reason.startswith("side is ")
    assert "'buy' or 'sell'" in reason


@pytest.mark.parametrize("missing", ["symbol", "side"])
async def test_what_is_missing_is_named(served: Served, missing: str) -> None:
    """Both are needed."""
    asked = {"symbol": "BTCUSDT", "side": "buy", "size": "1"}
    del asked[missing]
    reply = await served.get(f"/simulate?{httpx.QueryParams(asked)}")
    assert assert_refused(reply, 422) == f"{missing} is missing"


@pytest.mark.parametrize("symbol", ["DOGEUSDT", "BTC", "", "%F0%9F%A6%A9", "X" * 10_000])
async def test_an_unknown_symbol_is_404_with_a_list_of_the_known_ones(served: Served, symbol: str) -> None:
    """As on the WebSocket route."""
    reason = assert_refused(await served.get(f"/simulate?symbol={symbol}&side=buy&size=1"), 404)
    assert all(known in reason for known in SYMBOLS)


async def test_other_errors_have_the_same_shape(served: Served) -> None:
    """A route that is not there, and a method that a route does not have."""
    assert_refused(await served.get("/no-such-route"), 404)
    reply = await served.get(ORDER, method="POST")
    assert_refused(reply, 405)
    assert reply.headers["allow"] == "GET"


# --- not live ---------------------------------------------------------------------------------------------


async def test_a_book_that_is_not_live_is_503_with_status_and_reason(served: Served) -> None:
    """The engine's own words; the other symbol's book is not touched by it."""
    hold(served, a_book(7))
    hold(served, a_book(7), "ETHUSDT")
    hold(served, no_book("waiting for a snapshot"))
    reply = await served.get(ORDER)
    assert_refused(reply, 503)
    assert reply.json() == {"status": "syncing", "reason": "waiting for a snapshot"}
    assert (await served.get(ORDER.replace("BTC", "ETH"))).status_code == 200


async def test_a_book_that_is_not_confirmed_is_503_after_a_quarter_of_a_second(served: Served) -> None:
    """An engine that is connected and silent; once it speaks again there are answers again."""
    hold(served, a_book(7))
    served.clock.set(CONFIRMED_MS / 1000)
    assert (await served.get(ORDER)).status_code == 200
    served.clock.set(CONFIRMED_MS / 1000 + 0.01)
    reply = await served.get(ORDER)
    assert_refused(reply, 503)
    assert reply.json()["status"] == "stale"
    hold(served, a_book(7, served.clock.wall_ms()))
    assert (await served.get(ORDER)).status_code == 200


async def test_what_an_engine_tells_is_answered_from_until_it_has_gone(served: Served) -> None:
    """Over the feed: nothing before its first word, nothing after its end."""
    book = served.api.channels["BTCUSDT"].book
    before = await served.get(ORDER)
    assert "not running" in assert_refused(before, 503)
    async with served.link() as link:
        await tell(link, a_state())
        await until(lambda: served.api.channels["BTCUSDT"].connected)
        assert "not told" in assert_refused(await served.get(ORDER), 503)
        await tell(link, a_book(7))
        await until(lambda: book._last)
        assert (await served.get(ORDER)).json()["last_update_id"] == 7
        await tell(link, a_book(8))
        await until(lambda: book._last == a_book(8))
        assert (await served.get(ORDER)).json()["last_update_id"] == 8
    await until(lambda: not served.api.channels["BTCUSDT"].connected)
    assert (await served.get(ORDER)).json() == before.json()


async def test_a_new_engine_does_not_answer_with_the_old_ones_book(served: Served) -> None:
    """Nothing is live between its connection and its first word."""
    async with served.link() as older:
        await tell(older, a_book(7))
        await until(lambda: served.api.channels["BTCUSDT"].book._last)
        async with served.link():
            await until(lambda: served.api.channels["BTCUSDT"].book._last is None)
            assert "not told" in assert_refused(await served.get(ORDER), 503)


async def test_a_new_engine_does_not_answer_with_what_the_old_one_knew(served: Served) -> None:
    """Its first word has the whole book; one without is not enough."""
    book, deep = served.api.channels["BTCUSDT"].book, f"{BUY}&size=12&depth=known"
    async with served.link() as older:
        await tell(older, a_book(7))
        await until(lambda: book._last)
        assert (await served.get(deep)).status_code == 200
        async with served.link() as newer:
            await tell(newer, a_book(7, levels=None))
            await until(lambda: book._last == a_book(7, levels=None))
            assert "not told its whole book" in assert_refused(await served.get(deep), 503)
            await tell(newer, a_book(8))
            await until(lambda: book._last == a_book(8))
            assert (await served.get(deep)).json()["last_update_id"] == 8


# --- pages ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8050", "http://localhost:8050", ALLOWED])
async def test_a_page_of_ours_may_read_answers_and_refusals(served: Served, origin: str) -> None:
    """Browsers let a page read what names its origin; caches are told that it depends on it."""
    hold(served, a_book(7))
    for path, status_code in ((ORDER, 200), (ORDER.replace("2.5", "0"), 422), ("/symbols", 200)):
        reply = await served.get(path, origin=origin)
        assert reply.status_code == status_code
        assert reply.headers["access-control-allow-origin"] == origin
        assert "Origin" in reply.headers["vary"]
        assert "access-control-allow-credentials" not in reply.headers
    asked = await served.get(ORDER, "OPTIONS", origin=origin, access_control_request_method="GET")
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, origin)


@pytest.mark.parametrize("origin", ["https://evil.example.com", "null", "http://localhost.evil.example.com"])
async def test_a_page_from_elsewhere_is_refused(served: Served, origin: str) -> None:
    """It gets no answer, and of the refusal the sentence alone, so that it can show it."""
    hold(served, a_book(7))
    for method in ("GET", "OPTIONS"):
        reply = await served.get(ORDER, method, origin=origin, access_control_request_method="GET")
        assert "origin" in assert_refused(reply, 403)
        assert set(reply.json()) == {"reason"}
        assert reply.headers["access-control-allow-origin"] == origin


async def test_a_name_that_is_not_the_apis_is_refused(served: Served) -> None:
    """A page whose own name resolves to this machine has no foreign origin; its host gives it away."""
    hold(served, a_book(7))
    for path in (ORDER, "/health", "/docs"):
        assert "host" in assert_refused(await served.get(path, host="evil.example.com:8000"), 403)
    assert (await served.get(ORDER, host="localhost:1")).status_code == 200


# --- what is said of it -----------------------------------------------------------------------------------


async def test_answers_are_counted_by_status_code(served: Served) -> None:
    """From zero, and answers to other routes are not."""

    async def counted() -> dict[str, float]:
        text = (await served.get("/metrics")).text
        lines = [line for line in text.splitlines() if line.startswith("orderbook_simulations_total")]
        return {line.split('"')[1]: float(line.split()[-1]) for line in lines}

    assert await counted() == {"200": 0, "404": 0, "422": 0, "503": 0}
    await served.get(ORDER)
    hold(served, a_book(7))
    for path in (ORDER, ORDER, "/simulate", ORDER.replace("BTC", "X"), "/symbols", "/nothing"):
        await served.get(path)
    await served.get(ORDER, origin="https://evil.example.com")
    assert await counted() == {"200": 2, "403": 1, "404": 1, "422": 1, "503": 1}


async def test_the_schema_has_the_parameters_and_every_answer(served: Served) -> None:
    """What is needed, what a size may be, and a shape with described fields for each status code."""
    schema = (await served.get("/openapi.json")).json()
    route = schema["paths"]["/simulate"]["get"]
    parameters = {one["name"]: one for one in route["parameters"]}
    assert {name: one["required"] for name, one in parameters.items()} == dict.fromkeys(
        ("symbol", "side"), True
    ) | dict.fromkeys(("size", "sizes", "quote_size", "quote_sizes", "depth"), False)
    assert parameters["size"]["schema"]["anyOf"][0]["minimum"] == 1e-8
    assert parameters["quote_sizes"]["schema"]["anyOf"][0]["maxItems"] == 100
    assert parameters["depth"]["schema"]["default"] == "10"
    assert schema["components"]["schemas"]["OrderSide"]["enum"] == ["buy", "sell"]
    assert set(route["responses"]) == {"200", "404", "422", "503"}

    def shapes(status_code: str) -> list[dict[str, Any]]:
        said = route["responses"][status_code]["content"]["application/json"]["schema"]
        references = [one["$ref"].rpartition("/")[2] for one in said.get("anyOf", [said])]
        return [schema["components"]["schemas"][name] for name in references]

    def shape(status_code: str) -> dict[str, Any]:
        (only,) = shapes(status_code)
        return only

    assert [list(one["properties"]) for one in shapes("200")] == [
        [field.name for field in fields(kind)] for kind in (SimulatedOrder, SimulatedOrders)
    ]
    described = [*shapes("200"), schema["components"]["schemas"]["OneOfOrders"]]
    names = {
        name for one in described for name, said in one["properties"].items() if "description" not in said
    }
    assert names == {"symbol", "side", "depth"}
    assert set(shape("404")["properties"]) == set(shape("422")["properties"]) == {"reason"}
    assert set(shape("503")["properties"]) == {"reason", "status"}
    assert "HTTPValidationError" not in schema["components"]["schemas"]


# --- as a function ----------------------------------------------------------------------------------------


async def test_the_function_answers_as_the_route_does(served: Served) -> None:
    """The same figures from the same book; what the route refuses is raised, with what it was about."""
    simulate = served.api.simulator.simulate_market_order
    with pytest.raises(NotLive) as dark:
        simulate("BTCUSDT", 2.5, "buy")
    assert (dark.value.status, dark.value.reason) == ("syncing", str(dark.value))
    hold(served, a_book(7))
    order = simulate("btcusdt", 2.5, "BUY")
    assert {field.name: getattr(order, field.name) for field in fields(order)} == (
        await served.get(ORDER)
    ).json()
    many = served.api.simulator.simulate_market_orders(
        "btcusdt", [250, 9], "buy", depth="known", unit="QUOTE"
    )
    assert msgspec.to_builtins(many) == (await served.get(f"{BUY}&quote_sizes=250,9&depth=known")).json()
    with pytest.raises(UnknownSymbol) as unknown:
        simulate("DOGEUSDT", 2.5, "buy")
    assert (unknown.value.symbol, unknown.value.known) == ("DOGEUSDT", list(SYMBOLS))
    with pytest.raises(BadSize):
        simulate("BTCUSDT", float("nan"), "buy")
    with pytest.raises(ValueError, match="bid"):
        simulate("BTCUSDT", 2.5, "bid")
    with pytest.raises(ValueError, match="all"):
        simulate("BTCUSDT", 2.5, "buy", depth="all")
