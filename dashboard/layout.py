"""What stands where on the page."""

import json
from collections.abc import Sequence
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component
from dash_extensions import WebSocket

from dashboard.figures import STRIPS, map_figure, surface_figure

STEPS = ("auto", "x1", "x10", "x50", "x100")
"""Price steps that can be chosen; the numbers are ticks."""

NONE = "\N{EN DASH}"

CUT_OFFS = (20, 99)
"""Percentiles of the visible sizes at which the colour scale begins and ends."""

GRAPH_CONFIG: Any = {
    "displaylogo": False,
    "displayModeBar": False,
    "scrollZoom": True,
    "responsive": True,
    "plotGlPixelRatio": 1,
    "doubleClick": False,  # means: follow again
}

NUMBERS = (
    ("spread", "spread", "Best ask less best bid, USDT"),
    ("microprice", "microprice", "Mid weighted with the opposite sizes at the touch, USDT"),
    ("imbalance", "imbalance", "Ten-level bid volume against ask volume, from -1 to 1"),
    ("ofi", "OFI 1 s", "Order flow imbalance of the last second, base asset"),
    ("update-rate", "updates", "Depth events a second, last ten seconds"),
    (
        "latency",
        "latency",
        "Exchange event time to arrival by the exchange's clock, median of ten seconds",
    ),
)


def symbol_id(symbol: str) -> str:
    """Return the id of the button that switches to `symbol`."""
    return f"symbol-{symbol}"


def step_id(step: str) -> str:
    """Return the id of the button that groups prices by `step`."""
    return f"step-{step}"


def page_layout(api_port: int, symbols: Sequence[str]) -> Component:
    """Return the whole page."""
    facts: dict[str, Any] = {
        "data-api-port": str(api_port),
        "data-symbols": ",".join(symbols),
        "data-cut-offs": ",".join(map(str, CUT_OFFS)),
    }
    return html.Div(
        [
            WebSocket(id="stream"),
            _header(symbols),
            html.Main([_map(), _side()]),
            html.Div(id="map-tooltip", role="tooltip", hidden=True),
            html.Section(html.Dl(id="health-lines"), id="health-panel", className="panel", hidden=True),
        ],
        id="page",
        className="syncing",
        **facts,
    )


def _header(symbols: Sequence[str]) -> Component:
    switches = [
        html.Button(symbol, id=symbol_id(symbol), className="switch", **_pressed(pressed=index == 0))
        for index, symbol in enumerate(symbols)
    ]
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
            html.Div(switches, className="switches", role="group", **_aria("label", "Symbol")),
            html.Div(NONE, id="mid-price", title="Mid price, USDT"),
            html.Div(numbers, className="numbers"),
            html.Div("", id="reason", role="status"),
            html.Div(
                [
                    html.Span("", id="source", className="badge", hidden=True),
                    html.Span("CONNECTING", id="state", className="badge", role="status"),
                    html.Button("health", id="health", className="switch", **_aria("expanded", "false")),
                    html.Button("☀", id="theme", className="icon", title="Light or dark (t)"),
                ],
                className="states",
            ),
        ]
    )


def _map_controls() -> Component:
    steps = [
        html.Button(
            step.removeprefix("x"), id=step_id(step), className="switch", **_pressed(pressed=step == "auto")
        )
        for step in STEPS
    ]
    return html.Div(
        [
            html.Div(
                [
                    html.Span("ticks", className="label", title="Price step; auto covers the window's range"),
                    html.Div(
                        steps, className="switches", role="group", **_aria("label", "Price step in ticks")
                    ),
                ],
                className="control",
            ),
            html.Div(
                [
                    html.Span("colour", className="label", title="Percentiles of the visible sizes"),
                    html.Canvas(id="legend", width=256, height=2, **_aria("hidden", "true")),
                    html.Span("", id="legend-range", className="value"),
                ],
                className="control",
            ),
            html.Div(
                [
                    html.Span("cut-offs", className="label"),
                    dcc.RangeSlider(
                        0,
                        100,
                        1,
                        value=list(CUT_OFFS),
                        id="cut-offs",
                        marks=None,
                        allowCross=False,
                        allow_direct_input=False,
                        tooltip={"placement": "top", "template": "{value} %"},
                    ),
                    html.Button("log", id="logarithmic", className="switch", **_pressed(pressed=True)),
                ],
                className="control",
            ),
            html.Div(
                [
                    html.Button(
                        "follow",
                        id="follow",
                        className="switch",
                        title="Drag to move, scroll to zoom; double-click or f: the newest second again",
                        **_pressed(pressed=True),
                    ),
                    html.Span("", id="step-shown", className="value"),
                ],
                className="control",
            ),
        ],
        id="map-controls",
    )


def _map() -> Component:
    return html.Section(
        [
            html.Canvas(id="map-canvas", **_aria("hidden", "true")),
            dcc.Graph(id="map", figure=map_figure(), config=GRAPH_CONFIG, responsive=True),
            *(html.Span(name, className=f"strip-name strip-{index}") for index, name in enumerate(STRIPS)),
            html.Div(id="time-axis"),
            _map_controls(),
            html.Div(
                [html.Strong("", id="veil-state"), html.Span("", id="veil-reason")], id="veil", hidden=True
            ),
        ],
        id="map-panel",
        className="panel",
        **_aria("label", "Liquidity heatmap, book and strips"),
    )


def _side() -> Component:
    surface: dict[str, Any] = {"data-figure": json.dumps({**surface_figure(), "config": GRAPH_CONFIG})}
    book_over_time = html.Section(
        [
            html.H2("book over time"),
            html.Div(id="surface", **surface),
        ],
        id="surface-panel",
        className="panel",
    )
    heads = [html.Th(name, scope="col") for name in ("began", "kind", "side", "price", "evidence")]
    detections = html.Section(
        [
            html.H2("detections"),
            html.Div(
                [
                    html.Table([html.Thead(html.Tr(heads)), html.Tbody(id="detections-rows")]),
                    html.P("None in the last 180 seconds.", id="detections-none", className="hint"),
                ],
                className="scroll",
                tabIndex=0,
            ),
        ],
        id="detections-panel",
        className="panel",
    )
    impact = html.Section(
        [
            html.H2("market impact"),
            html.Div(
                [
                    html.Button("buy", id="impact-buy", className="switch", **_pressed(pressed=True)),
                    html.Button("sell", id="impact-sell", className="switch", **_pressed(pressed=False)),
                    dcc.Input(
                        id="impact-size",
                        type="text",
                        inputMode="numeric",
                        placeholder="size, base asset",
                        className="size",
                        maxLength=40,
                        autoComplete="off",
                    ),
                ],
                className="control",
            ),
            html.Dl(id="impact-figures"),
            html.P("", id="impact-note", className="hint", role="status"),
        ],
        id="impact-panel",
        className="panel",
    )
    return html.Div([book_over_time, detections, impact], id="side")


def _pressed(*, pressed: bool) -> dict[str, Any]:
    return _aria("pressed", "true" if pressed else "false")


def _aria(name: str, value: str) -> dict[str, Any]:
    return {f"aria-{name}": value}
