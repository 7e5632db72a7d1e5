"""One second put behind what went out of another engine: by hand, each case."""

import json
from typing import Any

import msgspec
import pytest

from api.bus.bridge import CannotFollow, bridged
from api.feed.messages import FeedRow, FeedSecond
from data_ingestion.messages import Levels
from state.updates import Update, WholeBook
from tests.builders import START_MS, side

BIDS, ASKS = side(100, -1, 12), side(101, 1, 12)
TRADES = {"buy_volume": 1.0, "sell_volume": 0.0, "count": 1}


def book(u: int, *, bids: Levels = BIDS, low: float = 89.0, high: float = 112.0) -> bytes:
    """Return a whole book."""
    inside = [level for level in bids if level[0] >= low], [level for level in ASKS if level[0] <= high]
    return msgspec.json.encode(WholeBook(u, u, low, high, *inside))


def update(u: int, pu: int, *bids: tuple[float, float], **edges: float) -> Update:
    """Return an update of bids."""
    return Update(u, pu, u, list(bids), [], **edges)


def row(second: int, updates: list[Update], whole: bytes = b"null", tape: tuple[int, ...] = ()) -> FeedRow:
    """Return a row; trades of 1 at 100 with these ids arrived in it."""
    last = updates[-1].u if updates else 5
    said = {"status": "live", "last_update_id": last, "trades": TRADES, "ofi": 9.0, "ofi_best": 9.0}
    entries = [(START_MS, 100.0, 1.0, None, "buy", number) for number in tape]
    return FeedRow(
        START_MS + 1_000 * second,
        msgspec.json.encode(said),
        b"null",
        msgspec.json.encode(updates),
        whole,
        msgspec.json.encode(entries),
    )


def follows(second: FeedRow, out: list[FeedRow], theirs: list[FeedRow]) -> dict[str, Any]:
    """Return the keys of a second as it goes out."""
    told = bridged(FeedSecond(b"", second), out, theirs).row
    parts = {name: json.loads(getattr(told, name)) for name in ("updates", "book", "tape")}
    said: dict[str, Any] = json.loads(told.row)
    return said | parts


OUT = [row(0, [update(5, 4, (100.0, 2.0))], book(4), tape=(10,))]


def ids(said: dict[str, Any]) -> list[int]:
    """Return the updates by id."""
    return [one["u"] for one in said["updates"]]


def test_an_event_that_the_other_had_in_the_second_before_is_told_now() -> None:
    """And what went out is not; the flow is that of what is told."""
    theirs = [row(0, [update(5, 4, (100.0, 2.0)), update(6, 5, (100.0, 5.0))], book(4))]
    said = follows(row(1, [update(7, 6, (100.0, 1.0))]), OUT, theirs)
    assert ids(said) == [6, 7]
    assert said["book"] is None
    assert said["ofi"] == said["ofi_best"] == -1.0


def test_an_event_that_the_other_had_later_is_not_told_again() -> None:
    """Its second begins with it."""
    said = follows(
        row(1, [update(5, 4, (100.0, 2.0)), update(7, 5, (99.0, 3.0))]), OUT, [row(0, [], book(4))]
    )
    assert ids(said) == [7]
    assert said["ofi"] == 2.0


def test_an_entry_in_front_takes_the_book_to_the_range_of_the_other() -> None:
    """It brings levels that were not known, and says what is known no more."""
    theirs = [row(0, [update(5, 4, (100.0, 2.0))], book(4, bids=side(100, -1, 20), low=81.0, high=111.0))]
    first, second = follows(row(1, [update(7, 5, (99.0, 3.0))]), OUT, theirs)["updates"]
    assert (first["u"], first["pu"], first["low"], first["high"]) == (5, 5, 81.0, 111.0)
    assert [price for price, _ in first["bids"]] == [88.0, 87.0, 86.0, 85.0, 84.0, 83.0, 82.0, 81.0]
    assert second["u"] == 7


def test_who_lies_behind_does_not_go_out() -> None:
    """A frame never goes back in time."""
    with pytest.raises(CannotFollow, match="behind"):
        follows(row(1, []), OUT, [row(0, [], book(4))])


def test_two_that_contradict_each_other_are_not_shown_as_one() -> None:
    """At the same update one of them must be wrong."""
    theirs = [row(0, [update(5, 4, (99.0, 7.0))], book(4))]
    with pytest.raises(CannotFollow, match="wrong"):
        follows(row(1, [update(7, 5)]), OUT, theirs)


def test_who_began_anew_in_between_begins_with_its_own_book() -> None:
    """What it told before does not lead there, although nothing of it is missing."""
    theirs = [row(0, [update(5, 4, (100.0, 2.0))], book(4))]
    said = follows(row(1, [update(9, 8)], book(8)), OUT, theirs)
    assert said["book"]["u"] == 8
    assert ids(said) == [9]


def test_a_frame_that_its_updates_do_not_lead_to_does_not_go_out() -> None:
    """It would be another book than its clients have."""
    torn = msgspec.structs.replace(row(1, [update(7, 5)]), updates=b"[]")
    with pytest.raises(CannotFollow, match="lead to"):
        follows(torn, OUT, [row(0, [update(5, 4, (100.0, 2.0))], book(4))])


def test_who_was_told_other_events_does_not_go_out() -> None:
    """None of its books is the one that who listens has."""
    with pytest.raises(CannotFollow, match="other events"):
        follows(row(1, [update(6, 4)]), OUT, [row(0, [], book(4))])


def test_who_began_later_begins_with_its_own_book() -> None:
    """Nothing leads to it."""
    said = follows(row(1, [update(9, 8)], book(8)), OUT, [])
    assert said["book"]["u"] == 8
    with pytest.raises(CannotFollow, match="whole book"):
        follows(row(1, [update(9, 8)]), OUT, [])


def test_trades_go_on_after_the_last_one_and_are_summed_anew() -> None:
    """Those of the second before too, if they did not go out."""
    theirs = [row(0, [update(5, 4, (100.0, 2.0))], book(4), tape=(10, 11))]
    said = follows(row(1, [], tape=(12,)), OUT, theirs)
    assert [entry[5] for entry in said["tape"]] == [11, 12]
    assert (said["trades"]["count"], said["trades"]["buy_volume"]) == (2, 2.0)


def test_where_a_trade_is_missing_the_sums_are_not_known() -> None:
    """The tape shows the hole."""
    theirs = [row(0, [update(5, 4, (100.0, 2.0))], book(4), tape=(12,))]
    said = follows(row(1, [], tape=(13,)), OUT, theirs)
    assert [entry[5] for entry in said["tape"]] == [12, 13]
    assert said["trades"] is None


def test_what_cannot_be_read_does_not_go_out() -> None:
    """Of an engine of another version, say."""
    theirs = [msgspec.structs.replace(row(0, [], book(4)), updates=b"[{}]")]
    with pytest.raises(CannotFollow, match="cannot be read"):
        follows(row(1, []), OUT, theirs)
