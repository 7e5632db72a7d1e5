"""`/schema`, `/asyncapi.json` and the OpenAPI document say what the API sends."""

import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from jsonschema import Draft202012Validator

from api.schema import FrameMessage, HistoryRow, message_schema_document
from api.websocket_server import Api
from features.detectors.detection import Detection, Event, Evidence, Kind
from state.frames import Frame, Row
from tests.api.serving import (
    SOURCE,
    SYMBOLS,
    TOKEN,
    HandClock,
    Served,
    a_second,
    at,
    frame_of,
    frames_until,
)
from tests.program import Program, listening, next_live

ASKED = ("", "?ladders=1", "?updates=1", "?ladders=1&updates=1")


@pytest_asyncio.fixture
async def served() -> AsyncIterator[Served]:
    """Run an API of two symbols."""
    clock = HandClock()
    running = Served(Api(SYMBOLS, SOURCE, feed_token=TOKEN, clock=clock), clock)
    await running.start()
    yield running
    await running.stop()


def faults_of(message: Any, schema: dict[str, Any] | None = None) -> list[str]:
    """Return what a message has against the schema."""
    validator = Draft202012Validator(schema or message_schema_document())
    return [error.message for error in validator.iter_errors(message)]


async def test_the_schema_is_served_and_is_one(served: Served) -> None:
    """JSON Schema 2020-12, of which a frame is an instance and an empty object is none."""
    schema = (await served.get("/schema")).json()
    Draft202012Validator.check_schema(schema)
    assert schema == json.loads(json.dumps(message_schema_document()))
    served.api.channels["BTCUSDT"].add(a_second(at(1)))
    async with served.client("/ws/BTCUSDT") as client:
        frame = await frame_of(client)
    assert faults_of(frame, schema) == []
    assert faults_of({}, schema)


def test_the_schema_has_every_key_and_no_other_is_optional() -> None:
    """All keys of a frame and of a row are required; the others are those that are asked for."""
    models = message_schema_document()["$defs"]
    wanted = {"ladders", "updates", "book", "tape"}
    for message, always, more in ((FrameMessage, Frame, wanted | {"history"}), (HistoryRow, Row, wanted)):
        model = models[message.__name__]
        assert set(model["required"]) == set(always.__struct_fields__)
        assert set(model["properties"]) - set(model["required"]) == more


async def test_messages_of_the_simulated_market_are_valid() -> None:
    """First frames with their history and later ones, whatever was asked for, of the real program."""
    async with Program(source="simulated", symbols="BTCUSDT") as program:
        async with listening(program.url("BTCUSDT")) as connection:
            await next_live(connection)
        for query in ASKED:
            async with listening(program.url("BTCUSDT", query)) as connection:
                first, later = await next_live(connection), await next_live(connection)
            assert faults_of(first) + faults_of(later) == []
            assert ("history" in first, "history" in later) == (True, False)
            assert all((f"{name}=1" in query) == (name in later) for name in ("ladders", "updates"))


async def test_dark_frames_are_valid(served: Served) -> None:
    """And one that has rows of holes in its history."""
    channel = served.api.channels["BTCUSDT"]
    channel.add(a_second(at(1)))
    channel.fill_in(at(4), "the engine of this symbol is not running")
    async with served.client("/ws/BTCUSDT?ladders=1&updates=1") as client:
        (frame,) = await frames_until(client, at(4))
    assert frame["status"] == "syncing"
    assert faults_of(frame) == []


def test_evidence_of_every_type_is_valid() -> None:
    """Numbers, words, nothing, lists of figures and of trades."""
    fills = [(1, 100.5, 1.0, at(0)), (2, 100.5, 2.0, at(0))]
    evidence: Evidence = {"fills": fills, "sizes": [1.0, 2.0], "none": None, "word": "up", "count": 2}
    found = Detection("wall-1", Kind.WALL, Event.OPENED, "bid", 100.0, 1, 2, None, 3.5, 0.9, evidence)
    frame = json.loads(a_second(at(1)).frame)
    told = json.loads(msgspec.json.encode(found))
    assert faults_of(frame | {"detections": [told]}) == []
    assert faults_of(frame | {"detections": [{"id": "wall-1"}]})


async def test_asyncapi_tells_the_streams(served: Served) -> None:
    """Address, symbols, query, close codes; its examples are valid messages, and it refers to the schema."""
    document = (await served.get("/asyncapi.json")).json()
    assert document["asyncapi"] == "3.0.0"
    assert document["servers"]["api"]["host"] == f"127.0.0.1:{served.port}"
    channel = document["channels"]["frames"]
    assert channel["address"] == "/ws/{symbol}"
    assert channel["parameters"]["symbol"]["enum"] == list(SYMBOLS)
    assert set(channel["bindings"]["ws"]["query"]["properties"]) == {"ladders", "updates", "try"}
    assert {"4404", "4422"} <= set(channel["x-close-codes"])
    message = document["components"]["messages"]["frame"]
    assert (await served.get(message["payload"]["schema"]["$ref"])).json()["title"]
    assert [faults_of(example["payload"]) for example in message["examples"]] == [[], []]
    for reference in _references(document):
        if reference.startswith("#"):
            part: Any = document
            for name in reference[2:].split("/"):
                part = part[name]


def _references(document: Any) -> list[str]:
    if isinstance(document, dict):
        own = [document["$ref"]] if isinstance(document.get("$ref"), str) else []
        return own + [found for part in document.values() for found in _references(part)]
    if isinstance(document, list):
        return [found for part in document for found in _references(part)]
    return []


@pytest.mark.parametrize("path", ["/health", "/symbols"])
async def test_openapi_has_models_and_examples_that_agree(served: Served, path: str) -> None:
    """Each example, and what the route answers, is what its model says."""
    document = (await served.get("/openapi.json")).json()
    answers = document["paths"][path]["get"]["responses"]
    for answer in answers.values():
        media = answer["content"]["application/json"]
        schema = {**media["schema"], "components": document["components"]}
        assert faults_of(media["example"], schema) == []
    reply = await served.get(path)
    media = answers[str(reply.status_code)]["content"]["application/json"]
    assert faults_of(reply.json(), {**media["schema"], "components": document["components"]}) == []
