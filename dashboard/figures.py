"""The figures as they are before the first frame; `assets/` fills them.

The map is one figure, so that its parts share their axes: price runs up the heatmap and the book beside
it, time runs along the heatmap and the strips below. It has axes and no data: a WebGL canvas under it draws
that, in the axes' units, which takes a small part of the time that traces would take every second.
"""

from typing import Any, Final

MAP_WIDTH: Final = 0.78  # share of the figure's width that time takes; the rest is the book
STRIPS: Final = ("mid", "spread", "imbalance", "OFI")
_STRIP_TOP: Final = 0.30
_GAP: Final = 0.015
_UNREFINED: Final = 721
"""Plotly refines each surface to at least 120 x 120 points whenever it changes, which takes longer than all
else, but not one that ever had more than 720 points a row."""


def map_figure() -> dict[str, Any]:
    """Return the axes of heatmap, book and strips, which `assets/market_map.js` knows by their names."""
    panels = [("x", "y"), ("x2", "y"), *(("x", f"y{index + 2}") for index in range(len(STRIPS)))]
    return {"data": [_nothing(x, y) for x, y in panels], "layout": _map_layout()}


def surface_figure() -> dict[str, Any]:
    """Return the surface of the book over time: time x level x size, coloured by side.

    Until the first frame it is a wide strip out of sight, past the last level.
    """
    strip = [[size] * _UNREFINED for size in (0, 1)]
    axis = {"type": "linear", "showspikes": False, "zeroline": False, "title": {"text": ""}}
    return {
        "data": [
            {
                "type": "surface",
                "x": list(range(_UNREFINED)),
                "y": [11, 12],
                "z": strip,
                "surfacecolor": strip,
                "showscale": False,
                "cmin": -1,
                "cmax": 1,
                "connectgaps": False,
                "lighting": {"ambient": 0.65, "diffuse": 0.6, "specular": 0.15, "roughness": 0.7},
                "contours": {"x": {"highlight": False}, "y": {"highlight": False}, "z": {"highlight": False}},
                "hoverinfo": "skip",
            }
        ],
        "layout": {
            "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "scene": {
                "hovermode": False,
                "xaxis": {
                    **axis,
                    "range": [-180, 0],
                    "tickvals": [-180, -120, -60, 0],
                    "ticktext": ["-180 s", "-120 s", "-60 s", "now"],
                },
                "yaxis": {
                    **axis,
                    "range": [-10, 10],
                    "tickvals": [-10, 0, 10],
                    "ticktext": ["10th bid", "touch", "10th ask"],
                },
                "zaxis": {**axis, "range": [0, 1], "showticklabels": False},
                "aspectmode": "manual",
                "aspectratio": {"x": 1.5, "y": 1.1, "z": 0.55},
                "camera": {
                    "eye": {"x": 1.5, "y": -1.75, "z": 1.0},
                    "center": {"x": 0.02, "y": 0, "z": -0.12},
                },
                "dragmode": "orbit",
            },
        },
    }


def _map_layout() -> dict[str, Any]:
    time = {"range": [-180, 2], "domain": [0, MAP_WIDTH], "anchor": f"y{len(STRIPS) + 1}", "showgrid": False}
    book = {"range": [0, 1], "domain": [MAP_WIDTH + 0.01, 1], "fixedrange": True, "showgrid": False}
    layout: dict[str, Any] = {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 64, "r": 8, "t": 8, "b": 24},
        "showlegend": False,
        "hovermode": False,
        "dragmode": "pan",
        "xaxis": {**time, "zeroline": False, "showticklabels": False},
        "yaxis": {
            "range": [0, 1],
            "domain": [_STRIP_TOP + 0.02, 1],
            "zeroline": False,
            "tickformat": ",",
            "nticks": 9,
        },
        "xaxis2": {**book, "anchor": "y", "side": "bottom", "nticks": 4, "zeroline": False},
    }
    height = _STRIP_TOP / len(STRIPS)
    for index, name in enumerate(STRIPS):
        bottom = _STRIP_TOP - (index + 1) * height
        layout[f"yaxis{index + 2}"] = {
            "range": [-1, 1],
            "domain": [bottom + _GAP, bottom + height],
            "anchor": "x",
            "fixedrange": True,
            "nticks": 3,
            "zeroline": name in ("imbalance", "OFI"),
        }
    layout["yaxis2"] |= {"tickformat": ","}
    layout["yaxis4"] |= {"range": [-1, 1], "tickvals": [-1, 0, 1]}
    return layout


def _nothing(x: str, y: str) -> dict[str, Any]:
    """Return an empty trace: Plotly shows only those axes that a trace refers to."""
    return {"type": "scatter", "x": [], "y": [], "xaxis": x, "yaxis": y, "hoverinfo": "skip"}
