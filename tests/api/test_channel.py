"""One symbol's frames, as its clients see them."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.channel import LATE_MS, Channel, Client, ForeignFrame
from api.feed.messages import FeedSecond
from state.frames import Frame, Row, Status
from tests.api.serving import NOT_MARKET_FIELDS, SOURCE, a_health, a_second, a_state, at

WINDOW = 180


def channel_of(*seconds: int) -> Channel:
    """Return a channel that has taken these seconds."""
    channel = Channel("BTCUSDT", SOURCE)
    for second in seconds:
        channel.add(a_second(at(second)))
    return channel


def joined(channel: Channel, *, ladders: bool = False, queue_size: int = 8) -> Client:
    """Return a client that has joined."""
    client = Client(ladders=ladders, queue_size=queue_size)
    channel.join(client)
    return client


async def texts(client: Client) -> list[str]:
    """Take all that waits for a client."""
    return [(await client.queue.get()).text for _ in range(len(client.queue))]


async def frames(client: Client) -> list[dict[str, Any]]:
    """Take all that waits for a client, decoded."""
    return [json.loads(text) for text in await texts(client)]


async def test_the_delay_of_a_frame_is_told_where_it_says_something() -> None:
    """Not of one that is not live, nor of the one with history, which a client may ask for at any time."""
    channel = channel_of(1)
    client = joined(channel)
    channel.add(a_second(at(2)))
    channel.fill_in(at(3), "a reason")
    assert [(await client.queue.get()).second for _ in range(3)] == [None, at(2), None]


async def test_who_reads_too_slowly_is_warned_of() -> None:
    """Beside the engine's own warnings, for as long as a queue is full."""
    channel = channel_of(1)
    assert channel.warnings() == a_health().warnings
    client = joined(channel, queue_size=2)
    channel.add(a_second(at(2)))
    (*_, slow) = channel.warnings()
    assert "1 of 1 clients" in slow
    await client.queue.get()
    assert channel.warnings() == a_health().warnings


async def history(channel: Channel, *, ladders: bool = False) -> list[dict[str, Any]]:
    """Return the rows that a client gets which joins now."""
    (first,) = await frames(joined(channel, ladders=ladders))
    rows: list[dict[str, Any]] = first["history"]
    return rows


@pytest.mark.parametrize("ladders", [False, True])
async def test_each_frame_is_encoded_once_for_all_clients_of_a_kind(ladders: bool) -> None:
    """Clients that asked for the same get the very same object, whenever they joined."""
    channel = channel_of(1)
    clients = [joined(channel, ladders=ladders) for _ in range(3)]
    channel.add(a_second(at(2)))
    channel.fill_in(at(3), "a reason")
    one, other, third = [await texts(client) for client in clients]
    assert len(one) == 3
    assert all(a is b and b is c for a, b, c in zip(one, other, third, strict=True))


async def test_only_those_who_ask_get_ladders() -> None:
    """Ladders come in the frames and in the rows of the window, or in neither."""
    channel = channel_of(1)
    plain, more = joined(channel), joined(channel, ladders=True)
    channel.add(a_second(at(2)))
    plain_first, plain_next = await frames(plain)
    more_first, more_next = await frames(more)
    assert "ladders" not in plain_first | plain_next
    assert [set(row) for row in plain_first["history"]] == [set(Row.__struct_fields__)]
    assert more_first.pop("ladders") == more_next.pop("ladders") != []
    assert [row.pop("ladders") for row in more_first["history"]] == [json.loads(a_second(at(1)).row.ladders)]
    assert (more_first, more_next) == (plain_first, plain_next)


async def test_the_first_frame_brings_the_window_and_later_ones_do_not() -> None:
    """A client that joins gets the newest frame at once, with all rows to it; then frames alone."""
    channel = channel_of(1, 2, 3)
    client = joined(channel)
    channel.add(a_second(at(4)))
    first, second = await frames(client)
    assert first["timestamp"] == at(3)
    assert [row["timestamp"] for row in first["history"]] == [at(1), at(2), at(3)]
    assert tuple(second) == Frame.__struct_fields__
    assert {key: value for key, value in first.items() if key != "history"} == json.loads(
        a_second(at(3)).frame
    )


async def test_one_who_joins_before_the_first_second_gets_the_window_with_it() -> None:
    """The first frame has history although the client was there before it."""
    channel = channel_of()
    client = joined(channel)
    assert len(client.queue) == 0
    channel.add(a_second(at(1)))
    channel.add(a_second(at(2)))
    first, second = await frames(client)
    assert [row["timestamp"] for row in first["history"]] == [at(1)]
    assert "history" not in second


async def test_the_window_is_bounded() -> None:
    """After more than three minutes the newest 180 rows are there, oldest first."""
    channel = channel_of(*range(1, 251))
    rows = await history(channel)
    assert [row["timestamp"] for row in rows] == [at(second) for second in range(71, 251)]
    assert len(rows) == WINDOW
    assert rows[-1]["mid_price"] == json.loads(a_second(at(250)).frame)["mid_price"]


async def test_a_slow_client_loses_its_oldest_frames_and_nobody_else_any() -> None:
    """Its queue keeps the newest; the loss is counted."""
    channel = channel_of(1)
    slow, quick = joined(channel, queue_size=3), joined(channel, queue_size=3)
    got = await frames(quick)
    for second in range(2, 12):
        channel.add(a_second(at(second)))
        got += await frames(quick)
    assert [frame["timestamp"] for frame in await frames(slow)] == [at(9), at(10), at(11)]
    assert [frame["timestamp"] for frame in got] == [at(second) for second in range(1, 12)]
    assert channel.frames_dropped == 8


async def test_one_who_has_left_gets_nothing() -> None:
    """After leaving no frame is put into a client's queue, and leaving twice is no error."""
    channel = channel_of(1)
    client = joined(channel)
    channel.leave(client)
    channel.leave(client)
    channel.add(a_second(at(2)))
    assert len(await texts(client)) == 1
    assert not channel.clients


async def test_a_dark_frame_has_the_keys_of_a_live_one_and_no_market_value() -> None:
    """So `frame["mid_price"]` never raises, and never lies."""
    channel = channel_of(1)
    client = joined(channel)
    channel.fill_in(at(2), "the engine has gone")
    live, dark = await frames(client)
    del live["history"]
    assert tuple(dark) == tuple(live)
    assert {key for key, value in live.items() if value is None} == {"reason", "unchanged_since"}
    assert all(value is None for key, value in dark.items() if key not in NOT_MARKET_FIELDS)
    assert dark["status"] != "live"
    assert (dark["reason"], dark["detections"], dark["health"]) == ("the engine has gone", [], None)
    assert (dark["symbol"], dark["source"], dark["timestamp"]) == ("BTCUSDT", SOURCE, at(2))
    (row,) = (row for row in await history(channel, ladders=True) if row["timestamp"] == at(2))
    assert (row["status"], row["reason"], row["mid_price"], row["ladders"]) == (
        dark["status"],
        dark["reason"],
        None,
        None,
    )


async def test_a_second_that_comes_after_it_went_dark_is_dropped() -> None:
    """What was given up is not shown after all: one frame a second."""
    channel = channel_of(1)
    client = joined(channel)
    channel.fill_in(at(2), "late")
    channel.add(a_second(at(2)))
    channel.add(a_second(at(1)))
    channel.add(a_second(at(3)))
    got = [(frame["timestamp"], frame["status"]) for frame in await frames(client)]
    assert got == [(at(1), "live"), (at(2), "syncing"), (at(3), "live")]
    assert [row["status"] for row in await history(channel)] == ["live", "syncing", "live"]


async def test_a_clock_that_was_set_back_is_followed() -> None:
    """Frames go on from the earlier time, and the window has no row of the future."""
    channel = channel_of(100, 101, 102)
    client = joined(channel)
    back = 102 - LATE_MS // 1000 - 1
    channel.add(a_second(at(back)))
    channel.add(a_second(at(back + 1)))
    assert [frame["timestamp"] for frame in await frames(client)] == [at(102), at(back), at(back + 1)]
    assert [row["timestamp"] for row in await history(channel)] == [at(back), at(back + 1)]


async def test_a_second_that_never_came_is_a_row_that_says_so() -> None:
    """A hole in time is not closed up, and nothing is invented for it."""
    rows = await history(channel_of(1, 4))
    assert [row["timestamp"] for row in rows] == [at(1), at(2), at(3), at(4)]
    assert [row["status"] for row in rows] == ["live", "syncing", "syncing", "live"]
    assert all(row["mid_price"] is None and row["reason"] for row in rows[1:3])


async def test_an_engine_that_comes_back_keeps_what_only_the_api_remembers() -> None:
    """Rows older than the engine's stay, the others are the engine's own, and its latest second goes out."""
    channel = channel_of(1, 2)
    client = joined(channel)
    channel.fill_in(at(3), "gone")
    channel.fill_in(at(4), "gone")
    channel.restore(a_state(at(4), at(5)))
    rows = await history(channel)
    assert [(row["timestamp"], row["status"]) for row in rows] == [
        (at(1), "live"),
        (at(2), "live"),
        (at(3), "syncing"),
        (at(4), "live"),
        (at(5), "live"),
    ]
    got = await frames(client)
    assert [frame["timestamp"] for frame in got] == [at(2), at(3), at(4), at(5)]
    assert got[-1]["status"] == "live"


async def test_a_link_that_was_only_cut_fills_the_window_again() -> None:
    """An engine that lived on replaces the API's dark rows by what it saw, ladders and all."""
    channel = channel_of(1)
    channel.fill_in(at(2), "gone")
    channel.restore(a_state(at(1), at(2), at(3)))
    rows = await history(channel, ladders=True)
    assert [row["status"] for row in rows] == ["live"] * 3
    assert all(row["ladders"] for row in rows)


async def test_no_second_is_sent_twice_when_an_engine_comes_back() -> None:
    """The engine's latest second is not sent if its clients have a frame of it, dark or not."""
    channel = channel_of(1)
    client = joined(channel)
    channel.fill_in(at(2), "gone")
    channel.restore(a_state(at(1), at(2)))
    assert [frame["timestamp"] for frame in await frames(client)] == [at(1), at(2)]
    assert channel.head is not None
    assert channel.head.status is not Status.LIVE


async def test_an_engine_that_knows_nothing_yet_changes_nothing() -> None:
    """A state without rows keeps the window and sends no frame."""
    channel = channel_of(1, 2)
    client = joined(channel)
    channel.restore(a_state())
    assert len(await frames(client)) == 1
    assert [row["timestamp"] for row in await history(channel)] == [at(1), at(2)]


async def test_a_state_of_another_source_leaves_nothing_behind() -> None:
    """It is refused whole, and dark frames go on naming the channel's own source."""
    channel = Channel("BTCUSDT", "binance")
    with pytest.raises(ForeignFrame, match="simulated"):
        channel.restore(a_state(at(1), source="simulated"))
    channel.fill_in(at(2), "gone")
    assert channel.head is not None
    assert channel.head.source == "binance"


async def test_what_is_no_frame_leaves_nothing_behind() -> None:
    """A second whose frame cannot be read is refused whole: no frame, no row."""
    channel = channel_of(1)
    client = joined(channel)
    with pytest.raises(msgspec.DecodeError):
        channel.add(FeedSecond(b"no frame", a_second(at(2)).row))
    assert [row["timestamp"] for row in await history(channel, ladders=True)] == [at(1)]
    assert len(await texts(client)) == 1


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["take", "dark", "restore"]), st.integers(1, 400)), min_size=1, max_size=30
    )
)
def test_the_window_is_always_whole(steps: list[tuple[str, int]]) -> None:
    """Whatever comes in whatever order, the rows are consecutive seconds, at most 180."""
    channel = Channel("BTCUSDT", SOURCE)
    for what, second in steps:
        if what == "take":
            channel.add(a_second(at(second)))
        elif what == "dark":
            channel.fill_in(at(second), "gone")
        else:
            channel.restore(a_state(at(second), at(second + 1)))
    client = joined(channel)
    first = json.loads(client.queue._queue.get_nowait().text)
    stamps = [row["timestamp"] for row in first["history"]]
    assert 1 <= len(stamps) <= WINDOW
    assert stamps == list(range(stamps[0], stamps[0] + 1000 * len(stamps), 1000))
