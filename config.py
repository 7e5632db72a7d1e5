"""Every setting: its name, meaning, unit, range and default. `processes/command_line.py` reads them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from msgspec.structs import asdict

from features.detectors.settings import DetectorSettings, thresholds

VERSION: Final = "0.1.0"
ROLES: Final = ("all", "exchange", "engine", "api", "dashboard")
SOURCES: Final = ("auto", "binance", "simulated")
LOG_LEVELS: Final = ("debug", "info", "warning", "error")
SWITCH: Final = "false true"  # what a setting may be that is on or off


class SettingError(Exception):
    """A setting that cannot be used; `str()` is one sentence for the person who gave it."""


def _setting(
    default: Any,
    help_: str,
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    url: str = "",
    several: bool = False,
    path: bool = False,
) -> Any:
    """Declare a setting. `url` names the schemes that it may have; an empty string is allowed then.

    A `path` begins and ends with a slash, and is given them where it has none.
    """
    facts = {
        "help": help_,
        "unit": unit,
        "low": low,
        "high": high,
        "choices": choices,
        "url": url,
        "several": several,
        "path": path,
        "needed": bool(default),
    }
    return field(default=default, metadata=facts)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, checked. `api_port` is `--api-port` as a flag and `API_PORT` in the environment."""

    symbols: tuple[str, ...] = _setting(
        ("BTCUSDT", "ETHUSDT"), "markets to follow, separated by commas; one process each"
    )
    source: str = _setting(
        "auto",
        "where market data comes from; auto is binance if it answers, else simulated, decided at start",
        choices=SOURCES,
    )
    api_host: str = _setting("127.0.0.1", "address that the API listens on")
    api_port: int = _setting(8000, "port of the API", low=1, high=65535)
    dashboard_host: str = _setting("127.0.0.1", "address that the page listens on")
    dashboard_port: int = _setting(8050, "port of the page", low=1, high=65535)
    page: bool = _setting(
        True,
        "serve the page; false where programs alone read the API",
        choices=tuple(SWITCH.split()),
    )
    public_api_url: str = _setting(
        "",
        "where browsers reach the API, if not at its port of the page's host: through a proxy or a tunnel, "
        "such as https://lab.example.org/api",
        url="http https",
    )
    dashboard_prefix: str = _setting(
        "/", "path under which browsers reach the page, such as /orderbook/", path=True
    )
    allowed_origins: tuple[str, ...] = _setting(
        (), "web origins besides this machine's that may use the API, such as https://lab.example.org"
    )
    binance_public_ws_url: str = _setting(
        "wss://fstream.binance.com/public", "base URL of the depth streams", url="ws wss"
    )
    binance_market_ws_url: str = _setting(
        "wss://fstream.binance.com/market", "base URL of the trade streams", url="ws wss"
    )
    binance_rest_url: str = _setting("https://fapi.binance.com", "base URL of the REST API", url="http https")
    stale_after: float = _setting(
        2.0, "without a depth event before frames say stale", unit="seconds", low=0.1, high=60
    )
    depth_silence: float = _setting(
        5.0, "without a depth event before its connection is remade", unit="seconds", low=0.1, high=600
    )
    trade_stale_after: float = _setting(
        5.0, "without a trade before the trade stream counts as silent", unit="seconds", low=0.1, high=600
    )
    trade_silence: float = _setting(
        30.0, "without a trade before its connection is remade", unit="seconds", low=0.1, high=3600
    )
    book_levels: int = _setting(5000, "most price levels held a side", unit="levels", low=20, high=100_000)
    coverage_margin: int = _setting(
        200,
        "known levels left a side below which a snapshot is fetched in the background",
        unit="levels",
        low=10,
        high=1000,
    )
    audit_interval: float = _setting(
        180.0, "between snapshots that the book is compared with", unit="seconds", low=1, high=86_400
    )
    snapshot_timeout: float = _setting(
        5.0, "before a snapshot without reply is asked for again", unit="seconds", low=0.1, high=60
    )
    request_weight: int = _setting(
        1800,
        "exchange request weight that all symbols together may use; Binance allows 2400",
        unit="a minute",
        low=20,
        high=2400,
    )
    queue_size: int = _setting(
        1000, "most messages waiting between a socket and its book", unit="messages", low=1, high=1_000_000
    )
    client_queue: int = _setting(
        8, "most frames waiting for a slow client of the API", unit="frames", low=1, high=1000
    )
    client_patience: float = _setting(
        600.0,
        "that a WebSocket client of the API may read nothing, and lose frames, before it is closed",
        unit="seconds",
        low=1,
        high=86_400,
    )
    detectors: DetectorSettings = field(default_factory=DetectorSettings)  # each threshold is a setting
    simulated_seed: int = _setting(1, "seed of the simulated exchange's market", low=0, high=2**63 - 1)
    simulated_port: int = _setting(0, "port of the simulated exchange; 0 takes a free one", low=0, high=65535)
    simulated_control: bool = _setting(
        False,
        "let the simulated exchange play faults and patterns on demand, see docs/simulated_exchange.md",
        choices=tuple(SWITCH.split()),
    )
    log_level: str = _setting("info", "least serious log lines shown", choices=LOG_LEVELS)
    profile_memory: bool = _setting(
        False,
        "every minute and at the end, name the lines that hold the most memory, of each process; "
        "about doubles CPU and memory",
        choices=tuple(SWITCH.split()),
    )
    role: str = _setting(
        "all", "run only this part of the program here, to spread it over hosts", choices=ROLES
    )
    bus: str = _setting(
        "",
        "NATS servers between engines and APIs, in place of the feed, such as nats://10.0.0.1:4222; with "
        "commas between several, tls:// for TLS; a user and a password in it are better given as BUS",
        url="nats tls",
        several=True,
    )
    bus_credentials: str = _setting(
        "",
        "file that proves to the bus who this is: NATS credentials (.creds), or the seed of an nkey; "
        "needs the package nkeys",
    )
    feed_url: str = _setting(
        "", "where engines deliver to, with --role engine; default is the API's own port", url="ws wss"
    )
    feed_token: str = _setting(
        "", "secret that engines and the API prove to know; drawn at random at each start unless given"
    )
    supervisor_pid: int = _setting(0, "set by the program for its own processes", low=0, high=2**31 - 1)
    rest_not_before: float = _setting(0.0, "set by the program for its own processes", low=0, high=1e12)
    listen_fd: int = _setting(-1, "set by the program for its own processes", low=-1, high=2**31 - 1)
    restarts: int = _setting(0, "set by the program for its own processes", low=0, high=2**31 - 1)

    def known_origins(self) -> tuple[str, ...]:
        """Return the web origins that may use API and page: those named, and that of the public address."""
        if not self.public_api_url:
            return self.allowed_origins
        public = urlsplit(self.public_api_url)
        return (*self.allowed_origins, f"{public.scheme}://{public.netloc}".lower())

    def environment(self) -> dict[str, str]:
        """Return all settings as environment variables, for a process of this program."""
        own = {name: getattr(self, name) for name in OWN}
        return {name.upper(): as_text(value) for name, value in (own | asdict(self.detectors)).items()}


OWN: Final = tuple(one.name for one in fields(Settings) if one.name != "detectors")
"""Those that are no threshold of a detector."""

INTERNAL: Final = frozenset({"supervisor_pid", "rest_not_before", "restarts", "listen_fd"})
"""Settings that are not for people."""

HIDDEN: Final = frozenset({"feed_token"}) | INTERNAL
"""Settings without a flag: secrets do not belong on a command line."""


GROUPS: Final = {
    "The usual ones": (
        "symbols",
        "source",
        "api_host",
        "api_port",
        "dashboard_host",
        "dashboard_port",
        "page",
        "public_api_url",
        "dashboard_prefix",
        "allowed_origins",
        "log_level",
    ),
    "The exchange, and how it is asked": (
        "binance_public_ws_url",
        "binance_market_ws_url",
        "binance_rest_url",
        "request_weight",
        "snapshot_timeout",
        "queue_size",
        "simulated_seed",
        "simulated_port",
        "simulated_control",
    ),
    "The book, and when it counts as live": (
        "stale_after",
        "depth_silence",
        "trade_stale_after",
        "trade_silence",
        "book_levels",
        "coverage_margin",
        "audit_interval",
    ),
    "Clients of the API": ("client_queue", "client_patience"),
    "Spreading over hosts, and looking inside": (
        "role",
        "bus",
        "bus_credentials",
        "feed_url",
        "profile_memory",
    ),
}
"""The groups of --help, the usual ones first."""
OTHERS: Final = "The detectors"
"""The group of all flags that are in none of these."""


class Setting(NamedTuple):
    """What there is to know of one setting; see `_setting` for its facts."""

    name: str
    default: Any
    facts: Mapping[str, Any]


def all_settings() -> list[Setting]:
    """Return all settings, the detectors' thresholds among them, in the order of their documentation."""
    known = []
    for one in fields(Settings):
        if one.name == "detectors":
            plain = {"choices": (), "url": "", "several": False, "path": False, "needed": True}
            known += [Setting(name, default, plain | facts) for name, default, facts in thresholds()]
        else:
            known.append(Setting(one.name, one.default, one.metadata))
    return known


def as_text(value: Any) -> str:
    """Return a setting's value as flags and variables have it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(value) if isinstance(value, tuple) else str(value)
