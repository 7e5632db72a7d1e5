"""How settings are given: flags first, then environment variables; and what is said of them to people."""

import argparse
import re
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from config import (
    GROUPS,
    HIDDEN,
    INTERNAL,
    OTHERS,
    OWN,
    SWITCH,
    VERSION,
    SettingError,
    Settings,
    all_settings,
    as_text,
)
from features.detectors.settings import DetectorSettings

_PATH: Final = re.compile(r"/(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*/)*")
_ORIGIN: Final = re.compile(
    r"null|[a-z][a-z0-9+.-]*://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?|(?!https?:|wss?:)[a-z][a-z0-9+.-]*://"
)
_LONGEST_SYMBOL: Final = 30


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
    own = {name: value for name, value in values.items() if name in OWN}
    detectors = DetectorSettings(**{name: value for name, value in values.items() if name not in OWN})
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
        rows.append((flag, setting.name.upper(), as_text(setting.default), limits, facts["help"]))
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
            more: dict[str, Any] = {"nargs": "?", "const": "true"} if limits == SWITCH else {}
            name = variable.lower()
            groups[titles.get(name, OTHERS)].add_argument(
                flag, dest=name, metavar="VALUE", help=shown.replace("%", "%%"), **more
            )
    return parser


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
