"""The program over a bus, as on several hosts: what dies and what comes later."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.nats_server import needs_nats
from tests.program import PATIENCE, Program, asked, listening, next_frame, next_live, order_answered
from tests.tools.campaign.judge import Judge
from tests.tools.cluster.parts import Cluster
from tests.tools.cluster.watch import Watched, Watcher

pytestmark = [needs_nats, pytest.mark.asyncio(loop_scope="module")]

ENGINES = {"one": "BTCUSDT", "other": "BTCUSDT", "alone": "ETHUSDT"}
SECOND_MS = 1_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """Run one cluster for all tests, with two engines of BTCUSDT."""
    async with Cluster(tmp_path_factory.mktemp("bus"), ENGINES, apis=1) as running:
        async with listening(running.apis[0].url("BTCUSDT")) as connection:
            await next_live(connection)
        await both_announced(running.apis[0])
        yield running


async def both_announced(api: Program, engines: int = 3) -> None:
    """Wait until all engines are there and live."""
    async with asyncio.timeout(PATIENCE):
        while True:
            said = (await asked(f"http://127.0.0.1:{api.api_port}/health")).json()
            there = [process for process in said["processes"] if process["role"] == "engine"]
            if len(there) == engines and said["status"] == "live":
                return
            await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def watched(cluster: Cluster, symbol: str = "BTCUSDT") -> AsyncIterator[tuple[Watched, Judge]]:
    """Judge all that a client of `?updates=1` is sent."""
    seen, judge = Watched(symbol), Judge()
    task = asyncio.create_task(Watcher(cluster.exchange, judge).watch(cluster.apis[0], symbol, seen))
    try:
        yield seen, judge
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def live_seconds(seen: Watched, count: int, after_ms: float = 0) -> None:
    """Wait for so many live seconds after a time."""
    async with asyncio.timeout(PATIENCE):
        while sum(said == "live" for at, said in seen.status.items() if at > after_ms) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_an_api_serves_what_engines_announce_and_follows_what_is_asked_for(cluster: Cluster) -> None:
    """ETHUSDT was named to no API; orders wait for the first word of its book."""
    port = cluster.apis[0].api_port
    said = (await asked(f"http://127.0.0.1:{port}/symbols")).json()
    assert set(said["symbols"]) == {"BTCUSDT", "ETHUSDT"}
    assert (await order_answered(cluster.apis[0].order("ETHUSDT", "buy", 1)))["symbol"] == "ETHUSDT"
    async with listening(cluster.apis[0].url("ETHUSDT")) as connection:
        assert (await next_live(connection))["symbol"] == "ETHUSDT"


async def test_a_newcomer_gets_the_window_and_then_each_second_once(cluster: Cluster) -> None:
    """An API that was not there has the same rows as one that was, and goes on from them without a hole."""
    older = cluster.apis[0]
    async with listening(older.url("BTCUSDT")) as old:
        for _ in range(3):  # so that the windows of both have some in common
            await next_live(old)
    newer = await cluster.start_api()
    async with listening(newer.url("BTCUSDT")) as new:
        first = await next_frame(new)
        async with asyncio.timeout(PATIENCE):
            while first.get("history") is None or first["status"] != "live":
                first = await next_frame(new)
        after = [await next_frame(new) for _ in range(3)]
    async with listening(older.url("BTCUSDT")) as old:
        known = await next_frame(old)
    mine = {row["timestamp"]: row for row in first["history"]}
    theirs = {row["timestamp"]: row for row in known["history"]}
    both = sorted(mine.keys() & theirs.keys())
    live = [at for at in both if theirs[at]["status"] == "live"]
    assert live
    assert all(mine[at]["status"] == "live" for at in live)
    stamps = [*sorted(mine), *(frame["timestamp"] for frame in after)]
    assert stamps == list(range(stamps[0], stamps[-1] + 1, SECOND_MS))


async def test_losing_one_of_two_hosts_loses_no_second(cluster: Cluster) -> None:
    """Whichever of both dies: every second is live, each update and trade comes once, every book is exact."""
    async with watched(cluster) as (seen, judge):
        await live_seconds(seen, 3)
        for name in ("one", "other"):
            killed = await cluster.kill_engine(name)
            await live_seconds(seen, 4, killed)
            assert seen.lost(killed - 3 * SECOND_MS, killed + 4 * SECOND_MS) == 0
            await cluster.start_engine(name)
            await both_announced(cluster.apis[0])
            await live_seconds(seen, 3, max(seen.status))
    assert (judge.wrong, list(judge.sentences)) == (0, [])
    assert judge.live > 8


async def test_when_the_bus_dies_nothing_is_live_until_it_is_there_again(cluster: Cluster) -> None:
    """It forgets all it kept, and the engines tell it again: the window has no hole."""
    async with listening(cluster.apis[0].url("BTCUSDT")) as connection:
        await next_live(connection)
        await cluster.server.kill()
        missed = await next_frame(connection)
        while missed["status"] == "live":
            missed = await next_frame(connection)
        assert "bus" in missed["reason"]
        assert missed["mid_price"] is None
        assert (await asked(cluster.apis[0].order("BTCUSDT", "buy", 1))).status_code == 503
        await cluster.server.start()
        await next_live(connection)
    await order_answered(cluster.apis[0].order("BTCUSDT", "buy", 1))
    newcomer = await cluster.start_api()
    async with asyncio.timeout(PATIENCE):
        while True:
            async with listening(newcomer.url("BTCUSDT")) as connection:
                rows = (await next_frame(connection)).get("history") or []
            if missed["timestamp"] in {row["timestamp"] for row in rows if row["status"] == "live"}:
                break
            await asyncio.sleep(0.2)


async def test_nothing_of_it_was_a_traceback(cluster: Cluster) -> None:
    """Whatever died before, those that stayed said what was wrong in sentences."""
    said = [line for part in (*cluster.apis, *cluster.engines.values()) for line in part.output]
    assert said
    assert not [line for line in said if "Traceback" in line]
