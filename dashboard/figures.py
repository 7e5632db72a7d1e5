"""The surface's figure before the first frame; `assets/panels/surface_panel.mjs` fills and labels it."""

from typing import Any, Final

WINDOW_SECONDS: Final = 180
"""Of the map and this figure, as the program keeps them and `assets/book/book_window.mjs` has it."""


def surface_figure() -> dict[str, Any]:
    """Return the surface: seconds before now, USDT from the mid, size, coloured by side."""
    axis = {
        "type": "linear",
        "showspikes": False,
        "zeroline": False,
        "showticklabels": False,
        "title": {"text": ""},
    }
    highlight = {"highlight": False}
    return {
        "data": [
            {
                "type": "surface",
                "showscale": False,
                "cmin": -1,
                "cmax": 1,
                "connectgaps": False,
                "lighting": {"ambient": 0.75, "diffuse": 0.5, "specular": 0.08, "roughness": 0.85},
                "contours": {"x": highlight, "y": highlight, "z": highlight},
                "hoverinfo": "skip",
            }
        ],
        "layout": {
            "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "scene": {
                "hovermode": False,
                "xaxis": {**axis, "range": [-WINDOW_SECONDS, 0], "tickvals": [-120, -60, 0]},
                "yaxis": axis,
                "zaxis": {**axis, "range": [0, 1], "tickvals": [0, 0.5, 1]},
                "aspectmode": "manual",
                "aspectratio": {"x": 2.2, "y": 1.15, "z": 0.6},
                "dragmode": False,
            },
        },
    }
