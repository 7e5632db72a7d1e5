"""Every setting: its name, unit, range and default; read from flags first, then the environment."""

import argparse
import re
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from msgspec.structs import asdict

from features.detectors.settings import DetectorSettings, thresholds

VERSION: Final = "0.1.0"
ROLES: Final = ("all", "exchange", "engine", "api", "dashboard")
SOURCES: Final = ("auto", "binance", "simulated")
LOG_LEVELS: Final = ("debug", "info", "warning", "error")
_SWITCH: Final = "false true"
_PATH: Final = re.compile(r"/(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*/)*")
_ORIGIN: Final = re.compile(
    r"null|[a-z][a-z0-9+.-]*://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?|(?!https?:|wss?:)[a-z][a-z0-9+.-]*://"
)
_LONGEST_SYMBOL: Final = 30


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
    log_level: str = _setting("info", "least serious log lines shown", choices=LOG_LEVELS)
    profile_memory: bool = _setting(
        False,
        "every minute and at the end, name the lines that hold the most memory, of each process; "
        "about doubles CPU and memory",
        choices=tuple(_SWITCH.split()),
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
        own = {name: getattr(self, name) for name in _OWN}
        return {name.upper(): _text(value) for name, value in (own | asdict(self.detectors)).items()}


_OWN: Final = tuple(one.name for one in fields(Settings) if one.name != "detectors")

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
    "Spreading over hosts, and looking inside": ("role", "bus", "feed_url", "profile_memory"),
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


def read_settings(
    arguments: Sequence[str], environment: Mapping[str, str], *, core: str = "pure"
) -> Settings:
    """Return the settings of a command line and an environment; raise `SettingError`.

    `--help` and `--version` print and raise SystemExit, as argparse does; `core` is what the latter
    says of it.
    """
    given = vars(_parser(core).parse_args(arguments))
    values: dict[str, Any] = {}
    for setting in all_settings():
        name = setting.name
        text, where = given.get(name), "--" + name.replace("_", "-")
        if text is None:
            # An empty variable is how a shell says that it is not set.
            text, where = environment.get(name.upper()) or None, name.upper()
        if text is None:
            continue
        values[name] = _read(text, where, type(setting.default), setting.facts)
    own = {name: value for name, value in values.items() if name in _OWN}
    detectors = DetectorSettings(**{name: value for name, value in values.items() if name not in _OWN})
    return Settings(detectors=detectors, **own)


def documentation() -> list[tuple[str, str, str, str, str]]:
    """Return flag, variable, default, range and meaning of each setting that people may use."""
    rows = []
    for setting in all_settings():
        if setting.name in INTERNAL:
            continue
        facts = setting.facts
        flag = "" if setting.name in HIDDEN else "--" + setting.name.replace("_", "-")
        unit = f" {facts['unit']}" if facts["unit"] else ""
        limits = " ".join(facts["choices"])
        if facts["low"] is not None:
            limits = f"{facts['low']:,} to {facts['high']:,}".replace(",", "") + unit
        rows.append((flag, setting.name.upper(), _text(setting.default), limits, facts["help"]))
    return rows


def settings_markdown() -> str:
    """Return the table of all settings, as docs/settings.md has it."""
    lines = ["| Flag | Variable | Default | Range | Meaning |", "|---|---|---|---|---|"]
    for flag, variable, default, limits, meaning in documentation():
        lines.append(f"| {f'`{flag}`' if flag else ''} | `{variable}` | {default} | {limits} | {meaning} |")
    return "\n".join(lines)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise SettingError(f"{message}. Try --help.")


def _parser(core: str) -> argparse.ArgumentParser:
    parser = _Parser(
        prog=Path(sys.argv[0]).name,
        description="Exact live order books of Binance USDT-M futures, with microstructure features.",
        epilog="Each flag is also an environment variable: --api-port is API_PORT. Flags win. "
        "FEED_TOKEN has no flag. Proxies are taken from HTTPS_PROXY and NO_PROXY.",
        usage="%(prog)s [--flag VALUE ...]",
        allow_abbrev=False,
    )
    about = f"orderbook-liquidity-dashboard {VERSION}, {core} core"
    parser.add_argument("--version", action="version", version=about)
    titles = {name: title for title, names in GROUPS.items() for name in names}
    groups = {title: parser.add_argument_group(title) for title in (*GROUPS, OTHERS)}
    for flag, variable, default, limits, meaning in documentation():
        if flag:
            notes = ", ".join(note for note in (limits, f"default {default}" if default else "") if note)
            shown = f"{meaning} ({notes})" if notes else meaning
            # A switch without a value is on.
            more: dict[str, Any] = {"nargs": "?", "const": "true"} if limits == _SWITCH else {}
            name = variable.lower()
            groups[titles.get(name, OTHERS)].add_argument(
                flag, dest=name, metavar="VALUE", help=shown.replace("%", "%%"), **more
            )
    return parser


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _read(text: str, where: str, kind: type, facts: Mapping[str, Any]) -> Any:
    if kind is tuple:
        return _read_list(text, where)
    if kind is str:
        return _read_text(text, where, facts)
    if kind is bool:
        return _read_text(text.lower(), where, facts) == "true"
    low, high = facts["low"], facts["high"]
    wanted = "a whole number" if kind is int else "a number"
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not low <= value <= high:
        unit = f" {facts['unit']}" if facts["unit"] else ""
        raise SettingError(f"{where} is {text!r}: it must be {wanted} from {low:g} to {high}{unit}.")
    return value


def _read_text(text: str, where: str, facts: Mapping[str, Any]) -> str:
    if facts["needed"] and not text.strip():
        raise SettingError(f"{where} is empty: give a value, or leave it out for the default.")
    if where == "FEED_TOKEN" and not re.fullmatch("[!-~]+", text):
        raise SettingError(f"{where} may have printable ASCII characters only, and no spaces.")
    if facts["choices"] and text not in facts["choices"]:
        raise SettingError(f"{where} is {text!r}: it must be one of {', '.join(facts['choices'])}.")
    if facts["url"] and text:
        for url in text.split(",") if facts["several"] else [text]:
            _check_url(url.strip(), where, facts)
    if facts["path"]:
        text = "/" + text.strip("/") + "/" if text.strip("/") else "/"
        if not _PATH.fullmatch(text):
            raise SettingError(f"{where} is {text!r}: it must be a path such as /orderbook/.")
    return text


def _check_url(text: str, where: str, facts: Mapping[str, Any]) -> None:
    shown = re.sub(r"//[^/]*@", "//...@", text)  # a password is nobody's to read
    try:
        parts = urlsplit(text)
        usable = parts.scheme in facts["url"].split() and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        schemes = " or ".join(f"{scheme}://" for scheme in facts["url"].split())
        raise SettingError(f"{where} is {shown!r}: it must be a URL that begins with {schemes}.")
    if "http" in facts["url"].split() and (parts.query or parts.fragment or parts.username):
        raise SettingError(f"{where} is {shown!r}: it must be a URL without a query, a fragment or a user.")


def _is_symbol(text: str) -> bool:
    """Say whether the exchange could list `text`: its streams are named in small letters, and back again."""
    return (
        2 <= len(text) <= _LONGEST_SYMBOL
        and all(unicodedata.category(letter)[0] in "LNM" or letter == "_" for letter in text)
        and text.lower().upper() == text
    )


def _read_list(text: str, where: str) -> tuple[str, ...]:
    items = [item.strip() for item in text.split(",") if item.strip()]
    if where.lower().endswith("symbols"):
        items = [unicodedata.normalize("NFC", item).upper() for item in items]
        for item in items:
            if not _is_symbol(item):
                raise SettingError(
                    f"{where} names {item!r}: a symbol looks like BTCUSDT, letters and digits of any script."
                )
        if not items:
            raise SettingError(f"{where} is empty: name at least one symbol, such as BTCUSDT.")
    else:
        items = [
            re.sub(r"(?<![:/])/+$|(?<=://)/+$", "", item.lower()) for item in items
        ]  # as browsers send it
        for item in items:
            if not _ORIGIN.fullmatch(item):
                raise SettingError(
                    f"{where} names {item!r}: an origin looks like https://lab.example.org; "
                    "null and file:// are those of pages from files."
                )
    return tuple(dict.fromkeys(items))
