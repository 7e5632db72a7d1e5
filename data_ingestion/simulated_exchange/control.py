"""Routes that make the simulated exchange misbehave: faults and patterns on demand, and the truth."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec
from aiohttp import web

from data_ingestion.simulated_exchange.faults import FaultRequest, parse_fault
from data_ingestion.simulated_exchange.market import SimulatedMarket
from data_ingestion.simulated_exchange.staging.patterns import parse_stage


class ControlRoutes:
    """Routes that only an exchange which was started with them has."""

    __test__ = False

    def __init__(
        self,
        markets: Mapping[str, SimulatedMarket],
        play_fault: Callable[[FaultRequest], Awaitable[None]],
    ) -> None:
        self._markets = markets
        self._play_fault = play_fault

    @property
    def _symbols(self) -> tuple[str, ...]:
        return tuple(self._markets)

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add all of them."""
        router.add_post("/_fault", self._fault)
        router.add_post("/_stage", self._stage)
        router.add_get("/_staged/{symbol}", self._staged)
        router.add_get("/_truth/{symbol}", self._truth)
        router.add_get(r"/_truth/{symbol}/{u:\d+}", self._truth)

    async def _fault(self, request: web.Request) -> web.Response:
        try:
            fault = parse_fault(msgspec.json.decode(await request.read()), self._symbols)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return web.json_response({"error": "the body of a fault must be JSON"}, status=400)
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        await self._play_fault(fault)
        return web.json_response({"ok": True})

    async def _stage(self, request: web.Request) -> web.Response:
        try:
            symbol, pattern = parse_stage(msgspec.json.decode(await request.read()), self._symbols)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return web.json_response({"error": "the body of a pattern must be JSON"}, status=400)
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        self._markets[symbol].stage(pattern)
        return web.json_response({"ok": True})

    async def _staged(self, request: web.Request) -> web.Response:
        staged = self._market_asked_for(request).staged
        return web.Response(body=msgspec.json.encode(staged), content_type="application/json")

    def _market_asked_for(self, request: web.Request) -> SimulatedMarket:
        market = self._markets.get(request.match_info["symbol"].upper())
        if market is None:
            raise web.HTTPNotFound(text=f"there is no such market; there are {', '.join(self._symbols)}")
        return market

    async def _truth(self, request: web.Request) -> web.Response:
        market = self._market_asked_for(request)
        if "u" not in request.match_info:
            return web.json_response({"newest": market.last_final_id, "kept": market.truth_count})
        truth = market.truth_at(int(request.match_info["u"]))
        if truth is None:
            raise web.HTTPNotFound(text="no depth event with that id, or one too old")
        return web.json_response({"bids": truth[0], "asks": truth[1]})
