"""Which input calls which function in the browser. None of them goes to the server."""

from typing import Any

from dash import ClientsideFunction, Dash, Input

NAMESPACE = "liquidity"  # window.dash_clientside.liquidity, in assets/page.mjs


def register_callbacks(app: Dash) -> None:
    """Tie the page's stream to `assets/page.mjs`; its controls are the modules' own."""
    clientside_callback: Any = app.clientside_callback  # Dash does not say its types
    clientside_callback(
        ClientsideFunction(NAMESPACE, "drain"),
        Input("stream", "message"),
        Input("stream", "state"),
        prevent_initial_call=True,
    )
