"""Which input calls which function in the browser. None of them goes to the server."""

from collections.abc import Sequence
from typing import Any

from dash import ClientsideFunction, Dash, Input

from dashboard.layout import STEPS, step_id, symbol_id

NAMESPACE = "liquidity"  # window.dash_clientside.liquidity, in assets/page.js


def register_callbacks(app: Dash, symbols: Sequence[str]) -> None:
    """Tie the page's components to the functions of `assets/page.js`."""
    clientside_callback: Any = app.clientside_callback  # Dash does not say its types

    def tie(function: str, *inputs: Input) -> None:
        clientside_callback(ClientsideFunction(NAMESPACE, function), *inputs, prevent_initial_call=True)

    tie("drain", Input("stream", "message"), Input("stream", "state"))
    tie("chooseSymbol", *(Input(symbol_id(symbol), "n_clicks") for symbol in symbols))
    tie("chooseStep", *(Input(step_id(step), "n_clicks") for step in STEPS))
    tie("chooseCutOffs", Input("cut-offs", "value"))
    tie("toggleLogarithmic", Input("logarithmic", "n_clicks"))
    tie("toggleTheme", Input("theme", "n_clicks"))
    tie("chooseSide", Input("impact-buy", "n_clicks"), Input("impact-sell", "n_clicks"))
    tie("chooseSize", Input("impact-size", "value"))
    tie("toggleHealth", Input("health", "n_clicks"))
    tie("followAgain", Input("follow", "n_clicks"))
