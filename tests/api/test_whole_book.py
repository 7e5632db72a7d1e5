"""What a channel sends to those who asked for all that the book knows."""

import json
from typing import Any

import msgspec
import pytest

from api.channel import Channel, Client
from api.feed.messages import FeedRow, FeedSecond, FeedState
from api.whole_book import NULL, book_after
from state.updates import Chunk, TapeEntry, Update, WholeBook, encoded
from tests.api.serving import SOURCE, a_second, at

BOOK = WholeBook(10, 1, 90.0, 110.0, [(99.0, 1.0), (98.0, 2.0)], [(101.0, 3.0)])
FIRST = Update(11, 10, 2, [(99.0, 0.0), (97.0, 5.0)], [], None, None)
SECOND = Update(12, 11, 3, [], [(102.0, 1.0), (109.0, 4.0)], 97.5, 105.0)


def second_of(number: int, chunk: Chunk) -> FeedSecond:
    """Return a second with these updates."""
    plain = a_second(at(number))
    row = msgspec.structs.replace(plain.row, **msgspec.structs.asdict(encoded(chunk)))
    return msgspec.structs.replace(plain, row=row)


SECONDS = [
    second_of(1, Chunk([FIRST], BOOK, [TapeEntry(5, 99.0, 1.0, None, "buy", 77)])),
    second_of(2, Chunk([SECOND], None, [])),
    second_of(3, Chunk([], None, [])),
]
AFTER = {
    "u": 12,
    "T": 3,
    "low": 97.5,
    "high": 105.0,
    "bids": [[98.0, 2.0]],
    "asks": [[101.0, 3.0], [102.0, 1.0]],
}


def rows_of(*seconds: FeedSecond) -> list[FeedRow]:
    """Return their rows."""
    return [second.row for second in seconds]


def test_the_whole_book_after_some_updates_is_worked_out() -> None:
    """Sizes are absolute, 0 removes, and what leaves the covered range is gone."""
    assert json.loads(book_after(rows_of(*SECONDS))) == AFTER


def test_rows_that_lead_to_no_book_give_none() -> None:
    """Without a whole book to begin with, and across a second that was dark."""
    dark = second_of(3, Chunk(None, None, []))
    assert (
        book_after([]) == book_after(rows_of(*SECONDS[1:])) == book_after(rows_of(*SECONDS[:2], dark)) == NULL
    )


def test_levels_that_the_range_left_do_not_come_back_with_it() -> None:
    """What changed of them in between was not told; a snapshot that widens the range tells what is there."""
    shrinks = Update(11, 10, 2, [], [], 99.0, None)
    grows = Update(11, 11, 2, [(97.0, 7.0)], [], 96.0, None)
    after = json.loads(book_after(rows_of(second_of(1, Chunk([shrinks, grows], BOOK, [])))))
    assert (after["low"], after["bids"]) == (96.0, [[99.0, 1.0], [97.0, 7.0]])


def test_updates_with_a_hole_between_them_lead_to_no_book() -> None:
    """As where seconds were replaced because a clock was set back."""
    assert book_after(rows_of(second_of(1, Chunk([FIRST], BOOK, [])), SECONDS[2])) != NULL
    assert book_after(rows_of(second_of(1, Chunk([], BOOK, [])), SECONDS[1])) == NULL


async def frames(client: Client) -> list[dict[str, Any]]:
    """Take all that waits for a client, decoded."""
    return [json.loads((await client.queue.get()).text) for _ in range(len(client.queue))]


async def test_who_joins_gets_the_window_before_and_the_book_of_the_frame() -> None:
    """The frame's own second is not in `history` too, or its updates would be applied twice."""
    channel = Channel("BTCUSDT", SOURCE)
    for second in SECONDS:
        channel.add(second)
    client = Client(updates=True, queue_size=8)
    channel.join(client)
    (first,) = await frames(client)
    assert [row["timestamp"] for row in first["history"]] == [at(1), at(2)]
    assert first["history"][0]["book"]["u"] == 10
    assert first["history"][0]["tape"] == [[5, 99.0, 1.0, None, "buy", 77]]
    assert (first["timestamp"], first["updates"], first["book"]) == (at(3), [], AFTER)
    channel.add(second_of(4, Chunk([Update(13, 12, 4, [], [])], None, [])))
    (following,) = await frames(client)
    assert (following["updates"][0]["pu"], following["book"]) == (12, None)
    assert "history" not in following
    assert "low" not in following["updates"][0]


async def test_nobody_else_gets_them() -> None:
    """Frames of those who did not ask stay as they are."""
    channel = Channel("BTCUSDT", SOURCE)
    for second in SECONDS:
        channel.add(second)
    client = Client(queue_size=8)
    channel.join(client)
    channel.add(second_of(4, Chunk([], None, [])))
    for frame in await frames(client):
        assert not {"updates", "book", "tape"} & frame.keys()


async def test_who_lost_a_frame_gets_history_again_from_the_newest_book_on() -> None:
    """With the next frame, and once."""
    channel = Channel("BTCUSDT", SOURCE)
    channel.add(SECONDS[0])
    client = Client(updates=True, queue_size=2)
    channel.join(client)
    channel.add(SECONDS[1])
    newer = WholeBook(12, 3, 97.5, 105.0, [(98.0, 2.0)], [(101.0, 3.0)])
    channel.add(second_of(3, Chunk([], newer, [])))  # one too many
    assert channel.frames_dropped == 1
    await frames(client)
    channel.add(second_of(4, Chunk([], None, [])))
    channel.add(second_of(5, Chunk([], None, [])))
    again, then = await frames(client)
    assert [row["timestamp"] for row in again["history"]] == [at(3)]
    assert again["book"]["u"] == 12
    assert "history" not in then


LATER = second_of(4, Chunk([Update(13, 12, 4, [(98.0, 7.0)], [])], None, []))
LEADS_TO_LATER = AFTER | {"bids": [[98.0, 2.0]]}


@pytest.mark.parametrize("late", [[2, 3], [3], [2]], ids=["two late", "one late", "late, then in time"])
async def test_a_whole_book_comes_after_seconds_that_went_out_dark(late: list[int]) -> None:
    """What the engine told too late to be sent still leads to the book of the next live frame."""
    channel = Channel("BTCUSDT", SOURCE)
    channel.add(SECONDS[0])
    client = Client(updates=True, queue_size=8)
    channel.join(client)
    for number in (2, 3):
        if number in late:
            channel.fill_in(at(number), "the engine of this symbol does not answer")
        assert channel.add(SECONDS[number - 1]) is (number not in late)
    channel.add(LATER)
    *_, last = await frames(client)
    live_before = 3 not in late
    assert (last["timestamp"], last["book"]) == (at(4), None if live_before else LEADS_TO_LATER)
    joining = Client(updates=True, queue_size=8)
    channel.join(joining)
    (first,) = await frames(joining)
    assert first["book"] == LEADS_TO_LATER


async def test_a_whole_book_comes_after_a_clock_was_set_back_a_little() -> None:
    """Seconds that were told once more do not go out, and their updates lead on all the same."""
    channel = Channel("BTCUSDT", SOURCE)
    for second in SECONDS:
        channel.add(second)
    client = Client(updates=True, queue_size=8)
    channel.join(client)
    assert not channel.add(second_of(3, Chunk([Update(13, 12, 4, [(98.0, 7.0)], [])], None, [])))
    channel.add(second_of(4, Chunk([Update(14, 13, 5, [], [])], None, [])))
    *_, last = await frames(client)
    assert last["updates"][0]["pu"] == last["book"]["u"] == 13
    assert last["book"]["bids"] == [[98.0, 7.0]]
    channel.add(second_of(5, Chunk([Update(15, 14, 6, [], [])], None, [])))
    (following,) = await frames(client)
    assert following["book"] is None


async def test_a_whole_book_comes_after_an_engine_was_away_and_has_gone_on() -> None:
    """The link was cut: seconds went out dark, and the engine's own rows lead on."""
    channel = Channel("BTCUSDT", SOURCE)
    channel.add(SECONDS[0])
    client = Client(updates=True, queue_size=8)
    channel.join(client)
    for number in (2, 3):
        channel.fill_in(at(number), "the engine of this symbol is not running")
    channel.restore(FeedState(SOURCE, rows_of(*SECONDS), SECONDS[-1]))
    channel.add(LATER)
    *_, last = await frames(client)
    assert (last["timestamp"], last["book"]) == (at(4), LEADS_TO_LATER)


async def test_the_window_begins_with_a_whole_book_wherever_its_oldest_row_lies() -> None:
    """Rows beyond the window lead to it, and are not sent themselves."""
    channel = Channel("BTCUSDT", SOURCE)
    assert channel.add(second_of(1, Chunk([FIRST], BOOK, [])))
    assert channel.add(second_of(2, Chunk([SECOND], None, [])))
    for number in range(3, 184):
        channel.add(second_of(number, Chunk([], None, [])))
    client = Client(updates=True, queue_size=4)
    channel.join(client)
    (first,) = await frames(client)
    rows = first["history"]
    assert [row["timestamp"] for row in rows] == [at(number) for number in range(4, 183)]
    assert (rows[0]["book"], rows[1]["book"]) == (AFTER, None)
