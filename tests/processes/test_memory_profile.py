"""What `--profile-memory` says."""

import tracemalloc
from collections.abc import Iterator

import pytest

from processes.memory_profile import TOP, report
from tests.program import Program, listening, next_live


@pytest.fixture
def tracing() -> Iterator[None]:
    """Trace allocations during a test."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


def test_the_line_that_holds_the_most_is_named_first(tracing: None) -> None:
    """With its size, its blocks, and a path from the project's root."""
    del tracing
    held = [bytes(1_000) for _ in range(4_000)]
    head, first, *rest = report("BTCUSDT").splitlines()
    number = test_the_line_that_holds_the_most_is_named_first.__code__.co_firstlineno + 3
    assert f"tests/processes/test_memory_profile.py:{number}" in first
    assert int(first.split(" blocks")[0].split()[-1].replace(",", "")) >= len(held)
    assert len(rest) < TOP
    assert all("BTCUSDT" in line for line in (head, first, *rest))


async def test_each_process_names_its_lines_at_the_end_of_the_run() -> None:
    """Also the supervisor; an engine holds its own lines, not only a library's."""
    async with (
        Program(
            source="simulated", symbols="BTCUSDT", page=True, stale_after=20, profile_memory="true"
        ) as program,
        listening(program.url("BTCUSDT")) as connection,
    ):
        await next_live(connection)
    for name in ("all", "api", "dashboard", "exchange", "BTCUSDT"):
        block = [line for line in program.output if line.startswith(f"memory of {name}:")]
        assert len(block) == 1 + TOP, name
        assert all(".py:" in line or "<frozen" in line for line in block[1:])
