"""Order-book liquidity dashboard: `python main.py` starts everything, `--help` lists the settings.

The one place where the parts are put together. Without `--role` this process only supervises: it chooses
the source and has one process a symbol, the API, the page and, if need be, the simulated exchange run.
"""

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import sys
import tracemalloc
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from config import SettingError, Settings
from processes.command_line import read_settings
from processes.conduct import calm_garbage_collector, first_leaf, part_of, set_up_logging
from processes.core import running_core, use_compiled_core
from processes.lifeline import Words, run_until_stopped
from processes.listening import Listeners, listener_of, local_address
from processes.open_files import most_streams, raise_limit
from processes.outputs import open_closed_streams, patient_outputs
from processes.screen import screen_of_this_terminal
from processes.supervisor import EXIT_SETTINGS, Child, Holds

if TYPE_CHECKING:
    from api.supply import Supply
    from data_ingestion.clock import Clock

log = logging.getLogger("main")

EXIT_OK: Final = 0
PROGRAM: Final = str(Path(__file__).resolve())
EXCHANGE_TRUTH_KEPT: Final = 100  # events, where nobody can ask for them


def main(arguments: list[str] | None = None) -> int:
    """Run the program; return its exit code."""
    open_closed_streams()
    raise_limit()
    unused = use_compiled_core()
    try:
        given = sys.argv[1:] if arguments is None else arguments
        settings = read_settings(given, os.environ, core=running_core())
    except SettingError as error:
        print(f"main.py: {error}", file=sys.stderr)
        return EXIT_SETTINGS
    with patient_outputs():
        set_up_logging(settings)
        if unused and not settings.supervisor_pid:
            log.warning("%s", unused)
        if settings.profile_memory:
            tracemalloc.start()  # before the parts are imported, which is most of what they hold
        try:
            _run(settings)
        except SettingError as error:
            print(f"main.py: {error}", file=sys.stderr)
            return EXIT_SETTINGS
    return EXIT_OK


async def _with_profile(settings: Settings, words: Words) -> None:
    """Do what this process is for, with reports of its memory beside it if they are wanted."""
    if not settings.profile_memory:
        await _role(settings, words)
        return
    from processes.memory_profile import report_for_ever

    reports = asyncio.create_task(report_for_ever(part_of(settings)))
    try:
        await _role(settings, words)
    finally:
        reports.cancel()
        await asyncio.gather(reports, return_exceptions=True)


def _role(settings: Settings, words: Words) -> Coroutine[Any, Any, None]:
    match settings.role:
        case "exchange":
            return run_exchange(settings)
        case "engine":
            from processes.engine import run_engine

            return run_engine(settings, words)
        case "api":
            return run_api(settings)
        case "dashboard":
            return run_dashboard(settings)
        case _:
            return run_all(settings)


# --- the roles: each imports only what it needs, which keeps the processes small and quick to start ---


async def run_exchange(settings: Settings) -> None:
    """Serve the simulated exchange."""
    from api.access import Access
    from data_ingestion.simulated_exchange.market import TRUTH_KEPT
    from data_ingestion.simulated_exchange.server import SimulatedExchange
    from processes.source_choice import simulated_symbols

    exchange = SimulatedExchange(
        simulated_symbols(settings),
        seed=settings.simulated_seed,
        control=settings.simulated_control,
        truth_kept=TRUTH_KEPT if settings.simulated_control else EXCHANGE_TRUTH_KEPT,
        objection=Access(pages=False).objection,
    )
    try:
        with listener_of(settings, "simulated") as listener:
            port = await exchange.start(listener)
            log.info("the simulated exchange listens on port %d", port)
            await asyncio.Event().wait()
    finally:
        await exchange.close()


async def run_api(settings: Settings) -> None:
    """Serve the API."""
    from api.access import Access
    from api.processes import ProgramProcesses
    from api.server import serve
    from api.websocket_server import Api, create_app
    from data_ingestion.clock import Clock

    if not settings.feed_token and not settings.bus:
        raise SettingError("--role api needs the secret that its engines show, in FEED_TOKEN.")
    if settings.source == "auto":
        raise SettingError("--role api does not choose a source: give the engines' own in --source.")
    clock = Clock()
    api = Api(
        settings.symbols,
        settings.source,
        supply=_bus_supply(settings, clock) if settings.bus else None,
        feed_token=settings.feed_token,
        access=Access(settings.api_host, settings.known_origins(), page_port=settings.dashboard_port),
        public_url=settings.public_api_url,
        client_queue=settings.client_queue,
        clock=clock,
        most_streams=most_streams(len(settings.symbols)),
        processes=ProgramProcesses(clock, settings.supervisor_pid, settings.restarts),
    )
    calm_garbage_collector()
    app, patience = create_app(api), settings.client_patience
    with listener_of(settings, "api") as listener:
        await serve(app, listener, client_patience=patience)


def _bus_supply(settings: Settings, clock: "Clock") -> "Supply":
    from api.bus.subscriber import BusSupply
    from processes.bus import bus_of

    return BusSupply(bus_of(settings), settings.source, clock)


async def run_dashboard(settings: Settings) -> None:
    """Serve the page."""
    from api.access import Access, AccessGuard
    from api.server import serve
    from dashboard.app import create_dashboard

    page = AccessGuard(
        create_dashboard(
            settings.api_port,
            settings.symbols,
            public_api_url=settings.public_api_url,
            prefix=settings.dashboard_prefix,
        ),
        Access(settings.dashboard_host, settings.known_origins()),
    )
    with listener_of(settings, "dashboard") as listener:
        await serve(page, listener)


async def run_all(settings: Settings) -> None:
    """Choose the source, start all processes and watch them until stopped.

    The sockets that they listen on stay open here until the end, so that no port is ever free for somebody
    else.
    """
    from processes.source_choice import at_the_simulated_exchange, with_source

    with contextlib.closing(Listeners(settings)) as sockets:
        listeners = {"api": sockets.listen("api")}
        if settings.page:
            listeners["dashboard"] = sockets.listen("dashboard")
        settings = await with_source(settings)
        if settings.source == "simulated":
            listeners["exchange"] = sockets.listen("simulated")
            settings = at_the_simulated_exchange(settings, listeners["exchange"].getsockname()[1])
        settings = replace(
            settings,
            request_weight=max(20, settings.request_weight // len(settings.symbols)),
            supervisor_pid=os.getpid(),
        )
        if os.name != "posix":  # there a process binds its port by itself
            sockets.close()
        await _supervise(_children(settings, listeners), settings)


def _children(settings: Settings, listeners: dict[str, socket.socket]) -> list[Child]:
    """Return the program's processes. Of the feed's secret only those know that need it."""
    stranger = replace(settings, feed_token="", bus="", bus_credentials="")
    friend = replace(settings, feed_token=settings.feed_token or secrets.token_urlsafe(32))
    holds = Holds(settings.rest_not_before)
    children = [
        Child(role, PROGRAM, replace(friend if role == "api" else stranger, role=role), listener=listener)
        for role, listener in listeners.items()
    ]
    return children + [
        Child(symbol, PROGRAM, replace(friend, role="engine", symbols=(symbol,)), holds=holds)
        for symbol in settings.symbols
    ]


async def _supervise(children: list[Child], settings: Settings) -> None:
    host = f"{local_address(settings.api_host)}:{settings.api_port}"
    log.info("frames at ws://%s/ws/%s, API at http://%s/docs", host, settings.symbols[0], host)
    page = f"http://{local_address(settings.dashboard_host)}:{settings.dashboard_port}"
    log.info("%s; Ctrl-C ends", f"page at {page}" if settings.page else "no page is served")
    with screen_of_this_terminal() as screen:
        try:
            async with asyncio.TaskGroup() as tasks:
                for child in children:
                    tasks.create_task(child.run(screen))
        except* SettingError as group:
            raise SettingError(str(first_leaf(group))) from None
        except* BrokenPipeError:  # whoever read the output has gone, as `head` does
            log.debug("nobody reads the output any more")


def _run(settings: Settings) -> None:
    """Do what this process is for until it ends, a signal asks for its end, or its supervisor is gone."""
    loop_factory = None
    with contextlib.suppress(ImportError):  # not made for every platform; asyncio's own loop does as well
        import uvloop

        loop_factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=loop_factory) as runner, contextlib.suppress(asyncio.CancelledError):
        words = Words()
        work, supervised = _with_profile(settings, words), bool(settings.supervisor_pid)
        runner.run(run_until_stopped(work, supervised=supervised, on_line=words.hear))


if __name__ == "__main__":
    sys.exit(main())
