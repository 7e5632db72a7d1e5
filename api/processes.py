"""Memory and CPU of the program's processes: what each says of itself, and what is read of its siblings.

An engine tells the API of itself, wherever it runs. The API reads those that tell it nothing, the
supervisor, the exchange and the page, off the machine it shares with them.
"""

from collections.abc import Iterator
from typing import Final

import msgspec
import psutil

from data_ingestion.clock import Clock

READ_EVERY: Final = 1.0
"""Seconds. Who asks more often is told the same again: finding siblings reads all of the machine's."""

_MIB: Final = 2**20
_TELL_NOTHING: Final = ("exchange", "dashboard")  # roles that the API has no connection to


class ShownProcess(msgspec.Struct, frozen=True):
    """One process of the program."""

    role: str  # supervisor, exchange, engine, api or dashboard
    symbol: str | None  # an engine's
    pid: int
    cpu_share: float  # of one core, since the reading before; 0 at the first
    restarts: int  # since the program began
    memory_mib: float  # resident set
    core: str | None = None  # an engine's: pure or compiled
    host: str | None = None  # of an engine that tells of itself over a bus


class ProcessReport(msgspec.Struct, frozen=True):
    """One process."""

    role: str  # supervisor, exchange, engine, api or dashboard
    symbol: str | None  # an engine's
    pid: int
    memory_bytes: int  # resident set
    cpu_share: float  # of one core, since the reading before; 0 at the first
    restarts: int  # since the program began
    core: str | None = None  # an engine's: pure or compiled
    host: str | None = None  # of an engine that tells of itself over a bus

    @property
    def name(self) -> str:
        """The symbol of an engine, with its place where there may be several; the role of any other."""
        if self.host is not None:
            return f"{self.symbol} at {self.host}:{self.pid}"
        return self.symbol or self.role

    def shown(self) -> ShownProcess:
        """Return the entry of `/health`."""
        fields = msgspec.structs.asdict(self)
        memory_mib = round(fields.pop("memory_bytes") / _MIB, 2)
        return ShownProcess(**fields, memory_mib=memory_mib)


class ProcessReader:
    """Reads one process, by default the one that it runs in."""

    def __init__(
        self,
        role: str,
        symbol: str | None = None,
        restarts: int = 0,
        process: psutil.Process | None = None,
        core: str | None = None,
        host: str | None = None,
    ) -> None:
        self._role, self._symbol, self._restarts, self._core = role, symbol, restarts, core
        self._host = host
        self._process = process or psutil.Process()

    def read(self) -> ProcessReport:
        """Return what is so now. Raises `psutil.Error` where the process has gone, or may not be read."""
        with self._process.oneshot():
            share = self._process.cpu_percent() / 100
            memory = self._process.memory_info().rss
        return ProcessReport(
            self._role,
            self._symbol,
            self._process.pid,
            memory,
            round(share, 4),
            self._restarts,
            self._core,
            self._host,
        )


class ProgramProcesses:
    """Reads this process and those of the same supervisor that do not tell of themselves.

    Without a supervisor (0) there is only this process. `restarts` is how often it was itself restarted.
    """

    def __init__(self, clock: Clock, supervisor_pid: int = 0, restarts: int = 0) -> None:
        self._clock = clock
        self._supervisor_pid = supervisor_pid
        self._own = psutil.Process()
        # By process, not by pid, which may be used again.
        self._known = {self._own: ProcessReader("api", restarts=restarts, process=self._own)}
        self._read_at = float("-inf")
        self._last: list[ProcessReport] = []

    def read(self) -> list[ProcessReport]:
        """Return one report a process, at most a second old."""
        now = self._clock.steady()
        if now - self._read_at >= READ_EVERY:
            self._read_at, self._last = now, list(self._reports())
        return self._last

    def _reports(self) -> Iterator[ProcessReport]:
        if self._supervisor_pid:
            self._find_siblings()
        for process, reader in list(self._known.items()):
            try:
                yield reader.read()
            except psutil.Error:
                del self._known[process]

    def _find_siblings(self) -> None:
        """Come to know the processes of this supervisor that are new."""
        try:
            supervisor = psutil.Process(self._supervisor_pid)
            siblings = supervisor.children()
        except psutil.Error:
            return
        if supervisor not in self._known:
            self._known[supervisor] = ProcessReader("supervisor", process=supervisor)
        for sibling in siblings:
            if sibling in self._known:
                continue
            try:
                environment = sibling.environ()
                role, restarts = environment.get("ROLE"), int(environment.get("RESTARTS") or 0)
            except (psutil.Error, ValueError):
                continue  # only starting, or just gone: the next reading will tell
            if role in _TELL_NOTHING:
                self._known[sibling] = ProcessReader(role, restarts=restarts, process=sibling)
