"""Wire messages: strict on what is documented, blind to the rest."""

import json
from collections.abc import Callable, Iterator
from math import isfinite

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_ingestion.errors import MalformedMessage
from data_ingestion.messages import (
    AggTrade,
    DepthUpdate,
    Levels,
    Snapshot,
    decode_agg_trade,
    decode_depth_update,
    decode_snapshot,
)
from tests.builders import depth_wire, encode, property_settings, snapshot_wire, trade_wire

Decode = Callable[[bytes | str], msgspec.Struct]
Wire = Callable[..., dict[str, object]]

KINDS: list[tuple[Decode, Wire]] = [
    (decode_depth_update, depth_wire),
    (decode_snapshot, snapshot_wire),
    (decode_agg_trade, trade_wire),
]
INTEGERS: dict[Decode, tuple[str, ...]] = {
    decode_depth_update: ("E", "T", "U", "u", "pu"),
    decode_snapshot: ("lastUpdateId", "E", "T"),
    decode_agg_trade: ("E", "a", "f", "l", "T"),
}
LEVELS: dict[Decode, tuple[str, str]] = {decode_depth_update: ("b", "a"), decode_snapshot: ("bids", "asks")}
NOT_INTEGERS: tuple[object, ...] = ("105", 105.0, 105.5, None, True, [], {}, [105])
NOT_DECIMALS = (
    "",
    "abc",
    "nan",
    "NaN",
    "inf",
    "-inf",
    "Infinity",
    "-1",
    "-0.001",
    "1e16",
    "1e400",
    "1_000",
    "1,5",
    " 1.0",
    "1.0 ",
    "+1",
    "0x10",
    "1.0\u0000",
    "\u0661",
)
NOT_STRINGS: tuple[object, ...] = (1, 1.5, 0, None, True, [], {}, ["1.0"])
NOT_LEVELS: tuple[object, ...] = (
    None,
    "61000.10",
    1,
    {},
    {"61000.10": "1"},
    ["61000.10", "1"],
    [["61000.10"]],
    [["61000.10", "1", "2"]],
    [[["61000.10", "1"]]],
    [{"p": "61000.10", "q": "1"}],
    [None],
    [["61000.10", "1"], []],
)


def test_depth_update_is_read_field_by_field() -> None:
    """Every documented field of a depth update arrives under its name."""
    assert decode_depth_update(encode(depth_wire())) == DepthUpdate(
        event_time=1_723_075_200_123,
        transaction_time=1_723_075_200_120,
        symbol="BTCUSDT",
        first_update_id=101,
        final_update_id=105,
        previous_final_update_id=98,
        bids=[(61000.1, 1.5), (61000.0, 0.0)],
        asks=[(61000.2, 2.25)],
        bids_quoted=b'[["61000.10","1.500"],["61000.00","0.000"]]',
        asks_quoted=b'[["61000.20","2.250"]]',
    )


def test_snapshot_is_read_field_by_field() -> None:
    """Every documented field of a snapshot arrives under its name."""
    assert decode_snapshot(encode(snapshot_wire())) == Snapshot(
        last_update_id=103,
        event_time=1_723_075_200_123,
        transaction_time=1_723_075_200_120,
        bids=[(61000.1, 1.5), (61000.0, 0.7)],
        asks=[(61000.2, 2.25)],
    )


def test_trade_is_read_field_by_field() -> None:
    """Every documented field of an aggregate trade arrives under its name, the visible size too."""
    assert decode_agg_trade(encode(trade_wire())) == AggTrade(
        event_time=1_723_075_200_123,
        symbol="BTCUSDT",
        trade_id=5_933_014,
        price=61000.1,
        size=0.15,
        visible_size=0.1,
        first_trade_id=100,
        last_trade_id=105,
        trade_time=1_723_075_200_120,
        buyer_is_maker=True,
    )


def test_visible_size_is_optional_and_not_invented() -> None:
    """A trade without `nq` has no visible size, rather than the whole size or 0."""
    fields = trade_wire()
    del fields["nq"]
    assert decode_agg_trade(encode(fields)).visible_size is None
    assert decode_agg_trade(encode(trade_wire(nq="0"))).visible_size == 0.0


@pytest.mark.parametrize("maker", [True, False])
def test_the_makers_side_is_kept(maker: bool) -> None:
    """`m` is taken over as it is."""
    assert decode_agg_trade(encode(trade_wire(m=maker))).buyer_is_maker is maker


@pytest.mark.parametrize(("decode", "wire"), KINDS)
def test_text_and_bytes_are_read_alike(decode: Decode, wire: Wire) -> None:
    """A text frame and its UTF-8 bytes give the same message."""
    assert decode(encode(wire()).decode()) == decode(encode(wire()))


@pytest.mark.parametrize(("decode", "wire"), KINDS)
def test_unknown_fields_are_ignored(decode: Decode, wire: Wire) -> None:
    """What the exchange adds one day changes nothing."""
    added = wire(ps="BTCUSDT", st=2, X={"nested": [1, None, {"a": "b"}]}, zz="nan", emoji="\U0001f9ea")
    assert decode(encode(added)) == decode(encode(wire()))


@pytest.mark.parametrize(
    ("decode", "wire", "name"),
    [(decode, wire, name) for decode, wire in KINDS for name in wire() if name != "nq"],
)
def test_missing_field_is_malformed(decode: Decode, wire: Wire, name: str) -> None:
    """No documented field may be left out."""
    fields = wire()
    del fields[name]
    with pytest.raises(MalformedMessage):
        decode(encode(fields))


@pytest.mark.parametrize(
    ("decode", "wire", "name", "value"),
    [
        (decode, wire, name, value)
        for decode, wire in KINDS
        for name in INTEGERS[decode]
        for value in NOT_INTEGERS
    ],
)
def test_integer_of_another_type_is_malformed(decode: Decode, wire: Wire, name: str, value: object) -> None:
    """Ids and times are JSON integers, not strings, floats, null or anything else."""
    with pytest.raises(MalformedMessage):
        decode(encode(wire(**{name: value})))


@pytest.mark.parametrize("value", [-1, 2**63, 2**80])
@pytest.mark.parametrize("name", ["E", "T", "U", "u", "pu"])
def test_integer_out_of_range_is_malformed(name: str, value: int) -> None:
    """Ids and times are neither negative nor wider than 64 bits."""
    with pytest.raises(MalformedMessage):
        decode_depth_update(encode(depth_wire(**{"U": 0, "u": 2**63 - 1, name: value})))


@pytest.mark.parametrize("value", [-1, 2**63, 2**80])
def test_snapshot_id_out_of_range_is_malformed(value: int) -> None:
    """The snapshot's id is neither negative nor wider than 64 bits."""
    with pytest.raises(MalformedMessage):
        decode_snapshot(encode(snapshot_wire(lastUpdateId=value)))


@pytest.mark.parametrize(
    ("decode", "wire", "name", "value"),
    [
        (decode, wire, name, [pair])
        for decode, wire in KINDS[:2]
        for name in LEVELS[decode]
        for value in (*NOT_DECIMALS, *NOT_STRINGS)
        for pair in ([value, "1.0"], ["61000.10", value])
    ],
)
def test_level_that_is_not_two_decimal_strings_is_malformed(
    decode: Decode, wire: Wire, name: str, value: object
) -> None:
    """Prices and sizes are finite decimal strings of a possible amount."""
    with pytest.raises(MalformedMessage):
        decode(encode(wire(**{name: value})))


@pytest.mark.parametrize("zero", ["0", "0.0", "0.00000000", "-0", "-0.0"])
@pytest.mark.parametrize(("decode", "wire"), KINDS[:2])
def test_price_of_zero_is_malformed(decode: Decode, wire: Wire, zero: str) -> None:
    """No level stands at price 0."""
    with pytest.raises(MalformedMessage):
        decode(encode(wire(**{LEVELS[decode][0]: [[zero, "1"]]})))


@pytest.mark.parametrize("value", [*NOT_DECIMALS, *NOT_STRINGS])
@pytest.mark.parametrize("name", ["p", "q", "nq"])
def test_trade_amount_that_is_no_decimal_string_is_malformed(name: str, value: object) -> None:
    """The price and both sizes of a trade are finite decimal strings of a possible amount."""
    with pytest.raises(MalformedMessage):
        decode_agg_trade(encode(trade_wire(**{name: value})))


@pytest.mark.parametrize("value", NOT_LEVELS)
@pytest.mark.parametrize(
    ("decode", "wire", "name"),
    [(decode, wire, name) for decode, wire in KINDS[:2] for name in LEVELS[decode]],
)
def test_levels_of_another_shape_are_malformed(decode: Decode, wire: Wire, name: str, value: object) -> None:
    """Levels are an array of pairs."""
    with pytest.raises(MalformedMessage):
        decode(encode(wire(**{name: value})))


def test_one_bare_number_among_many_strings_is_malformed() -> None:
    """A single number in place of a decimal string is found among a hundred good levels."""
    levels: list[list[object]] = [[f"{60000 + index}.10", "1.5"] for index in range(100)]
    levels[57][1] = 1.5
    with pytest.raises(MalformedMessage):
        decode_depth_update(encode(depth_wire(b=levels)))


@pytest.mark.parametrize(
    ("decode", "wire", "name", "value"),
    [
        (decode_depth_update, depth_wire, "e", "aggTrade"),
        (decode_depth_update, depth_wire, "e", "DEPTHUPDATE"),
        (decode_depth_update, depth_wire, "e", None),
        (decode_depth_update, depth_wire, "e", 1),
        (decode_depth_update, depth_wire, "s", None),
        (decode_depth_update, depth_wire, "s", 1),
        (decode_depth_update, depth_wire, "s", ["BTCUSDT"]),
        (decode_agg_trade, trade_wire, "e", "trade"),
        (decode_agg_trade, trade_wire, "e", None),
        (decode_agg_trade, trade_wire, "s", None),
        (decode_agg_trade, trade_wire, "m", "true"),
        (decode_agg_trade, trade_wire, "m", 1),
        (decode_agg_trade, trade_wire, "m", None),
    ],
)
def test_event_type_symbol_and_flag_of_another_kind_are_malformed(
    decode: Decode, wire: Wire, name: str, value: object
) -> None:
    """Another event type, a symbol that is no string and a flag that is no boolean are refused."""
    with pytest.raises(MalformedMessage):
        decode(encode(wire(**{name: value})))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"null",
        b"1",
        b'"text"',
        b"[]",
        b"[{}]",
        b"{}",
        b"{]",
        b'{"result":null,"id":1}',
        b'{"code":-1121,"msg":"Invalid symbol."}',
        b"<html>502 Bad Gateway</html>",
        b"\xff\xfe\x00",
        b"\x80\x81",
        b"[" * 100_000,
        b'{"e":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "\ud800",
        '{"e":"\\ud800"}',
    ],
)
@pytest.mark.parametrize("decode", [decode for decode, _ in KINDS])
def test_data_that_is_no_message_is_malformed(decode: Decode, data: bytes | str) -> None:
    """Whatever arrives in place of a message, nothing but `MalformedMessage` is raised."""
    with pytest.raises(MalformedMessage):
        decode(data)


@pytest.mark.parametrize(("decode", "wire"), KINDS)
def test_every_truncation_is_malformed(decode: Decode, wire: Wire) -> None:
    """A message cut off anywhere is refused, and so is one with something behind it."""
    whole = encode(wire())
    for end in range(len(whole)):
        with pytest.raises(MalformedMessage):
            decode(whole[:end])
    with pytest.raises(MalformedMessage):
        decode(whole + b"x")


@pytest.mark.parametrize(("decode", "wire"), [KINDS[0], KINDS[2]])
def test_bytes_that_are_not_utf8_are_malformed(decode: Decode, wire: Wire) -> None:
    """A symbol of bytes that are not UTF-8 is refused."""
    with pytest.raises(MalformedMessage):
        decode(encode(wire()).replace(b"BTC", b"\xff\xfe\xfd"))


@pytest.mark.parametrize(("decode", "wire"), KINDS)
def test_deep_nesting_in_an_unknown_field_is_malformed(decode: Decode, wire: Wire) -> None:
    """Nesting deeper than the decoder's stack ends as a malformed message, not as another error."""
    nested = b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"," + encode(wire())[1:]
    with pytest.raises(MalformedMessage):
        decode(nested)


def test_update_ids_that_run_backwards_are_malformed() -> None:
    """The first update of an event cannot come after its last."""
    with pytest.raises(MalformedMessage):
        decode_depth_update(encode(depth_wire(U=106, u=105)))
    assert decode_depth_update(encode(depth_wire(U=105, u=105))).first_update_id == 105


def test_empty_sides_are_messages_like_others() -> None:
    """A diff and a snapshot without levels are well formed."""
    event = decode_depth_update(encode(depth_wire(b=[], a=[])))
    assert (event.bids, event.asks) == ([], [])
    reply = decode_snapshot(encode(snapshot_wire(bids=[], asks=[])))
    assert (reply.bids, reply.asks) == ([], [])


@pytest.mark.parametrize("zero", ["0", "0.0", "0.000", "0.00000000", "-0", "-0.0", "0e5"])
def test_zero_size_is_zero_in_every_spelling(zero: str) -> None:
    """A size of zero is the number 0, however it is written."""
    assert decode_depth_update(encode(depth_wire(b=[["61000.10", zero]]))).bids == [(61000.1, 0.0)]


@given(
    ticks=st.integers(1, 10**14),
    decimals=st.integers(0, 8),
    zeros=st.integers(0, 4),
)
@property_settings(200)
def test_equal_decimals_give_equal_prices(ticks: int, decimals: int, zeros: int) -> None:
    """A decimal of up to fifteen digits is the same price with and without trailing zeros."""
    whole, part = divmod(ticks, 10**decimals)
    text = f"{whole}.{part:0{decimals}d}" if decimals else str(whole)
    padded = text + ("" if decimals else ".0") + "0" * zeros
    event = decode_depth_update(encode(depth_wire(b=[[text, "1"], [padded, "1"]])))
    assert event.bids[0] == event.bids[1] == (float(text), 1.0)


@given(data=st.binary(max_size=200))
@property_settings(200)
def test_random_bytes_are_malformed(data: bytes) -> None:
    """No random bytes make a message or an unexpected error."""
    for decode, _ in KINDS:
        with pytest.raises(MalformedMessage):
            decode(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(kind=st.sampled_from(KINDS), data=st.data())
@property_settings(300)
def test_a_field_of_any_json_is_read_or_malformed(kind: tuple[Decode, Wire], data: st.DataObject) -> None:
    """Whatever stands in one field, the message is read or malformed, and what is read is finite."""
    decode, wire = kind
    name = data.draw(st.sampled_from(sorted(wire())))
    raw = encode(wire(**{name: data.draw(JSON)}))
    try:
        message = decode(raw)
    except MalformedMessage:
        return
    assert all(isfinite(number) for number in _floats(msgspec.structs.astuple(message)))


def _floats(value: object) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _floats(inner)


ODD = st.lists(
    st.sampled_from(['[["', '"],["', '","', '"]]', '"', "[", "]", ",", "1", "2.50", "0", " ", "-", "e5"])
)


@given(ODD)
@property_settings(2_000)
def test_levels_are_pairs_of_strings_however_the_brackets_fall(parts: list[str]) -> None:
    """Brackets, commas and blanks inside strings do not pass for structure once the quotes are gone."""
    text = "".join(parts)
    try:
        levels = json.loads(text)
    except ValueError:
        return
    wire = encode(depth_wire()).replace(b'[["61000.20","2.250"]]', text.encode())
    try:
        event = decode_depth_update(wire)
    except MalformedMessage:
        return
    assert all(isinstance(part, str) for pair in levels for part in pair)
    assert event.asks == [(float(price), float(size)) for price, size in levels]


@pytest.mark.parametrize(
    "asks",
    ['["[1","2]"]', '[["1,2"]]', '[["1 ","2"]]', '[["1","2],[3","4"]]', '[["1","2"],"[3","4]"]', "[]]"],
)
def test_what_is_no_pair_of_strings_is_malformed_without_its_quotes_too(asks: str) -> None:
    """Texts that would be levels if quotes were only left out."""
    wire = encode(depth_wire()).replace(b'[["61000.20","2.250"]]', asks.encode())
    with pytest.raises(MalformedMessage):
        decode_depth_update(wire)


DECIMALS = st.tuples(st.integers(1, 10**12), st.integers(0, 8)).map(lambda d: f"{d[0] / 10 ** d[1]:.{d[1]}f}")


@given(st.lists(st.tuples(DECIMALS, DECIMALS), max_size=20), st.booleans())
@property_settings(200)
def test_a_messages_own_digits_are_its_levels_once_more(pairs: list[tuple[str, str]], blanks: bool) -> None:
    """What is kept of the exchange's own digits is the very same floats, with blanks and without."""
    wire = depth_wire(b=[list(pair) for pair in pairs])
    event = decode_depth_update(json.dumps(wire) if blanks else encode(wire))
    assert event.bids == [(float(price), float(size)) for price, size in pairs]
    for levels, text in ((event.bids, event.bids_quoted), (event.asks, event.asks_quoted)):
        assert msgspec.json.decode(text.translate(None, b'"'), type=Levels) == levels
