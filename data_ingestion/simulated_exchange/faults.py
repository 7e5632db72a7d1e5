"""Faults that the simulated exchange plays on demand, so that a client's answer to them can be seen."""

from collections import Counter, deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import Enum, StrEnum

LONGEST_SECONDS = 3_600.0
LONGEST_BURST_SECONDS = 60.0  # its events are held in memory
MOST_COUNT = 10_000
THIN_ASKS = 9


class FaultKind(StrEnum):
    """What can be made to go wrong."""

    GAP = "gap"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    MALFORMED = "malformed"
    EXTRA_FIELD = "extra_field"
    CLOSE = "close"
    ABORT = "abort"
    CLOSE_TRADES = "close_trades"
    SILENCE = "silence"
    TRADE_SILENCE = "trade_silence"
    TRADE_GAP = "trade_gap"
    TRADE_DUPLICATE = "trade_duplicate"
    LAG = "lag"
    THIN = "thin"
    ONE_SIDED = "one_sided"
    QUIET = "quiet"
    SETTLING = "settling"
    BURST = "burst"
    REFUSE = "refuse"
    SNAPSHOT_STATUS = "snapshot_status"
    SNAPSHOT_SLOW = "snapshot_slow"
    SNAPSHOT_STALE = "snapshot_stale"


class Lasts(Enum):
    """How long a fault acts."""

    ONCE = "acts at once"
    COUNT = "for the next `count` times"
    SECONDS = "for `seconds`"


@dataclass(frozen=True, slots=True)
class FaultRule:
    """How long a kind acts, the HTTP status it answers with unless told another, and what it does."""

    lasts: Lasts
    effect: str
    status: int | None = None


FAULTS: dict[FaultKind, FaultRule] = {
    FaultKind.GAP: FaultRule(Lasts.COUNT, "the next depth events are not sent"),
    FaultKind.DUPLICATE: FaultRule(Lasts.COUNT, "the next depth events are sent twice"),
    FaultKind.REORDER: FaultRule(Lasts.COUNT, "the next two depth events swap places"),
    FaultKind.MALFORMED: FaultRule(Lasts.COUNT, "several shapes of garbage before the next depth events"),
    FaultKind.EXTRA_FIELD: FaultRule(Lasts.COUNT, "the next depth events carry an undocumented field"),
    FaultKind.CLOSE: FaultRule(Lasts.ONCE, "every depth connection is closed, as for maintenance"),
    FaultKind.ABORT: FaultRule(Lasts.ONCE, "every depth connection is cut without a closing handshake"),
    FaultKind.CLOSE_TRADES: FaultRule(Lasts.ONCE, "every trade connection is closed"),
    FaultKind.SILENCE: FaultRule(Lasts.SECONDS, "depth events are lost while the connection stays up"),
    FaultKind.TRADE_SILENCE: FaultRule(Lasts.SECONDS, "trades are lost while the connection stays up"),
    FaultKind.TRADE_GAP: FaultRule(Lasts.COUNT, "the next trades are not sent; their ids are missing"),
    FaultKind.TRADE_DUPLICATE: FaultRule(Lasts.COUNT, "the next trades are sent three times"),
    FaultKind.LAG: FaultRule(
        Lasts.SECONDS,
        "all messages come late, in order, at first a little, from half time on by `delay` s; then at once",
    ),
    FaultKind.THIN: FaultRule(Lasts.SECONDS, "the book has nine asks and no more"),
    FaultKind.ONE_SIDED: FaultRule(Lasts.SECONDS, "the book has no asks at all"),
    FaultKind.QUIET: FaultRule(Lasts.SECONDS, "nothing happens, and so nothing is sent"),
    FaultKind.SETTLING: FaultRule(
        Lasts.SECONDS, "the symbol is settled: nothing happens, and it is listed so"
    ),
    FaultKind.BURST: FaultRule(Lasts.SECONDS, "depth is held back and then sent all at once"),
    FaultKind.REFUSE: FaultRule(
        Lasts.SECONDS, "depth connections are closed and WebSocket handshakes refused with `status`", 503
    ),
    FaultKind.SNAPSHOT_STATUS: FaultRule(Lasts.COUNT, "the next snapshots answer with `status`", 429),
    FaultKind.SNAPSHOT_SLOW: FaultRule(Lasts.COUNT, "the next snapshots take `seconds`"),
    FaultKind.SNAPSHOT_STALE: FaultRule(Lasts.COUNT, "the next snapshots are `seconds` old"),
}


@dataclass(frozen=True, slots=True)
class FaultRequest:
    """One fault to play; without a symbol it is for every symbol.

    `status` is an HTTP error status, `delay` the seconds by which messages lag at the most.
    """

    kind: FaultKind
    symbol: str | None = None
    count: int = 1
    seconds: float = 5.0
    status: int | None = None
    delay: float = 5.0

    def __post_init__(self) -> None:
        longest = LONGEST_BURST_SECONDS if self.kind is FaultKind.BURST else LONGEST_SECONDS
        if not 1 <= self.count <= MOST_COUNT:
            raise ValueError(f"count must be from 1 to {MOST_COUNT}, not {self.count}")
        if not 0 < self.seconds <= longest:
            raise ValueError(
                f"seconds of {self.kind} must be above 0 and at most {longest:g}, not {self.seconds}"
            )
        if not 0 < self.delay <= LONGEST_BURST_SECONDS:
            raise ValueError(f"delay must be above 0 and at most {LONGEST_BURST_SECONDS:g}, not {self.delay}")
        if self.status is not None and not 400 <= self.status <= 599:
            raise ValueError(f"status must be an HTTP error, from 400 to 599, not {self.status}")


def parse_fault(payload: object, symbols: Collection[str]) -> FaultRequest:
    """Read the fault that a JSON object asks for; raises ValueError with one sentence if it asks for none."""
    if not isinstance(payload, dict):
        raise ValueError("a fault is a JSON object with at least a kind")  # noqa: TRY004
    known = {"kind", "symbol", "count", "seconds", "status", "delay"}
    unknown = sorted(str(key) for key in payload.keys() - known)
    if unknown:
        raise ValueError(f"a fault has no {', '.join(unknown)}")
    try:
        kind = FaultKind(str(payload.get("kind")))
    except ValueError:
        raise ValueError(f"kind must be one of {', '.join(FaultKind)}, not {payload.get('kind')!r}") from None
    symbol = payload.get("symbol")
    if symbol is not None and (not isinstance(symbol, str) or symbol.upper() not in symbols):
        raise ValueError(f"symbol must be one of {', '.join(symbols)}, not {symbol!r}")
    count, status = payload.get("count", 1), payload.get("status")
    seconds, delay = payload.get("seconds", 5.0), payload.get("delay", 5.0)
    if type(count) is not int:
        raise ValueError(f"count must be a whole number, not {count!r}")
    for name, number in (("seconds", seconds), ("delay", delay)):
        if type(number) not in (int, float):
            raise ValueError(f"{name} must be a number, not {number!r}")
    if status is not None and type(status) is not int:
        raise ValueError(f"status must be a whole number, not {status!r}")
    return FaultRequest(kind, symbol.upper() if symbol else None, count, float(seconds), status, float(delay))


def garbage(symbol: str) -> Iterator[bytes]:
    """Frames that are no depth event: not JSON, not an object, fields missing or mistyped, unknown."""
    yield b"{not json"
    yield b"[]"
    yield b"42"
    yield b"null"
    yield b'{"e":"depthUpdate"}'
    yield b'{"e":"depthUpdate","s":"%s","U":"x","u":null}' % symbol.encode()
    yield b'{"e":"depthUpdate","E":1,"T":1,"s":"%s","U":1,"u":2,"pu":0,"b":[["1"]],"a":{}}' % symbol.encode()
    yield b'{"e":"unheardOf","s":"%s"}' % symbol.encode()


class FaultState:
    """The faults that lie ahead of one symbol. Times are in ms of the exchange's clock.

    `used` counts, of each kind that lasts for a count, how often it has happened.
    """

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.used: Counter[FaultKind] = Counter()
        self._left: Counter[FaultKind] = Counter()
        self._until_ms: dict[FaultKind, int] = {}
        self._last: dict[FaultKind, FaultRequest] = {}
        self._held: list[bytes] = []
        self._swapped: bytes | None = None
        self._late: deque[tuple[float, bool, bytes]] = deque()  # when due, whether a trade, frame

    def arm(self, request: FaultRequest, now_ms: int) -> None:
        """Make ready a fault that lasts; counts of the same kind add up."""
        self._last[request.kind] = request
        lasts = FAULTS[request.kind].lasts
        if lasts is Lasts.COUNT:
            self._left[request.kind] += request.count
        elif lasts is Lasts.SECONDS:
            self._until_ms[request.kind] = now_ms + int(request.seconds * 1_000)

    def use(self, kind: FaultKind) -> bool:
        """Whether the fault happens this time; uses up one count of it."""
        if self._left[kind] <= 0:
            return False
        self._left[kind] -= 1
        self.used[kind] += 1
        return True

    def active(self, kind: FaultKind, now_ms: int) -> bool:
        """Whether a fault that lasts for seconds still does."""
        return now_ms < self._until_ms.get(kind, 0)

    def status(self, kind: FaultKind) -> int:
        """Return the HTTP status that the fault answers with."""
        asked = self._last[kind].status
        default = FAULTS[kind].status
        return asked or default or 500

    def seconds(self, kind: FaultKind) -> float:
        """Return the seconds that were asked for with the fault."""
        return self._last[kind].seconds

    def depth_frames(self, event: bytes, now_ms: int) -> list[bytes]:
        """Return what is sent in the place of one depth event."""
        if self.active(FaultKind.SILENCE, now_ms) or self.use(FaultKind.GAP):
            return self._released([], now_ms)
        frames = list(garbage(self.symbol)) if self.use(FaultKind.MALFORMED) else []
        if self.use(FaultKind.EXTRA_FIELD):
            event = event[:-1] + b',"zz":{"new":[1,2]}}'
        if self._swapped is not None:
            frames += [event, self._swapped]
            self._swapped = None
        elif self.use(FaultKind.REORDER):
            self._swapped = event
        else:
            frames += [event, event] if self.use(FaultKind.DUPLICATE) else [event]
        return self._released(frames, now_ms)

    def trade_frames(self, event: bytes, now_ms: int) -> list[bytes]:
        """Return what is sent in the place of one trade."""
        if self.active(FaultKind.TRADE_SILENCE, now_ms) or self.use(FaultKind.TRADE_GAP):
            return []
        return [event] * 3 if self.use(FaultKind.TRADE_DUPLICATE) else [event]

    def late(self, frames: list[bytes], now_ms: int, *, trades: bool) -> list[bytes]:
        """Return what of `frames` is sent at once: all, unless messages lag."""
        lags = self.active(FaultKind.LAG, now_ms)
        if not lags and not self._late:
            return frames
        request = self._last[FaultKind.LAG]
        begun = now_ms - (self._until_ms[FaultKind.LAG] - request.seconds * 1_000)
        share = min(1.0, 2 * begun / (request.seconds * 1_000)) if lags else 0.0
        due = now_ms + share * request.delay * 1_000
        self._late.extend((due, trades, frame) for frame in frames)
        return []

    def stands_still(self, now_ms: int) -> bool:
        """Return whether nothing happens in the market."""
        return self.active(FaultKind.QUIET, now_ms) or self.active(FaultKind.SETTLING, now_ms)

    def listed_as(self, now_ms: int) -> str:
        """Return the symbol's status, as the exchange lists it."""
        return "SETTLING" if self.active(FaultKind.SETTLING, now_ms) else "TRADING"

    def most_asks(self, now_ms: int) -> int | None:
        """Return how many asks the book has at most; None where nothing keeps it from having all."""
        if self.active(FaultKind.ONE_SIDED, now_ms):
            return 0
        return THIN_ASKS if self.active(FaultKind.THIN, now_ms) else None

    def due(self, now_ms: int) -> Iterator[tuple[bool, bytes]]:
        """Yield what lagged and is due, in order: whether it is a trade, and its frame."""
        lags, late = self.active(FaultKind.LAG, now_ms), self._late
        while late and (not lags or late[0][0] <= now_ms):
            _, is_trade, frame = late.popleft()
            yield is_trade, frame

    def _released(self, frames: list[bytes], now_ms: int) -> list[bytes]:
        self._held += frames
        if self.active(FaultKind.BURST, now_ms):
            return []
        released, self._held = self._held, []
        return released
