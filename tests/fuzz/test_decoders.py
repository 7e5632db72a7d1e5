"""The decoders of market data, fed with bytes of all kinds: a message or `MalformedMessage`, no growth."""

import gc
import tracemalloc
from collections.abc import Callable
from math import isfinite
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_ingestion.errors import MalformedMessage
from data_ingestion.messages import decode_agg_trade, decode_depth_update, decode_snapshot
from data_ingestion.simulated_exchange.faults import garbage
from tests.builders import depth_wire, encode, property_settings, snapshot_wire, trade_wire

Decode = Callable[[bytes], msgspec.Struct]

DECODERS: list[Decode] = [decode_depth_update, decode_snapshot, decode_agg_trade]
VALID = [encode(wire()) for wire in (depth_wire, snapshot_wire, trade_wire)]
ROUNDS = 3_000
NOISE = 64 * 1024  # bytes that any run of Python may keep for itself

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=20),
    st.sampled_from(["NaN", "inf", "1e999", "-0", "0x1", "1_0", " 1", "", "1e-400", "9" * 400]),
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@st.composite
def almost_valid(draw: st.DrawFn) -> bytes:
    """Return a valid message in which some fields are missing, or hold something else."""
    wire = draw(st.sampled_from([depth_wire, snapshot_wire, trade_wire]))()
    for name in draw(st.lists(st.sampled_from(sorted(wire)), max_size=3, unique=True)):
        if draw(st.booleans()):
            wire[name] = draw(values)
        else:
            del wire[name]
    return encode(wire)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Return a valid message with some bytes changed, cut out, doubled or put in."""
    data = bytearray(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, len(data)))
        stop = min(len(data), at + draw(st.integers(0, 12)))
        data[at:stop] = draw(st.binary(max_size=6)) + bytes(data[at:stop]) * draw(st.integers(0, 2))
    return bytes(data)


def numbers_of(value: object) -> list[float]:
    """Return all floats inside a message."""
    if isinstance(value, float):
        return [value]
    if isinstance(value, list | tuple):
        return [number for item in value for number in numbers_of(item)]
    return []


@given(data=st.one_of(st.binary(max_size=300), almost_valid(), damaged(), values.map(encode)))
@property_settings(1_500)
def test_any_bytes_are_a_message_or_malformed(data: bytes) -> None:
    """Nothing else is raised, and what is a message has finite numbers only."""
    for decode in DECODERS:
        try:
            message = decode(data)
        except MalformedMessage:
            continue
        found = numbers_of([getattr(message, name) for name in message.__struct_fields__])
        assert all(isfinite(number) and number >= 0 for number in found)


@pytest.mark.parametrize(
    "opening", [b"[", b'{"b":', b'{"e":"depthUpdate","b":[[', b'"', b"\xff\xfe", b"\x00"]
)
@pytest.mark.parametrize("times", [1_000, 200_000])
def test_what_never_ends_is_malformed(opening: bytes, times: int) -> None:
    """However deep or long: no stack runs out."""
    for decode in DECODERS:
        with pytest.raises(MalformedMessage):
            decode(opening * times)


@pytest.mark.parametrize("digits", [16, 400, 100_000])
def test_numbers_of_any_length_are_read_or_malformed(digits: int) -> None:
    """A size of a hundred thousand digits costs no more than its bytes."""
    level = [["1" * digits, "1." + "3" * digits]]
    with pytest.raises(MalformedMessage):
        decode_depth_update(encode(depth_wire(b=level)))


def test_nothing_grows() -> None:
    """Thousands of broken messages, each another, leave no memory behind."""
    random = Random(1)  # noqa: S311 - no cryptography

    def some() -> None:
        for number in range(ROUNDS):
            data = bytearray(VALID[number % 3])
            data[random.randrange(len(data))] = random.randrange(256)
            for decode in DECODERS:
                try:
                    decode(bytes(data))
                except MalformedMessage as error:
                    str(error)
        for frame in garbage("BTCUSDT"):
            for decode in DECODERS:
                with pytest.raises(MalformedMessage):
                    decode(frame)

    some()
    gc.collect()
    tracemalloc.start()
    try:
        some()
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < NOISE
    finally:
        tracemalloc.stop()
