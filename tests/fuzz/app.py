"""An API to fuzz: one symbol's book is live, the other has no engine."""

import functools

from starlette.types import ASGIApp

from api.websocket_server import Api, create_app
from data_ingestion.clock import Clock
from tests.api.serving import SOURCE, SYMBOLS, T0, TOKEN, Watched, a_book, a_state

LIVE, DARK = SYMBOLS


def an_api() -> Api:
    """Return an API at whose clock no time passes, so that its book stays live."""
    clock = Clock(wall=lambda: T0 / 1000, steady=lambda: 0.0)
    api = Api(SYMBOLS, SOURCE, feed_token=TOKEN, clock=clock, read_pause=0)
    channel = api.channels[LIVE]
    channel.connected = True
    channel.book.connected()
    channel.restore(a_state(T0))
    channel.book.on_said(a_book(7), 0.0)
    return api


@functools.cache
def the_app() -> tuple[Api, Watched]:
    """Return one API and its application for many short talks: making one takes far longer than a talk."""
    api = an_api()
    return api, an_app(api)[1]


def an_app(api: Api) -> tuple[ASGIApp, Watched]:
    """Return its application, and the same with a look at what escapes it."""
    app = create_app(api)
    return app, Watched(app)
