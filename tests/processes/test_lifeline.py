"""A process's tie to its supervisor, on systems other than this one too, as far as they can be acted here."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from tests.program import PATIENCE, ROOT, Program, environment_of, free_port, listening, next_live
from tests.test_main import all_gone, until

LAUNCHER = """\
#!{python}
import subprocess, sys
sys.exit(subprocess.call([{python!r}, *sys.argv[1:]], close_fds=False))
"""
"""What `python.exe` of a virtual environment is on Windows: it starts the real one as another process."""

OTHER_SYSTEM = """\
import os
for name in ("set_blocking", "getppid", "fork", "setsid"):
    if hasattr(os, name):
        delattr(os, name)
"""
"""Imported by each Python that finds it: what only POSIX has is not there."""


class Elsewhere(Program):
    """The program started by a launcher, without what Windows lacks, and so are its processes."""

    def __init__(self, folder: Path, **settings: object) -> None:
        super().__init__(**settings)
        launcher = folder / "python"
        launcher.write_text(LAUNCHER.format(python=sys.executable))
        launcher.chmod(0o755)
        (folder / "sitecustomize.py").write_text(OTHER_SYSTEM)
        self._environment |= {"PYTHONPATH": str(folder), "LAUNCHER": str(launcher)}
        self._start = folder / "start.py"
        self._start.write_text(
            textwrap.dedent(
                f"""
                import sys
                sys.path.insert(0, {str(ROOT)!r})
                sys.executable = {str(launcher)!r}
                import main
                if __name__ == "__main__":
                    sys.exit(main.main())
                """
            )
        )

    async def __aenter__(self) -> "Elsewhere":
        """Start."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(self._start),
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._reader = asyncio.create_task(self._read(self.process))
        return self


async def test_a_launcher_in_between_and_no_posix_functions_change_nothing(tmp_path: Path) -> None:
    """Frames come live, and when the supervisor is killed all processes end, whoever their parents are."""
    async with Elsewhere(tmp_path, source="simulated", symbols="BTCUSDT", page=True) as program:
        async with listening(program.url("BTCUSDT")) as connection:
            assert (await next_live(connection))["symbol"] == "BTCUSDT"
        assert program.process is not None
        everybody = psutil.Process(program.process.pid).children(recursive=True)
        assert len(everybody) >= 2 * 4  # each with its launcher
        program.process.send_signal(signal.SIGKILL)
        await until(lambda: all_gone(everybody))
    assert not [line for line in program.output if "Traceback" in line]


async def test_a_launcher_in_between_does_not_outlive_a_clean_end(tmp_path: Path) -> None:
    """Ctrl-C ends all of them, and the exit code is 0."""
    async with Elsewhere(tmp_path, source="simulated", symbols="BTCUSDT", page=True) as program:
        async with listening(program.url("BTCUSDT")) as connection:
            await next_live(connection)
        assert program.process is not None
        everybody = psutil.Process(program.process.pid).children(recursive=True)
        assert await program.stop(signal.SIGINT) == 0
        await until(lambda: all_gone(everybody))


@pytest.mark.parametrize("stalled", [("stdout",), ("stderr",), ("stdout", "stderr")])
async def test_output_that_nobody_reads_holds_nothing_up(stalled: tuple[str, ...]) -> None:
    """Both pipes are full, frames go on, and Ctrl-C ends the program."""
    pipes = {name: os.pipe() for name in ("stdout", "stderr")}
    for name in stalled:
        _fill(pipes[name][1])
    for name in pipes.keys() - set(stalled):
        os.close(pipes[name][1])
        reader, writer = pipes[name] = (pipes[name][0], os.open(os.devnull, os.O_WRONLY))
    port = free_port()
    process = subprocess.Popen(  # noqa: S603, ASYNC220
        [sys.executable, str(ROOT / "main.py"), "--log-level", "debug"],
        env=environment_of(source="simulated", symbols="BTCUSDT", page=False, api_port=port),
        stdin=subprocess.DEVNULL,
        stdout=pipes["stdout"][1],
        stderr=pipes["stderr"][1],
    )
    try:
        async with listening(f"ws://127.0.0.1:{port}/ws/BTCUSDT") as connection:
            for _ in range(3):
                await next_live(connection)
        process.send_signal(signal.SIGINT)
        assert await asyncio.to_thread(process.wait, PATIENCE) == 0
    finally:
        process.kill()
        process.wait()
        for reader, writer in pipes.values():
            for end in (reader, writer):
                with contextlib.suppress(OSError):
                    os.close(end)


def _fill(pipe: int) -> None:
    os.set_blocking(pipe, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(pipe, bytes(4_096))
    os.set_blocking(pipe, True)
