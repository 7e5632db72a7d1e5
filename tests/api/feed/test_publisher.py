"""The engine's side of the feed, against a small API that a test starts and stops."""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator

import pytest_asyncio
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from api.feed import handshake
from api.feed.messages import (
    ExactBook,
    FeedBook,
    FeedLatencies,
    FeedMessage,
    FeedProcess,
    FeedSecond,
    FeedState,
    NoBook,
    decode_feed,
)
from api.feed.publisher import WAITING_SECONDS, FeedPublisher
from api.feed.voice import Voice
from api.processes import ProcessReader
from data_ingestion.clock import Clock
from data_ingestion.exchange_clock import ExchangeClock
from data_ingestion.pacing.backoff import Backoff
from data_ingestion.pacing.latency import LatencyMeter
from state.updates import EncodedNews
from tests.api.serving import PATIENCE, SOURCE, T0, TOKEN, at, until
from tests.engine_rig import opened
from tests.program import free_port

WINDOW = 180


class FakeApi:
    """Takes the feed of one engine, refuses it while `token` is another, and keeps what it is told."""

    def __init__(self) -> None:
        self.port = free_port()
        self.token = TOKEN
        self.refused = 0
        self.overheard: list[bytes | str] = []  # after a proof that was wrong
        self.paths: list[str] = []
        self.told: asyncio.Queue[FeedMessage] = asyncio.Queue()  # states and seconds
        self.books: asyncio.Queue[FeedBook] = asyncio.Queue()
        self.latencies: asyncio.Queue[FeedLatencies] = asyncio.Queue()
        self.processes: asyncio.Queue[FeedProcess] = asyncio.Queue()
        self.deaf = asyncio.Event()  # set while it reads
        self.deaf.set()
        self.connected = 0
        self._server: Server | None = None

    @property
    def url(self) -> str:
        """Where it listens, when it does."""
        return f"ws://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen."""
        self._server = await serve(self._take, "127.0.0.1", self.port, max_queue=1, compression=None)

    async def stop(self) -> None:
        """Go away, and cut all connections."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def next(self) -> FeedMessage:
        """Return the next message."""
        return await asyncio.wait_for(self.told.get(), PATIENCE)

    async def next_book(self) -> FeedBook:
        """Return the next word of the engine's book."""
        return await asyncio.wait_for(self.books.get(), PATIENCE)

    async def next_state(self) -> FeedState:
        """Return the next message, which must be a full state."""
        message = await self.next()
        assert isinstance(message, FeedState)
        return message

    async def next_second(self) -> FeedSecond:
        """Return the next message, which must be a second."""
        message = await self.next()
        assert isinstance(message, FeedSecond)
        return message

    async def _shake_hands(self, connection: ServerConnection) -> bool:
        challenge = handshake.Challenge(b"c" * handshake.NONCE_BYTES)
        await connection.send(handshake.encode(challenge))
        said = handshake.decode(await connection.recv())
        assert isinstance(said, handshake.Answer)
        knows = handshake.is_engine(self.token, "BTCUSDT", challenge, said)
        if not knows:
            self.refused += 1
        # Who does not know the secret says what it can.
        await connection.send(handshake.encode(handshake.welcome(self.token, "BTCUSDT", challenge, said)))
        return knows

    async def _take(self, connection: ServerConnection) -> None:
        self.paths.append(connection.request.path if connection.request else "")
        with contextlib.suppress(ConnectionClosed):
            if not await self._shake_hands(connection):
                self.overheard += [message async for message in connection]
                return
        self.connected += 1
        async for message in connection:
            assert isinstance(message, bytes)
            decoded = decode_feed(message)
            if isinstance(decoded, FeedBook):
                self.books.put_nowait(decoded)
            elif isinstance(decoded, FeedLatencies):
                self.latencies.put_nowait(decoded)
            elif isinstance(decoded, FeedProcess):
                self.processes.put_nowait(decoded)
            else:
                self.told.put_nowait(decoded)
            await self.deaf.wait()


class Delivery:
    """A publisher at work, whose seconds a test closes."""

    def __init__(self, url: str) -> None:
        rig = self.rig = opened()
        self.applied = LatencyMeter()
        backoff = Backoff(lambda: 0.0, base=0.01, cap=0.02, longest=0.02)
        clock = Clock(wall=lambda: T0 / 1000, steady=lambda: rig.now / 1000)
        self.exchange_clock = ExchangeClock(clock)
        voice = Voice(
            rig.engine,
            applied=self.applied,
            clock=clock,
            exchange_clock=self.exchange_clock,
            process=ProcessReader("engine", "BTCUSDT", restarts=3),
        )
        self.publisher = FeedPublisher(voice, url, TOKEN, backoff=backoff)
        self._task = asyncio.create_task(self.publisher.run())

    def close(self, *seconds: int) -> None:
        """Close these seconds."""
        for second in seconds:
            self.publisher.close_second(at(second))

    async def stop(self) -> None:
        """End it, as the program does."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait_for(self._task, PATIENCE)


@pytest_asyncio.fixture
async def api() -> AsyncIterator[FakeApi]:
    """Give an API that does not listen yet."""
    fake = FakeApi()
    yield fake
    await fake.stop()


@pytest_asyncio.fixture
async def delivery(api: FakeApi) -> AsyncIterator[Delivery]:
    """Give a publisher that tries to reach that API."""
    running = Delivery(api.url)
    yield running
    await running.stop()


def stamps(state: FeedState) -> list[int]:
    """Return the seconds of a state's rows."""
    return [row.timestamp for row in state.rows]


async def test_all_that_is_known_comes_first_and_then_each_second(api: FakeApi, delivery: Delivery) -> None:
    """The state has the window and the latest second; none of them is told again."""
    delivery.close(1, 2)
    await api.start()
    state = await api.next_state()
    assert (state.source, stamps(state)) == (SOURCE, [at(1), at(2)])
    assert state.latest is not None
    assert state.latest.row.timestamp == at(2)
    delivery.close(3)
    second = await api.next_second()
    delivery.close(4)
    assert [second.row.timestamp, (await api.next_second()).row.timestamp] == [at(3), at(4)]
    assert json.loads(second.frame)["timestamp"] == at(3)
    assert api.paths == ["/feed/BTCUSDT"]


async def test_an_engine_that_has_closed_no_second_says_so(api: FakeApi, delivery: Delivery) -> None:
    """The state comes at once, and is empty."""
    await api.start()
    state = await api.next_state()
    assert (state.rows, state.latest) == ([], None)
    delivery.close(1)
    assert (await api.next_second()).row.timestamp == at(1)


async def test_an_api_that_restarts_is_told_everything_again(api: FakeApi, delivery: Delivery) -> None:
    """Each connection begins with the full state, with the seconds that passed meanwhile."""
    await api.start()
    await api.next_state()
    delivery.close(1)
    await api.next_second()
    for round_ in (1, 2):
        await api.stop()
        delivery.close(2 * round_, 2 * round_ + 1)
        await api.start()
        while not isinstance(message := await api.next(), FeedState):
            pass
        assert stamps(message) == [at(second) for second in range(1, 2 * round_ + 2)]
    delivery.close(6)
    assert (await api.next_second()).row.timestamp == at(6)


async def test_memory_is_bounded_while_the_api_is_away(api: FakeApi, delivery: Delivery) -> None:
    """After a thousand seconds alone the API gets the window, then news; nothing else has been kept."""
    delivery.close(*range(1, 1001))
    await api.start()
    state = await api.next_state()
    assert stamps(state) == [at(second) for second in range(1001 - WINDOW, 1001)]
    delivery.close(1001)
    assert (await api.next_second()).row.timestamp == at(1001)


async def test_an_api_that_does_not_read_gets_the_newest_seconds(api: FakeApi, delivery: Delivery) -> None:
    """What waits for it is bounded: seconds are left out, their order is kept, the newest comes."""
    api.deaf.clear()
    await api.start()
    await api.next_state()
    last = 50_000
    for second in range(1, last + 1):
        delivery.close(second)
        if second % 100 == 0:
            await asyncio.sleep(0)
    api.deaf.set()
    got = [(await api.next_second()).row.timestamp]
    while got[-1] != at(last):
        got.append((await api.next_second()).row.timestamp)
    assert got == sorted(set(got))
    assert len(got) < last


async def book_that(api: FakeApi, kind: type[ExactBook | NoBook]) -> ExactBook | NoBook:
    """Return the first book of that kind that is told."""
    while not isinstance(book := (await api.next_book()).book, kind):
        pass
    return book


async def test_the_book_is_told_again_and_again_although_nothing_changes(
    api: FakeApi, delivery: Delivery
) -> None:
    """Also where no second closes: each word is one more confirmation, with the time at which it was said."""
    await api.start()
    told = [await api.next_book() for _ in range(3)]
    assert {word.said_at for word in told} == {T0}
    assert all(isinstance(word.book, NoBook) for word in told)
    delivery.rig.sync()
    market, known = delivery.rig.engine.market, delivery.rig.engine.known_range()
    assert market is not None
    assert known is not None
    exact = ExactBook(market.last_update_id, market.exchange_time, market.top, *known)
    assert await book_that(api, ExactBook) == exact
    assert [(await api.next_book()).book for _ in range(3)] == [exact] * 3
    assert api.told.qsize() == 1  # the state alone


async def test_a_book_that_is_lost_is_told_without_waiting_for_the_second(
    api: FakeApi, delivery: Delivery
) -> None:
    """And so is the one that takes its place."""
    await api.start()
    delivery.rig.sync()
    await book_that(api, ExactBook)
    delivery.rig.lose((True, 1, 3))
    delivery.rig.emit((True, 1, 2))
    lost = await book_that(api, NoBook)
    assert isinstance(lost, NoBook)
    assert lost.reason
    delivery.rig.answer()
    delivery.rig.emit((True, 2, 2))
    new = await book_that(api, ExactBook)
    assert isinstance(new, ExactBook)
    assert new.last_update_id == delivery.rig.exchange.events[-1].final_update_id


async def exact_word(api: FakeApi, *, whole: bool) -> FeedBook:
    """Return the next word of an exact book that brings news: a whole book, or updates."""
    while True:
        word = await api.next_book()
        if isinstance(word.book, ExactBook) and word.news != EncodedNews():
            assert (word.news.book != b"null") == whole
            return word


async def test_each_connection_begins_with_a_whole_book_and_updates_follow(
    api: FakeApi, delivery: Delivery
) -> None:
    """An API that comes back is told all anew, whatever happened meanwhile."""
    rig = delivery.rig
    await api.start()
    rig.sync()
    for number in range(3):
        whole = json.loads((await exact_word(api, whole=True)).news.book)
        assert whole["u"] == rig.exchange.events[-1].final_update_id
        assert len(whole["bids"]) > 50
        event = rig.emit((True, 1, 3 - number))
        (update,) = json.loads((await exact_word(api, whole=False)).news.updates)
        assert (update["pu"], update["u"]) == (whole["u"], event.final_update_id)
        await api.stop()
        while not api.books.empty():
            api.books.get_nowait()
        rig.emit((False, 1, 3 - number))
        await api.start()
    rig.lose((True, 1, 3))
    await exact_word(api, whole=True)
    rig.emit((True, 1, 2))
    rig.answer()
    rig.emit((True, 2, 2))
    await exact_word(api, whole=True)


async def test_seconds_that_wait_keep_no_book_from_being_told(api: FakeApi, delivery: Delivery) -> None:
    """They take turns."""
    await api.start()
    await api.next_state()
    for second in range(1, 6):
        delivery.close(second)
    stamps_told = [(await api.next_second()).row.timestamp for _ in range(5)]
    assert stamps_told == [at(second) for second in range(1, 6)]
    assert api.books.qsize() >= 4


async def test_latencies_follow_each_second(api: FakeApi, delivery: Delivery) -> None:
    """What the ingestor counted, and each live frame from its last event to its encoding."""
    await api.start()
    await api.next_state()
    delivery.applied.add(7)
    delivery.close(1)
    first = await asyncio.wait_for(api.latencies.get(), PATIENCE)
    assert first == FeedLatencies(delivery.applied.read(), LatencyMeter().read())
    delivery.rig.sync()
    market = delivery.rig.engine.market
    assert market is not None
    delivery.close(2)
    second = await asyncio.wait_for(api.latencies.get(), PATIENCE)
    assert (sum(second.encoded.buckets), second.encoded.sum_ms) == (1, T0 - market.exchange_time)


async def test_a_wrong_secret_is_tried_until_it_is_right(api: FakeApi, delivery: Delivery) -> None:
    """A refusal ends nothing; once the API takes the secret it is told all."""
    api.token = "another"  # noqa: S105
    await api.start()
    delivery.close(1)
    await until(lambda: api.refused >= 10)
    assert api.told.empty()
    assert api.overheard == []  # nothing is told to who does not know the secret
    api.token = TOKEN
    assert stamps(await api.next_state()) == [at(1)]


async def test_what_answers_with_something_else_is_tried_again(api: FakeApi, delivery: Delivery) -> None:
    """A port where somebody speaks no HTTP at all does not end the engine."""
    asked = 0

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.readline()
        writer.write(b"220 not the server you look for\r\n")
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", api.port):
        await until(lambda: asked >= 3)
    delivery.close(1)
    await api.start()
    assert stamps(await api.next_state()) == [at(1)]


async def test_the_frame_comes_back_to_who_closed_the_second(delivery: Delivery) -> None:
    """Whether or not an API hears it."""
    frame = delivery.publisher.close_second(at(7))
    assert (frame.symbol, frame.timestamp, frame.status) == ("BTCUSDT", at(7), "syncing")


async def test_stopping_it_closes_its_connection(api: FakeApi, delivery: Delivery) -> None:
    """Nothing is left behind: not its connection, and no task."""
    await api.start()
    await api.next_state()
    before = asyncio.all_tasks()
    await delivery.stop()
    await api.stop()
    assert len(asyncio.all_tasks()) < len(before)
    assert asyncio.all_tasks() <= before


async def test_a_frame_says_how_far_the_exchanges_clock_is_ahead(delivery: Delivery) -> None:
    """Nothing while it is not known, and then by how much at most that may be wrong."""
    before = delivery.publisher.close_second(at(1)).health
    assert before is not None
    assert (before.clock_offset_ms, before.clock_uncertainty_ms) == (None, None)
    delivery.exchange_clock.add(delivery.rig.now, T0 + 300)
    after = delivery.publisher.close_second(at(2)).health
    assert after is not None
    assert (after.clock_offset_ms, after.clock_uncertainty_ms) == (300.5, 0.5)


async def test_an_engine_tells_of_its_own_process(api: FakeApi, delivery: Delivery) -> None:
    """Wherever it runs, after each second."""
    await api.start()
    await api.next_state()
    delivery.close(1)
    told = (await asyncio.wait_for(api.processes.get(), PATIENCE)).report
    assert (told.role, told.symbol, told.pid, told.restarts) == ("engine", "BTCUSDT", os.getpid(), 3)
    assert told.memory_bytes > 2**20


async def test_seconds_lost_on_the_way_are_followed_by_a_whole_book(delivery: Delivery) -> None:
    """What was dropped for an API that is slow leads nowhere: the seconds after it begin anew."""
    delivery.rig.sync()
    delivery.close(*range(1, WAITING_SECONDS + 1))
    books = [row.chunk.decode().book is not None for row in delivery.rig.engine.window]
    assert sum(books) == 1
    delivery.close(*range(WAITING_SECONDS + 1, WAITING_SECONDS + 4))
    lost, *_, last = list(delivery.rig.engine.window)[WAITING_SECONDS:]
    assert lost.chunk.decode().book is None
    assert last.chunk.decode().book is not None
