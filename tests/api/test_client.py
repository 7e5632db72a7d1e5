"""The client against scripted servers: seconds joined, books rebuilt, errors told."""

import ast
import asyncio
import contextlib
import logging
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, assert_type

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from api import client as module
from api.client import (
    URL,
    Book,
    ClientError,
    ClockSetBack,
    DetectionKind,
    Frame,
    MissingPackage,
    NobodyListens,
    NoFrame,
    Recorder,
    Refused,
    UnknownSymbol,
    UnknownUpdate,
    WholeBook,
    WrongBook,
    _decode,
    _Message,
    _Missed,
    _seconds_table,
    _Timeline,
    frames,
)
from api.schema import message_schema_document
from tests.api.played_program import DARK, SYMBOL, PlayedProgram, damaged, seconds_of
from tests.api.serving import PATIENCE, Served, at, until
from tests.builders import property_settings
from tests.program import free_port

SOURCE = Path(module.__file__)
Script = Sequence[str | int | float]
"""What a server does on one connection: texts are sent, an int closes with that code, a float waits."""


class ScriptedServer:
    """A server that plays one script a connection, and the last one again and again."""

    def __init__(self, *scripts: Script, port: int = 0) -> None:
        self._scripts = scripts
        self._port = port
        self.asked: list[str] = []
        self.left = asyncio.Event()

    async def __aenter__(self) -> "ScriptedServer":
        """Listen."""
        self._server = await serve(self._play, "127.0.0.1", self._port, max_size=None).__aenter__()
        self.url = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        self._server.close()
        await self._server.wait_closed()

    async def _play(self, connection: ServerConnection) -> None:
        script = self._scripts[min(len(self.asked), len(self._scripts) - 1)]
        request: Request | None = connection.request
        self.asked.append(request.path if request is not None else "")
        for step in script:
            if isinstance(step, str):
                await connection.send(step)
            elif isinstance(step, int):
                await connection.close(step, "there are BTCUSDT")
                return
            else:
                await asyncio.sleep(step)
        await connection.wait_closed()
        self.left.set()


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHORTEST_S", 0.01)
    monkeypatch.setattr(module, "LONGEST_S", 0.05)


async def taken(count: int, url: str, found: list[Frame] | None = None, **options: Any) -> list[Frame]:
    """Return the first so many frames, put into `found` as they come."""
    found = [] if found is None else found
    async with asyncio.timeout(PATIENCE), contextlib.aclosing(frames(SYMBOL, url, **options)) as stream:
        async for frame in stream:
            found.append(frame)
            if len(found) == count:
                break
    return found


# --- types --------------------------------------------------------------------------------------------


def _plain(schema: Any, models: dict[str, Any], *, optional: bool = False) -> Any:
    """Return a schema without names, words, bounds and defaults: what a value looks like, and no more."""
    if isinstance(schema, list):
        return [_plain(one, models) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _plain(models[schema["$ref"].rpartition("/")[2]], models, optional=optional)
    if "properties" in schema:
        required = set(schema["required"])
        shape = {
            name: _plain(one, models, optional=name not in required)
            for name, one in schema["properties"].items()
        }
        return {"properties": shape, "required": sorted(required)}
    left_out = {"title", "description", "default", "minimum", "maximum", "exclusiveMinimum"}
    kept = {name: _plain(one, models) for name, one in schema.items() if name not in left_out}
    kept |= {name: sorted(set(values) - {"unknown"}) for name, values in kept.items() if name == "enum"}
    if "anyOf" in kept:
        kinds = [kind for kind in kept["anyOf"] if not (optional and kind == {"type": "null"})]
        return kinds[0] if len(kinds) == 1 else {"anyOf": sorted(kinds, key=str)}
    return kept


def test_the_types_are_those_of_the_schema() -> None:
    """Every key, its type, and whether it is always there; `unknown` alone is the client's own word."""
    ours, theirs = msgspec.json.schema(_Message), message_schema_document()
    plain = [_plain({"$ref": one["$ref"]}, one["$defs"]) for one in (ours, theirs)]
    assert plain[0] == plain[1]
    assert "mid_price" in plain[0]["required"] or "mid_price" in plain[0]["properties"]


async def test_mypy_sees_all_types(served: Served) -> None:
    """What a user's own strict run has to go on: `make test` checks these by mypy."""
    async with contextlib.aclosing(frames(SYMBOL, f"ws://127.0.0.1:{served.port}")) as stream:
        async for frame in stream:
            assert_type(frame, Frame)
            assert_type(frame.mid_price, float | None)
            assert_type(frame.bid_levels, list[tuple[float, float]] | None)
            assert_type(frame.status, Literal["live", "syncing", "stale", "unknown"])
            assert_type(frame.detections[0].kind if frame.detections else None, DetectionKind | None)
            break
    recorder = Recorder(SYMBOL)
    assert_type(recorder.frames, list[Frame])
    assert_type(recorder.seconds.columns, list[str])


def test_it_imports_nothing_of_the_program() -> None:
    """The file may be copied: the standard library, websockets and msgspec are all that it needs."""
    allowed = set(sys.stdlib_module_names) | {"websockets", "msgspec"}
    lazily = {"pandas", "polars", "pyarrow"}
    for node in ast.walk(ast.parse(SOURCE.read_text(encoding="utf-8"))):
        names = (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        assert {name.partition(".")[0] for name in names} <= allowed | lazily


def test_a_copy_works_elsewhere_and_without_pandas(tmp_path: Path) -> None:
    """Beside a notebook it needs no table package, and says which one is missing when asked for its table."""
    (tmp_path / "client.py").write_text(SOURCE.read_text(encoding="utf-8"), encoding="utf-8")
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "for name in ('pandas', 'polars', 'pyarrow', 'numpy'): assert name not in sys.modules\n"
        "sys.modules['pandas'] = None\n"
        "import client\n"
        "for name in ('polars', 'pyarrow', 'numpy'): assert name not in sys.modules\n"
        "try: client.Recorder('BTCUSDT').seconds.to_pandas()\n"
        "except client.MissingPackage as error: print(error)\n"
    )
    said = subprocess.run(  # noqa: S603
        [sys.executable, "-I", "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "pip install pandas" in said.stdout


# --- seconds, joined ----------------------------------------------------------------------------------


async def test_history_comes_first_and_each_second_once() -> None:
    """The window, then what follows; messages told twice add nothing."""
    program = PlayedProgram(9)
    script = [program.text(n, first=n == 5) for n in (5, 6, 6, 5, 7)]
    async with ScriptedServer(script) as server:
        found = await taken(7, server.url, updates=True)
    assert list(seconds_of(found)) == [1, 2, 3, 4, 5, 6, 7]
    assert server.asked == ["/ws/BTCUSDT?updates=1"]
    assert [frame.health is None for frame in found] == [True] * 4 + [False] * 3
    assert all(frame.is_live and frame.symbol == SYMBOL for frame in found)
    assert found[3].mid_price == program.rows[4]["mid_price"]


async def test_without_history_it_begins_now() -> None:
    """With the book of the first frame."""
    program = PlayedProgram(9)
    async with ScriptedServer([program.text(5, first=True), program.text(6)]) as server:
        found = await taken(2, server.url, updates=True, history=False)
    assert list(seconds_of(found)) == [5, 6]
    assert found[0].book is not None


async def test_a_new_connection_fills_what_was_missed() -> None:
    """By its history, in order, and goes on with the chain of updates."""
    program = PlayedProgram(20)
    scripts: list[Script] = [
        [program.text(3, first=True), program.text(4), 1001],
        [program.text(9, first=True), 1011],
        [program.text(12, first=True), program.text(13)],
    ]
    async with ScriptedServer(*scripts) as server:
        found = await taken(13, server.url, updates=True)
    assert list(seconds_of(found)) == list(range(1, 14))
    assert all(frame.is_live for frame in found)
    assert len(server.asked) == 3


async def test_seconds_that_nobody_knows_are_said() -> None:
    """A frame each, with a status and a reason and no market value."""
    program = PlayedProgram(30)
    scripts: list[Script] = [
        [program.text(3, first=True), 1001],
        [program.text(20, first=True, window=4), program.text(21)],
    ]
    async with ScriptedServer(*scripts) as server:
        found = await taken(21, server.url, updates=True)
    assert list(seconds_of(found)) == list(range(1, 22))
    unknown = [frame for frame in found if frame.status == "unknown"]
    assert list(seconds_of(unknown)) == list(range(4, 16))
    assert all(frame.reason and frame.mid_price is None and frame.updates is None for frame in unknown)
    assert all(frame.is_live for frame in found if frame not in unknown)
    detections = _seconds_table(found).to_pandas().detections
    assert list(detections.isna()) == [frame.status == "unknown" for frame in found]


async def test_a_frame_lost_on_the_way_is_asked_for_anew() -> None:
    """A client that reads too slowly loses frames; a new connection's history has them."""
    program = PlayedProgram(20)
    scripts: list[Script] = [
        [program.text(3, first=True), program.text(4), program.text(7)],
        [program.text(8, first=True), program.text(9)],
    ]
    async with ScriptedServer(*scripts) as server:
        found = await taken(9, server.url)
    assert list(seconds_of(found)) == list(range(1, 10))
    assert all(frame.is_live for frame in found)
    assert len(server.asked) == 2


async def test_updates_lost_on_the_way_are_asked_for_anew() -> None:
    """A break in `pu` shows that something is missing though the second is there."""
    program = PlayedProgram(20, seed=3, book_every=100)
    broken = next(n for n in range(4, 20) if len(program.rows[n]["updates"]) > 1)

    def lose_one(message: dict[str, Any]) -> None:
        del message["updates"][0]

    before = [program.text(3, first=True), *(program.text(n) for n in range(4, broken))]
    scripts: list[Script] = [
        [*before, damaged(program.text(broken), lose_one)],
        [program.text(broken, first=True)],
    ]
    async with ScriptedServer(*scripts) as server:
        found = await taken(broken, server.url, updates=True)
    assert list(seconds_of(found)) == list(range(1, broken + 1))
    assert len(server.asked) == 2


async def test_dark_seconds_are_told_as_they_are() -> None:
    """Status and reason of the program, no market value; the next book begins anew."""
    program = PlayedProgram(12, dark=frozenset({5, 6}))
    async with ScriptedServer([program.text(n, first=n == 3) for n in range(3, 11)]) as server:
        found = await taken(10, server.url, updates=True)
    assert [(frame.status, frame.reason) for frame in found[4:6]] == [DARK, DARK]
    assert found[6].book is not None


async def test_a_clock_that_went_back_is_an_error() -> None:
    """Seconds would come twice."""
    program = PlayedProgram(40)
    async with ScriptedServer([program.text(30, first=True), program.text(5)]) as server:
        with pytest.raises(ClockSetBack):
            await taken(31, server.url)


window = st.integers(1, 12)
connections = st.lists(
    st.tuples(st.integers(0, 9), window, st.sets(st.integers(0, 5)), st.integers(1, 6)), max_size=6
)


@given(
    seed=st.integers(0, 50),
    dark=st.frozensets(st.integers(1, 70), max_size=12),
    plays=connections,
    updates=st.booleans(),
)
@property_settings(150)
def test_whatever_is_lost_the_seconds_are_whole_and_the_books_exact(
    seed: int, dark: frozenset[int], plays: list[tuple[int, int, set[int], int]], updates: bool
) -> None:
    """Connections that begin late, lose frames and end: each second once, in order, exact or unknown.

    A second is unknown only if no message had it; at each update that leads on from a book, the book is the
    naive program's.
    """
    program, now, timeline = PlayedProgram(80, seed=seed, dark=dark), 1, _Timeline()
    told: list[Frame] = []
    had: set[int] = set()

    def message(second: int, **how: Any) -> _Message:
        made = _decode(program.text(second, **how))
        if not updates:
            rows = [msgspec.structs.replace(row, updates=None, book=None) for row in made.history or []]
            made = msgspec.structs.replace(made, updates=None, book=None, history=rows or None)
        return made

    def take(second: int, **how: Any) -> None:
        found = message(second, **how)
        had.update(seconds_of([*(found.history or []), found]))
        new = list(timeline.receive(found))
        assert had.isdisjoint(seconds_of([frame for frame in new if frame.status == "unknown"]))
        told.extend(new)

    for away, width, lost, length in plays:
        now += away
        timeline.connected()
        for step in range(length):
            try:
                if step == 0:
                    take(now, first=True, window=width)
                elif step not in lost:
                    take(now)
            except _Missed:
                timeline.connected()
                take(now, first=True, window=width)
            now += 1
    numbers = list(seconds_of(told))
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else not plays
    pairs = zip(numbers, told, strict=True)
    assert all(frame.is_live for n, frame in pairs if n in had - dark and frame.status != "unknown")
    if updates:
        assert _books_are_true(program, told)


def _books_are_true(program: PlayedProgram, told: list[Frame]) -> bool:
    """Rebuild by hand; say whether each live second was reached with a book."""
    book: Book | None = None
    for frame in told:
        if frame.book is not None:
            book = Book(frame.book)
        if frame.updates is None:
            book = None
            continue
        assert book is not None, "a live second and no book that leads to it"
        for update in frame.updates:
            assert book.apply(update)
            assert (book.whole().bids, book.whole().asks) == program.truth[update.u]
    return True


# --- what is wrong is said ----------------------------------------------------------------------------


def other_size(message: dict[str, Any]) -> None:
    """Change one size of a frame's best bid."""
    message["bid_levels"][0][1] += 1


def other_level_of_the_book(message: dict[str, Any]) -> None:
    """Change one far level of the whole book."""
    message["book"]["bids"][-1][1] += 1


def another_end(message: dict[str, Any]) -> None:
    """Change the update id that the frame claims."""
    message["last_update_id"] += 1


def fewer_levels(message: dict[str, Any]) -> None:
    """Leave out the last ask."""
    del message["ask_levels"][-1]


@pytest.mark.parametrize("change", [other_size, other_level_of_the_book, another_end, fewer_levels])
async def test_a_wrong_book_raises(change: Callable[[dict[str, Any]], None]) -> None:
    """Whatever differs: a level of the frame, a level of a whole book, the id. Seconds before it are told."""
    program = PlayedProgram(12, book_every=6)
    script = [program.text(3, first=True), program.text(4), program.text(5), damaged(program.text(6), change)]
    found: list[Frame] = []
    async with ScriptedServer(script) as server:
        with pytest.raises(WrongBook):
            await taken(6, server.url, found, updates=True)
    assert list(seconds_of(found)) == [1, 2, 3, 4, 5]


async def test_an_unknown_symbol_is_said_with_those_there_are(served: Served) -> None:
    """Of the real API: the reason of its close frame."""
    with pytest.raises(UnknownSymbol, match=r"DOGEUSDT.*BTCUSDT, ETHUSDT"):
        await anext(frames("DOGEUSDT", f"ws://127.0.0.1:{served.port}"))


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    """Run the real API with a second of one symbol."""
    from api.websocket_server import Api
    from tests.api.serving import SOURCE as SOURCE_NAME
    from tests.api.serving import SYMBOLS, TOKEN, HandClock, a_second

    clock = HandClock()
    running = Served(Api(SYMBOLS, SOURCE_NAME, feed_token=TOKEN, clock=clock), clock)
    await running.start()
    running.api.channels[SYMBOL].add(a_second(at(1)))
    yield running
    await running.stop()


async def test_it_reads_the_real_api_in_any_letter_case(served: Served) -> None:
    """The history of a client without updates has the newest second too; it comes once."""
    async with contextlib.aclosing(
        frames("btcusdt", f"ws://127.0.0.1:{served.port}", ladders=True)
    ) as stream:
        frame = await anext(stream)
    assert (frame.timestamp, frame.is_live) == (at(1), True)
    assert frame.ladders


async def test_who_refuses_is_not_asked_again() -> None:
    """A server that is another program's."""

    def refuse(connection: ServerConnection, _: Request) -> Response:
        return connection.respond(404, "no such page\n")

    async with serve(lambda _: asyncio.sleep(0), "127.0.0.1", 0, process_request=refuse) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Refused, match="404"):
            await anext(frames(SYMBOL, f"ws://127.0.0.1:{port}"))


@pytest.mark.parametrize("text", ["{}", "no JSON", '{"symbol": 1}', "[]"])
async def test_what_is_no_frame_is_said(text: str) -> None:
    """By which version it does not fit."""
    async with ScriptedServer([text]) as server:
        with pytest.raises(NoFrame):
            await anext(frames(SYMBOL, server.url))


async def test_nobody_listens_is_said_once_and_gives_up_when_told_to(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One line, however often it tries; then an error with the time."""
    caplog.set_level(logging.INFO, module.__name__)
    with pytest.raises(NobodyListens, match=r"for [01] s"):
        await anext(frames(SYMBOL, f"ws://127.0.0.1:{free_port()}", give_up_after=0.4))
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_a_server_that_comes_later_is_found(caplog: pytest.LogCaptureFixture) -> None:
    """And that it has come is said."""
    caplog.set_level(logging.INFO, module.__name__)
    port, program = free_port(), PlayedProgram(3)
    waiting = asyncio.ensure_future(anext(frames(SYMBOL, f"ws://127.0.0.1:{port}")))
    await asyncio.sleep(0.1)
    async with ScriptedServer([program.text(2, first=True)], port=port):
        frame = await asyncio.wait_for(waiting, PATIENCE)
    assert list(seconds_of([frame])) == [1]
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


LEAVING = """
import asyncio, sys
from api.client import frames

async def main():
    async for frame in frames("BTCUSDT", sys.argv[1]):
        if sys.argv[2] == "break":
            break
        raise SystemError("the reader's own")

asyncio.run(main(), debug=True)
"""


@pytest.mark.parametrize("how", ["break", "raise"])
async def test_a_loop_that_is_left_ends_its_connection_in_silence(how: str) -> None:
    """Also where the event loop ends with it: nothing is printed but the reader's own error, once."""
    program = PlayedProgram(9)
    async with ScriptedServer([program.text(3, first=True)]) as server:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-X", "dev", "-c", LEAVING, server.url, how), stderr=asyncio.subprocess.PIPE
        )
        printed = (await asyncio.wait_for(process.communicate(), PATIENCE))[1].decode()
    assert printed.count("Traceback") == (how == "raise"), printed
    assert "Warning" not in printed, printed
    assert "Error" not in printed.replace("SystemError", ""), printed


async def test_a_loop_that_is_left_ends_its_connection_while_others_go_on() -> None:
    """Without being told to: nobody else holds it."""
    program = PlayedProgram(9)
    async with ScriptedServer([program.text(3, first=True)]) as server:
        async for _ in frames(SYMBOL, server.url):
            break
        async with asyncio.timeout(PATIENCE / 2):
            await server.left.wait()


async def test_a_stream_that_was_closed_has_ended() -> None:
    """It gives nothing more, and does not connect anew."""
    program = PlayedProgram(9)
    async with ScriptedServer([program.text(3, first=True)]) as server:
        stream = frames(SYMBOL, server.url)
        assert (await anext(stream)).timestamp
        await stream.aclose()
        assert [frame async for frame in stream] == []


async def test_a_silent_connection_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is open and sends nothing is as bad as none."""
    monkeypatch.setattr(module, "SILENCE_S", 0.1)
    program = PlayedProgram(9)
    async with ScriptedServer([program.text(3, first=True)], [program.text(6, first=True)]) as server:
        found = await taken(6, server.url)
    assert list(seconds_of(found)) == [1, 2, 3, 4, 5, 6]


async def test_a_reader_who_takes_their_time_is_no_outage() -> None:
    """`give_up_after` counts what the server does not send, not what is not read."""
    program = PlayedProgram(9)
    async with (
        ScriptedServer([program.text(3, first=True), 1.0, program.text(4)]) as server,
        contextlib.aclosing(frames(SYMBOL, server.url, give_up_after=0.8)) as stream,
    ):
        assert [await anext(stream) for _ in range(3)]
        await asyncio.sleep(1.2)
        assert list(seconds_of([await anext(stream)])) == [4]


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "127.0.0.1:8000", "ws://", ""])
def test_a_url_that_is_none_is_said_at_once(url: str) -> None:
    """Before anything is recorded."""
    with pytest.raises(ValueError, match=URL):
        Recorder(SYMBOL, url)


@pytest.mark.parametrize(
    ("host", "proxied"),
    [("127.0.0.1", None), ("localhost", None), ("[::1]", None), ("lab.example.org", True)],
)
def test_a_proxy_is_never_between_two_programs_of_this_machine(host: str, proxied: bool | None) -> None:
    """Elsewhere the environment's is used."""
    address, proxy = module._address(f"ws://{host}:8000/", "B/T C", updates=True, ladders=True)
    assert (address, proxy) == (f"ws://{host}:8000/ws/B%2FT%20C?updates=1&ladders=1", proxied)


# --- the recorder -------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def recording(*scripts: Script, **options: Any) -> AsyncIterator[Recorder]:
    """Run a recorder beside this loop."""
    async with ScriptedServer(*scripts) as server:
        recorder = Recorder(SYMBOL, server.url, updates=True, **options)
        recorder.start()
        try:
            yield recorder
        finally:
            await asyncio.to_thread(recorder.stop)


async def until_recorded(recorder: Recorder, second: int) -> None:
    """Wait until this second is there; `wait` counts from whenever it is called, which may be after it."""
    await until(lambda: second in list(seconds_of(recorder.frames)))


async def test_a_recorder_has_tables_of_seconds_updates_and_trades() -> None:
    """The same in pandas, polars and Arrow: UTC times, NaN where dark, ten levels a side."""
    program = PlayedProgram(12, dark=frozenset({5}))
    script = [program.text(n, first=n == 8) for n in (8, 9, 10)]
    async with recording(script) as recorder:
        await until_recorded(recorder, 10)
    table = recorder.seconds.to_pandas()
    assert list(table.index) == [one.tz_localize("UTC") for one in _times(range(1, 11))]
    assert str(table.index.tz) == "UTC"
    dark = table.iloc[4]
    assert dark.status == "syncing"
    assert dark[["mid_price", "bid_px_1", "ask_sz_10", "ofi_10", "buy_volume"]].isna().all()
    assert table.drop(table.index[4])[["mid_price", "bid_px_1", "ask_sz_10", "ofi_10"]].notna().all().all()
    for rank in range(10):
        price, size = program.rows[9]["ask_levels"][rank]
        assert (table[f"ask_px_{rank + 1}"].iloc[8], table[f"ask_sz_{rank + 1}"].iloc[8]) == (price, size)
    scalars = {name for name, value in program.rows[9].items() if isinstance(value, float | int | str)}
    assert scalars - {"timestamp"} <= set(table.columns)
    for made in (recorder.seconds.to_polars(), recorder.seconds.to_arrow().to_pandas()):
        assert list(made["mid_price"])[:4] == list(table.mid_price)[:4]
    assert str(recorder.seconds.to_polars()["timestamp"].dtype).endswith("time_zone='UTC')")
    updates = recorder.updates.to_pandas()
    assert list(updates.u) == [update.u for frame in recorder.replay() for update in frame.updates or ()]
    for row in updates.itertuples():
        bids, asks = program.truth[row.u]
        assert ((row.bid_px_1, row.bid_sz_1), (row.ask_px_10, row.ask_sz_10)) == (bids[0], asks[9])
        assert row.mid_price == (bids[0][0] + asks[0][0]) / 2
    assert updates.after_gap.sum() == 2
    assert list(recorder.trades.to_pandas()["id"]) == list(range(1, 11))
    assert len(recorder.seconds) == 10


def _times(seconds: Iterator[int] | range) -> Iterator[Any]:
    import pandas as pd

    for second in seconds:
        yield pd.Timestamp(at(second), unit="ms")


async def test_every_book_of_a_recording_can_be_asked_for() -> None:
    """Each level at each update id; of another id, and of one in the dark, it says that there is none."""
    program = PlayedProgram(20, dark=frozenset({9}))
    async with recording([program.text(n, first=n == 15) for n in (15, 16, 17)]) as recorder:
        await until_recorded(recorder, 17)
    book = recorder.book
    ids = list(recorder.updates.to_pandas().u)
    for update_id in (1_000, *ids):
        found = book.at(update_id)
        assert isinstance(found, WholeBook)
        assert (found.u, found.low, found.high) == (update_id, 50.0, 150.0)
        assert (found.bids, found.asks) == program.truth[update_id]
    assert (book.first, book.last) == (1_000, ids[-1])
    lost = set(program.truth) - set(ids) - {1_000, *(one["u"] for one in program.books.values())}
    for update_id in (999, ids[-1] + 7, ids[0] + 1, *sorted(one for one in lost if one < ids[-1])):
        with pytest.raises(UnknownUpdate):
            book.at(update_id)


async def test_memory_is_bounded_and_the_oldest_book_still_leads_on() -> None:
    """No more seconds than asked for are told, and each of their updates has its book."""
    program = PlayedProgram(70, book_every=30)
    async with recording([program.text(50, first=True), program.text(51)], keep_seconds=10) as recorder:
        await until_recorded(recorder, 51)
    assert list(seconds_of(recorder.frames)) == list(range(42, 52))
    ids = list(recorder.updates.to_pandas().u)
    assert ids == [update.u for frame in recorder.replay() for update in frame.updates or ()]
    assert all((recorder.book.at(one).bids, recorder.book.at(one).asks) == program.truth[one] for one in ids)
    assert not recorder.updates.to_pandas().after_gap.any()
    assert len(recorder._kept) == 41


async def test_an_error_is_raised_once_by_what_is_called_next() -> None:
    """By `wait`, or at the end of the block; what was recorded before stays."""
    program = PlayedProgram(12)
    script = [program.text(3, first=True), damaged(program.text(4), other_size)]
    async with recording(script) as recorder:
        with pytest.raises(WrongBook):
            await asyncio.to_thread(recorder.wait, 60, timeout=PATIENCE)
        assert list(seconds_of(recorder.frames)) == [1, 2, 3]
        with pytest.raises(RuntimeError, match="nothing is being recorded"):
            recorder.wait(1)

    def block(url: str) -> None:
        with Recorder(SYMBOL, url, updates=True) as unread:
            while unread._error is None:
                pass

    async with ScriptedServer(script) as server:
        with pytest.raises(WrongBook):
            await asyncio.to_thread(block, server.url)


async def test_waiting_has_an_end() -> None:
    """Where the seconds do not come."""
    program = PlayedProgram(4)
    async with recording([program.text(3, first=True)]) as recorder:
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(recorder.wait, 5, timeout=0.3)


class BusyChange:
    """A condition that is told of something all the time; each wait takes a tenth of a second of `clock`."""

    def __init__(self, clock: list[float]) -> None:
        self._clock = clock

    def wait(self, _: float) -> bool:
        """Be notified."""
        self._clock[0] += 0.1
        return True


def test_waiting_ends_in_time_however_much_else_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame that is not the one waited for does not prolong it."""
    clock = [0.0]
    recorder = Recorder(SYMBOL, "ws://127.0.0.1:1")
    recorder._changed = BusyChange(clock)  # type: ignore[assignment]
    recorder._thread = threading.current_thread()
    monkeypatch.setattr("api.client.monotonic", lambda: clock[0])
    with pytest.raises(TimeoutError):
        recorder._until(lambda: clock[0] > 60, 4.0)
    assert clock[0] == pytest.approx(4.0)


async def test_a_recorder_that_has_just_ended_by_itself_is_stopped() -> None:
    """Its loop is closed already."""
    recorder = Recorder(SYMBOL, "ws://127.0.0.1:1")
    recorder._loop = asyncio.new_event_loop()
    recorder._loop.close()
    recorder._task = asyncio.create_task(asyncio.sleep(0))
    recorder.stop()
    await recorder._task


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_recorder_keeps_a_second_at_least(seconds: int) -> None:
    """Of none nothing could be read."""
    with pytest.raises(ValueError, match="keep_seconds"):
        Recorder(SYMBOL, keep_seconds=seconds)


def test_a_recorder_that_is_stopped_at_once_stops() -> None:
    """Before its thread has begun, and with nobody there to record."""
    for _ in range(5):
        with Recorder(SYMBOL, f"ws://127.0.0.1:{free_port()}"):
            pass


def test_a_recorder_records_once() -> None:
    """A second start is an error, and so is a book of a recording without updates."""
    recorder = Recorder(SYMBOL, f"ws://127.0.0.1:{free_port()}")
    recorder.start()
    with pytest.raises(RuntimeError):
        recorder.start()
    recorder.stop()
    assert (recorder.frames, len(recorder.updates), len(recorder.trades)) == ([], 0, 0)
    for ask in (lambda: recorder.book.last, lambda: recorder.book.first, lambda: recorder.book.at(1)):
        with pytest.raises(UnknownUpdate):
            ask()


def test_all_errors_are_of_one_tree() -> None:
    """So that one `except` is enough."""
    errors = [value for name in module.__all__ if isinstance(value := getattr(module, name), type)]
    errors = [error for error in errors if issubclass(error, Exception)]
    assert {MissingPackage, WrongBook} < set(errors)
    assert all(issubclass(error, ClientError) for error in errors)
