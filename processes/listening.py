"""The sockets that the program listens on, and what a person can do where one cannot be had."""

import contextlib
import errno
import socket
import sys
from collections.abc import Iterator
from typing import Final

from config import SettingError, Settings

BACKLOG: Final = 2048  # connections that wait for a process that is just starting
_OF_THE_PORT: Final = {errno.EADDRINUSE, errno.EACCES, errno.EPERM}


class Listeners:
    """The sockets of a program's parts, each by what its settings begin with: api, dashboard, simulated."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open: dict[str, socket.socket] = {}

    def listen(self, name: str) -> socket.socket:
        """Listen where the settings of a part say; raises `SettingError` with a sentence about them."""
        host, port = address_of(self._settings, name)
        rival = next((other for other in self._open if port and self._port_of(other) == port), None)
        try:
            listener = listening_socket(host, port, name)
        except SettingError:
            if rival is None:
                raise
            raise SettingError(
                f"--{rival}-port and --{name}-port are both {port}: give each a port of its own."
            ) from None
        self._open[name] = listener
        return listener

    def close(self) -> None:
        """Give all ports back."""
        for listener in self._open.values():
            listener.close()

    def _port_of(self, name: str) -> int:
        return int(self._open[name].getsockname()[1])


def local_address(host: str) -> str:
    """Return the address at which a listener on `host` is reached from this machine."""
    return "127.0.0.1" if host in ("", "0.0.0.0") else f"[{host}]" if ":" in host else host  # noqa: S104


def address_of(settings: Settings, name: str) -> tuple[str, int]:
    """Return host and port of a part; the simulated exchange is on loopback always."""
    port: int = getattr(settings, f"{name}_port")
    return getattr(settings, f"{name}_host", "127.0.0.1"), port


@contextlib.contextmanager
def listener_of(settings: Settings, name: str) -> Iterator[socket.socket]:
    """Give the socket that the supervisor handed down, or without one a new one."""
    if settings.listen_fd >= 0:
        listener = socket.socket(fileno=settings.listen_fd)
    else:
        listener = listening_socket(*address_of(settings, name), name)
    with listener:
        yield listener


def listening_socket(host: str, port: int, name: str) -> socket.socket:
    """Return a socket that listens: while it only had the port, another could listen there first."""
    listener = None
    try:
        family, address = _resolved(host, port)
        listener = socket.socket(family, socket.SOCK_STREAM)
        if sys.platform == "win32":  # there the other option would let two programs share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except (OSError, ValueError) as error:  # the latter for what cannot even be looked up
        if listener is not None:
            listener.close()
        raise SettingError(_advice(host, port, name, error)) from error
    return listener


def _resolved(host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int]]:
    """Return where to listen; of a name that has both, its IPv4 address."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, *_, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    return family, address  # type: ignore[return-value]  # both families' begin with host and port


def _advice(host: str, port: int, name: str, error: Exception) -> str:
    reason = getattr(error, "strerror", None) or "it is no host name"
    if isinstance(error, OSError) and error.errno in _OF_THE_PORT:
        return f"cannot listen on {host} port {port}: {reason}. Choose another with --{name}-port."
    return f"cannot listen on {host}: {reason}. Give an address of this machine in --{name}-host."
