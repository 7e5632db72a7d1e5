"""How the second of one engine is made to follow on what went out of another, so that no client sees a seam.

Both engines apply the exchange's own events, but each closes its seconds by what it had received by then: an
event at the border may lie in this second of the one and in the next of the other. So a bridged second has
the events and trades after the last ones that went out, and the flows that follow from them. Where the two
know other price ranges, an entry in front takes the book of the one to the range of the other, as after a
snapshot (`Recorder.grow`). Pure.
"""

from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import msgspec

from api.feed.messages import FeedRow, FeedSecond
from api.whole_book import NULL, DoesNotFollow, RebuiltBook, book_after, decode_book, decode_updates, within
from data_ingestion.messages import AggTrade
from features.basic_metrics import basic_metrics
from features.level_ofi import LevelOrderFlow
from features.ofi import OrderFlowImbalance
from features.trade_flow import TradeFlow
from orderbook.book_state import TOP_LEVELS, TopOfBook
from orderbook.rounding import rounded
from state.chunks import TapeEntry, Update, WholeBook


class _Place(msgspec.Struct, frozen=True):
    u: int


_decode_place = msgspec.json.Decoder(_Place).decode
_encode = msgspec.json.Encoder().encode
_decode_tape = msgspec.json.Decoder(list[TapeEntry]).decode
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

_EMPTY: Final = b"[]"


class CannotFollow(Exception):
    """A second that cannot go out after what went out; `str()` says why."""


class Flows(NamedTuple):
    """Order flow of a bridged second, as in its frame."""

    ofi: float
    levels: list[float]


class Bridge(NamedTuple):
    """The parts of a second that are others than its engine told; None where they are as told."""

    updates: bytes | None
    book: bytes | None
    flows: Flows | None
    tape: bytes
    trades: bytes | None


def bridged(
    second: FeedSecond, out: Sequence[FeedRow], theirs: Sequence[FeedRow], **more: bytes
) -> FeedSecond:
    """Return `second` as it follows on `out`; `more` are keys of its JSON with other values.

    `out` are the newest rows that went out, `theirs` those of the second's engine before it, oldest first.
    O(levels log levels) and linear in half a minute's updates. Raises `CannotFollow`.
    """
    try:
        bridge = _bridge(second.row, out, theirs)
    except msgspec.DecodeError as error:
        raise CannotFollow("an engine told what cannot be read") from error
    changed = dict(more)
    if bridge.flows is not None:
        changed["ofi"] = _encode(bridge.flows.ofi)
        changed["ofi_best"] = _encode(bridge.flows.levels[0])
        changed["ofi_levels"] = _encode(bridge.flows.levels)
    if bridge.trades is not None:
        changed["trades"] = bridge.trades
    row = msgspec.structs.replace(
        second.row,
        row=with_values(second.row.row, changed),
        tape=bridge.tape,
        updates=second.row.updates if bridge.updates is None else bridge.updates,
        book=second.row.book if bridge.book is None else bridge.book,
    )
    return FeedSecond(with_values(second.frame, changed), row)


def with_values(json_object: bytes, values: dict[str, bytes]) -> bytes:
    """Return a JSON object with other values of some of its keys; nothing stays nothing."""
    if not values or not json_object:
        return json_object
    fields: dict[str, Any] = _decode_object(json_object)
    fields.update({name: msgspec.Raw(value) for name, value in values.items()})
    return _encode(fields)


def _bridge(row: FeedRow, out: Sequence[FeedRow], theirs: Sequence[FeedRow]) -> Bridge:
    tape, trades = _bridged_trades(row, out, theirs)
    if row.updates == NULL:
        return Bridge(None, None, None, tape, trades)
    held = _held(out)
    if held is None:  # what went out last was not live: begin anew
        return Bridge(None, None if row.book != NULL else book_after(theirs), None, tape, trades)
    chain = _chain(row, theirs, held.u)
    if chain is None:  # it knows nothing of so long ago, and begins with a book of its own
        own = row.book if row.book != NULL else book_after(theirs)
        if own == NULL or decode_book(own).u <= held.u:
            raise CannotFollow("the other engine has not told a whole book yet")
        return Bridge(None, own, None, tape, trades)
    book, updates = chain
    if book.u < held.u:
        raise CannotFollow("the other engine lies behind")
    if bytes(_decode_object(row.row)["last_update_id"]) != b"%d" % (updates[-1].u if updates else book.u):
        raise CannotFollow("the other engine's updates do not lead to its frame")
    before, after = held.whole(), book.whole()
    low, high = max(before.low, after.low), min(before.high, after.high)
    mine, other = within(before, low, high), within(after, low, high)
    if (mine.bids, mine.asks) != (other.bids, other.asks):
        raise CannotFollow("two engines have other books of this symbol: one of them is wrong")
    step = _to_range(before, after)
    flows = _flows(book, updates)
    return Bridge(_encode([*step, *updates]), NULL, flows, tape, trades)


def _held(out: Sequence[FeedRow]) -> RebuiltBook | None:
    """Return the book that who listens has now; None where the last second was not live."""
    if not out or out[-1].updates == NULL:
        return None
    start = next((index for index in range(len(out) - 1, -1, -1) if out[index].book != NULL), None)
    if start is None:
        return None
    book = RebuiltBook(decode_book(out[start].book))
    try:
        for row in out[start:]:
            for update in decode_updates(row.updates) or ():
                book.apply(update)
    except DoesNotFollow:
        return None
    return book


def _chain(row: FeedRow, theirs: Sequence[FeedRow], u: int) -> tuple[RebuiltBook, list[Update]] | None:
    """Return an engine's book at `u`, or at its newest event if that is older, and the updates since.

    None where none of its whole books that lead to `row` is as old. Raises `CannotFollow` where none of its
    events ends at `u`.
    """
    rows = [*theirs, row]
    for index in range(len(rows) - 1, -1, -1):
        if rows[index].updates == NULL:
            return None
        if rows[index].book == NULL:
            continue
        whole = decode_book(rows[index].book)
        if whole.u <= u:
            return _split(RebuiltBook(whole), rows[index:], u)
    return None


def _split(book: RebuiltBook, rows: Sequence[FeedRow], u: int) -> tuple[RebuiltBook, list[Update]] | None:
    since: list[Update] = []
    try:
        for row in rows:
            at = since[-1].u if since else book.u
            if row.book != NULL and _decode_place(row.book).u != at:
                return None  # it began anew in between
            for update in decode_updates(row.updates) or ():
                if update.u <= u and not since:
                    book.apply(update)
                else:
                    since.append(update)
    except DoesNotFollow:
        return None
    if any(after.pu != before.u for before, after in pairwise(since)):
        return None
    if since and since[0].pu != book.u:
        return None
    if since and book.u != u:
        raise CannotFollow("the other engine was told other events")
    return book, since


def _to_range(before: WholeBook, after: WholeBook) -> list[Update]:
    """Return what takes a book to the range of another at the same update: an entry, or none."""
    if (before.low, before.high) == (after.low, after.high):
        return []
    bids = [level for level in after.bids if level[0] < before.low]
    asks = [level for level in after.asks if level[0] > before.high]
    low = None if after.low == before.low else after.low
    high = None if after.high == before.high else after.high
    return [Update(after.u, after.u, after.T, bids, asks, low, high)]


def _flows(book: RebuiltBook, updates: Sequence[Update]) -> Flows:
    """Return the order flow of the updates, which are applied to `book`, as an engine adds it up."""
    ofi, levels = OrderFlowImbalance(), LevelOrderFlow()
    for update in (None, *updates):
        if update is not None:
            book.apply(update)
        top = TopOfBook(*book.top(TOP_LEVELS))
        if len(top.bids) < TOP_LEVELS or len(top.asks) < TOP_LEVELS:
            ofi.restart()
            levels.restart()
            continue
        metrics = basic_metrics(top)
        ofi.update(metrics.total_bid_volume, metrics.total_ask_volume)
        levels.update(top)
    return Flows(rounded(ofi.drain()), levels.drain())


def _bridged_trades(
    row: FeedRow, out: Sequence[FeedRow], theirs: Sequence[FeedRow]
) -> tuple[bytes, bytes | None]:
    """Return the tape after the last trade that went out, and the sums of it where they are others."""
    last = last_trade(out)
    if last is None:
        return row.tape, None
    was_live = out[-1].updates != NULL
    rows = [*theirs, row] if was_live else [row]
    entries = [
        entry for one in rows if one.tape != _EMPTY for entry in _decode_tape(one.tape) if entry[5] > last
    ]
    tape = _encode(entries)
    if tape == row.tape or bytes(_decode_object(row.row)["trades"]) == NULL:
        return tape, None
    missing = any(entry[5] != last + 1 + place for place, entry in enumerate(entries))
    return tape, b"null" if missing else _encode(_sums(entries))


def _sums(entries: Sequence[TapeEntry]) -> Any:
    flow = TradeFlow()
    for time, price, size, visible, side, trade_id in entries:
        flow.add(
            AggTrade(
                event_time=time,
                symbol="",
                trade_id=trade_id,
                price=price,
                size=size,
                visible_size=visible,
                first_trade_id=0,
                last_trade_id=0,
                trade_time=time,
                buyer_is_maker=side == "sell",
            )
        )
    return flow.drain()


def last_trade(rows: Sequence[FeedRow] | deque[FeedRow]) -> int | None:
    """Return the id of the newest trade in the tapes of these rows; None without any."""
    for row in reversed(rows):
        if row.tape != _EMPTY:
            return _decode_tape(row.tape)[-1][5]
    return None
