"""Order-book liquidity dashboard: `python main.py` starts everything, `--help` lists the settings.

The one place where the parts are put together. Without `--role` this process only supervises: it chooses
the source and has one process a symbol, the API, the page and, if need be, the simulated exchange run.
"""

import asyncio
import contextlib
import gc
import logging
import os
import random
import secrets
import socket
import sys
import time
import tracemalloc
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from config import SettingError, Settings, read_settings
from lifeline import HOLD, Words, run_until_stopped, say
from listening import Listeners, listener_of
from open_files import most_streams, raise_limit
from outputs import open_closed_streams, patient_outputs
from screen import Screen, screen_of_this_terminal
from supervisor import EXIT_SETTINGS, Child, Holds

if TYPE_CHECKING:
    import uvicorn

    from data_ingestion.clock import Clock
    from data_ingestion.exchange_clock import ExchangeClock
    from data_ingestion.pacing.latency import LatencyMeter
    from data_ingestion.pacing.request_budget import RequestBudget
    from state.engine import Engine, EngineSettings

log = logging.getLogger("main")

EXIT_OK: Final = 0
PROGRAM: Final = str(Path(__file__).resolve())
PING_TIMEOUT: Final = 2.0  # seconds
EXCHANGE_TRUTH_KEPT: Final = 100  # events; only tests ask for more
GC_YOUNGEST: Final = 20_000  # new objects before the collector looks at the youngest; some hundred messages


def main(arguments: list[str] | None = None) -> int:
    """Run the program; return its exit code."""
    open_closed_streams()
    raise_limit()
    try:
        settings = read_settings(sys.argv[1:] if arguments is None else arguments, os.environ)
    except SettingError as error:
        print(f"main.py: {error}", file=sys.stderr)
        return EXIT_SETTINGS
    with patient_outputs():
        _set_up_logging(settings)
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
    from memory_profile import report_for_ever

    reports = asyncio.create_task(report_for_ever(_part(settings)))
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
    from data_ingestion.simulated_exchange.server import SimulatedExchange

    symbols = _simulated_symbols(settings)
    exchange = SimulatedExchange(
        symbols,
        seed=settings.simulated_seed,
        truth_kept=EXCHANGE_TRUTH_KEPT,
        objection=Access(pages=False).objection,
    )
    try:
        with listener_of(settings, "simulated") as listener:
            port = await exchange.start(listener)
            log.info("the simulated exchange listens on port %d", port)
            await asyncio.Event().wait()
    finally:
        await exchange.close()


def calm_garbage_collector() -> None:
    """Have the cyclic garbage collector look less often, and never at what is there already.

    Messages and levels hold no cycles, yet each brings hundreds of objects: by default they alone have the
    collector run several times a message, which costs as much as the top ten and all metrics together. And a
    frame that meets a collection of all that thousands of clients hold is late by a third of a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_YOUNGEST, 20, 50)


async def run_engine(settings: Settings, words: Words) -> None:
    """Follow one symbol: streams in, frames out to the API."""
    from api.feed.publisher import FeedPublisher
    from api.processes import ProcessReader
    from data_ingestion.clock import Clock
    from data_ingestion.errors import UnknownSymbol
    from data_ingestion.exchange_clock import ExchangeClock
    from data_ingestion.pacing.backoff import Backoff
    from data_ingestion.pacing.latency import LatencyMeter
    from state.engine import Engine
    from state.status_line import status_line

    if len(settings.symbols) != 1 or settings.source == "auto":
        raise SettingError("--role engine follows one symbol: give one in --symbols, and a --source.")
    symbol, clock = settings.symbols[0], Clock()
    engine = Engine(symbol, settings.source, _engine_settings(settings))
    applied, exchange_clock = LatencyMeter(), ExchangeClock(clock)
    publisher = FeedPublisher(
        engine,
        settings.feed_url or f"ws://{_local(settings.api_host)}:{settings.api_port}",
        settings.feed_token,
        applied=applied,
        backoff=Backoff(random.SystemRandom().random),
        clock=clock,
        exchange_clock=exchange_clock,
        process=ProcessReader("engine", symbol, settings.restarts),
    )

    calm_garbage_collector()

    # A supervisor hears each line, which is also a sign of life; a person or a file hears what is new.
    screen = Screen() if not settings.supervisor_pid and not sys.stdout.isatty() else None

    async def close_seconds() -> None:
        async for timestamp in clock.seconds():
            line = status_line(publisher.close_second(timestamp))
            if screen is None:
                say(line)
            else:
                screen.status(symbol, line)

    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_ingest(settings, engine, applied, clock, exchange_clock, words))
            tasks.create_task(publisher.run())
            tasks.create_task(close_seconds())
    except* UnknownSymbol as group:
        raise SettingError(f"{_first_leaf(group)}.") from None


async def _ingest(
    settings: Settings,
    engine: "Engine",
    applied: "LatencyMeter",
    clock: "Clock",
    exchange_clock: "ExchangeClock",
    words: Words,
) -> None:
    """Keep an engine supplied with the exchange's messages, and its clock with the exchange's time."""
    from data_ingestion.exchange_clock import ClockAsker
    from data_ingestion.ingestor import BURST_WEIGHT, Ingestor
    from data_ingestion.pacing.backoff import Backoff
    from data_ingestion.pacing.request_budget import RequestBudget
    from data_ingestion.rest import rest_session
    from data_ingestion.snapshot_loader import SnapshotLoader
    from data_ingestion.symbol_info import SymbolAsker

    def tell_of_ban(seconds: float) -> None:
        if (
            settings.supervisor_pid
        ):  # the exchange counts by address: the other symbols' engines must hear of it
            say(f"{HOLD}{clock.wall() + seconds!r}")

    rest_url, timeout = settings.binance_rest_url, settings.snapshot_timeout
    budget = RequestBudget(settings.request_weight, BURST_WEIGHT, tell_of_ban)
    budget.hold(clock.steady(), settings.rest_not_before - clock.wall())
    words.on_line = lambda line: _hold(budget, clock, line)
    async with rest_session(rest_url) as session:
        asker = ClockAsker(session, rest_url, exchange_clock, timeout=timeout, budget=budget, clock=clock)
        ingestor = Ingestor(
            engine,
            engine.symbol,
            SnapshotLoader(session, rest_url, engine.symbol, timeout=timeout),
            public_ws_url=settings.binance_public_ws_url,
            market_ws_url=settings.binance_market_ws_url,
            depth_silence=settings.depth_silence,
            trade_silence=settings.trade_silence,
            queue_size=settings.queue_size,
            budget=budget,
            applied=applied,
            random=random.SystemRandom().random,
            clock=clock,
            exchange_clock=exchange_clock,
        )
        lister = SymbolAsker(
            engine,
            engine.symbol,
            session,
            rest_url,
            timeout=timeout,
            budget=budget,
            backoff=Backoff(random.SystemRandom().random, base=5.0, cap=300.0, longest=300.0, stable=0),
            clock=clock,
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(ingestor.run())
            tasks.create_task(asker.run())
            tasks.create_task(lister.run())


def _hold(budget: "RequestBudget", clock: "Clock", line: str) -> None:
    """Obey the supervisor's word that the exchange wants no request for a while."""
    if line.startswith(HOLD):
        with contextlib.suppress(ValueError):
            budget.hold(clock.steady(), float(line.removeprefix(HOLD)) - clock.wall())


def _engine_settings(settings: Settings) -> "EngineSettings":
    from features.detectors.settings import DetectorSettings
    from state.engine import EngineSettings

    return EngineSettings(
        stale_after_ms=settings.stale_after * 1000,
        trade_silent_after_ms=settings.trade_stale_after * 1000,
        book_levels=settings.book_levels,
        coverage_margin=settings.coverage_margin,
        audit_interval_ms=settings.audit_interval * 1000,
        detectors=DetectorSettings(
            **{name: getattr(settings, name) for name in DetectorSettings.__struct_fields__}
        ),
    )


async def run_api(settings: Settings) -> None:
    """Serve the API."""
    from api.access import Access
    from api.processes import ProgramProcesses
    from api.websocket_server import Api, create_app
    from data_ingestion.clock import Clock

    if not settings.feed_token:
        raise SettingError("--role api needs the secret that its engines show, in FEED_TOKEN.")
    if settings.source == "auto":
        raise SettingError("--role api does not choose a source: give the engines' own in --source.")
    api = Api(
        settings.symbols,
        settings.source,
        feed_token=settings.feed_token,
        access=Access(settings.api_host, settings.known_origins(), page_port=settings.dashboard_port),
        public_url=settings.public_api_url,
        client_queue=settings.client_queue,
        most_streams=most_streams(len(settings.symbols)),
        processes=ProgramProcesses(Clock(), settings.supervisor_pid, settings.restarts),
    )
    calm_garbage_collector()
    app, patience = create_app(api), settings.client_patience
    with listener_of(settings, "api") as listener:
        await _serve(app, listener, client_patience=patience)


async def run_dashboard(settings: Settings) -> None:
    """Serve the page."""
    from api.access import Access, AccessGuard
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
        await _serve(page, listener)


def server_of(app: Any, *, client_patience: float = 600.0) -> "uvicorn.Server":
    """Return a server for an ASGI application, whose signals are left to main.py.

    A WebSocket client may read nothing for `client_patience` seconds before it is closed.
    """
    import uvicorn

    from api.http_protocol import MOST_HEAD, BoundedHttp
    from api.seldom import say_seldom
    from api.websocket_protocol import BoundedWebSocket

    for server in ("uvicorn.error", "asyncio"):  # what clients can make them say without end
        say_seldom(logging.getLogger(server))

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Any:
            yield

    return Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            http=BoundedHttp,
            h11_max_incomplete_event_size=2 * MOST_HEAD,  # the bound itself is BoundedHttp's
            ws=BoundedWebSocket,
            ws_per_message_deflate=False,
            ws_ping_timeout=client_patience,
            timeout_graceful_shutdown=1,
        )
    )


async def _serve(app: Any, listener: socket.socket, **limits: float) -> None:
    """Serve an ASGI application until cancelled."""
    server = server_of(app, **limits)
    serving = asyncio.create_task(server.serve([listener]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise


async def run_all(settings: Settings) -> None:
    """Choose the source, start all processes and watch them until stopped.

    The sockets that they listen on stay open here until the end, so that no port is ever free for somebody
    else.
    """
    with contextlib.closing(Listeners(settings)) as sockets:
        listeners = {"api": sockets.listen("api"), "dashboard": sockets.listen("dashboard")}
        settings = await _with_source(settings)
        if settings.source == "simulated":
            listeners["exchange"] = sockets.listen("simulated")
            settings = _at_the_simulated_exchange(settings, listeners["exchange"].getsockname()[1])
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
    stranger = replace(settings, feed_token="")
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
    host = f"{_local(settings.api_host)}:{settings.api_port}"
    log.info("frames at ws://%s/ws/%s, API at http://%s/docs", host, settings.symbols[0], host)
    log.info("page at http://%s:%d; Ctrl-C ends", _local(settings.dashboard_host), settings.dashboard_port)
    with screen_of_this_terminal() as screen:
        try:
            async with asyncio.TaskGroup() as tasks:
                for child in children:
                    tasks.create_task(child.run(screen))
        except* SettingError as group:
            raise SettingError(str(_first_leaf(group))) from None
        except* BrokenPipeError:  # whoever read the output has gone, as `head` does
            log.debug("nobody reads the output any more")


async def _with_source(settings: Settings) -> Settings:
    """Return `settings` with `auto` decided, symbols checked and, for the simulated exchange, its address."""
    from data_ingestion.source import unknown_symbols, why_unreachable

    rest_url, source = settings.binance_rest_url, settings.source
    if source == "auto":
        trouble = await why_unreachable(rest_url, timeout=PING_TIMEOUT)
        source = "binance" if trouble is None else "simulated"
        reason = "it answers" if trouble is None else f"Binance cannot be used: {trouble}"
        log.info("source: %s, because %s", source, reason)
    if source == "binance":
        unknown, hold = await unknown_symbols(rest_url, settings.symbols, timeout=PING_TIMEOUT)
        if unknown:
            raise SettingError(f"the exchange does not know {', '.join(unknown)}: check --symbols.")
        if hold:
            log.warning("the exchange asks for no request for %g s", hold)
        return replace(settings, source=source, rest_not_before=time.time() + hold if hold else 0.0)
    _simulated_symbols(settings)
    return replace(settings, source=source)


def _at_the_simulated_exchange(settings: Settings, port: int) -> Settings:
    """Return `settings` with the address of the simulated exchange on this machine."""
    return replace(
        settings,
        simulated_port=port,
        binance_public_ws_url=f"ws://127.0.0.1:{port}/public",
        binance_market_ws_url=f"ws://127.0.0.1:{port}/market",
        binance_rest_url=f"http://127.0.0.1:{port}",
    )


# --- small things ----------------------------------------------------------------------------------------


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


def _part(settings: Settings) -> str:
    return ",".join(settings.symbols) if settings.role == "engine" else settings.role


def _set_up_logging(settings: Settings) -> None:
    part = _part(settings)
    logging.basicConfig(
        level=settings.log_level.upper(),
        format=f"%(asctime)s %(levelname)-7s {part}: %(message)s",
        datefmt="%H:%M:%S",
        stream=sys.stderr,
    )
    for chatty in ("asyncio", "websockets", "uvicorn", "aiohttp"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _simulated_symbols(settings: Settings) -> tuple[str, ...]:
    from data_ingestion.simulated_exchange.profiles import SIMULATED_SYMBOLS

    unknown = [symbol for symbol in settings.symbols if symbol not in SIMULATED_SYMBOLS]
    if unknown:
        known = ", ".join(SIMULATED_SYMBOLS)
        raise SettingError(f"the simulated exchange has no {', '.join(unknown)}: it has {known}.")
    return settings.symbols


def _local(host: str) -> str:
    """Return the address at which a listener on `host` is reached from this machine."""
    return "127.0.0.1" if host in ("", "0.0.0.0") else f"[{host}]" if ":" in host else host  # noqa: S104


def _first_leaf(group: BaseExceptionGroup[Any]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    sys.exit(main())
