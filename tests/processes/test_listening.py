"""Where the program listens, and the advice where it cannot."""

import contextlib
import socket

import pytest

from config import SettingError, Settings
from processes.command_line import read_settings
from processes.listening import Listeners, listener_of, listening_socket
from tests.program import free_port


@pytest.mark.parametrize(
    ("host", "setting"),
    [
        ("host.invalid", "--api-host"),
        ("a..b", "--api-host"),
        ("x" * 300, "--api-host"),
        ("192.0.2.1", "--api-host"),  # of documentation, and so of no machine
        ("nul\x00", "--api-host"),
    ],
)
def test_a_host_that_is_not_here_is_told_by_its_own_setting(host: str, setting: str) -> None:
    """Another port would not help."""
    with pytest.raises(SettingError) as refused:
        listening_socket(host, free_port(), "api")
    assert setting in str(refused.value)
    assert "-port" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_taken_port_is_told_by_the_setting_of_the_port() -> None:
    """Another host would not help."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingError, match=f"port {port}.*--dashboard-port"):
            listening_socket("127.0.0.1", port, "dashboard")


@pytest.mark.parametrize("rival", ["dashboard", "simulated"])
def test_one_port_for_two_parts_is_told_by_both_settings(rival: str) -> None:
    """Whoever reads the sentence sees at once which two clash."""
    port = free_port()
    settings = read_settings(["--api-port", str(port), f"--{rival}-port", str(port)], {})
    with contextlib.closing(Listeners(settings)) as sockets:
        sockets.listen("api")
        with pytest.raises(SettingError, match=f"--api-port and --{rival}-port are both {port}"):
            sockets.listen(rival)


def test_one_port_at_two_addresses_is_no_clash() -> None:
    """Both are there."""
    port = free_port()
    settings = Settings(api_port=port, dashboard_port=port, dashboard_host="127.0.0.2")
    with contextlib.closing(Listeners(settings)) as sockets:
        found = {sockets.listen(name).getsockname() for name in ("api", "dashboard")}
    assert found == {("127.0.0.1", port), ("127.0.0.2", port)}


def test_a_name_is_listened_at_by_its_address() -> None:
    """Of localhost that is 127.0.0.1, where it has an IPv6 address as well."""
    with listening_socket("localhost", 0, "api") as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


def test_a_socket_that_was_handed_down_is_taken() -> None:
    """Whatever the settings say besides."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        handed = held.dup()
        with listener_of(Settings(listen_fd=handed.detach()), "api") as listener:
            assert listener.getsockname() == held.getsockname()
