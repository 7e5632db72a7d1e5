"""What frames tell of a second's trades."""

from typing import NamedTuple

import msgspec


class Print(NamedTuple):
    """One trade as frames tell it; an array on the wire, in this order."""

    price: float  # USDT
    size: float  # base asset
    side: str  # of the taker: buy or sell
    time: int  # T, ms since the epoch


class TradeSummary(msgspec.Struct, frozen=True):
    """Taker trades that arrived in one second; sizes in base asset, fills against RPI orders included."""

    buy_volume: float
    sell_volume: float
    vwap: float | None  # volume-weighted mean price, USDT, to eight decimals; None without trades
    rpi_volume: float | None  # part that hit RPI orders, which the depth stream never shows; None if not told
    count: int  # aggregate trades
    largest: list[Print]  # at most twenty, largest first
