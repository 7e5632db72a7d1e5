"""One row of seconds out of those of several engines that follow the same symbol. Pure.

While one engine delivers live seconds its own go out as they are. Where another's takes their place, or one
comes back after a second that was not live, the second is made to follow (`bridge.py`), and so are its
detections (`lives.py`). One that cannot follow does not go out: that second is not live, and the next one
begins anew with a whole book.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from api.bus.bridge import CannotFollow, bridged, last_trade
from api.bus.choice import FORGOTTEN_AFTER, LATE_MS, EngineChoice
from api.bus.lives import Lives, Said
from api.feed.messages import FeedRow, FeedSecond, decode_head, feed_row
from state.frames import Status, missing_row
from state.rolling_buffer import WINDOW_SECONDS
from state.updates import BOOK_EVERY_MS

KEPT: Final = 2 * (BOOK_EVERY_MS // 1000 + 1)
"""Rows kept of each engine, and of what went out: they lead from a whole book to the newest event."""
WINDOW_MS: Final = (WINDOW_SECONDS + BOOK_EVERY_MS // 1000 + 1) * 1000

_WENT_OUT: Final = ""
"""Stands for the engine of seconds that went out before."""

_encode = msgspec.json.Encoder().encode


class _RowSays(msgspec.Struct, frozen=True):
    status: Status
    detections: list[Said]


_read_row = msgspec.json.Decoder(_RowSays).decode


def is_second(second: FeedSecond) -> bool:
    """Say whether a second can be read."""
    try:
        _read_row(second.row.row)
        if second.frame:
            decode_head(second.frame)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True


class _Track:
    """The newest rows of one engine, in the order in which it closed them."""

    def __init__(self) -> None:
        self.seconds: deque[FeedSecond] = deque(maxlen=KEPT)
        self.lives = Lives()

    def add(self, second: FeedSecond, told: Sequence[Said]) -> bool:
        """Take the next second; return whether it is one that was not heard before."""
        at, newest = second.row.timestamp, self.seconds[-1].row.timestamp if self.seconds else 0
        if newest - LATE_MS <= at <= newest:
            return False
        if at < newest:  # the clock was set back
            self.seconds.clear()
        self.seconds.append(second)
        self.lives.take(told)
        return True

    def fill(self, other: "_Track") -> None:
        """Take what another track of the same engine has besides."""
        known = {second.row.timestamp: second for second in other.seconds}
        if max(known, default=0) > self.seconds[-1].row.timestamp:
            self.lives = other.lives
        known |= {second.row.timestamp: second for second in self.seconds}
        self.seconds = deque((known[at] for at in sorted(known)), maxlen=KEPT)


class Merger:
    """Takes seconds of all engines of one symbol and gives those that go out, each once and in order.

    `trouble` is why a second that was there could not go out; empty if nothing was wrong.
    """

    def __init__(self) -> None:
        self.trouble = ""
        self.bridges = 0
        self.out: deque[FeedRow] = deque(maxlen=KEPT)
        self._choice = EngineChoice()
        self._tracks: dict[str, _Track] = {}
        self._lives = Lives()
        self._repeats_trades = False  # the engine has yet to tell trades that went out of another
        self._last: tuple[str, int] | None = None  # engine and time stamp of what went out last

    @property
    def engine(self) -> str | None:
        """The engine whose seconds go out."""
        return self._choice.current

    @property
    def out_engine(self) -> str | None:
        """The engine of the second that went out last; None where that was of no engine."""
        return None if self._last is None else self._last[0]

    def offer(self, engine: str, second: FeedSecond) -> FeedSecond | None:
        """Take an engine's second; return the one that goes out now, if one does."""
        if not second.frame:
            return None  # told again, for the window
        said = _read_row(second.row.row)
        if not self._tracks.setdefault(engine, _Track()).add(second, said.detections):
            return None
        at = second.row.timestamp
        return self._first_that_follows(at, self._choice.hear(engine, at, live=said.status is Status.LIVE))

    def settle(self, timestamp: int) -> FeedSecond | None:
        """Hear that this second should be here; return the one that goes out in place of a missing one."""
        self._choice.look()
        for engine in [name for name in self._tracks if self._is_over(name, timestamp)]:
            del self._tracks[engine]
        return self._first_that_follows(timestamp, self._choice.settle(timestamp))

    def was_filled_in(self, row: FeedRow) -> None:
        """Note that a second went out as not live, of no engine."""
        self.out.append(row)
        self._choice.decide(row.timestamp, None)
        self._last = None

    def window(self, kept: Iterable[FeedRow], heard: Iterable[tuple[str, FeedSecond]]) -> list[FeedSecond]:
        """Return the seconds of the window; live rows that went out already, `kept`, stay what they are.

        `heard` is what engines told, each in order. What comes next follows on the last of these rows.
        """
        seconds: dict[int, dict[str, FeedSecond]] = {}
        for row in kept:
            if _read_row(row.row).status is Status.LIVE:
                seconds[row.timestamp] = {_WENT_OUT: FeedSecond(b"", row)}
        for engine, second in heard:
            seconds.setdefault(second.row.timestamp, {}).setdefault(engine, second)
        last, lives, choice, tracks = self._last, self._lives, self._choice, self._tracks
        self._last, self._lives, self._choice, self._tracks = None, Lives(), EngineChoice(), {}
        self.out.clear()
        merged: list[FeedSecond] = []
        for at in sorted(seconds):
            if merged and at > merged[-1].row.timestamp + 1_000:  # who listens is told that it is missing
                self.was_filled_in(feed_row(missing_row(at - 1_000)))
            merged += self._replay(at, seconds[at])
        self._tracks.pop(_WENT_OUT, None)
        self._keep_known(tracks)
        if self.out_engine in (None, _WENT_OUT):  # so what comes next follows as it would have
            self._last, self._lives, self._choice = last, lives, choice
        for name, track in self._tracks.items():
            if (
                merged
                and track.seconds[-1].row.timestamp > merged[-1].row.timestamp - FORGOTTEN_AFTER * 1_000
            ):
                self._choice.expect(name)
        return merged

    def _replay(self, at: int, said: dict[str, FeedSecond]) -> list[FeedSecond]:
        read = {engine: _read_row(second.row.row) for engine, second in said.items()}
        for name, second in said.items():
            self._tracks.setdefault(name, _Track()).add(second, read[name].detections)
        current = self.out_engine

        def worth(name: str) -> tuple[bool, bool, bool, str]:
            return read[name].status is not Status.LIVE, name != _WENT_OUT, name != current, name

        chosen = self._first_that_follows(at, sorted(said, key=worth))
        return [] if chosen is None else [chosen]

    def _keep_known(self, tracks: dict[str, _Track]) -> None:
        """Keep what was known of each engine besides: the bus may have forgotten it."""
        for name, track in tracks.items():
            if name in self._tracks:
                track.fill(self._tracks[name])
            self._tracks[name] = track

    def _first_that_follows(self, at: int, engines: Sequence[str]) -> FeedSecond | None:
        for engine in engines:
            second = self._told_at(engine, at)
            if second is None:
                continue
            try:
                following = self._following(engine, second)
            except CannotFollow as error:
                self.trouble = str(error)
                continue
            self.trouble = ""
            self.out.append(following.row)
            self._lives.take(_read_row(following.row.row).detections)
            self._last = engine, at
            self._choice.decide(at, engine)
            return following
        return None

    def _told_at(self, engine: str, at: int) -> FeedSecond | None:
        track = self._tracks.get(engine)
        seconds: Iterable[FeedSecond] = reversed(track.seconds) if track is not None else ()
        return next((second for second in seconds if second.row.timestamp == at), None)

    def _following(self, engine: str, second: FeedSecond) -> FeedSecond:
        """Return `second` as it goes out. Raises `CannotFollow`."""
        track, at = self._tracks[engine], second.row.timestamp
        before = [one.row for one in track.seconds if one.row.timestamp < at]
        if before and self._last == (engine, before[-1].timestamp) and not self._repeats_trades:
            return second
        if not self.out:
            return second
        self.bridges += 1
        since = self.out[-1].timestamp
        news = [said for row in before if row.timestamp >= since for said in _read_row(row.row).detections]
        own = _read_row(second.row.row).detections
        told = self._lives.continued(track.lives, [*news, *own])
        more = {} if told == own else {"detections": _encode(told)}
        following = bridged(second, list(self.out), before, **more)
        told_last, own_last = last_trade(self.out), last_trade([*before, second.row])
        self._repeats_trades = told_last is not None and (own_last is None or own_last < told_last)
        return following

    def _is_over(self, engine: str, timestamp: int) -> bool:
        newest = self._tracks[engine].seconds[-1].row.timestamp
        return engine != self.engine and abs(timestamp - newest) > WINDOW_MS
