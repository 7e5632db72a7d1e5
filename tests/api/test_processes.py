"""What is read of the program's processes."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator

import psutil
import pytest_asyncio

from api.processes import READ_EVERY, ProcessReader, ProcessReport, ProgramProcesses
from data_ingestion.clock import Clock

SLEEPER = "import time; print(flush=True); time.sleep(1e6)"


class Family:
    """This test's process as the supervisor, with a clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.clock = Clock(steady=lambda: self.now)
        self.children: list[asyncio.subprocess.Process] = []

    async def start(self, role: str, restarts: int = 0) -> asyncio.subprocess.Process:
        """Start a process of that role."""
        environment = {"ROLE": role, "RESTARTS": str(restarts), "PATH": os.environ["PATH"]}
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SLEEPER, env=environment, stdout=asyncio.subprocess.PIPE
        )
        self.children.append(child)
        assert child.stdout is not None
        await child.stdout.readline()  # it runs by now, and is not merely forked
        return child


@pytest_asyncio.fixture
async def family() -> AsyncIterator[Family]:
    """Give a family, and end it."""
    made = Family()
    yield made
    for child in made.children:
        if child.returncode is None:
            child.kill()
            await child.wait()


def test_a_process_reads_itself() -> None:
    """Under the names of `/health`, memory in MiB."""
    report = ProcessReader("engine", "ETHUSDT", 2, core="compiled").read()
    resident = psutil.Process().memory_info().rss
    assert abs(report.memory_bytes - resident) < 2**24
    shown = report.shown()
    assert (shown.role, shown.symbol, shown.pid, shown.restarts) == ("engine", "ETHUSDT", os.getpid(), 2)
    assert shown.core == "compiled"
    assert abs(shown.memory_mib - report.memory_bytes / 2**20) < 0.01
    own = set(ProcessReport.__struct_fields__) - {"memory_bytes"}
    assert set(type(shown).__struct_fields__) == own | {"memory_mib"}


def test_a_process_without_a_supervisor_knows_of_itself_alone() -> None:
    """As an API that was started by hand."""
    (only,) = ProgramProcesses(Clock()).read()
    assert (only.role, only.pid) == ("api", os.getpid())


async def test_siblings_that_tell_nothing_are_read(family: Family) -> None:
    """The supervisor, the exchange and the page; engines tell of themselves, and may be elsewhere."""
    exchange = await family.start("exchange")
    await family.start("engine")
    page = await family.start("dashboard", restarts=4)
    processes = ProgramProcesses(family.clock, os.getpid())
    found = {report.role: report for report in processes.read() if report.role != "api"}
    assert (found["exchange"].pid, found["exchange"].restarts) == (exchange.pid, 0)
    assert (found["dashboard"].pid, found["dashboard"].restarts) == (page.pid, 4)
    assert "engine" not in found
    assert all(report.memory_bytes > 2**20 for report in found.values())


async def test_a_sibling_that_was_replaced_is_read_in_its_place(family: Family) -> None:
    """And nothing is told of the one that has gone."""
    old = await family.start("exchange")
    processes = ProgramProcesses(family.clock, os.getpid())
    assert [report.pid for report in processes.read() if report.role == "exchange"] == [old.pid]
    old.kill()
    await old.wait()
    new = await family.start("exchange", restarts=1)
    family.now += READ_EVERY
    told = [(report.pid, report.restarts) for report in processes.read() if report.role == "exchange"]
    assert told == [(new.pid, 1)]


async def test_who_asks_often_is_told_the_same_again(family: Family) -> None:
    """Reading the machine's processes costs something, and anybody may ask."""
    processes = ProgramProcesses(family.clock, os.getpid())
    first = processes.read()
    await family.start("exchange")
    assert processes.read() is first
    family.now += READ_EVERY
    assert "exchange" in {report.role for report in processes.read()}
