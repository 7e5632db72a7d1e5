"""The whole program, as a person starts and ends it, and as its processes die."""

import asyncio
import contextlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import psutil
import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from config import Settings
from processes.source_choice import with_source
from processes.supervisor import lines_of
from tests.data_ingestion.fakes import RawServer, http, says
from tests.program import (
    PATIENCE,
    ROOT,
    Frame,
    Program,
    asked,
    environment_of,
    free_port,
    listening,
    next_frame,
    next_live,
)

SYMBOLS = ("BTCUSDT", "ETHUSDT")
MAIN = [sys.executable, str(ROOT / "main.py")]

in_one_loop = pytest.mark.asyncio(loop_scope="module")


def simulated(**others: object) -> Program:
    """Return a program on the simulated exchange; its books may be quiet for as long as a busy machine is."""
    return Program(**{"source": "simulated", "stale_after": 20, "depth_silence": 30, "page": True} | others)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def program() -> AsyncIterator[Program]:
    """Run one program for all tests that leave it running."""
    async with simulated() as running:
        yield running


def processes_of(program: Program) -> dict[str, psutil.Process]:
    """Return the processes that a program has started, by role, or by symbol for an engine."""
    if program.process is None:
        raise RuntimeError("not started")
    found = {}
    for child in psutil.Process(program.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            environment = child.environ()
            role = environment.get("ROLE", "")
            found[environment["SYMBOLS"] if role == "engine" else role] = child
    return found


async def until(condition: Callable[[], object]) -> None:
    """Wait until `condition` holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - processes tell nobody
            await asyncio.sleep(0.05)


def all_gone(processes: list[psutil.Process]) -> bool:
    """Say whether none of these runs any more."""
    return not psutil.wait_procs(processes, timeout=0)[1]


async def replacement(program: Program, name: str, victim: psutil.Process) -> psutil.Process:
    """Wait for the process that takes the place of `victim`."""
    async with asyncio.timeout(PATIENCE):
        while (found := processes_of(program).get(name)) in (None, victim):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return found


async def live_after(connection: ClientConnection, process: psutil.Process) -> list[Frame]:
    """Return all frames to the first live one of a second that ended after `process` began."""
    frames = [await next_frame(connection)]
    async with asyncio.timeout(PATIENCE):
        while frames[-1]["status"] != "live" or frames[-1]["timestamp"] < process.create_time() * 1000:
            frames.append(await next_frame(connection))
    return frames


async def drain(connection: ClientConnection) -> None:
    """Read until the connection ends."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            await next_frame(connection)


async def frames_to(connection: ClientConnection, timestamp: int) -> list[Frame]:
    """Return all frames to the one of that second."""
    frames = [await next_frame(connection)]
    while frames[-1]["timestamp"] < timestamp:
        frames.append(await next_frame(connection))
    return frames


def stamps(frames: list[Frame]) -> list[int]:
    """Return the seconds of frames."""
    return [frame["timestamp"] for frame in frames]


# --- running ------------------------------------------------------------------------------------------------


@in_one_loop
@pytest.mark.parametrize("symbol", SYMBOLS)
async def test_frames_come_live_with_a_window(program: Program, symbol: str) -> None:
    """Each symbol's frames are complete, name their source, and begin with history."""
    async with listening(program.url(symbol.lower(), "?ladders=1")) as connection:
        first = await next_frame(connection)
        live = first if first["status"] == "live" else await next_live(connection)
        following = await next_frame(connection)
    assert [row["timestamp"] for row in first["history"]][-1] == first["timestamp"]
    assert (live["symbol"], live["source"]) == (symbol, "simulated")
    assert live["timestamp"] % 1000 == 0
    assert following["timestamp"] > live["timestamp"]
    assert "history" not in following
    assert len(live["bid_levels"]) == len(live["ask_levels"]) == 10
    assert live["best_bid"] < live["mid_price"] < live["best_ask"]
    assert [ladder["step"] for ladder in live["ladders"]]


@in_one_loop
@pytest.mark.parametrize("symbol", SYMBOLS)
async def test_an_engine_that_is_killed_comes_back_and_the_other_symbol_stays_live(
    program: Program, symbol: str
) -> None:
    """One frame a second, dark where it was away; the other symbol's clients notice nothing."""
    (other,) = set(SYMBOLS) - {symbol}
    async with listening(program.url(symbol)) as connection, listening(program.url(other)) as bystander:
        before = await next_live(connection)
        await next_live(bystander)
        victim = processes_of(program)[symbol]
        victim.kill()
        frames = await live_after(connection, await replacement(program, symbol, victim))
        unharmed = await frames_to(bystander, frames[-1]["timestamp"])
    assert stamps(frames) == sorted(set(stamps(frames)))
    assert frames[0]["timestamp"] > before["timestamp"]
    for frame in frames:
        assert frame["status"] == "live" or (frame["mid_price"] is None and frame["reason"])
    assert {frame["status"] for frame in unharmed} == {"live"}
    async with listening(program.url(symbol)) as connection:
        history = (await next_frame(connection))["history"]
    kept = [row for row in history if row["timestamp"] == before["timestamp"]]
    assert [row["mid_price"] for row in kept] == [before["mid_price"]]


@in_one_loop
async def test_an_api_that_is_killed_comes_back_with_the_window(program: Program) -> None:
    """Its clients are cut off; those who connect again get the seconds from before."""
    async with listening(program.url("BTCUSDT")) as connection:
        before = await next_live(connection)
        victim = processes_of(program)["api"]
        victim.kill()
        await drain(connection)
    await replacement(program, "api", victim)
    for symbol in SYMBOLS:
        async with listening(program.url(symbol)) as connection:
            await next_live(connection)
    async with listening(program.url("BTCUSDT")) as connection:
        rows = (await next_frame(connection))["history"]
    kept = [row for row in rows if row["timestamp"] == before["timestamp"]]
    assert [row["mid_price"] for row in kept] == [before["mid_price"]]


@in_one_loop
async def test_an_exchange_that_is_killed_comes_back(program: Program) -> None:
    """Both books end with it, and are built anew."""
    async with listening(program.url("BTCUSDT")) as one, listening(program.url("ETHUSDT")) as other:
        await next_live(one)
        await next_live(other)
        victim = processes_of(program)["exchange"]
        victim.kill()
        new = await replacement(program, "exchange", victim)
        for frames in await asyncio.gather(live_after(one, new), live_after(other, new)):
            assert stamps(frames) == sorted(set(stamps(frames)))
            assert all(frame["reason"] for frame in frames if frame["status"] != "live")
            assert frames[-1]["health"]["depth"]["reconnects"] >= 1


@in_one_loop
async def test_foreign_names_and_pages_are_refused_at_every_door(program: Program) -> None:
    """At the API, at the page's server and at the simulated exchange, which answers no page at all."""
    async with listening(program.url("BTCUSDT")) as connection:
        await next_live(connection)
    exchange = next(
        one.laddr.port
        for one in processes_of(program)["exchange"].net_connections("tcp")
        if one.status == psutil.CONN_LISTEN
    )
    doors = ((program.api_port, "/symbols"), (program.dashboard_port, "/"), (exchange, "/fapi/v1/ping"))
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as http:
        for port, path in doors:
            url = f"http://127.0.0.1:{port}{path}"
            assert (await http.get(url)).status_code == 200
            for headers in (
                {"host": "evil.example.com"},
                {"host": "evil.example.com@localhost"},
                {"origin": "http://localhost:8050.evil.example.com"},
                {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
            ):
                assert (await http.get(url, headers=headers)).status_code == 403
        page = await http.get(
            f"http://127.0.0.1:{exchange}/fapi/v1/ping", headers={"origin": "http://localhost"}
        )
    assert page.status_code == 403


@in_one_loop
async def test_an_engine_that_hangs_is_replaced_and_the_other_symbol_stays_live(program: Program) -> None:
    """Stopped as a whole, it cannot even be asked to end; its frames are dark until the next one is live."""
    async with (
        listening(program.url("BTCUSDT")) as connection,
        listening(program.url("ETHUSDT")) as bystander,
    ):
        await next_live(connection)
        await next_live(bystander)
        victim = processes_of(program)["BTCUSDT"]
        victim.send_signal(signal.SIGSTOP)
        frames = await live_after(connection, await replacement(program, "BTCUSDT", victim))
        unharmed = await frames_to(bystander, frames[-1]["timestamp"])
    assert all_gone([victim])
    assert stamps(frames) == sorted(set(stamps(frames)))
    for frame in frames:
        assert frame["status"] == "live" or (frame["mid_price"] is None and frame["reason"])
    assert {frame["status"] for frame in unharmed} == {"live"}


@in_one_loop
@pytest.mark.parametrize("name", ["api", "dashboard", "exchange"])
async def test_any_other_process_that_hangs_is_replaced(program: Program, name: str) -> None:
    """And both symbols are live again afterwards."""
    victim = processes_of(program)[name]
    victim.send_signal(signal.SIGSTOP)
    new = await replacement(program, name, victim)
    assert all_gone([victim])
    for symbol in SYMBOLS:
        async with listening(program.url(symbol)) as connection:
            assert (await live_after(connection, new))[-1]["mid_price"]


@in_one_loop
async def test_every_process_is_listed_with_its_memory_and_restarts(program: Program) -> None:
    """In `/health` under its role, or its symbol for an engine, and in `/metrics` under one name."""
    async with listening(program.url("ETHUSDT")) as connection:
        await next_live(connection)
        victim = processes_of(program)["ETHUSDT"]
        victim.kill()
        new = await replacement(program, "ETHUSDT", victim)
        await live_after(connection, new)
        async with asyncio.timeout(PATIENCE):
            while new.pid not in (listed := await processes_listed(program)):
                await next_frame(connection)
    names = {entry["symbol"] or entry["role"]: entry for entry in listed.values()}
    assert set(names) == {"supervisor", "api", "dashboard", "exchange", *SYMBOLS}
    assert names["ETHUSDT"]["restarts"] >= 1
    assert all(entry["memory_mib"] > 5 for entry in names.values())
    metrics = (await asked(f"http://127.0.0.1:{program.api_port}/metrics")).text
    for name in names:
        assert f'orderbook_process_memory_bytes{{process="{name}"}}' in metrics


async def processes_listed(program: Program) -> dict[int, dict[str, Any]]:
    """Return the processes of `/health` by their pid."""
    health = (await asked(f"http://127.0.0.1:{program.api_port}/health")).json()
    return {entry["pid"]: entry for entry in health["processes"]}


# --- ending -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_everything_cleanly(number: signal.Signals) -> None:
    """Exit code 0, no process left, no traceback, although a client listens."""
    async with simulated(api_port=free_port()) as running:
        async with listening(running.url("BTCUSDT")) as connection:
            await next_frame(connection)
            processes = processes_of(running)
            assert set(processes) == {"api", "dashboard", "exchange", *SYMBOLS}
            assert await running.stop(number) == 0
            await drain(connection)
        assert all_gone(list(processes.values()))
        assert not [line for line in running.output if "Traceback" in line]


async def test_nothing_outlives_a_supervisor_that_is_killed() -> None:
    """Its processes, of which there is no page where none is wanted, see that it has gone, and end."""
    async with simulated(symbols="BTCUSDT", page=False) as running:
        async with listening(running.url("BTCUSDT")) as connection:
            await next_frame(connection)
        await until(lambda: set(processes_of(running)) == {"api", "exchange", "BTCUSDT"})
        processes = list(processes_of(running).values())
        await running.stop(signal.SIGKILL)
        await until(lambda: all_gone(processes))


async def test_a_reader_that_goes_away_ends_the_program_quietly() -> None:
    """As in `main.py | head -1`: nobody reads the status lines any more, and that is no crash."""
    process = await asyncio.create_subprocess_exec(
        "/bin/sh",
        "-c",
        '"$@" | head -n 1',
        "sh",
        *MAIN,
        env=environment_of(source="simulated", symbols="BTCUSDT", page=False, api_port=free_port()),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    shown, complaints = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert re.match(rb"\d\d:\d\d:\d\d (SYNCING|LIVE) +SIMULATED +BTCUSDT ", shown)
    assert b"Traceback" not in complaints


# --- not starting -------------------------------------------------------------------------------------------


def run(*arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    return subprocess.run(  # noqa: S603
        [*MAIN, *arguments],
        env=environment_of(**({"api_port": free_port()} | settings)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


@pytest.mark.parametrize(
    ("arguments", "settings", "named"),
    [
        (["--source", "simulated", "--symbols", "BTCUSDT,DOGEUSDT"], {}, "DOGEUSDT"),
        (["--role", "exchange", "--symbols", "DOGEUSDT"], {}, "DOGEUSDT"),
        (["--api-port", "99999"], {}, "--api-port"),
        ([], {"stale_after": "soon"}, "STALE_AFTER"),
        (["--no-such-flag"], {}, "--no-such-flag"),
        (["--source", "simulated", "--api-host", "host.invalid"], {}, "--api-host"),
        (["--source", "simulated", "--dashboard-port", "8123", "--api-port", "8123"], {}, "--dashboard-port"),
        (["--role", "engine", "--source", "simulated"], {}, "--symbols"),
        (["--role", "engine", "--symbols", "BTCUSDT"], {}, "--source"),
        (["--role", "api", "--source", "simulated"], {}, "FEED_TOKEN"),
        (["--role", "api"], {"feed_token": "secret"}, "--source"),
    ],
)
def test_what_cannot_work_is_one_sentence(arguments: list[str], settings: dict[str, Any], named: str) -> None:
    """Exit code 2, one line that says what is wrong, nothing else."""
    ended = run(*arguments, **settings)
    assert ended.returncode == 2
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert named in line


@in_one_loop
@pytest.mark.parametrize("arguments", [["--source", "simulated"], ["--role", "api", "--source", "simulated"]])
async def test_a_taken_port_is_one_sentence(program: Program, arguments: list[str]) -> None:
    """The one who came first is not disturbed."""
    async with listening(program.url("BTCUSDT")) as connection:
        await next_live(connection)
        ended = await asyncio.to_thread(run, *arguments, api_port=program.api_port, feed_token="x")  # noqa: S106
        assert ended.returncode == 2
        (line,) = ended.stderr.splitlines()
        assert str(program.api_port) in line
        assert "--api-port" in line
        assert (await next_frame(connection))["status"] == "live"


async def test_a_line_of_any_length_harms_nobody() -> None:
    """What a process says on a line longer than the pipe's limit is left out; what follows is not."""
    stream = asyncio.StreamReader(limit=64)
    stream.feed_data(b"one\n" + b"x" * 1000 + b"\ntwo\nthree")
    stream.feed_eof()
    assert [line async for line in lines_of(stream)] == ["one", "two", "three"]


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
async def test_standard_streams_may_be_closed(closed: str) -> None:
    """As under some service managers: the program gets live, and ends when it is asked to."""
    ports = {"api_port": free_port(), "dashboard_port": free_port()}
    process = await asyncio.create_subprocess_exec(
        "sh",
        *("-c", f'exec "$@" {closed}', "sh"),
        *MAIN,
        env=environment_of(
            source="simulated", symbols="BTCUSDT", page=False, stale_after=20, depth_silence=30, **ports
        ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        async with listening(f"ws://127.0.0.1:{ports['api_port']}/ws/BTCUSDT") as connection:
            await next_live(connection)
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()


def test_help_is_no_error() -> None:
    """It is printed where it can be piped, and nothing is started."""
    ended = run("--help")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "--api-port" in ended.stdout


async def test_a_wait_that_is_asked_for_at_the_start_is_handed_to_the_engines() -> None:
    """Engines ask nothing of an exchange that has just refused the check of the symbols."""
    async with RawServer(says(http(429, b"", "Retry-After: 60"))) as server:
        settings = Settings(source="binance", binance_rest_url=server.url)
        before = time.time()
        found = await with_source(settings)
        assert before + 60 <= found.rest_not_before <= time.time() + 60
    assert (found.source, settings.rest_not_before) == ("binance", 0)
