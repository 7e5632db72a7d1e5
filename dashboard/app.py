"""The page as an ASGI application."""

from collections.abc import Sequence
from typing import Any

from dash import Dash

from dashboard.callbacks import register_callbacks
from dashboard.files import PageFiles
from dashboard.layout import page_layout

PLOTLY = "/_dash-component-suites/plotly/package_data/plotly.min.js"
"""Dash's own copy. The page loads it when it needs it, after the map has been drawn."""
IMPORTED = r"^(?!page\.mjs$).*\.mjs$"
"""Names of modules that get no tag in the page: page.mjs imports them. They are served all the same."""

INDEX = """<!DOCTYPE html>
<html lang="en">
  <head>
    {%metas%}
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>{%title%}</title>
    {%favicon%}
    {%css%}
  </head>
  <body>
    {%app_entry%}
    <footer>
      {%config%}
      {%scripts%}
      {%renderer%}
    </footer>
  </body>
</html>"""


def create_dashboard(
    api_port: int, symbols: Sequence[str], *, public_api_url: str = "", prefix: str = "/"
) -> Any:
    """Return the ASGI application of the page.

    The browser looks for the API's `/ws/{symbol}` under `public_api_url`, or without one at `api_port` of the
    host that served the page. It reaches the page under the path `prefix`, which begins and ends with a slash
    and which a proxy may take off. After the page has loaded nothing is asked of this server any more.
    """
    title = "Order-book liquidity"
    app = Dash(
        __name__,
        backend="fastapi",
        title=title,
        update_title="",
        add_log_handler=False,
        assets_ignore=IMPORTED,
        index_string=INDEX,
        routes_pathname_prefix="/",
        requests_pathname_prefix=prefix,
    )
    app.layout = page_layout(api_port, public_api_url, symbols, prefix.rstrip("/") + PLOTLY)
    register_callbacks(app)
    api = public_api_url or api_port
    return PageFiles(app.server, api, app.csp_hashes(), prefix=prefix)
