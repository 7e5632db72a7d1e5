"""Every HTTP route, asked what its own OpenAPI document allows and what it does not."""

from typing import Any
from urllib.parse import quote, urlencode

import httpx
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.builders import property_settings
from tests.fuzz.app import LIVE, an_api, an_app

BASE = "http://127.0.0.1"
ROUTES = (
    "/simulate",
    "/symbols",
    "/health",
    "/metrics",
    "/docs",
    "/openapi.json",
    "/schema",
    "/asyncapi.json",
    "/ws/BTCUSDT",
    "/feed/BTCUSDT",
)

application, watched = an_app(an_api())
schema = schemathesis.openapi.from_asgi("/openapi.json", application, headers={"host": "127.0.0.1"})

BEYOND_OPENAPI = "exactly one of size, ", "quote_size is "
"""What 422 says of rules that OpenAPI has no words for: one of four names, and USDT that pay for nothing."""

ANY = st.characters(codec="utf-8")
methods = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
paths = st.one_of(st.sampled_from(ROUTES), st.text(ANY, max_size=30).map(lambda text: "/" + quote(text)))
queries = st.dictionaries(
    st.one_of(
        st.sampled_from(["symbol", "side", "size", "sizes", "quote_size", "quote_sizes", "depth"]),
        st.text(ANY, max_size=8),
    ),
    st.one_of(
        st.sampled_from([LIVE, "buy", "known", "1", "1,2", ",", "nan", "1e400", "-0", "9" * 5_000]),
        st.text(ANY, max_size=20),
    ),
    max_size=4,
)


@schema.parametrize()
@property_settings(150)
def test_every_answer_is_a_documented_one(case: Case[Any]) -> None:
    """Status, content type and body are as documented. 503 is: so a server error is whatever is not."""
    reply = case.call(base_url=BASE)
    is_beyond = reply.status_code == 422 and reply.json()["reason"].startswith(BEYOND_OPENAPI)
    case.validate_response(
        reply, excluded_checks=[not_a_server_error, *[positive_data_acceptance] * is_beyond]
    )


@given(method=methods, path=paths, query=queries, body=st.binary(max_size=200))
@property_settings(300)
async def test_any_request_gets_an_answer_without_a_traceback(
    method: str, path: str, query: dict[str, str], body: bytes
) -> None:
    """No exception escapes, no answer is longer than it should be, and each error is one sentence."""
    transport = httpx.ASGITransport(watched)
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
        reply = await http.request(method, f"{path}?{urlencode(query)}", content=body)
    assert watched.escaped == []
    assert reply.status_code in (200, 307, 404, 405, 422, 426, 503)
    assert b"Traceback" not in reply.content
    assert len(reply.content) < 100_000
    if reply.status_code in (404, 405, 422):
        assert method == "HEAD" or set(reply.json()) == {"reason"}
