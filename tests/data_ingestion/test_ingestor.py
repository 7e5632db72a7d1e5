"""One symbol's ingestion against an exchange that does only what a test makes it do."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aiohttp
import pytest

from data_ingestion.causes import Cause
from data_ingestion.errors import UnknownSymbol
from data_ingestion.exchange_clock import ExchangeClock
from data_ingestion.ingestor import BURST_WEIGHT, SNAPSHOT_BURST, Ingestor
from data_ingestion.pacing.latency import LatencyMeter
from data_ingestion.pacing.request_budget import RequestBudget
from data_ingestion.resources import Resources
from data_ingestion.settings import ExchangeUrls, IngestionSettings
from data_ingestion.sink import SnapshotRequest, Stream, StreamState
from data_ingestion.snapshot_loader import SNAPSHOT_WEIGHT
from tests.builders import encode, trade_wire
from tests.data_ingestion.fakes import Answer, FakeExchange, Recorder, answers, hangs, update
from tests.data_ingestion.virtual_time import EPOCH, PATIENCE, in_virtual_time, until, virtual_clock

HAIR = 0.001
"""Virtual seconds by which a timer may be early, for floats are no decimals."""


class Bench:
    """A running ingestion with its exchange and its sink."""

    def __init__(
        self, exchange: FakeExchange, sink: Recorder, applied: LatencyMeter, task: asyncio.Task[None]
    ) -> None:
        self.exchange, self.sink, self.applied, self.task = exchange, sink, applied, task
        self.ended = False  # by itself, as a test expected

    @property
    def asked(self) -> int:
        """How many snapshots were asked for."""
        return len(self.exchange.asked)


@contextlib.asynccontextmanager
async def running(
    *snapshots: Answer,
    queue_size: int = 1_000,
    weight_per_minute: float = 600,
    silence: float = 1e5,
    symbol: str = "BTCUSDT",
    slash: str = "",
    exchange_clock: ExchangeClock | None = None,
) -> AsyncIterator[Bench]:
    """Run an ingestion; both streams are open."""
    async with FakeExchange(*snapshots) as exchange, aiohttp.ClientSession() as session:
        sink, applied, clock = Recorder(), LatencyMeter(), virtual_clock()
        patience = IngestionSettings(silence, 1e6, queue_size, answer_timeout=20)
        budget = RequestBudget(weight_per_minute, BURST_WEIGHT)
        resources = Resources(
            session, budget, applied, lambda: 1.0, clock, exchange_clock or ExchangeClock(clock)
        )
        ingestor = Ingestor(sink, symbol, ExchangeUrls.on_loopback(exchange.port, slash), patience, resources)
        task = asyncio.create_task(ingestor.run())
        bench = Bench(exchange, sink, applied, task)
        try:
            await until(lambda: exchange.connections == 2)
            yield bench
        finally:
            task.cancel()
            await asyncio.wait([task])
        if not task.cancelled() and not bench.ended:
            await task


@pytest.mark.parametrize("slash", ["", "/"])
@in_virtual_time
async def test_both_streams_are_asked_for_on_their_routes(slash: str) -> None:
    """Depth comes from the public route and trades from the market route, in small letters."""
    async with running(symbol="ETHUSDT", slash=slash) as bench:
        bench.sink.want()
        await bench.exchange.send_updates()
        await until(lambda: bench.asked)
    assert sorted(bench.exchange.paths) == ["/market/ws/ethusdt@aggTrade", "/public/ws/ethusdt@depth@100ms"]
    assert bench.exchange.queries == [{"symbol": "ETHUSDT", "limit": "1000"}]


@in_virtual_time
async def test_messages_arrive_in_order_with_their_times() -> None:
    """Each event and each trade is handed over once, with the clocks' times of its arrival."""
    async with running() as bench:
        await bench.exchange.send_updates(100)
        await bench.exchange.send_trade(encode(trade_wire()))
        await until(lambda: len(bench.sink.depth) == 100 and bench.sink.trades)
        assert [event.final_update_id for event in bench.sink.depth] == [n * 10 + 10 for n in range(1, 101)]
        assert bench.sink.trades[0].trade_id == 5_933_014
        wall_ms, steady_ms = bench.sink.arrivals[0]
        assert wall_ms - steady_ms == pytest.approx(EPOCH * 1000)
    assert bench.sink.states[Stream.DEPTH] == [StreamState.CONNECTING, StreamState.OPEN]
    assert bench.sink.states[Stream.TRADES] == [StreamState.CONNECTING, StreamState.OPEN]


@in_virtual_time
async def test_the_log_of_level_debug_tells_how_a_book_is_built(caplog: pytest.LogCaptureFixture) -> None:
    """Connections, ids of the events around a snapshot, its own, and why one does not do."""
    caplog.set_level("DEBUG", "data_ingestion")
    async with running(answers(status=503), answers()) as bench:
        bench.sink.want()
        await bench.exchange.send_updates(5)
        await until(lambda: bench.sink.snapshots)
    told = "\n".join(caplog.messages)
    for words in (
        "depth stream: connecting",
        "depth stream: connected",
        "depth stream: the first message is U ",
        "while a snapshot is on its way: event U ",
        "snapshot 1 of epoch 1: asked for",
        "HTTP 503",
        "lastUpdateId 103",
    ):
        assert words in told


@in_virtual_time
async def test_each_depth_event_is_counted_with_its_latency() -> None:
    """From the exchange's event time to the moment at which the sink has taken it; trades are not."""
    async with running() as bench:
        await bench.exchange.send_updates(100)
        await bench.exchange.send_trade(encode(trade_wire()))
        await until(lambda: len(bench.sink.depth) == 100 and bench.sink.trades)
        taken = [
            wall_ms - event.event_time
            for event, (wall_ms, _) in zip(bench.sink.depth, bench.sink.arrivals, strict=True)
        ]
        counts = bench.applied.read()
    assert sum(counts.buckets) == 100
    assert counts.sum_ms == pytest.approx(sum(taken))  # in virtual time applying takes none


@in_virtual_time
async def test_no_snapshot_before_the_first_event() -> None:
    """However long it is wanted, a snapshot is asked for once an event has come, and once only."""
    async with running() as bench:
        request = bench.sink.want()
        await asyncio.sleep(60)
        assert bench.asked == 0
        await bench.exchange.send_updates(5)
        await until(lambda: bench.sink.snapshots)
        await bench.exchange.send_updates(5)
        await asyncio.sleep(60)
        assert bench.asked == 1
        assert bench.sink.snapshots[0][0] == request
        assert bench.sink.snapshots[0][1].last_update_id == 103


@in_virtual_time
async def test_no_snapshot_that_nobody_wants() -> None:
    """Events alone fetch nothing."""
    async with running() as bench, bench.exchange.updating():
        await asyncio.sleep(20)
        assert bench.asked == 0


@in_virtual_time
async def test_one_fetch_at_a_time() -> None:
    """While a snapshot is under way, events do not ask for a second one."""
    async with running(hangs()) as bench, bench.exchange.updating():
        bench.sink.want()
        await asyncio.sleep(15)
        assert bench.asked == 1


@in_virtual_time
async def test_a_fetch_for_a_book_that_is_gone_is_broken_off() -> None:
    """With a new epoch the old request's connection is closed, and only the new one is answered."""
    async with running(hangs(), answers()) as bench:
        bench.sink.want(epoch=1)
        await bench.exchange.send_updates()
        await until(lambda: bench.asked == 1)
        second = bench.sink.want(epoch=2)
        await bench.exchange.send_updates()
        await until(lambda: bench.sink.snapshots)
        await until(lambda: bench.exchange.hung_up == 1)
        assert [request for request, _ in bench.sink.snapshots] == [second]
        assert bench.sink.failures == []


@in_virtual_time
async def test_a_fetch_that_is_not_wanted_any_more_is_broken_off() -> None:
    """Where the wish is gone the next event ends the fetch, and none follows."""
    async with running(hangs()) as bench:
        bench.sink.want()
        await bench.exchange.send_updates()
        await until(lambda: bench.asked == 1)
        bench.sink.want_nothing()
        await bench.exchange.send_updates()
        await until(lambda: bench.exchange.hung_up == 1)
        await asyncio.sleep(60)
        assert bench.asked == 1


@in_virtual_time
async def test_without_a_depth_stream_no_snapshot_is_asked_for() -> None:
    """While the stream is down, a snapshot that failed before is not tried again and again."""
    async with running(answers(503)) as bench:
        bench.sink.at_down = bench.sink.want_nothing
        bench.sink.want()
        await bench.exchange.send_updates()
        await until(lambda: bench.sink.failures)
        bench.exchange.refuse_depth = True
        bench.exchange.cut_depth()
        await until(lambda: StreamState.DOWN in bench.sink.states[Stream.DEPTH])
        asked = bench.asked
        await asyncio.sleep(300)
        assert bench.asked <= asked + 1


@in_virtual_time
async def test_a_refused_snapshot_is_told_and_asked_for_again() -> None:
    """Each failure is handed on in words with its request, until a snapshot comes."""
    async with running(answers(503), answers(451), answers(200, b"{}"), answers()) as bench:
        request = bench.sink.want()
        await bench.exchange.send_updates()
        await until(lambda: bench.sink.snapshots)
        assert [failed for failed, _ in bench.sink.failures] == [request] * 3
        assert all(reason for _, reason in bench.sink.failures)
        assert bench.asked == 4


@pytest.mark.parametrize("status", [418, 429, 503])
@in_virtual_time
async def test_retry_after_is_obeyed_to_the_second(status: int) -> None:
    """The next request comes when the exchange allows it, neither sooner nor much later."""
    async with running(answers(status, b"{}", Retry_After="90"), answers()) as bench:
        bench.sink.want()
        await bench.exchange.send_updates()
        await until(lambda: bench.sink.snapshots)
    first, second = bench.exchange.asked
    assert 90 - HAIR <= second - first <= 91


@in_virtual_time
async def test_a_new_book_does_not_shorten_the_wait() -> None:
    """Resets and reconnects in the meantime ask for nothing before the exchange allows it."""
    async with running(answers(429, b"{}", Retry_After="60"), answers()) as bench:
        bench.sink.want(epoch=0)
        epochs = iter(range(1, 1_000_000))
        bench.sink.after_depth = lambda: bench.sink.want(next(epochs))
        async with bench.exchange.updating(every=0.13):
            await until(lambda: bench.asked == 1)
            await asyncio.sleep(20)
            bench.exchange.cut_depth()
            await until(lambda: bench.asked >= 2)
    first, second, *_ = bench.exchange.asked
    assert second - first >= 60 - HAIR


@in_virtual_time
async def test_waits_that_were_broken_off_leave_no_debt() -> None:
    """After hundreds of resets during a ban, the first snapshot comes as soon as the ban is over."""
    async with running(answers(418, b"{}", Retry_After="60"), answers(), weight_per_minute=60) as bench:
        bench.sink.want(epoch=0)
        await bench.exchange.send_updates()
        await until(lambda: bench.sink.failures)
        for epoch in range(1, 401):
            bench.sink.want(epoch)
            await bench.exchange.send_updates()
            await asyncio.sleep(0.1)
        await until(lambda: bench.sink.snapshots)
    first, second = bench.exchange.asked
    assert 60 - HAIR <= second - first <= 61


@pytest.mark.parametrize("weight", [200, 1_200])
@in_virtual_time
async def test_a_storm_of_resets_keeps_to_the_request_weight(weight: float) -> None:
    """A book that is lost at every event asks for no more snapshots than the limit lets through."""
    async with running(weight_per_minute=weight) as bench:
        epochs = iter(range(1_000_000))
        bench.sink.after_depth = lambda: bench.sink.want(next(epochs))
        async with bench.exchange.updating(every=0.13):
            await asyncio.sleep(60)
    allowed = weight / SNAPSHOT_WEIGHT
    assert allowed * 0.9 <= bench.asked <= allowed + SNAPSHOT_BURST + 1


@in_virtual_time
async def test_a_storm_of_failures_keeps_to_the_request_weight() -> None:
    """An exchange that refuses every snapshot is asked ever more rarely."""
    async with running(answers(503)) as bench, bench.exchange.updating(every=1):
        bench.sink.want()
        await asyncio.sleep(120)
        first = bench.asked
        assert 20 <= first <= 120 * 600 / 60 / SNAPSHOT_WEIGHT + SNAPSHOT_BURST
        await asyncio.sleep(240)
        assert bench.asked - first <= 240 / 8


@in_virtual_time
async def test_snapshots_that_do_not_fit_are_asked_for_with_the_next_event_and_not_at_once() -> None:
    """A snapshot that is too old is followed by another one only when an event came, and after a pause."""
    async with running() as bench:
        bench.sink.after_snapshot = bench.sink.want
        bench.sink.want()
        await bench.exchange.send_updates()
        await until(lambda: bench.sink.snapshots)
        await asyncio.sleep(30)
        assert bench.asked == 1
        async with bench.exchange.updating(every=0.01):
            await asyncio.sleep(5)
        assert 3 <= bench.asked <= 10


@in_virtual_time
async def test_an_unknown_symbol_ends_the_run() -> None:
    """Where the exchange does not know the symbol, `run` raises that, and leaves nothing open."""
    async with running(answers(400, b'{"code":-1121,"msg":"Invalid symbol."}')) as bench:
        bench.sink.want()
        await bench.exchange.send_updates()
        with pytest.raises(ExceptionGroup) as caught:
            await asyncio.wait_for(bench.task, PATIENCE)
        matching, rest = caught.value.split(UnknownSymbol)
        assert matching is not None
        assert rest is None
        bench.ended = True
        await until(lambda: bench.exchange.connections == 0)


@in_virtual_time
async def test_a_wait_that_is_asked_of_a_stream_holds_for_snapshots() -> None:
    """An exchange that bans an address means all of it."""
    async with running() as bench, bench.exchange.updating():
        bench.exchange.ban_trades = True
        await bench.exchange.close_trades()
        await asyncio.sleep(2)  # by then it was tried again
        bench.sink.want()
        await asyncio.sleep(57)
        assert bench.asked == 0
        bench.exchange.ban_trades = False
        await asyncio.sleep(4)
        assert bench.asked == 1


@in_virtual_time
async def test_a_symbol_that_was_known_is_asked_for_again() -> None:
    """Once the exchange has shown its book, that it knows no such symbol is a failure like others."""
    bad = answers(400, b'{"code":-1121,"msg":"Invalid symbol."}')
    async with running(answers(), bad, bad, answers()) as bench:
        for epoch, snapshots in ((1, 1), (2, 2)):
            bench.sink.want(epoch)
            await bench.exchange.send_updates()
            await until(lambda: len(bench.sink.snapshots) == snapshots)  # noqa: B023 - waited for here
        assert bench.asked == 4


@in_virtual_time
async def test_malformed_messages_are_counted_each_on_its_stream() -> None:
    """What cannot be read is counted and nothing else; the streams go on."""
    async with running() as bench:
        await bench.exchange.send_depth(b"{", b"[]", encode(trade_wire()))
        await bench.exchange.send_trade(update(1))
        await bench.exchange.send_updates()
        await bench.exchange.send_trade(encode(trade_wire()))
        await until(lambda: bench.sink.depth and bench.sink.trades)
        assert bench.sink.malformed == {Stream.DEPTH: 3, Stream.TRADES: 1}
        assert bench.exchange.connections == 2


@pytest.mark.parametrize("queue_size", [1, 3, 10])
@in_virtual_time
async def test_an_overflow_is_told_where_the_hole_is(queue_size: int) -> None:
    """The number dropped is told right before the first event after the hole; none is lost untold."""
    async with running(queue_size=queue_size) as bench:
        await bench.exchange.send_updates(200)
        await until(lambda: bench.sink.depth and bench.sink.depth[-1].final_update_id == 2_010)
        assert bench.sink.dropped[Stream.DEPTH] + len(bench.sink.depth) == 200
        assert bench.sink.dropped[Stream.DEPTH] > 0
        expected, dropped = 20, 0
        for what, value in bench.sink.log:
            if what == "overflow":
                assert isinstance(value, int)
                dropped = value
            elif what == "depth":
                assert value == expected + dropped * 10
                expected, dropped = expected + dropped * 10 + 10, 0


@in_virtual_time
async def test_nothing_of_a_lost_connection_comes_after_its_end() -> None:
    """Once the sink has heard that the stream is down, no event of it arrives any more."""
    async with running() as bench:
        for _ in range(5):
            downs = bench.sink.states[Stream.DEPTH].count(StreamState.DOWN)
            await bench.exchange.send_updates(300)
            bench.exchange.cut_depth()
            await until(lambda: bench.sink.states[Stream.DEPTH].count(StreamState.DOWN) > downs)  # noqa: B023
            await until(lambda: bench.exchange.depth is not None)
        is_open = False
        for what, _ in bench.sink.log:
            is_open = (is_open or what == "depth open") and what != "depth down"
            assert is_open or what != "depth"
        assert bench.sink.states[Stream.DEPTH].count(StreamState.DOWN) == 5


@in_virtual_time
async def test_a_silent_stream_is_told_with_its_reason() -> None:
    """A depth stream that delivers nothing is told to be down, in words, and connected to again.

    Unless small snapshots say that nothing has happened, which here none does.
    """
    async with running(answers(503, b""), silence=5) as bench:
        await until(lambda: bench.sink.states[Stream.DEPTH].count(StreamState.OPEN) == 3)
        assert bench.sink.states[Stream.TRADES] == [StreamState.CONNECTING, StreamState.OPEN]
        assert all(bench.sink.reasons)
        assert len(bench.sink.reasons) >= 2
        assert set(bench.sink.causes) == {Cause.SILENT}


@in_virtual_time
async def test_a_market_in_which_nothing_happens_is_no_lost_stream() -> None:
    """Two small snapshots with one id: nothing was to come, and the connection stays."""
    async with running(silence=5) as bench:
        await asyncio.sleep(60)
        assert bench.sink.states[Stream.DEPTH] == [StreamState.CONNECTING, StreamState.OPEN]
        assert bench.asked <= 60 / 5 * 4


@in_virtual_time
async def test_a_book_that_is_confirmed_keeps_its_connection() -> None:
    """For as long as the sink wants small snapshots and takes them; then its silence counts again."""
    async with running(silence=5) as bench:
        await bench.exchange.send_updates(1)
        await until(lambda: bench.sink.depth)
        for number in range(20):
            bench.sink.confirmation_request = SnapshotRequest(1, number)
            await asyncio.sleep(1)
        assert [request.number for request, _ in bench.sink.confirmations] == list(range(20))
        assert bench.sink.states[Stream.DEPTH].count(StreamState.OPEN) == 1
        await until(lambda: bench.sink.states[Stream.DEPTH].count(StreamState.OPEN) == 2)


@in_virtual_time
async def test_a_stream_that_the_sink_calls_failed_is_made_anew_at_once() -> None:
    """Long before its silence would be noticed."""
    async with running(silence=1e5) as bench:
        await bench.exchange.send_updates(1)
        await until(lambda: bench.sink.depth)
        bench.sink.failed = True
        await until(lambda: bench.sink.states[Stream.DEPTH].count(StreamState.OPEN) == 2)
        assert bench.sink.causes == [Cause.SILENT]


@in_virtual_time
async def test_trouble_with_trades_leaves_depth_alone() -> None:
    """The trade stream's end is told of the trade stream only."""
    async with running() as bench:
        assert bench.exchange.trades is not None
        await bench.exchange.trades.close()
        await until(lambda: bench.sink.states[Stream.TRADES].count(StreamState.OPEN) == 2)
        assert bench.sink.states[Stream.DEPTH] == [StreamState.CONNECTING, StreamState.OPEN]


@pytest.mark.parametrize("snapshot", [answers(), hangs(), answers(429, b"", Retry_After="9000")])
@in_virtual_time
async def test_cancelling_leaves_nothing(snapshot: Answer) -> None:
    """A cancelled ingestion closes both streams and any fetch, and ends."""
    async with running(snapshot) as bench:
        bench.sink.want()
        await bench.exchange.send_updates()
        await until(lambda: bench.asked)
        bench.task.cancel()
        await asyncio.wait([bench.task])
        assert bench.task.cancelled()
        await until(lambda: bench.exchange.connections == 0)


@in_virtual_time
async def test_arrivals_are_by_the_exchanges_clock() -> None:
    """A clock that is behind would make every event come from the future."""
    exchange_clock, now = ExchangeClock(virtual_clock()), virtual_clock()
    exchange_clock.add(now.steady_ms(), now.wall_ms() + 90_000)
    async with running(exchange_clock=exchange_clock) as bench:
        await bench.exchange.send_updates(1)
        await until(lambda: bench.sink.arrivals)
        wall_ms, steady_ms = bench.sink.arrivals[0]
        assert wall_ms - steady_ms == pytest.approx(EPOCH * 1000 + 90_000, abs=1)
