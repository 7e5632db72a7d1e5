"""Where the bus is, and as whom to speak there: out of one setting, whose secrets show nowhere else. Pure."""

from typing import NamedTuple
from urllib.parse import unquote, urlsplit

PORT = 4222


class BusAddress(NamedTuple):
    """Servers without credentials, and those apart. With `user` alone that is a token."""

    servers: tuple[str, ...]
    user: str | None
    password: str | None
    tls: bool  # whether nothing may be said before the connection is encrypted
    credentials: str = ""  # file that proves who this is, instead of user and password

    @property
    def shown(self) -> str:
        """The servers, for people and logs."""
        return ", ".join(self.servers)

    def __repr__(self) -> str:
        return f"BusAddress({self.shown})"


def bus_address(setting: str, credentials: str = "") -> BusAddress:
    """Return what `nats://user:password@host:port,nats://other:port` says; user and password are the first's.

    Percent-encoded characters of both are decoded.
    """
    parts = [urlsplit(item.strip()) for item in setting.split(",") if item.strip()]
    servers = []
    for part in parts:
        host = part.hostname or ""
        servers.append(f"{part.scheme}://{f'[{host}]' if ':' in host else host}:{part.port or PORT}")
    named = next((part for part in parts if part.username is not None), None)
    user = password = None
    if named is not None:
        user = unquote(named.username or "")
        password = None if named.password is None else unquote(named.password)
    tls = any(part.scheme == "tls" for part in parts)
    return BusAddress(tuple(servers), user, password, tls, credentials)
