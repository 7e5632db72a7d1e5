"""Settings: what is taken, from where, and what is said about what is not."""

import re
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from config import (
    GROUPS,
    HIDDEN,
    INTERNAL,
    OTHERS,
    VERSION,
    SettingError,
    Settings,
    all_settings,
)
from features.detectors.settings import DetectorSettings
from processes.command_line import documentation, read_settings, settings_markdown

FLAGS = [row[0] for row in documentation() if row[0]]

NUMBERS = [
    (setting.name, type(setting.default), setting.facts["low"], setting.facts["high"])
    for setting in all_settings()
    if setting.facts["low"] is not None
]

BAD = [
    # setting, bad values
    (
        "symbols",
        [
            "",
            ",",
            " , ",
            "BTC USDT",
            "BTC-USDT",
            "X",
            "../etc",
            "BTCUSDT;ETHUSDT",
            "A" * 31,
            "STRAẞE",
            "BTC\x00USDT",
            "BTC\u200bUSDT",
            "BTC/USDT",
            "🚀USDT",
        ],
    ),
    ("source", ["", "Binance!", "coinbase", "auto,binance"]),
    ("role", ["", "dashboards", "ENGINE!"]),
    ("log_level", ["", "loud", "warn ing"]),
    ("api_host", ["", "  "]),
    ("api_port", ["", "0", "65536", "-1", "80.5", "http", "nan", "0x50"]),
    ("simulated_port", ["-1", "65536", "x"]),
    (
        "allowed_origins",
        [
            "lab.example.org",
            "https://",
            "https://lab.example.org/page",
            "*",
            "http:///",
            "file:",
            "file:///x",
        ],
    ),
    (
        "binance_public_ws_url",
        ["", "fstream.binance.com", "https://x", "ws://", "ws://:80", "ws://x:0", "ws://x:99999", "ws://["],
    ),
    ("binance_market_ws_url", ["", "http://x"]),
    ("binance_rest_url", ["", "ws://x", "file:///etc/passwd", "https://x:port"]),
    (
        "public_api_url",
        ["lab.example.org", "ws://x", "https://", "https://x/?a=1", "https://x/#a", "https://me@x"],
    ),
    ("dashboard_prefix", ["/a b/", "/../", "/a//b/", "https://x/", "/é/", "/a?b/"]),
    ("feed_url", ["http://x", "x", "ws://"]),
    ("bus", ["http://x", "x", "nats://", "nats://a,b", "nats://a:0"]),
    ("stale_after", ["", "0", "61", "inf", "-inf", "nan", "1e9", "two", "2s"]),
    ("book_levels", ["19", "100001", "1e3", "20.0"]),
    ("request_weight", ["19", "2401"]),
    ("profile_memory", ["2", "maybe"]),
    ("simulated_seed", ["-1", str(2**63), "one"]),
]


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in BAD for text in texts])
def test_what_cannot_be_used_is_refused_in_one_sentence_that_names_it(name: str, text: str) -> None:
    """On the command line the sentence names the flag, in the environment the variable."""
    flag = "--" + name.replace("_", "-")
    with pytest.raises(SettingError) as refused:
        read_settings([f"{flag}={text}"], {})
    assert flag in str(refused.value)
    assert "\n" not in str(refused.value)
    if text:  # an empty variable is one that is not set
        with pytest.raises(SettingError) as refused:
            read_settings([], {name.upper(): text})
        assert name.upper() in str(refused.value)


@pytest.mark.parametrize("token", ["two words", "tab\t", "line\nend", "\u00e9"])
def test_a_secret_that_no_header_can_carry_is_refused_and_not_shown(token: str) -> None:
    """The sentence names the variable, not the secret."""
    with pytest.raises(SettingError, match="FEED_TOKEN") as refused:
        read_settings([], {"FEED_TOKEN": token})
    assert token not in str(refused.value)


@pytest.mark.parametrize(
    "arguments",
    [["--no-such-flag"], ["--api-port"], ["surplus"], ["--api"], ["--feed-token=x"], ["--supervisor-pid=1"]],
)
def test_a_command_line_that_makes_no_sense_is_refused(arguments: list[str]) -> None:
    """Unknown, abbreviated and secret flags, a flag without value, and words; the sentence names each."""
    with pytest.raises(SettingError) as refused:
        read_settings(arguments, {})
    assert arguments[0].partition("=")[0] in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("name", "kind", "low", "high"), NUMBERS)
def test_a_range_includes_its_ends_and_nothing_beyond(
    name: str, kind: type[int] | type[float], low: float, high: float
) -> None:
    """Least and greatest are taken; one step past them the sentence tells both."""
    step = 1 if kind is int else 0.01
    for end in (low, high):
        settings = read_settings([], {name.upper(): str(kind(end))})
        holder = settings.detectors if name in DetectorSettings.__struct_fields__ else settings
        assert getattr(holder, name) == end
    for beyond in (low - step, high + step):
        with pytest.raises(SettingError) as refused:
            read_settings([], {name.upper(): str(kind(beyond))})
        assert f"from {low} to {high}" in str(refused.value)


def test_nothing_given_means_the_defaults() -> None:
    """An empty environment, or one of empty variables, changes nothing."""
    assert read_settings([], {}) == Settings()
    empty = {setting.name.upper(): "" for setting in all_settings()}
    assert read_settings([], empty) == Settings()


def test_defaults_are_themselves_valid() -> None:
    """Each default may be given as well, and everything listens on this machine alone."""
    assert read_settings([], Settings().environment()) == Settings()
    assert Settings().api_host == "127.0.0.1"


def test_flags_beat_the_environment() -> None:
    """A variable counts where no flag is given, and is not even read where one is."""
    environment = {"API_PORT": "nonsense", "STALE_AFTER": "3.5"}
    settings = read_settings(["--api-port", "9000"], environment)
    assert (settings.api_port, settings.stale_after) == (9000, 3.5)


@pytest.mark.parametrize("symbol", ["币安人生USDT", "BTCUSDT_261225", "ДЖИUSDT", "हिंदीUSDT", "1000PEPEUSDT"])
def test_a_symbol_may_be_of_any_script(symbol: str) -> None:
    """Such are listed; the name of its streams leads back to it."""
    settings = read_settings(["--symbols", symbol.lower()], {})
    assert settings.symbols == (symbol,)
    assert read_settings([], settings.environment()).symbols == (symbol,)


def test_a_switch_is_on_where_it_is_named_alone() -> None:
    """And may be given a value as any other setting."""
    assert read_settings(["--profile-memory", "--api-port", "9000"], {}).profile_memory is True
    assert read_settings(["--profile-memory=false"], {"PROFILE_MEMORY": "true"}).profile_memory is False
    assert read_settings([], {"PROFILE_MEMORY": "True"}).profile_memory is True


def test_lists_are_tidied() -> None:
    """Symbols in upper case, origins as browsers send them, no blanks, nothing twice, the order kept."""
    settings = read_settings(
        ["--symbols", " ethusdt,BTCUSDT,,EthUsdt ", "--allowed-origins", "https://Lab.example.org/,"], {}
    )
    assert settings.symbols == ("ETHUSDT", "BTCUSDT")
    assert settings.allowed_origins == ("https://lab.example.org",)


def test_origins_without_a_host_may_be_named() -> None:
    """As browsers send them of pages from files, in sandboxes and in programs made of pages."""
    settings = read_settings(["--allowed-origins", "null,file:///,App://,chrome-extension://abc/"], {})
    assert settings.allowed_origins == ("null", "file://", "app://", "chrome-extension://abc")
    assert read_settings([], settings.environment()) == settings


number = st.one_of(
    *(
        st.tuples(st.just(name), st.integers(int(low), int(high)) if kind is int else st.floats(low, high))
        for name, kind, low, high in NUMBERS
    )
)


@hypothesis_settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(
    st.lists(number, max_size=8),
    st.lists(st.from_regex(r"[A-Z0-9_]{2,30}", fullmatch=True), min_size=1, max_size=4, unique=True),
    st.from_regex(r"[!-~]{1,40}", fullmatch=True),
)
def test_settings_survive_the_environment_of_another_process(
    numbers: list[tuple[str, float]], symbols: list[str], token: str
) -> None:
    """What one process writes for its children is what they read, to the last digit."""
    given_ = {name.upper(): str(value) for name, value in numbers}
    settings = read_settings([], given_ | {"SYMBOLS": ",".join(symbols), "FEED_TOKEN": token})
    environment = settings.environment()
    assert read_settings([], environment) == settings
    assert set(environment) == {setting.name.upper() for setting in all_settings()}


def test_help_lists_every_flag_with_its_range_and_default(capsys: pytest.CaptureFixture[str]) -> None:
    """And exits without an error."""
    with pytest.raises(SystemExit) as ended:
        read_settings(["--help"], {})
    assert ended.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    for flag, _, default, limits, _ in documentation():
        if flag:
            assert f"{flag} VALUE" in shown or f"{flag} [VALUE]" in shown
            assert "".join(limits.split()) in "".join(shown.split())
            assert "".join(f"default {default}".split() if default else []) in "".join(shown.split())
    assert "FEED_TOKEN" in shown


@pytest.mark.parametrize("text", ["orderbook", "/orderbook", "orderbook/", "/orderbook/"])
def test_a_path_is_given_its_slashes(text: str) -> None:
    """However it is written."""
    assert read_settings(["--dashboard-prefix", text], {}).dashboard_prefix == "/orderbook/"
    assert read_settings(["--dashboard-prefix", "/"], {}).dashboard_prefix == "/"


def test_the_public_address_is_an_origin_that_is_known() -> None:
    """With its host, and beside those that are named."""
    settings = read_settings(
        ["--public-api-url", "https://Lab.example.org/api", "--allowed-origins", "null"], {}
    )
    assert settings.known_origins() == ("null", "https://lab.example.org")
    assert Settings().known_origins() == ()


def test_help_has_each_flag_in_one_group_and_the_usual_ones_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whoever comes to it for the first time finds them without scrolling."""
    named = [name for names in GROUPS.values() for name in names]
    flags = {flag.removeprefix("--").replace("-", "_") for flag in FLAGS}
    assert len(named) == len(set(named))
    assert set(named) <= flags
    with pytest.raises(SystemExit):
        read_settings(["--help"], {})
    shown = capsys.readouterr().out
    assert [shown.count(f"\n  {flag} ") for flag in FLAGS] == [1] * len(FLAGS)
    order = re.findall(r"(?m)^  --([a-z-]+) \[?VALUE", shown)
    usual = GROUPS["The usual ones"]
    assert tuple(name.replace("-", "_") for name in order[: len(usual)]) == usual
    titles = [*GROUPS, OTHERS]
    assert re.findall(r"(?m)^([A-Z].*):$", shown) == titles
    thresholds = DetectorSettings.__struct_fields__
    assert set(order[-len(thresholds) :]) == {name.replace("_", "-") for name in thresholds}


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """On one line, without an error."""
    with pytest.raises(SystemExit) as ended:
        read_settings(["--version"], {})
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"orderbook-liquidity-dashboard {VERSION}, pure core\n"


def test_secrets_have_no_flag() -> None:
    """A command line can be read by everybody on the machine."""
    assert "feed_token" in HIDDEN
    assert not any("token" in flag for flag in FLAGS)


def test_the_table_has_a_row_for_each_setting_that_people_may_use() -> None:
    """One line each, five cells, as Markdown wants it."""
    head, rule, *rows = settings_markdown().splitlines()
    assert set(rule) == {"|", "-"}
    assert len(rows) == len(fields(Settings)) - 1 + len(DetectorSettings.__struct_fields__) - len(INTERNAL)
    assert {line.count("|") for line in (head, rule, *rows)} == {6}
    assert "| `--api-port` | `API_PORT` | 8000 | 1 to 65535 | port of the API |" in rows


def test_servers_of_a_bus_may_be_several_and_a_password_is_not_echoed() -> None:
    """Not even where something else of the address is wrong."""
    several = "nats://me:secret@a:4222, tls://b"
    assert read_settings([], {"BUS": several}).bus == several
    with pytest.raises(SettingError) as refused:
        read_settings([], {"BUS": "http://me:secret@a"})
    assert "secret" not in str(refused.value)
    assert "nats://" in str(refused.value)
