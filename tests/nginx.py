"""The real nginx with the configuration that docs/operations.md gives."""

import asyncio
import contextlib
import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.program import PATIENCE, ROOT, Program, free_port, listening, listening_at, next_live

NAME = "lab.example.org"
_AROUND = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr;
{user}
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {snippet}
}}
"""


def nginx_path() -> str:
    """Return where nginx is; without one the test is skipped, or fails in CI."""
    if path := shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin"):
        return path
    if os.environ.get("CI"):
        pytest.fail("there is no nginx: in CI it is installed and required")
    pytest.skip("skipped: there is no nginx (Debian's package of that name)")


def documented() -> tuple[str, str]:
    """Return the command line and the configuration that docs/operations.md gives, as written."""
    section = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").split("\n## Behind nginx\n")[1]
    command, snippet = re.findall(r"```(?:nginx)?\n(.*?)```", section, re.DOTALL)[:2]
    return command, snippet


@contextlib.asynccontextmanager
async def behind_nginx(folder: Path, host: str = NAME) -> AsyncIterator[tuple[Program, int]]:
    """Run the program and nginx as documented, but for ports and name; gives both, the latter by its port."""
    path, port = nginx_path(), free_port()
    command, snippet = documented()
    flags = dict(re.findall(r"--([a-z-]+) (\S+)", command.replace(NAME, f"{host}:{port}")))
    settings = {name.replace("-", "_"): value for name, value in flags.items()}
    program = Program(
        source="simulated", symbols="BTCUSDT", page=True, stale_after=20, depth_silence=30, **settings
    )
    for written, instead in (
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("127.0.0.1:8000", f"127.0.0.1:{program.api_port}"),
        ("127.0.0.1:8050", f"127.0.0.1:{program.dashboard_port}"),
        (NAME, host),
    ):
        assert written in snippet
        snippet = snippet.replace(written, instead)
    user = "user root;" if os.getuid() == 0 else ""  # whose folder it is
    file = folder / "nginx.conf"
    file.write_text(_AROUND.format(folder=folder, user=user, snippet=snippet), encoding="utf-8")
    async with program:
        async with listening(program.url("BTCUSDT")) as connection:
            await next_live(connection)
        nginx = await asyncio.create_subprocess_exec(
            path, "-p", str(folder), "-c", str(file), "-e", "stderr", stdin=asyncio.subprocess.DEVNULL
        )
        try:
            await listening_at(port)
            yield program, port
        finally:
            with contextlib.suppress(ProcessLookupError):
                nginx.terminate()
            await asyncio.wait_for(nginx.wait(), PATIENCE)
