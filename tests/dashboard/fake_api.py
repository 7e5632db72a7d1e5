"""An API whose frames a test makes by hand, and a browser page served without the rest of the program."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Self
from urllib.parse import parse_qs, parse_qsl, urlsplit

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from features.market_impact import OrderSide, Unit, market_impacts
from features.trade_summary import TradeSummary
from orderbook.book_state import TopOfBook
from state.frames import Flow, Market, Row, Status, live_frame, not_live_frame
from tests.api.serving import a_health
from tests.program import Frame, Program

SYMBOLS = ("BTCUSDT", "ETHUSDT")
TICK = 0.1
WINDOW_SECONDS = 180
REMEMBERED_SECONDS = 240  # a page that is behind still shows what has left the window
BOOK_EVERY_MS = 10_000
BEAT_SECONDS = 0.5  # the page takes any pace; this one is half the waiting
ROW_FIELDS = (*Row.__struct_fields__, "updates", "book", "tape")

Side = Sequence[tuple[int, float | None]]
"""Levels as (price in ticks, size), best first; a size of None is a group that is not known."""

Reply = tuple[int, dict[str, Any]]
"""Status code and JSON of an HTTP answer."""

Question = dict[str, str]
"""What the query of a URL asks for."""


def ladder(ticks: int, bids: Side, asks: Side) -> dict[str, Any]:
    """Return a ladder at a step of so many ticks; prices are given in ticks."""
    step = round(ticks * TICK, 8)
    return {
        "step": step,
        "bids": [[round(price * TICK, 8), size] for price, size in bids],
        "asks": [[round(price * TICK, 8), size] for price, size in asks],
    }


def a_ladder(ticks: int, mid: int, salt: int) -> dict[str, Any]:
    """Return a ladder of ten groups a side around `mid`, in ticks, whose sizes vary with `salt`."""
    low, high = mid // ticks * ticks, -(-(mid + 1) // ticks) * ticks
    sizes = [
        0.1 * (10 + (salt * 7 + level * level) % 88) for level in range(20)
    ]  # bars wide enough to be seen
    bids = [(low - level * ticks, round(sizes[level], 3)) for level in range(10)]
    asks = [(high + level * ticks, round(sizes[10 + level], 3)) for level in range(10)]
    return ladder(ticks, bids, asks)


def live(symbol: str, timestamp: int, *, mid: int, source: str = "simulated", **others: Any) -> Frame:
    """Return a live frame whose touch is at `mid` ticks and one above; `others` replace fields."""
    salt = timestamp // 1000
    finest = a_ladder(1, mid, salt + 1)
    top = TopOfBook([(price, size) for price, size in finest["bids"]], [(p, s) for p, s in finest["asks"]])
    market = Market(salt, timestamp - 50, top)
    trades = TradeSummary(1.0, 2.0, 100.5, 0.25, 3, [])
    frame = live_frame(
        symbol, source, timestamp, market, Flow(0.25, [0.5, *[0.0] * 9]), trades, a_health(), tick_size=TICK
    )
    tape = [[timestamp - 400, finest["bids"][0][0], 2.0, 2.0, "sell", 2 * salt]]
    return {**json.loads(msgspec.json.encode(frame)), "tape": tape, **others}


def dark(
    symbol: str, timestamp: int, status: str = "stale", reason: str = "", source: str = "simulated"
) -> Frame:
    """Return a frame that is not live."""
    reason = reason or f"made {status} by a test"
    frame = not_live_frame(symbol, source, timestamp, Status(status), reason, a_health())
    return {**json.loads(msgspec.json.encode(frame)), "updates": None, "book": None, "tape": []}


def whole_book(frame: Frame) -> dict[str, Any]:
    """Return the book that a frame's levels are all of."""
    bids, asks = frame["bid_levels"], frame["ask_levels"]
    return {
        "u": frame["last_update_id"],
        "T": frame["exchange_time"],
        "low": bids[-1][0],
        "high": asks[-1][0],
        "bids": bids,
        "asks": asks,
    }


def with_updates(frame: Frame, before: Frame | None) -> Frame:
    """Return a live frame with the one update that leads to its levels from those of `before`.

    Without a live frame before, its whole book instead.
    """
    if frame["status"] != "live" or "updates" in frame:
        return frame
    if before is None or before["status"] != "live":
        return {**frame, "updates": [], "book": whole_book(frame)}
    changes = {}
    for side in ("bid", "ask"):
        old, new = (dict(each[f"{side}_levels"]) for each in (before, frame))
        gone = [[price, 0] for price in old if price not in new]
        changes[f"{side}s"] = gone + [[price, size] for price, size in new.items() if old.get(price) != size]
    book = whole_book(frame)
    update = {"u": book["u"], "pu": before["last_update_id"], "T": book["T"], **changes}
    told = whole_book(before) if frame["timestamp"] % BOOK_EVERY_MS == 0 else None
    return {**frame, "updates": [{**update, "low": book["low"], "high": book["high"]}], "book": told}


def first_frame(frames: list[Frame]) -> Frame:
    """Return the newest frame as a new client gets it: with the window before it, and whole books to begin with."""
    newest = frames[-1]
    rows = [
        {name: frame[name] for name in ROW_FIELDS}
        for frame in frames[:-1]
        if frame["timestamp"] > newest["timestamp"] - 1000 * WINDOW_SECONDS
    ]
    if rows and rows[0]["updates"]:
        oldest = next(frame for frame in frames if frame["timestamp"] == rows[0]["timestamp"])
        rows[0] |= {"updates": [], "book": whole_book(oldest)}
    before = frames[-2] if len(frames) > 1 else None
    book = newest["book"]
    if newest["updates"] and before is not None and before["status"] == "live":
        book = whole_book(before)
    return {**newest, "book": book, "history": rows}


class FakeApi:
    """Serves `/ws/{symbol}`, `/simulate` and `/health` on loopback.

    With each beat a second passes, of which it sends what `mood` says, for every symbol. An HTTP answer of
    None ends the connection without one.
    """

    def __init__(self) -> None:
        self.port = 0
        self.mood = "live"
        self.source = "simulated"
        self.others: dict[str, Any] = {}  # fields that live frames have instead of their own
        self.refusing = False  # no client gets a frame
        self.refusal = ""  # why no page is let in; empty where it is
        self.mids = {"BTCUSDT": 600_000, "ETHUSDT": 30_000}
        self.second = int(time.time())
        self.sent: dict[str, dict[int, Frame]] = {symbol: {} for symbol in SYMBOLS}
        self.connections: list[tuple[str, ServerConnection]] = []
        self.paths: list[str] = []
        self.simulate: Callable[[Question], Awaitable[Reply | None]] = self.order
        self.processes: list[dict[str, Any]] | None = []  # None: it does not answer
        self._server: Server | None = None
        self._pulse: asyncio.Task[None] | None = None
        self._beating = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Listen and begin to send."""
        self._server = await serve(
            self._serve, "127.0.0.1", self.port, compression=None, process_request=self._http,
            open_timeout=None,  # an answer may be held back
        )  # fmt: skip
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        self._pulse = asyncio.create_task(self._beat())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection and listen no more; may be entered again, on the same port."""
        if self._pulse is not None:
            self._pulse.cancel()
            await asyncio.gather(self._pulse, return_exceptions=True)
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def send(self, *frames: Frame) -> None:
        """Send these frames at once and remember them; a time that goes back forgets all but its window."""
        wired: list[Frame] = []
        for made in frames:
            known, second = self.sent[made["symbol"]], made["timestamp"] // 1000
            newest = max(known, default=second)
            oldest = newest - WINDOW_SECONDS if second < newest else second - REMEMBERED_SECONDS
            for other in [other for other in known if not oldest < other <= second]:
                del known[other]
            frame = with_updates(made, known.get(second - 1))
            known[second] = frame
            wired.append(frame)
        for symbol, connection in list(self.connections):
            for frame in wired:
                if frame["symbol"] == symbol:
                    with contextlib.suppress(Exception):  # a page that leaves
                        await connection.send(json.dumps(frame))

    def make(self, symbol: str, second: int) -> Frame:
        """Return the frame of this second in the present mood."""
        if self.mood == "live":
            return live(
                symbol, second * 1000, mid=self.mids[symbol] + second % 7, source=self.source, **self.others
            )
        return dark(symbol, second * 1000, self.mood, source=self.source)

    async def order(self, question: Question) -> Reply:
        """Return what this order would cost by the newest live frame, as the real API answers it."""
        frames = reversed(self.sent[question["symbol"]].values())
        frame = next(frame for frame in frames if frame["status"] == "live")
        top = TopOfBook(*([(p, q) for p, q in frame[side]] for side in ("bid_levels", "ask_levels")))
        name, other = ("size", "quote_size") if "size" in question else ("quote_size", "size")
        size, unit = float(question[name]), Unit.BASE if name == "size" else Unit.QUOTE
        (impact,) = market_impacts(top, [size], OrderSide(question["side"]), unit, whole=True)
        asked = {**question, name: size, other: None, "source": self.source}
        return 200, {**asked, **msgspec.structs.asdict(impact), "last_update_id": frame["last_update_id"]}

    @contextlib.asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Let no second pass by itself."""
        async with self._beating:
            yield

    async def _beat(self) -> None:
        while True:
            async with self._beating:
                self.second += 1
                if self.mood != "silent":
                    await self.send(*(self.make(symbol, self.second) for symbol in SYMBOLS))
            await asyncio.sleep(BEAT_SECONDS)

    async def _http(self, connection: ServerConnection, request: Request) -> Response | None:
        url = urlsplit(request.path)
        if self.refusal:
            response = connection.respond(403, json.dumps({"reason": self.refusal}))
            response.headers["Access-Control-Allow-Origin"] = "*"
            return response
        if url.path.startswith("/ws/"):
            return None
        reply: Reply | None = (404, {"reason": f"there is no {url.path}"})
        if url.path == "/simulate":
            reply = await self.simulate(dict(parse_qsl(url.query)))
        elif url.path == "/symbols":
            reply = (200, {"symbols": list(SYMBOLS)})
        elif url.path == "/health":
            reply = None if self.processes is None else (200, {"processes": self.processes})
        if reply is None:
            connection.transport.abort()
            return connection.respond(500, "")
        response = connection.respond(reply[0], json.dumps(reply[1]))
        response.headers["Access-Control-Allow-Origin"] = "*"  # the page is at another port
        return response

    async def _serve(self, connection: ServerConnection) -> None:
        path = connection.request.path if connection.request else ""
        self.paths.append(path)
        symbol = urlsplit(path).path.rpartition("/")[2].upper()
        if parse_qs(urlsplit(path).query).get("updates") != ["1"] or symbol not in SYMBOLS:
            await connection.close(4404, "unknown symbol")
            return
        if self.refusing:
            await connection.wait_closed()
            return
        if frames := list(self.sent[symbol].values()):
            await connection.send(json.dumps(first_frame(frames)))
        entry = (symbol, connection)
        self.connections.append(entry)
        try:
            await connection.wait_closed()
        finally:
            self.connections.remove(entry)


@contextlib.asynccontextmanager
async def served_page(api_port: int) -> AsyncIterator[int]:
    """Run only the program's page, for an API at `api_port`; yields the page's port."""
    async with Program(role="dashboard", api_port=api_port, symbols=",".join(SYMBOLS)) as program:
        yield program.dashboard_port
