"""Which addresses are this machine's."""

import pytest

from data_ingestion.proxies import is_loopback


@pytest.mark.parametrize(
    "url",
    [
        "ws://127.0.0.1:9100/public",
        "http://127.0.0.1",
        "http://127.8.9.10:1/x",
        "http://[::1]:8000/",
        "ws://localhost:9100/market",
        "http://LocalHost",
        "http://user:secret@127.0.0.1:1",
    ],
)
def test_this_machine_is_known(url: str) -> None:
    """Every way to write loopback is loopback."""
    assert is_loopback(url)


@pytest.mark.parametrize(
    "url",
    [
        "wss://fstream.binance.com/public",
        "https://fapi.binance.com",
        "http://10.0.0.1",
        "http://[2001:db8::1]/",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@example.com",
        "",
        "nonsense",
    ],
)
def test_others_are_not(url: str) -> None:
    """Hosts elsewhere, and what only looks like loopback, are not this machine."""
    assert not is_loopback(url)
