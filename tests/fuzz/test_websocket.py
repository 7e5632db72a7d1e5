"""`/ws/{symbol}` with any path, query, headers and messages: frames, a refusal or a close; no traceback."""

import asyncio
import json
from typing import Any, Final

from hypothesis import example, given
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message, Scope

from api.schema import BAD_QUERY, UNKNOWN_SYMBOL
from tests.api.serving import SYMBOLS
from tests.builders import property_settings
from tests.fuzz.app import LIVE, the_app

ALLOWED: Final = {"localhost", "127.0.0.1", "[::1]", "LOCALHOST"}
"""Hosts and, behind a scheme, origins that are this machine's."""

texts = st.text(st.characters(codec="utf-8"), max_size=30)
header_bytes = st.binary(max_size=30).filter(lambda value: not set(value) & set(b"\r\n\0"))
hosts = st.one_of(
    header_bytes, st.sampled_from([name.encode() for name in ALLOWED]),
    st.sampled_from([b"evil.example", b"127.0.0.1.evil.example", b"localhost@evil.example", b"[", b"::1"]),
)  # fmt: skip
symbols = st.one_of(
    texts, st.sampled_from([*SYMBOLS, "btcusdt", "BTCUSDT%00", "\u017f", "\u00dftcusdt", "../feed/BTCUSDT"])
)
queries = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [b"ladders=1", b"ladders=0", b"ladders=maybe", b"ladders=1&ladders=0", b"%ff=%00", b"ladders"]
    ),
)
messages = st.lists(
    st.one_of(
        st.binary(max_size=200).map(lambda data: {"type": "websocket.receive", "bytes": data}),
        texts.map(lambda text: {"type": "websocket.receive", "text": text}),
    ),
    max_size=6,
)


class Peer:
    """A client of an ASGI application, which says what it is told to and then goes."""

    def __init__(self, scope: Scope, says: list[dict[str, Any]]) -> None:
        self.heard: list[Message] = []
        self._scope = scope
        self._says = iter([{"type": "websocket.connect"}, *says])

    async def run(self, app: ASGIApp) -> None:
        """Talk to `app` until it has nothing more to say."""
        async with asyncio.timeout(30):
            await app(self._scope, self._receive, self._send)

    async def _receive(self) -> Message:
        for _ in range(5):  # so that what is to be sent gets its turn
            await asyncio.sleep(0)
        return next(self._says, {"type": "websocket.disconnect", "code": 1006})

    async def _send(self, message: Message) -> None:
        self.heard.append(message)


def scope_of(path: str, query: bytes = b"", headers: list[tuple[bytes, bytes]] | None = None) -> Scope:
    """Return what a server says of a WebSocket handshake."""
    return {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": path,
        "raw_path": path.encode("utf-8", "surrogatepass"),
        "query_string": query,
        "root_path": "",
        "headers": headers or [],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
        "subprotocols": [],
    }


def talk(scope: Scope, says: list[dict[str, Any]] | None = None) -> list[Message]:
    """Return all that the API says to a client; it forgets him."""
    api, watched = the_app()
    peer = Peer(scope, says or [])
    asyncio.run(peer.run(watched))
    assert watched.escaped == []
    assert not any(channel.clients for channel in api.channels.values())
    return peer.heard


def assert_documented(heard: list[Message]) -> None:
    """Assert that it is a refusal, or an acceptance and then frames or a close with a known code."""
    assert heard
    first, *others = heard
    if first["type"] == "websocket.close":
        assert first["code"] in (1000, 1008)
        assert others == []
        return
    assert first["type"] == "websocket.accept"
    for message in others:
        if message["type"] == "websocket.close":
            assert message["code"] in (UNKNOWN_SYMBOL, BAD_QUERY)
            assert len(message["reason"].encode()) <= 123
        else:
            assert set(json.loads(message["text"])) >= {"status", "mid_price", "history"}


@given(symbol=symbols, query=queries)
@property_settings(300)
def test_any_path_and_query_is_answered(symbol: str, query: bytes) -> None:
    """Frames for a symbol that is followed, in any letter case; a close or a refusal for all else."""
    heard = talk(scope_of(f"/ws/{symbol}", query))
    assert_documented(heard)
    if heard[0]["type"] == "websocket.accept" and symbol.upper() not in SYMBOLS:
        assert heard[-1]["type"] == "websocket.close"
        assert heard[-1]["code"] == UNKNOWN_SYMBOL


@given(path=texts, query=queries)
@property_settings(150)
def test_any_other_path_is_refused(path: str, query: bytes) -> None:
    """A WebSocket to a route that is none is not accepted, or is closed at once."""
    heard = talk(scope_of("/" + path, query))
    assert_documented(heard)
    assert heard[0]["type"] == "websocket.close"


@given(
    host=st.one_of(st.none(), hosts),
    origin=st.one_of(st.none(), hosts, hosts.map(lambda host: b"http://" + host)),
)
@example(host=b"localhost", origin=None)
@example(host=b"localhost", origin=b"null")
@property_settings(400)
def test_only_this_machines_pages_and_names_get_frames(host: bytes | None, origin: bytes | None) -> None:
    """Whatever Host and Origin hold: who is let in comes from this machine or sends neither."""
    headers = [(b"host", host)] if host is not None else []
    headers += [(b"origin", origin)] if origin is not None else []
    heard = talk(scope_of(f"/ws/{LIVE}", headers=headers))
    assert_documented(heard)
    if heard[0]["type"] == "websocket.accept":
        for value in (host, origin):
            name = (value or b"localhost").decode("latin-1").lower()
            assert any(known.lower().strip("[]") in name for known in ALLOWED)
            assert "evil" not in name


@given(says=messages, query=queries)
@property_settings(150)
def test_whatever_a_client_says_is_thrown_away(says: list[dict[str, Any]], query: bytes) -> None:
    """It gets its frames, and nothing else."""
    heard = talk(scope_of(f"/ws/{LIVE}", query), says)
    assert_documented(heard)
