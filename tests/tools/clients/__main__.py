"""Other people's clients on the simulated exchange, with faults: `make clients` (SECONDS, CLIENTS_PYTHON).

Each runs unpatched in an environment of its own, told only where the exchange is. Whatever it holds as the
ten best levels after an update is checked against the exchange's own book after the same update.
"""

import argparse
import asyncio
import contextlib
import json
import os
import ssl
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import msgspec

from data_ingestion.simulated_exchange.server import SIMULATED_SYMBOLS, SimulatedExchange
from tests.program import ROOT

ENVIRONMENT: Final = ROOT / ".venv-clients"
HERE: Final = Path(__file__).parent
SYMBOL: Final = "BTCUSDT"
FAULTS: Final = ("gap", "close", "abort", "snapshot_status", "gap", "refuse", "duplicate", "silence")
"""In turn. After a `gap` a client that does not look at `pu` holds a wrong book; `duplicate` harms nobody."""
QUIET: Final = 8.0  # seconds before the first fault and after the last, to begin and to recover in

PACKAGES: Final = {
    "ccxt": "run_ccxt.py",
    "binance-sdk-derivatives-trading-usds-futures": "run_official_sdk.py",
    "cryptofeed": "run_cryptofeed.py",
}
LEAST: Final = {"cryptofeed": "3"}
"""Versions before which a package knows no routes that the exchange still serves; pip would take one of those
where the newest asks for another Python."""
NEWEST_PYTHON: Final = "python3.13"
NOT_BY_SETTINGS: Final = """\
- unicorn-binance-local-depth-cache takes no address, neither of its streams nor of its snapshots, and so
  cannot be run here unpatched.
- cryptofeed takes none either, but a subclass can name one; it must begin with wss://, so there is a TLS
  front before the exchange for it.
- The official SDK holds no book and connects no second time where the exchange closes: here a book is built
  of what it delivers, by the steps that Binance documents, and it is asked to connect again.
- ccxt takes its addresses in `urls`."""


class Result(msgspec.Struct):
    """What became of one client."""

    name: str
    version: str
    equal: int = 0
    different: int = 0
    between: int = 0  # books of an id at which no depth event ends, as right after a snapshot
    last_at: float = 0.0  # loop time of the newest equal book
    complaints: int = 0


def prepare() -> dict[str, str]:
    """Make the environment if need be; return the version of each package that is there."""
    python = ENVIRONMENT / "bin" / "python"
    given = os.environ.get("CLIENTS_PYTHON")
    if not python.exists() or (given and _version_of(given) != _version_of(str(python))):
        maker = given or (NEWEST_PYTHON if _version_of(NEWEST_PYTHON) else sys.executable)
        subprocess.run([maker, "-m", "venv", "--clear", str(ENVIRONMENT)], check=True)  # noqa: S603
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade"]
    for package in ("trustme", *PACKAGES):
        least = LEAST.get(package)
        wanted = f"{package}>={least}" if least else package
        subprocess.run([*pip, wanted], check=False, capture_output=True)  # noqa: S603
    script = (
        "import importlib.metadata as m, json, sys\n"
        "found = {d.metadata['Name'].lower(): d.version for d in m.distributions()}\n"
        "print(json.dumps({name: found[name] for name in sys.argv[1:] if name in found}))"
    )
    told = subprocess.run(  # noqa: S603
        [str(python), "-c", script, *PACKAGES], check=True, capture_output=True, text=True
    )
    versions: dict[str, str] = json.loads(told.stdout)
    return versions


def _version_of(python: str) -> str:
    """Return what `python` says of its version; empty where there is none of that name."""
    try:
        told = subprocess.run([python, "--version"], check=True, capture_output=True, text=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return ""
    return told.stdout.strip()


@contextlib.asynccontextmanager
async def tls_front(port: int, folder: Path) -> AsyncIterator[int]:
    """Listen with TLS before `port` of loopback; gives the port. Clients trust client.pem in `folder`."""
    make = [str(ENVIRONMENT / "bin" / "python"), "-m", "trustme", "-q", "-d", str(folder), "-i", "127.0.0.1"]
    subprocess.run(make, check=True)  # noqa: S603, ASYNC221 - nothing else goes on yet
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(2**16):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pour(reader, inner_writer), pour(inner_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def follow(exchange: SimulatedExchange, result: Result, process: asyncio.subprocess.Process) -> None:
    """Check each book that a client prints against the true one."""
    if process.stdout is None:
        raise RuntimeError("not started")
    async for line in process.stdout:
        try:
            update_id, bids, asks = json.loads(line)
        except ValueError:
            continue  # some print what they do
        truth = exchange.truth_at(SYMBOL, update_id or 0)
        if truth is None:
            result.between += 1
        elif truth == (_pairs(bids), _pairs(asks)):
            result.equal += 1
            result.last_at = asyncio.get_running_loop().time()
        else:
            result.different += 1


def _pairs(levels: list[list[Any]]) -> list[tuple[float, float]]:
    return [(float(price), float(size)) for price, size, *_ in levels]


async def complain(result: Result, process: asyncio.subprocess.Process) -> None:
    """Count the lines of a client's standard error."""
    if process.stderr is None:
        raise RuntimeError("not started")
    async for _ in process.stderr:
        result.complaints += 1


async def misbehave(exchange: SimulatedExchange, seconds: float) -> int:
    """Play faults one after another for so long; return how many."""
    loop = asyncio.get_running_loop()
    end, count = loop.time() + seconds - QUIET, 0
    await asyncio.sleep(QUIET)
    while loop.time() < end:
        await exchange.fault(FAULTS[count % len(FAULTS)], SYMBOL, seconds=1.0)
        count += 1
        await asyncio.sleep(5.0)
    await asyncio.sleep(QUIET)
    return count


async def run(versions: dict[str, str], seconds: float) -> tuple[list[Result], int]:
    """Run all clients side by side; return what became of each, and how many faults were played."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            SimulatedExchange(SIMULATED_SYMBOLS, control=True) as exchange,
            tls_front(exchange.port, Path(folder)) as secure_port,
        ):
            results, processes, tasks = [], [], []
            for name, version in versions.items():
                result = Result(name, version)
                process = await asyncio.create_subprocess_exec(
                    ENVIRONMENT / "bin" / "python",
                    HERE / PACKAGES[name],
                    *(str(exchange.port), str(secure_port)),
                    cwd=folder,
                    env=os.environ | {"SSL_CERT_FILE": f"{folder}/client.pem"},
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.PIPE,
                    limit=2**20,
                )
                results.append(result)
                processes.append(process)
                tasks += [follow(exchange, result, process), complain(result, process)]
            reading = asyncio.gather(*tasks)
            faults = await misbehave(exchange, seconds)
            now = asyncio.get_running_loop().time()
            for process in processes:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
            await reading
            for result in results:
                result.last_at = max(0.0, now - result.last_at)
            return results, faults


def main() -> int:
    """Run, print, and return whether a client held a book that is not the exchange's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="that they run (default 60)")
    seconds = parser.parse_args().seconds
    versions = prepare()
    results, faults = asyncio.run(run(versions, seconds))
    print(f"{seconds:.0f} s, {faults} faults, {SYMBOL}")
    heads = f"{'equal':>8}{'different':>11}{'between':>9}{'last equal':>12}{'said':>7}"
    print(f"{'client':<46}{'version':<10}{heads}")
    for one in results:
        last = f"{one.last_at:.1f} s ago" if one.equal else "never"
        figures = f"{one.equal:>8}{one.different:>11}{one.between:>9}{last:>12}{one.complaints:>7}"
        print(f"{one.name:<46}{one.version:<10}{figures}")
    for package in PACKAGES:
        if package not in versions:
            newest = f"{package} {LEAST[package]} or newer" if package in LEAST else package
            print(f"{newest} could not be installed for this Python; name another with CLIENTS_PYTHON")
    print(NOT_BY_SETTINGS)
    return int(any(one.different or not one.equal for one in results))


if __name__ == "__main__":
    sys.exit(main())
