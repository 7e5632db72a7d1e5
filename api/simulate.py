"""`GET /simulate`: what a market order would cost now, by the newest exact book that the API holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError
from starlette.responses import JSONResponse

from api.channel import Channel
from api.feed import NoBook
from api.refusals import Refusal, refusal, shown
from data_ingestion.clock import Clock
from features.market_impact import DECIMALS, BadSize, Side, market_impact, order_size
from state.frames import Status

SMALLEST: Final = 10.0**-DECIMALS
LONGEST_SIZE: Final = 40  # characters; no number that means anything here has more


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


@dataclass(frozen=True, slots=True)
class SimulatedOrder:
    """A market order walked through the exact top ten. Prices in USDT, sizes in base asset."""

    symbol: Annotated[str, Field(examples=["BTCUSDT"])]
    source: Annotated[str, Field(description="binance or simulated: where the book comes from")]
    side: Side
    size: Annotated[float, Field(description="What was asked for, to eight decimals", examples=[2.5])]
    avg_price: Annotated[float, Field(description="Volume-weighted mean price of the filled part")]
    worst_price: Annotated[float, Field(description="Price of the last level that was reached")]
    mid_price: Annotated[float, Field(description="(best bid + best ask) / 2, before the order")]
    slippage: Annotated[float, Field(description="avg_price against mid_price; positive is a cost")]
    slippage_bps: Annotated[float, Field(description="slippage in 1/10,000 of mid_price")]
    levels_consumed: Annotated[int, Field(description="Levels from which anything was taken, 1 to 10")]
    filled: Annotated[float, Field(description="What the ten levels hold of size")]
    unfilled: Annotated[float, Field(description="The rest of size")]
    complete: Annotated[bool, Field(description="Whether nothing is left unfilled")]
    last_update_id: Annotated[int, Field(description="u of the depth event after which the book was so")]
    exchange_time: Annotated[int, Field(description="T of that event, ms since the epoch")]
    age_ms: Annotated[float, Field(description="Since the engine said that this is its newest, 0 to 250")]


@dataclass(frozen=True, slots=True)
class NotLiveRefusal(Refusal):
    """The answer while the book is not live."""

    status: Annotated[Status, Field(description="syncing or stale")]


class Simulator:
    """Walks market orders through the newest books of all channels."""

    def __init__(self, channels: Mapping[str, Channel], clock: Clock) -> None:
        self._channels = channels
        self._clock = clock

    def simulate_market_order(self, symbol: str, size: float, side: str) -> SimulatedOrder:
        """Return what an order of `size`, in base asset, would cost now; symbol and side in any letter case.

        Raises `UnknownSymbol`, `NotLive`, `BadSize`, and ValueError for a side but buy and sell. Constant
        time; the order is walked through a book that was confirmed at most `newest_book.CONFIRMED_MS` ago.
        """
        channel = self._channels.get(symbol.upper())
        if channel is None:
            raise UnknownSymbol(symbol, list(self._channels))
        order, wanted = Side(side.lower()), order_size(size)
        held = channel.book.read(self._clock.wall_ms(), self._clock.steady_ms())
        if isinstance(held, NoBook):
            raise NotLive(held)
        impact = market_impact(held.book.top, wanted, order)
        return SimulatedOrder(
            symbol=channel.symbol,
            source=channel.source,
            side=order,
            size=wanted,
            last_update_id=held.book.last_update_id,
            exchange_time=held.book.exchange_time,
            age_ms=round(held.age_ms, 1),
            **msgspec.structs.asdict(impact),
        )


def _lower(text: object) -> object:
    return text.lower() if isinstance(text, str) else text


def _short(text: object) -> object:
    if isinstance(text, str) and len(text) > LONGEST_SIZE:
        raise PydanticCustomError("too_long", f"it must have at most {LONGEST_SIZE} characters")
    return text


_Symbol = Annotated[str, Query(description="In any letter case", examples=["BTCUSDT"])]
_Side = Annotated[Side, Query(description="In any letter case"), BeforeValidator(_lower)]
_Size = Annotated[
    float,
    Query(
        description="Base asset, rounded to eight decimals", ge=SMALLEST, allow_inf_nan=False, examples=[2.5]
    ),
    BeforeValidator(_short),
]

_REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    404: {"model": Refusal, "description": "No such symbol; the reason lists those there are"},
    422: {"model": Refusal, "description": "A size, side or symbol that no order can have"},
    503: {"model": NotLiveRefusal, "description": "The book is not known to be exact at this moment"},
}

SIMULATE_ANSWERS: Final = (200, 404, 422, 503)
"""Status codes of answers to orders."""


def simulate_routes(simulator: Simulator) -> APIRouter:
    """Return the route around `simulator`."""
    router = APIRouter()

    @router.get(
        "/simulate",
        summary="What a market order would cost now",
        response_model=SimulatedOrder,
        response_description="The order, walked through the newest exact book",
        responses=_REFUSALS,
    )
    async def simulate(symbol: _Symbol, side: _Side, size: _Size) -> SimulatedOrder | JSONResponse:
        try:
            return simulator.simulate_market_order(symbol, size, side)
        except UnknownSymbol as error:
            return refusal(404, str(error))
        except BadSize as error:
            return refusal(422, str(error))
        except NotLive as error:
            return refusal(503, error.reason, status=error.status)

    return router
