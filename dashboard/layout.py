"""What stands where on the page. Its controls are made by the modules of `assets/`."""

import json
from collections.abc import Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component
from dash_extensions import WebSocket

from dashboard.figures import surface_figure

NONE = "\N{EN DASH}"

SURFACE_CONFIG: Any = {"displaylogo": False, "displayModeBar": False, "scrollZoom": False, "responsive": True}

NUMBERS = (
    ("spread", "spread", "Best ask less best bid, USDT"),
    ("microprice", "microprice", "Mid weighted with the opposite sizes at the touch, USDT"),
    ("imbalance", "imbalance", "Ten-level bid volume against ask volume, from \N{MINUS SIGN}1 to 1"),
    ("ofi", "OFI 1 s", "Order flow imbalance of the last second, base asset; choose which under scale"),
    ("update-rate", "updates", "Depth events a second, last ten seconds"),
    (
        "latency",
        "latency",
        "Exchange event time to arrival by the exchange's clock, median of ten seconds",
    ),
)

KEYS = (
    ("space", "hold the view, or go on with now"),
    ("f", "fit time and prices, follow, and see all of the surface"),
    ("+ and -", "zoom; arrows move"),
    ("1 to 9", "another symbol"),
    ("t", "light or dark"),
    ("h", "health"),
    ("p", "save a picture"),
    ("?", "this help; Escape closes"),
    ("wheel", "zoom price and time at the pointer; on an axis that axis alone; with shift, move in time"),
    (
        "while it follows",
        "the wheel keeps time pinned to now, and the price in view; hold first to zoom time at the pointer",
    ),
    ("drag", "move; on an axis, stretch it"),
    ("auto", "at the foot of the price axis: whether the prices follow the market"),
    ("double click", "fit the axis under the pointer; on the map, both; on the surface, see all of it"),
    (
        "fingers",
        "tap or rest to read; along to move in time, on the price axis to move prices; two to zoom",
    ),
)

COLOURS = (
    ("blue", "bids, and takers who buy"),
    ("orange", "asks, and takers who sell"),
    ("bright", "the more size, the brighter; black is known and empty, hatched is not known"),
    ("white line", "the mid price; fine lines beside it frame the ten best levels a side"),
    ("bubbles", "the largest trades, at their price"),
    ("magenta", "how long a detection lasted, at its price"),
)

TERMS = (
    ("mid", "halfway between best bid and best ask; spread is what lies between them"),
    ("microprice", "the mid, drawn towards the side with less size at the touch"),
    ("imbalance", "ten-level bid size against ask size, from \N{MINUS SIGN}1 to 1"),
    ("OFI", "order flow imbalance: size that came to the best bid or left the best ask, less the opposite"),
    ("volume delta", "size bought less size sold by takers, since the window began"),
    ("VWAP", "volume-weighted average price, since the window began"),
    ("pulled", "cancelled, not traded; consumed is the other way round"),
    ("gave way", "the price went through; moved away is the other way round"),
    ("out of range", "no longer among the ten best levels, so not followed any further"),
    ("unexplained", "not all trades of that moment are known"),
)


def page_layout(api_port: int, api_url: str, symbols: Sequence[str], plotly: str) -> Component:
    """Return the whole page, which loads Plotly from `plotly` when it needs it.

    The API is at `api_url`, or where that is empty at `api_port` of the page's host.
    """
    facts: dict[str, Any] = {
        "data-api-port": str(api_port),
        "data-api-url": api_url.rstrip("/"),
        "data-symbols": ",".join(symbols),
        "data-plotly": plotly,
    }
    return html.Div(
        [
            WebSocket(id="stream"),
            _header(),
            html.Main([_map(), _side(), html.Div(id="map-tooltip", role="tooltip", hidden=True)]),
            _floating("health", "health", html.Dl(id="health-lines")),
            _floating(
                "keys",
                "help",
                html.Div(
                    [
                        html.Div([html.H3(title), content])
                        for title, content in (
                            ("keys and hands", _definitions(KEYS)),
                            ("marks above the map", html.Dl(id="help-marks")),  # from detections.mjs
                            ("colours", _definitions(COLOURS)),
                            ("terms", _definitions(TERMS)),
                        )
                    ],
                    className="columns",
                ),
            ),
        ],
        id="page",
        className="syncing",
        **facts,
    )


def _floating(name: str, title: str, content: Component) -> Component:
    return html.Section(
        [
            html.Div(
                [
                    html.H2(title, id=f"{name}-title"),
                    html.Button(
                        "\N{MULTIPLICATION SIGN}",
                        id=f"{name}-close",
                        className="icon",
                        title="Close (Escape)",
                        **_aria("label", f"Close {title}"),
                    ),
                ],
                className="head",
            ),
            content,
        ],
        id=f"{name}-panel",
        className="panel floating",
        hidden=True,
        **_aria("labelledby", f"{name}-title"),
    )


def _definitions(lines: Sequence[tuple[str, str]]) -> Component:
    return html.Dl([part for name, text in lines for part in (html.Dt(name), html.Dd(text))])


def _header() -> Component:
    numbers = [
        html.Div(
            [html.Span(label, className="label"), html.Span(NONE, id=f"number-{name}", className="value")],
            className=f"number number-{name}",
            title=meaning,
        )
        for name, label, meaning in NUMBERS
    ]
    return html.Header(
        [
            html.H1("Order-book liquidity", className="unseen"),
            html.Div("", id="symbols"),
            html.Div(
                [
                    html.Span(NONE, id="mid-price", title="Mid price, USDT"),
                    html.Span("", id="numbers-at"),
                ],
                className="price",
            ),
            html.Div(numbers, className="numbers"),
            html.Div("", id="reason", role="status"),
            html.Div(
                [
                    html.Span("", id="source", className="badge", hidden=True),
                    html.Span("", id="stream-state"),
                    html.Button(
                        [html.Span("CONNECTING", id="state-word"), html.Span("", id="state-behind")],
                        id="state",
                        className="badge",
                        title="Go on with now (f)",
                    ),
                    html.Button("health", id="health", className="switch", **_aria("expanded", "false")),
                    html.Button("◐", id="theme", className="icon", title="Light or dark (t)"),
                    html.Button("?", id="keys", className="icon", title="Help: keys, marks, terms (?)"),
                ],
                className="states",
            ),
        ]
    )


def _map() -> Component:
    canvases = [
        html.Canvas(id="map-canvas", **_aria("hidden", "true")),
        html.Canvas(id="map-axes", **_aria("hidden", "true")),
        html.Canvas(id="map-cross", **_aria("hidden", "true")),
    ]
    return html.Section(
        [
            html.Div("", id="toolbar", role="toolbar", **_aria("label", "What the map shows")),
            html.Div(id="legend-box", className="hint"),
            html.Div(
                [
                    *canvases,
                    html.Div(
                        [html.Strong("", id="veil-state"), html.Span("", id="veil-reason")],
                        id="veil",
                        hidden=True,
                    ),
                    html.P("", id="map-missing", hidden=True, role="alert"),
                ],
                id="map",
            ),
        ],
        id="map-panel",
        className="panel",
        **_aria("label", "Liquidity heatmap, book and strips"),
    )


def _side() -> Component:
    return html.Div([_depth(), _surface(), _detections(), _market_order()], id="side")


def _depth() -> Component:
    return html.Section(
        [
            html.Div([html.H2("depth"), html.Div("", id="depth-ranges")], className="head"),
            html.Div([html.Canvas(id="depth-canvas"), html.Canvas(id="depth-texts")], id="depth"),
        ],
        id="depth-panel",
        className="panel",
    )


def _surface() -> Component:
    surface: dict[str, Any] = {"data-figure": json.dumps({**surface_figure(), "config": SURFACE_CONFIG})}
    return html.Section(
        [
            html.Div(
                [html.H2("book over time"), html.Span("smoothed, around the mid in USDT", className="hint")],
                className="head",
            ),
            html.Div(
                [html.Div(id="surface", **surface), html.P("", id="surface-missing", className="hint")],
                className="fill",
            ),
        ],
        id="surface-panel",
        className="panel",
    )


def _detections() -> Component:
    return html.Section(
        [
            html.Div([html.H2("detections")], className="head"),
            html.Div(
                [html.Ol(id="detections-rows")],
                className="scroll",
                tabIndex=0,
                role="region",
                **_aria("label", "Detections"),
            ),
            html.P("", id="detections-none", className="hint"),
        ],
        id="detections-panel",
        className="panel",
    )


def _market_order() -> Component:
    return html.Section(
        [
            html.Div(
                [
                    html.H2("market order"),
                    html.Button("buy", id="impact-buy", className="switch", **_aria("pressed", "true")),
                    html.Button("sell", id="impact-sell", className="switch", **_aria("pressed", "false")),
                    html.Span("", id="impact-field"),
                ],
                className="head",
            ),
            html.Div(
                [
                    html.Dl(id="impact-figures"),
                    html.P("", id="impact-note", className="hint", role="status"),
                ],
                id="impact-answer",
            ),
            html.Div(
                [
                    html.Canvas(id="cost-canvas"),
                    html.Canvas(id="cost-texts", **_aria("label", "Cost against size")),
                ],
                id="cost",
            ),
        ],
        id="impact-panel",
        className="panel",
    )


def _aria(name: str, value: str) -> dict[str, Any]:
    return {f"aria-{name}": value}
