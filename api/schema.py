"""What the API sends, as documents made from the types themselves: JSON Schema, AsyncAPI, OpenAPI.

`message_schema_document` is the schema of a message of `/ws/{symbol}`; the AsyncAPI document refers to it.
"""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from fastapi import FastAPI

from api.health import HealthReport, SymbolHealth, SymbolList
from api.processes import ShownProcess
from features.trade_summary import Print, TradeSummary
from orderbook.book_state import TopOfBook
from orderbook.ladder import Ladder
from state.frames import (
    AuditHealth,
    Flow,
    Frame,
    Health,
    Market,
    Percentiles,
    Row,
    Status,
    StreamHealth,
    TradeStreamHealth,
    live_frame,
    not_live_frame,
)
from state.rolling_buffer import WINDOW_SECONDS
from state.updates import TapeEntry, Update, WholeBook

UNKNOWN_SYMBOL: Final = 4404  # close code
BAD_QUERY: Final = 4422  # close code
NO_ROOM: Final = 1013  # close code that means "try again later"

_CLOSE_CODES: Final = {
    UNKNOWN_SYMBOL: "Unknown symbol; the reason lists those there are.",
    BAD_QUERY: "A query parameter that there is not, or one that is neither 1 nor 0; the reason says which.",
    1009: "The client sent a message of more than 64 KiB.",
    1011: "The client read nothing for CLIENT_PATIENCE, ten minutes by default.",
    1012: "The program ends.",
    NO_ROOM: "The API serves as many streams as its limit of open files allows; try again later.",
}

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
Json = dict[str, Any]


class HistoryRow(Row, frozen=True, kw_only=True):
    """One second of the rolling window. The last four keys are there if they were asked for."""

    ladders: list[Ladder] | msgspec.UnsetType | None = msgspec.UNSET
    updates: list[Update] | msgspec.UnsetType | None = msgspec.UNSET
    book: WholeBook | msgspec.UnsetType | None = msgspec.UNSET
    tape: list[TapeEntry] | msgspec.UnsetType = msgspec.UNSET


class FrameMessage(Frame, frozen=True, kw_only=True):
    """One frame. `history` comes with a connection's first; `ladders` and the last three if asked for."""

    history: list[HistoryRow] | msgspec.UnsetType = msgspec.UNSET
    ladders: list[Ladder] | msgspec.UnsetType | None = msgspec.UNSET
    updates: list[Update] | msgspec.UnsetType | None = msgspec.UNSET
    book: WholeBook | msgspec.UnsetType | None = msgspec.UNSET
    tape: list[TapeEntry] | msgspec.UnsetType = msgspec.UNSET


def message_schema_document() -> Json:
    """Return the JSON Schema (2020-12) of a message of `/ws/{symbol}`."""
    schema = msgspec.json.schema(FrameMessage)
    return {
        "$schema": _DIALECT,
        "title": "A message of /ws/{symbol}",
        "description": "One JSON text frame a second. Prices and distances are in USDT, sizes in base asset, "
        "times in ms since the epoch. Where the second was not live, all market values are null.",
        **schema,
    }


def asyncapi_document(address: str, symbols: Sequence[str]) -> Json:
    """Return the AsyncAPI 3 document of the streams that are served at `address`, a ws or wss URL."""
    parts = urlsplit(address)
    server = {
        "host": parts.netloc,
        "protocol": parts.scheme,
        **({"pathname": parts.path} if parts.path else {}),
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Order-book liquidity",
            "version": "1",
            "description": "Exact live order books of Binance USDT-M futures, one frame a second.",
        },
        "defaultContentType": "application/json",
        "servers": {"api": server},
        "channels": {"frames": _channel(symbols)},
        "operations": {
            "sendFrames": {
                "action": "send",
                "channel": {"$ref": "#/channels/frames"},
                "summary": "One frame a second, on the second",
                "messages": [{"$ref": "#/channels/frames/messages/frame"}],
            }
        },
        "components": {"messages": {"frame": _frame_message()}},
    }


def _channel(symbols: Sequence[str]) -> Json:
    switch = {"type": "string", "enum": ["0", "1"], "default": "0"}
    codes = "\n".join(f"* {code}: {meaning}" for code, meaning in _CLOSE_CODES.items())
    query = {
        "ladders": {**switch, "description": "Levels grouped at coarser steps"},
        "updates": {**switch, "description": "All that the book knows"},
        "try": {"type": "string", "description": "Anything; means nothing, but makes an address another"},
    }
    return {
        "address": "/ws/{symbol}",
        "title": "Frames of a symbol",
        "description": f"The first frame also has `history`, up to {WINDOW_SECONDS} rows, oldest first. A "
        "client that reads too slowly loses its oldest frames; with `updates` its next one has `history` "
        f"again, from the newest `book` on.\n\nClose codes:\n{codes}",
        "servers": [{"$ref": "#/servers/api"}],
        "parameters": {
            "symbol": {
                "description": "In any letter case",
                "enum": list(symbols),
                "examples": list(symbols[:1]),
            }
        },
        "bindings": {
            "ws": {
                "method": "GET",
                "query": {"type": "object", "properties": query},
                "bindingVersion": "0.1.0",
            }
        },
        "messages": {"frame": {"$ref": "#/components/messages/frame"}},
        "x-close-codes": {str(code): meaning for code, meaning in _CLOSE_CODES.items()},
    }


def _frame_message() -> Json:
    return {
        "name": "frame",
        "title": "One second of one symbol",
        "contentType": "application/json",
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": "/schema"},
        },
        "examples": [
            {"name": "live", "payload": msgspec.to_builtins(_live())},
            {"name": "syncing", "payload": msgspec.to_builtins(_not_live())},
        ],
    }


# --- OpenAPI ----------------------------------------------------------------------------------------


def _answer(description: str, model: str, example: object) -> Json:
    media = {"schema": {"$ref": f"#/components/schemas/{model}"}, "example": msgspec.to_builtins(example)}
    return {"description": description, "content": {"application/json": media}}


def document_answers(app: FastAPI) -> None:
    """Have the OpenAPI document of `app` tell what `/health` and `/symbols` answer, with examples."""
    _, models = msgspec.json.schema_components(
        (HealthReport, SymbolList), ref_template="#/components/schemas/{name}"
    )
    made = app.openapi

    def openapi() -> Json:
        document = made()
        document.setdefault("components", {}).setdefault("schemas", {}).update(models)
        for path, answers in _ANSWERS.items():
            document["paths"][path]["get"]["responses"] |= answers
        return document

    app.openapi = openapi  # type: ignore[method-assign]


# --- examples ---------------------------------------------------------------------------------------

_SECOND: Final = 1_767_225_600_000


def _health() -> Health:
    return Health(
        depth=StreamHealth("open", None, 37.0, 0, {}, 0, 0),
        trades=TradeStreamHealth("open", None, 112.0, 0, {}, 0, 0, 0, 0, 0),
        update_rate=9.9,
        update_interval_ms=Percentiles(100.4, 118.2),
        latency_ms=Percentiles(8.1, 21.5),
        lag_ms=45.2,
        clock_offset_ms=1.3,
        clock_uncertainty_ms=4.0,
        gaps=0,
        resyncs=0,
        resync_causes={},
        snapshots=12,
        bursts=0,
        audits=AuditHealth(11, 21_804, 0),
        detections={"wall": 3},
        late_messages=0,
        covered_levels=(2_113, 2_087),
        warnings=[],
    )


def _live() -> Frame:
    top = TopOfBook(
        [(round(61_000.0 - level / 10, 1), 0.5 + level) for level in range(10)],
        [(round(61_000.1 + level / 10, 1), 0.25 + level) for level in range(10)],
    )
    return live_frame(
        "BTCUSDT",
        "binance",
        _SECOND,
        Market(9_876_543_210, _SECOND - 63, top),
        Flow(1.5, [0.75, *[0.0] * 9]),
        TradeSummary(1.25, 0.5, 61_000.04, 0.0, 2, [Print(61_000.1, 1.25, "buy", _SECOND - 410)]),
        _health(),
        tick_size=0.1,
    )


def _not_live() -> Frame:
    reason = "the first snapshot is on its way"
    return not_live_frame("BTCUSDT", "binance", _SECOND, Status.SYNCING, reason, None)


def _symbol_health(status: Status, reason: str | None) -> SymbolHealth:
    return SymbolHealth(status, reason, 412, [], _health())


_PROCESS: Final = ShownProcess("engine", "BTCUSDT", 4711, 0.071, 0, 61.4, "pure")
_ALL_LIVE: Final = HealthReport("live", {"BTCUSDT": _symbol_health(Status.LIVE, None)}, [_PROCESS])
_NOT_LIVE: Final = HealthReport(
    "not live", {"BTCUSDT": _symbol_health(Status.STALE, "no depth event for 2.4 s")}, [_PROCESS]
)

_ANSWERS: Final[dict[str, dict[str, Json]]] = {
    "/health": {
        "200": _answer("All symbols are live", "HealthReport", _ALL_LIVE),
        "503": _answer("Not all are", "HealthReport", _NOT_LIVE),
    },
    "/symbols": {
        "200": _answer("In the order given", "SymbolList", SymbolList(["BTCUSDT", "ETHUSDT"])),
    },
}
