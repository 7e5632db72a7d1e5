"""Depth messages decoded at one go: what is accepted, and how it is read, is what strict decoding does."""

import json
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_ingestion import messages
from data_ingestion.errors import MalformedMessage
from data_ingestion.messages import DepthUpdate, Levels, decode_depth_update, strict_depth_update
from data_ingestion.simulated_exchange.faults import garbage
from tests.builders import depth_wire, encode, property_settings

HEAD = b'{"e":"depthUpdate","E":3,"T":2,"s":"BTCUSDT","U":1,"u":2,"pu":0'


def outcome(data: bytes, *, strict: bool) -> DepthUpdate | None:
    """Return the message, or None where there is none."""
    try:
        event = strict_depth_update(data) if strict else decode_depth_update(data)
    except MalformedMessage:
        return None
    return None if event.first_update_id > event.final_update_id else event


def agree(data: bytes) -> bool:
    """Check one way against the other; return whether there was a message."""
    expected, got = outcome(data, strict=True), outcome(data, strict=False)
    if expected is None or got is None:
        assert expected is got, data
        return False
    for told, text in ((got.bids_quoted, expected.bids_quoted), (got.asks_quoted, expected.asks_quoted)):
        assert not told or told.split() == text.split(), data  # what `?updates=1` tells is what was applied
    texts = {"bids_quoted": expected.bids_quoted, "asks_quoted": expected.asks_quoted}
    assert repr(msgspec.structs.replace(got, **texts)) == repr(expected), (
        data
    )  # as repr: -0.0 is not 0.0, True not 1
    for event in (expected, got):
        for levels, text in ((event.bids, event.bids_quoted), (event.asks, event.asks_quoted)):
            assert not text or msgspec.json.decode(text.translate(None, b'"'), type=Levels) == levels, data
    return True


LEVELS = b'[["1","2"]]'
HOSTILE = [
    b',"b":[[1,"2"]],"a":[["3","4"]]}',
    b',"b":[["1","2"]],"a":[["3",4]]}',
    b',"b":[[1,2]],"a":[["3","4"]]}',
    b',"b":[[1,"2"]],"a":[],"x":1}',
    b',"b":[[1,"2"]],"a":[],"x":"y"}',
    b',"b":[[1,2]],"a":[],"x":"y"}',
    b',"b":[[1,2]],"a":[],"x":["y"]}',
    b',"b":[[1,"2"]],"a":[["1","2"]],"x":{"y":[["1","2"]]}}',
    b',"b":[[1,"2"]],"a":[],"x":[{"y":1,"b":[],"a":[]}]}',
    b',"a":[],"b":[[1,"2"]],"x":[{"y":1,"b":[["1","2"]],"a":[]}]}',
    b',"a":[],"b":[["1",2]],"x":{"y":1,"b":[["1","2"]],"a":[]}}',
    b',"a":[],"b":[[1,2]],"],a":[]}',
    b',"a":[],"b":[["1","2"]],"],a":[]}',
    b',"a":[[1,2]],"b":[],"x,a":[]}',
    b',"a":[[1,2]],"b":[],"x\\",\\"a":[]}',
    b',"b":[[1,2]],"a":[],"x\\"b":[["1","2"]],"a":[]}',
    b',"b":[[1,2]],"x":",\\"b\\":[]","a":[]}',
    b',"b":[["1","2"]],"b":[[1,"2"]],"a":[]}',
    b',"b":[[1,"2"]],"b":[["1","2"]],"a":[]}',
    b',"b":[["1","2"]],"a":[[1,"2"]],"a":[]}',
    b',"a":[[1,"2"]],"b":[["1","2"]],"a":[]}',
    b',"a":[["1","2"]],"b":[["1","2"]],"\\u0061":[]}',
    b',"b":[["1","2"]],"\\u0062":[[1,2]],"a":[]}',
    b',"\\u0062":[[1,2]],"b":[["1","2"]],"a":[["3","4"]]}',
    b',"b":[["1\\u0030","2"]],"a":[]}',
    b',"b":[["1","\\u0032"]],"a":[]}',
    b',"b":[["1" , "2"]],"a":[]}',
    b',"b":[ ["1","2"]\t],"a":[\n] }\r',
    b',"b":[["1","2"]] ,"a":[["1","2"] , ["3","4"]]}',
    b',"b":[["1 ","2"]],"a":[]}',
    b',"b":[["1",\n"2"]],"a":[]}',
    b',"b":[["0005","2"]],"a":[]}',
    b',"b":[["1e2","2E-1"]],"a":[]}',
    b',"b":[["1","-0"]],"a":[["1","0e9"]]}',
    b',"b":[["nan","2"]],"a":[]}',
    b',"b":[["1","Infinity"]],"a":[]}',
    b',"b":[["1","1e16"]],"a":[]}',
    b',"b":[["0","1"]],"a":[]}',
    b',"b":[["true","1"]],"a":[]}',
    b',"b":[["null","1"]],"a":[]}',
    b',"b":[null],"a":[]}',
    b',"b":null,"a":[]}',
    b',"b":[],"a":null}',
    b',"b":[],"a":{}}',
    b',"b":[],"a":"[]"}',
    b',"b":[["","1"]],"a":[]}',
    b',"b":[["1","2","3"]],"a":[]}',
    b',"b":[["1"]],"a":[["1","2","3"]]}',
    b',"b":["12"],"a":[]}',
    b',"b":[],"a":[]}}',
    b',"b":[],"a":[]} x',
    b',"b":[],"a":[]',
    b',"b":[["1","2"]],"a":[["3","4"]]}',
    b',"b":[],"a":[]}',
    b',"b":[["1","2"]],"a":[["3","4"]],"ps":"BTCUSDT","st":1}',
    b',"b":[],"a":[],"st":1}',
    b',"b":[["1","2"]],"a":[[3,"4"]],"st":"1"}',
    b',"b":[["1","2"]],"a":[["3",4]],"x":"]]"}',
    b',"b":[["1","2"]],"a":[["3","4"]],"a":[]}',
    b',"b":[["1","2"]],"a":[["3","4"]],"u":5}',
    b',"b":[["1","2"]],"a":[["3","4"]],"u":"5","u":5}',
    b',"b":[["1","2"]],"a":[["3","4"]],"x":{"a":[]}}',
    b',"b":[["1","2"]],"a":[["3","4"]],"x":["a"]}',
    b',"b":[["1","2"]],"a":[["3","4"]]"x":1}',
    b',"b":[["1","2"]],"a":[],"x":"]]","y":[["1","2"]]}',
    b',"b" :[["3","4"]],"a" :[["7","8"]],"x":{"y":1,"b":[["1","2"]],"a":[["5","6"]]}}',
    b',"b" :[["3","4"]],"a" :[],"x":[{"y":1,"b":[["1","2"]],"a":[]}]}',
    b',"b": [],"a": [],"x":{"y":{"z":1,"b":[],"a":[]}}}',
    b',"b":[["1","2"]],"a":[["3","4"]],"x]]":"y"}',
    b',"b":[["1","2"]],"a":[["3","4"]],"]],":1}',
    b',"b":[["1","2"]],"a":[["3","4"]],"x]],":"y","z":2}',
    b',"b":[["1","2"]],"a":[["3",4]],"x,"]]":1}',
    b',"b":[["1","2"]],"a":[["3","4"]],",]]":",","z]]":","}',
    b',"b":[["1","2"]],"a":[["3","4"]],"x]]":"}"}',
]


def test_fields_that_are_not_documented_do_not_cost_the_fast_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the end, where the exchange added them in 2026, or before the levels."""

    def refuse(data: bytes | str) -> DepthUpdate:
        raise AssertionError(data)

    monkeypatch.setattr(messages, "strict_depth_update", refuse)
    for end in (b"}", b',"ps":"BTCUSDT","st":1}', b',"x":null}'):
        event = decode_depth_update(HEAD + b',"ps":"BTCUSDT","b":[["1","2"]],"a":[["3","4"]]' + end)
        assert (event.bids, event.asks) == ([(1.0, 2.0)], [(3.0, 4.0)])
        assert decode_depth_update(HEAD + b',"b":[["1","2"]],"a":[]' + end).asks_quoted == b"[]"


@pytest.mark.parametrize("tail", HOSTILE)
def test_what_only_looks_plain_is_read_as_strictly(tail: bytes) -> None:
    """Bare numbers that strings elsewhere make up for, keys within keys, blanks, escapes, twice the same."""
    agree(HEAD + tail)
    agree(HEAD + b',"x":{"y":1' + tail[:-1] + b'},"b":[],"a":[]}')
    agree(b'{"b":[[1,2]],' + HEAD[1:] + tail)


NUMBERS = [
    "3",
    '"3"',
    "3.0",
    "3.5",
    "3e0",
    "-3",
    "-0",
    "true",
    "null",
    "[3]",
    str(2**63),
    str(2**64),
    "9" * 40,
]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("name", ["E", "T", "U", "u", "pu"])
def test_ids_and_times_are_read_as_strictly(name: str, number: str) -> None:
    """A quoted whole number, a float that is whole, and what 64 bits do not hold are refused."""
    wire = {"E": "3", "T": "2", "U": "0", "u": str(2**63 - 1), "pu": "0"} | {name: number}
    fields = ",".join(f'"{key}":{value}' for key, value in wire.items())
    agree(b'{"e":"depthUpdate","s":"BTCUSDT",' + fields.encode() + b',"b":[["1","2"]],"a":[]}')


PARTS = st.lists(
    st.sampled_from(
        [',"b":[', '],"a":[', ',"a":', '["1","2"]', '["1",2]', '[1,"2"]', "[1,2]", '"', ",", "[", "]", "{",
         "}", ":", "1", '"x"', '"x":1', '"x":"y"', "\\", " ", "\n", "null", '"b":', '"a":', "]}",
         "?", '"1","2"'],
    ),
    max_size=12,
)  # fmt: skip


@given(PARTS)
@property_settings(4_000)
def test_pieces_of_messages_are_read_as_strictly(parts: list[str]) -> None:
    """However they are put together."""
    agree(HEAD + "".join(parts).encode())
    agree(HEAD + b',"b":[' + "".join(parts).encode() + b'],"a":[]}')


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.floats(allow_nan=False)
    | st.sampled_from(["1", "2.50", "0", "-0", "nan", "x", ',"b":[', '"],["', "BTCUSDT", "depthUpdate"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abEux"), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(
    st.lists(st.tuples(st.sampled_from([*depth_wire(), "x"]), VALUES), max_size=3),
    st.randoms(),
    st.booleans(),
)
@property_settings(2_000)
def test_messages_of_any_json_are_read_as_strictly(
    changes: list[tuple[str, object]], random: Random, is_loose: bool
) -> None:
    """Fields that hold something else, in another order, with blanks, and twice."""
    fields = [*depth_wire().items(), *changes]
    if is_loose:
        random.shuffle(fields)
    texts = [f"{json.dumps(name)}:{json.dumps(value, separators=(',', ':'))}" for name, value in fields]
    agree(("{" + (", " if is_loose else ",").join(texts) + "}").encode())


def test_damaged_messages_are_read_as_strictly() -> None:
    """One byte of a good message is another, is missing or comes twice; some are messages still."""
    random, whole = Random(4), encode(depth_wire())  # noqa: S311 - seeded, no cryptography
    read = 0
    for at in range(len(whole)):
        for byte in {*b'"[],:{}0e-. \\', random.randrange(256)}:
            read += agree(whole[:at] + bytes([byte]) + whole[at + 1 :])
            read += agree(whole[:at] + bytes([byte]) + whole[at:])
        read += agree(whole[:at] + whole[at + 1 :])
    assert read > 100
    for frame in garbage("BTCUSDT"):
        agree(frame)


def test_a_lone_surrogate_is_malformed_in_a_field_that_nobody_reads() -> None:
    """Text that no bytes can be of."""
    text = encode(depth_wire(x="y")).decode()
    assert decode_depth_update(text).symbol == "BTCUSDT"
    with pytest.raises(MalformedMessage):
        decode_depth_update(text.replace('"y"', '"\ud800"'))
