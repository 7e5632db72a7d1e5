"""What an engine tells the API arrives as it was said."""

import json

import msgspec
import pytest

from api.feed.messages import FeedMessage, FeedState, decode_feed, encode_feed, feed_row
from state.frames import Frame, Row, missing_row
from tests.api.serving import a_book, a_frame, a_second, a_state, at, latencies, no_book


@pytest.mark.parametrize(
    "message",
    [
        a_second(at(1)),
        a_state(at(1), at(2)),
        FeedState("binance", [], None),
        a_book(7),
        no_book("gone"),
        latencies(3, 4_000, 1e6),
    ],
)
def test_a_message_survives_the_link(message: FeedMessage) -> None:
    """Decoding gives what was encoded."""
    assert decode_feed(encode_feed(message)) == message


def test_a_second_carries_the_frame_as_clients_get_it() -> None:
    """The frame's JSON has the fields of a frame, with their values, and its row those of a row."""
    second, frame = a_second(at(1)), a_frame(at(1))
    sent = json.loads(second.frame)
    assert tuple(sent) == Frame.__struct_fields__
    assert sent == json.loads(msgspec.json.encode(frame))
    row = json.loads(second.row.row)
    assert tuple(row) == Row.__struct_fields__
    assert row == {name: sent[name] for name in row}
    assert second.row.timestamp == sent["timestamp"]


def test_a_second_that_was_not_live_has_null_ladders() -> None:
    """Ladders of a missing second are null, so that they can be put into a row as they are."""
    row = feed_row(missing_row(at(1)))
    assert json.loads(row.ladders) is None
    assert json.loads(row.row)["mid_price"] is None


@pytest.mark.parametrize(
    "garbage", [b"", b"\xc1", b"{}", encode_feed(a_second(at(1)))[:-1], b"\x93\x01\x02\x03"]
)
def test_what_is_no_feed_message_is_an_error(garbage: bytes) -> None:
    """Anything else raises the one error that the server expects."""
    with pytest.raises(msgspec.DecodeError):
        decode_feed(garbage)
