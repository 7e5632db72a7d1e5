"""What is installed is what runs in a checkout."""

import asyncio
import contextlib
import os
import shutil
import signal
import site
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import httpx
import pytest

from config import VERSION
from tests.program import PATIENCE, ROOT, environment_of, free_port, listening, next_live

PARTS = ("api", "dashboard", "data_ingestion", "features", "orderbook", "processes", "state")
COMMAND = "orderbook-liquidity"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of the checkout."""
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    leave_out = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
    for part in PARTS:
        shutil.copytree(ROOT / part, source / part, ignore=leave_out)
    for file in (
        *ROOT.glob("*.py"),
        *(ROOT / name for name in ("pyproject.toml", "README.md", "requirements.in")),
    ):
        shutil.copy(file, source)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        str(source),
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    ended = subprocess.run(  # noqa: S603 - our own
        [*command, "--quiet", "-w", str(made)], capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert ended.returncode == 0, ended.stderr
    return next(made.glob("*.whl"))


@pytest.fixture(scope="module")
def command(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into a fresh environment, which takes what it needs from this one."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    ended = subprocess.run(  # noqa: S603 - our own
        [
            sys.executable,
            "-m",
            "pip",
            f"--python={python}",
            "install",
            "--no-deps",
            "--no-index",
            "-q",
            str(wheel),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert ended.returncode == 0, ended.stderr
    packages = next((folder / "lib").glob("python3*")) / "site-packages"
    (packages / "needed.pth").write_text("\n".join(site.getsitepackages()), encoding="utf-8")
    return folder / "bin" / COMMAND


def test_the_wheel_has_all_parts_and_nothing_beside_its_package(wheel: Path) -> None:
    """Each module and each file of the page; a new package that nobody declared is missed here."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    wanted = {file.relative_to(ROOT) for part in PARTS for file in (ROOT / part).rglob("*.py")}
    wanted |= {file.relative_to(ROOT) for file in ROOT.glob("*.py")}
    assets = (ROOT / "dashboard" / "assets").rglob("*")
    wanted |= {file.relative_to(ROOT) for file in assets if file.is_file()}
    assert names == {f"orderbook_liquidity/{file.as_posix()}" for file in wanted}


def test_what_it_needs_is_what_the_checkout_needs() -> None:
    """One list for both."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["setuptools"]["dynamic"]["dependencies"] == {"file": ["requirements.in"]}


async def test_the_installed_command_does_what_main_does(command: Path, tmp_path: Path) -> None:
    """From any folder: it tells its version, and gets live with the page and all its processes."""
    environment = environment_of(source="simulated", symbols="BTCUSDT", stale_after=20, depth_silence=30) | {
        "PYTHONPATH": os.environ.get("PYTHONPATH", "")
    }
    told = await asyncio.create_subprocess_exec(
        command, "--version", cwd=tmp_path, env=environment, stdout=subprocess.PIPE
    )
    said, _ = await asyncio.wait_for(told.communicate(), PATIENCE)
    assert (told.returncode, said.decode()) == (0, f"orderbook-liquidity-dashboard {VERSION}, pure core\n")
    api, page = free_port(), free_port()
    process = await asyncio.create_subprocess_exec(
        command,
        *("--api-port", str(api), "--dashboard-port", str(page)),
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        async with listening(f"ws://127.0.0.1:{api}/ws/BTCUSDT") as connection:
            assert (await next_live(connection))["source"] == "simulated"
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as http:
            for path in ("/", "/assets/app.mjs", "/assets/page.css"):
                assert (await http.get(f"http://127.0.0.1:{page}{path}")).status_code == 200
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()


def test_the_client_can_be_imported_from_the_installed_package(command: Path, tmp_path: Path) -> None:
    """As notebooks of that environment do."""
    script = "from orderbook_liquidity.api.client import Recorder; print(Recorder.__name__)"
    ended = subprocess.run(  # noqa: S603 - our own
        [command.parent / "python", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert (ended.stdout, ended.stderr) == ("Recorder\n", "")
