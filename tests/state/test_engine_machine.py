"""The engine against an exchange whose network does anything at any time."""

from typing import Any

from hypothesis import event as note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from data_ingestion.messages import DepthUpdate, Snapshot
from data_ingestion.sink import SnapshotRequest, Stream, StreamState
from orderbook.phases import Phase
from orderbook.synchronizer import OUTDATED_EVENTS
from state.engine import Engine, EngineSettings
from state.frames import Frame, Status, WindowRow
from tests.builders import OPS, START_MS, SYMBOL, NaiveExchange, Op, json_of, property_settings, trade
from tests.engine_rig import PHASES_AFTER, assert_dark, assert_true

SMALL = EngineSettings(
    book_levels=30,
    coverage_margin=15,
    refresh_interval_ms=200,
    audit_interval_ms=400,
)


class EngineMachine(RuleBasedStateMachine):
    """An engine against an exchange whose network does anything at any time.

    Every call is recorded, and repeated on a second engine in the end.
    """

    def __init__(self) -> None:
        super().__init__()
        self.exchange = NaiveExchange(levels=40)
        self.engine = Engine(SYMBOL, "simulated", SMALL)
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.output: list[bytes] = []
        self.now = 0.0
        self.seconds = START_MS // 1000
        self.connected = False
        self.answers: list[tuple[SnapshotRequest, Snapshot]] = []
        self.held: list[DepthUpdate] = []
        self.last: DepthUpdate | None = None
        self.last_at = 0.0
        self.phase = self.engine.phase
        self.frame: Frame | None = None

    def call(self, name: str, *arguments: Any) -> Any:
        """Call the engine, and remember it."""
        self.calls.append((name, arguments))
        returned = getattr(self.engine, name)(*arguments)
        assert self.engine.phase in PHASES_AFTER[self.phase] | {self.phase}
        self.phase = self.engine.phase
        return returned

    def arrive(self, event: DepthUpdate) -> None:
        """Let an event arrive."""
        self.now += 50
        self.call("on_depth", event, event.event_time, self.now)
        if event is not self.last:
            self.last_at = self.now
        self.last = event

    @rule(ops=st.lists(OPS, max_size=4))
    def change(self, ops: list[Op]) -> None:
        """Let the exchange's book change within an event."""
        for op in ops:
            self.exchange.update(op)

    @rule(events=st.lists(st.lists(OPS, max_size=3), min_size=1, max_size=6))
    def deliver(self, events: list[list[Op]]) -> None:
        """Let events arrive in order, and then those that were held up."""
        for ops in events:
            self.arrive(self.exchange.emit(ops))
        for late in self.held:
            self.arrive(late)
        self.held.clear()

    @rule(lots=st.integers(1, 3), distance=st.integers(8, 25), is_bid=st.booleans())
    def run(self, lots: int, distance: int, is_bid: bool) -> None:
        """Let the price run through many levels."""
        self.arrive(self.exchange.emit([(is_bid, -distance, lots)]))

    @rule(ops=st.lists(OPS, max_size=3), malformed=st.booleans())
    def drop(self, ops: list[Op], malformed: bool) -> None:
        """Lose an event, or receive it in a shape that cannot be read."""
        self.exchange.emit(ops)
        if malformed:
            self.call("on_malformed", Stream.DEPTH)

    @rule(ops=st.lists(OPS, max_size=3))
    def hold(self, ops: list[Op]) -> None:
        """Hold an event up."""
        self.held.append(self.exchange.emit(ops))

    @precondition(lambda self: self.exchange.events)
    @rule(back=st.integers(0, 8))
    def repeat(self, back: int) -> None:
        """Let an earlier event arrive, perhaps once more."""
        events = self.exchange.events
        self.arrive(events[-1 - back % len(events)])

    @rule()
    def restart_counter(self) -> None:
        """Let the exchange count anew."""
        self.exchange.restart_counter()

    @rule(limit=st.integers(5, 45))
    def take_snapshot(self, limit: int) -> None:
        """Let the exchange make the reply to the engine's request, which is then on its way."""
        if self.engine.snapshot_request is not None:
            self.answers.append((self.engine.snapshot_request, self.exchange.snapshot(limit)))

    @precondition(lambda self: self.answers)
    @rule(back=st.sampled_from((0, 0, 0, 0, 1, 2, 5)), failed=st.sampled_from((False, False, False, True)))
    def answer(self, back: int, failed: bool) -> None:
        """Let a reply arrive: the latest, or any from before, and any of them again."""
        request, taken = self.answers[-1 - back % len(self.answers)]
        if failed:
            self.call("on_snapshot_failed", request, "refused")
        else:
            self.call("on_snapshot", request, taken, self.now)

    @rule(back=st.integers(0, 5))
    def stale_answer(self, back: int) -> None:
        """Answer the present request with a reply that was made for an earlier one, as a cache would."""
        if self.engine.snapshot_request is not None and self.answers:
            taken = self.answers[-1 - back % len(self.answers)][1]
            self.call("on_snapshot", self.engine.snapshot_request, taken, self.now)

    @rule(limit=st.integers(12, 45))
    def synchronise(self, limit: int) -> None:
        """Let all go well for a moment."""
        self.connect()
        self.arrive(self.exchange.emit())
        self.take_snapshot(limit)
        self.arrive(self.exchange.emit([(True, 1, 2)]))
        if self.answers:
            self.answer(0, failed=False)

    @initialize(first=st.booleans())
    def begin(self, first: bool) -> None:
        """Begin with a live book, or with nothing."""
        if first:
            self.heal()

    @rule(events=st.lists(st.lists(OPS, min_size=1, max_size=3), min_size=5, max_size=12))
    def prosper(self, events: list[list[Op]]) -> None:
        """Let events arrive while snapshots taken in the middle of them answer all requests."""
        for ops in events:
            self.exchange.update(ops[0])
            taken = self.exchange.snapshot(45)
            self.arrive(self.exchange.emit(ops[1:]))
            if self.engine.snapshot_request is not None:
                self.call("on_snapshot", self.engine.snapshot_request, taken, self.now)
            self.check()

    def connect(self) -> None:
        """Connect the depth stream unless it is."""
        if not self.connected:
            self.call("on_stream", Stream.DEPTH, StreamState.CONNECTING, self.now)
            self.call("on_stream", Stream.DEPTH, StreamState.OPEN, self.now)
            self.connected = True

    @precondition(lambda self: self.connected)
    @rule()
    def disconnect(self) -> None:
        """Lose the depth stream."""
        self.call("on_stream", Stream.DEPTH, StreamState.DOWN, self.now, "lost")
        self.connected = False
        self.check()
        assert self.frame is not None
        assert_dark(self.frame)

    @rule(stream=st.sampled_from(Stream))
    def overflow(self, stream: Stream) -> None:
        """Let a queue run over."""
        self.call("on_overflow", stream, 3)

    @rule(ms=st.sampled_from((100, 500, 1_500, 2_500)))
    def wait(self, ms: int) -> None:
        """Let time pass."""
        self.now += ms

    @rule()
    def trade(self) -> None:
        """Let a trade arrive."""
        self.call("on_trade", trade(), self.now)

    @rule()
    def heal(self) -> None:
        """Let all go well until the book is live, which must not take for ever."""
        self.connect()
        self.exchange.refill()
        for _ in range(OUTDATED_EVENTS + 20):
            self.now += 80
            self.arrive(self.exchange.emit())
            if self.engine.snapshot_request is not None:
                self.call("on_snapshot", self.engine.snapshot_request, self.exchange.snapshot(60), self.now)
            if self.engine.phase is Phase.SYNCED and self.close().status is Status.LIVE:
                break
        self.check()
        assert self.frame is not None
        assert self.frame.status is Status.LIVE

    def close(self) -> Frame:
        """End a second."""
        self.seconds += 1
        frame: Frame
        entry: WindowRow
        frame, entry = self.call("close_second", self.seconds * 1000, self.now)
        self.output.append(json_of((frame, entry)))
        if frame.status is Status.LIVE:
            assert entry.ladders is not None
            assert entry.ladders[0].bids == frame.bid_levels
            assert entry.ladders[0].asks == frame.ask_levels
        else:
            assert entry.ladders is None
        return frame

    @invariant()
    def check(self) -> None:
        """Assert that what is shown as live is true and of the last event, and all else is dark."""
        frame = self.frame = self.close()
        note(frame.status.value)
        assert frame.health is not None
        note(f"audited: {frame.health.audits.count > 0}, gaps: {frame.health.gaps > 0}")
        if frame.status is Status.LIVE:
            assert self.connected
            assert self.last is not None
            assert self.now - self.last_at <= SMALL.stale_after_ms
            assert_true(frame, self.exchange, self.last)
        else:
            assert_dark(frame)
        assert frame.health.audits.mismatches == 0
        if frame.health.covered_levels is not None:
            assert max(frame.health.covered_levels) <= SMALL.book_levels

    def teardown(self) -> None:
        """Repeat all calls on another engine: the bytes are the same."""
        again = Engine(SYMBOL, "simulated", SMALL)
        output = []
        for name, arguments in self.calls:
            returned = getattr(again, name)(*arguments)
            if name == "close_second":
                output.append(json_of(returned))
        assert output == self.output
        assert json_of(list(again.window)) == json_of(list(self.engine.window))
        assert again.drain_notices() == self.engine.drain_notices()


TestWhateverHappens = EngineMachine.TestCase
TestWhateverHappens.settings = property_settings(200, steps=40)
