"""`GET /simulate`: what market orders would cost now, by the newest exact book that the API holds."""

import enum
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from api.channel import Channel
from api.feed.messages import NoBook
from api.refusals import refusal, shown
from api.refused_requests import Refusal
from data_ingestion.clock import Clock
from features.market_impact import DECIMALS, BadSize, Impacts, OrderSide, Unit, order_size
from state.frames import Status

SMALLEST: Final = 10.0**-DECIMALS
LONGEST_SIZE: Final = 40  # characters; no number that means anything here has more
MOST_SIZES: Final = 100  # of one question


class Depth(enum.StrEnum):
    """How much of the book an order may take."""

    TEN = "10"  # the ten best levels, which frames show
    KNOWN = "known"  # all that is known to be exact: the covered book


class UnknownSymbol(LookupError):
    """A symbol that is not followed."""

    def __init__(self, symbol: str, known: list[str]) -> None:
        super().__init__(f"symbol is {shown(symbol)}: there are {', '.join(known)}")
        self.symbol = symbol
        self.known = known


class NotLive(Exception):
    """A symbol whose book is not known to be exact at this moment."""

    def __init__(self, why: NoBook) -> None:
        super().__init__(why.reason)
        self.status = why.status
        self.reason = why.reason


_Symbol = Annotated[str, Field(examples=["BTCUSDT"])]
_Source = Annotated[str, Field(description="binance or simulated: where the book comes from")]
_Mid = Annotated[
    float, Field(description="(best bid + best ask) / 2, before the order", examples=[61_000.05])
]
_Id = Annotated[int, Field(description="u of the depth event after which the book was so")]
_Time = Annotated[int, Field(description="T of that event, ms since the epoch")]
_Age = Annotated[float, Field(description="Since the engine said that this is its newest, 0 to 250")]
_Size = Annotated[
    float | None,
    Field(description="What was asked for in base asset, to eight decimals; null if in USDT", examples=[2.5]),
]
_QuoteSize = Annotated[
    float | None,
    Field(
        description="What was asked for in USDT, to eight decimals; null if in base asset", examples=[None]
    ),
]
_Average = Annotated[float, Field(description="Volume-weighted mean price of the filled part")]
_Worst = Annotated[float, Field(description="Price of the last level that was reached")]
_Slippage = Annotated[
    float | None,
    Field(
        description="avg_price against mid_price; positive is a cost. Null where an order at depth=known "
        "goes beyond what is known"
    ),
]
_Bps = Annotated[float | None, Field(description="slippage in 1/10,000 of mid_price; null where that is")]
_Levels = Annotated[
    int, Field(description="Levels from which anything was taken; 1 to 10 unless depth is known")
]
_Filled = Annotated[float, Field(description="What the levels hold of the order, base asset")]
_Unfilled = Annotated[float | None, Field(description="The rest of size; null for an order in USDT")]
_FilledQuote = Annotated[float, Field(description="What the filled part costs, or brings, in USDT")]
_UnfilledQuote = Annotated[
    float | None,
    Field(
        description="The rest of quote_size; null for an order in base asset. Where the order is complete, "
        "it pays for less than another 0.00000001"
    ),
]
_Complete = Annotated[bool, Field(description="Whether the levels hold enough")]


@dataclass(frozen=True, slots=True)
class SimulatedOrder:
    """A market order walked through the exact book. Prices and quote sizes in USDT, sizes in base asset."""

    symbol: _Symbol
    source: _Source
    side: OrderSide
    depth: Depth
    size: _Size
    quote_size: _QuoteSize
    avg_price: _Average
    worst_price: _Worst
    mid_price: _Mid
    slippage: _Slippage
    slippage_bps: _Bps
    levels_consumed: _Levels
    filled: _Filled
    unfilled: _Unfilled
    filled_quote: _FilledQuote
    unfilled_quote: _UnfilledQuote
    complete: _Complete
    last_update_id: _Id
    exchange_time: _Time
    age_ms: _Age


@dataclass(frozen=True, slots=True)
class OneOfOrders:
    """One of several orders, as if it were the only one."""

    size: _Size
    quote_size: _QuoteSize
    avg_price: _Average
    worst_price: _Worst
    slippage: _Slippage
    slippage_bps: _Bps
    levels_consumed: _Levels
    filled: _Filled
    unfilled: _Unfilled
    filled_quote: _FilledQuote
    unfilled_quote: _UnfilledQuote
    complete: _Complete


@dataclass(frozen=True, slots=True)
class SimulatedOrders:
    """Market orders of several sizes, each for itself, walked through one and the same book."""

    symbol: _Symbol
    source: _Source
    side: OrderSide
    depth: Depth
    mid_price: _Mid
    last_update_id: _Id
    exchange_time: _Time
    age_ms: _Age
    orders: Annotated[list[OneOfOrders], Field(description="In the order in which the sizes were asked for")]


@dataclass(frozen=True, slots=True)
class NotLiveRefusal(Refusal):
    """The answer while the book is not live."""

    status: Annotated[Status, Field(description="syncing or stale")]


class Simulator:
    """Walks market orders through the newest books of all channels."""

    def __init__(
        self,
        channels: Mapping[str, Channel],
        clock: Clock,
        want_book: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self._channels = channels
        self._clock = clock
        self._want_book = want_book

    async def ready(self, symbol: str) -> None:
        """Have the book of a symbol come if it does not, and wait a moment for it."""
        channel = self._channels.get(symbol.upper())
        if channel is not None and self._want_book is not None:
            await self._want_book(channel.symbol)

    def simulate_market_order(
        self, symbol: str, size: float, side: str, *, depth: str = Depth.TEN, unit: str = Unit.BASE
    ) -> SimulatedOrder:
        """Return what an order of `size` would cost now; words in any letter case.

        Raises `UnknownSymbol`, `NotLive`, `BadSize`, and ValueError for a side but buy and sell, a depth but
        10 and known, and a unit but base and quote. Constant time, at depth known that of `KnownBook`; the
        order is walked through a book that was confirmed at most `newest_book.CONFIRMED_MS` ago.
        """
        shared, (order,) = self._walk(symbol, [size], side, depth, unit)
        return SimulatedOrder(**shared, **order)

    def simulate_market_orders(
        self, symbol: str, sizes: Sequence[float], side: str, *, depth: str = Depth.TEN, unit: str = Unit.BASE
    ) -> SimulatedOrders:
        """Return what orders of these sizes, one at least, would cost now, each for itself, by one book."""
        shared, orders = self._walk(symbol, sizes, side, depth, unit)
        (mid_price,) = {order.pop("mid_price") for order in orders}
        return SimulatedOrders(
            **shared, mid_price=mid_price, orders=[OneOfOrders(**order) for order in orders]
        )

    def _walk(
        self, symbol: str, sizes: Sequence[float], side: str, depth: str, unit: str
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return what all orders share, and the fields of each."""
        channel = self._channels.get(symbol.upper())
        if channel is None:
            raise UnknownSymbol(symbol, list(self._channels))
        does, reach, sized = OrderSide(side.lower()), Depth(depth.lower()), Unit(unit.lower())
        wanted = [order_size(size, sized) for size in sizes]
        held = channel.book.read(self._clock.wall_ms(), self._clock.steady_ms())
        if isinstance(held, NoBook):
            raise NotLive(held)
        book = held.book
        impacts = Impacts(book.top) if reach is Depth.TEN else channel.book.known.impacts(book)
        if isinstance(impacts, str):
            raise NotLive(NoBook(Status.SYNCING, impacts))
        name, other = ("size", "quote_size") if sized is Unit.BASE else ("quote_size", "size")
        orders = [
            {name: size, other: None, **msgspec.structs.asdict(impacts.of(size, does, sized))}
            for size in wanted
        ]
        shared = {
            "symbol": channel.symbol,
            "source": channel.source,
            "side": does,
            "depth": reach,
            "last_update_id": book.last_update_id,
            "exchange_time": book.exchange_time,
            "age_ms": round(held.age_ms, 1),
        }
        return shared, orders


def _lower(text: object) -> object:
    return text.lower() if isinstance(text, str) else text


def _short(text: object) -> object:
    if isinstance(text, str) and len(text) > LONGEST_SIZE:
        raise PydanticCustomError("too_long", f"it must have at most {LONGEST_SIZE} characters")
    return text


def _items(texts: object) -> object:
    """Return the items of a list, which has commas between them, is given item by item, or both."""
    if not isinstance(texts, list):
        return texts
    count = sum(text.count(",") + 1 for text in texts)
    if count > MOST_SIZES:
        raise PydanticCustomError("too_many", f"it must have at most {MOST_SIZES} items, and has {count}")
    return [item for text in texts for item in text.split(",")]


_AskedSymbol = Annotated[str, Query(description="In any letter case", examples=["BTCUSDT"])]
_AskedSide = Annotated[OrderSide, Query(description="In any letter case"), BeforeValidator(_lower)]
_AskedDepth = Annotated[
    Depth,
    Query(description="How much of the book the order may take: its ten best levels, or all that is known"),
    BeforeValidator(_lower),
]
_Number = Annotated[float, Field(ge=SMALLEST, allow_inf_nan=False), BeforeValidator(_short)]
_ONE_OF: Final = "Exactly one of size, sizes, quote_size and quote_sizes is needed."
_AskedSize = Annotated[
    _Number | None, Query(description=f"Base asset, rounded to eight decimals. {_ONE_OF}", examples=[2.5])
]
_AskedQuoteSize = Annotated[
    _Number | None, Query(description=f"USDT, rounded to eight decimals. {_ONE_OF}", examples=[25_000])
]
_SEVERAL: Final = f"1 to {MOST_SIZES} numbers with commas between them, all answered from one book. {_ONE_OF}"
_AskedSizes = Annotated[
    list[_Number] | None,
    Query(description=f"As size, {_SEVERAL}", max_length=MOST_SIZES, examples=["0.1,0.5,2.5"]),
    BeforeValidator(_items),
]
_AskedQuoteSizes = Annotated[
    list[_Number] | None,
    Query(description=f"As quote_size, {_SEVERAL}", max_length=MOST_SIZES, examples=["1000,25000"]),
    BeforeValidator(_items),
]

_REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    404: {"model": Refusal, "description": "No such symbol; the reason lists those there are"},
    422: {"model": Refusal, "description": "A size, side, depth or symbol that no order can have"},
    503: {"model": NotLiveRefusal, "description": "The book is not known to be exact at this moment"},
}

SIMULATE_ANSWERS: Final = (200, 404, 422, 503)
"""Status codes of answers to orders."""


def simulate_routes(simulator: Simulator) -> APIRouter:
    """Return the route around `simulator`."""
    router = APIRouter()

    @router.get(
        "/simulate",
        summary="What market orders would cost now",
        response_model=SimulatedOrder | SimulatedOrders,
        response_description="The order of size or quote_size; or those of sizes or quote_sizes",
        responses=_REFUSALS,
    )
    async def simulate(
        symbol: _AskedSymbol,
        side: _AskedSide,
        size: _AskedSize = None,
        sizes: _AskedSizes = None,
        quote_size: _AskedQuoteSize = None,
        quote_sizes: _AskedQuoteSizes = None,
        depth: _AskedDepth = Depth.TEN,
    ) -> Response:
        named = {"size": size, "sizes": sizes, "quote_size": quote_size, "quote_sizes": quote_sizes}
        given = [name for name, value in named.items() if value is not None]
        if len(given) != 1:
            return refusal(
                422, f"exactly one of {', '.join(named)} is needed: {' and '.join(given) or 'none'} given"
            )
        unit = Unit.BASE if given[0] in ("size", "sizes") else Unit.QUOTE
        one, several = size or quote_size, sizes or quote_sizes
        await simulator.ready(symbol)
        try:
            if one is not None:
                return _answer(simulator.simulate_market_order(symbol, one, side, depth=depth, unit=unit))
            return _answer(
                simulator.simulate_market_orders(symbol, several or [], side, depth=depth, unit=unit)
            )
        except UnknownSymbol as error:
            return refusal(404, str(error))
        except BadSize as error:
            return refusal(422, str(error))
        except NotLive as error:
            return refusal(503, error.reason, status=error.status)

    return router


def _answer(answer: SimulatedOrder | SimulatedOrders) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json")
