"""Where the bus is, out of one setting."""

from api.bus.address import bus_address


def test_a_server_has_natss_own_port_unless_told_otherwise() -> None:
    """In IPv6 too."""
    address = bus_address("nats://10.0.0.1, tls://[::1]:4333")
    assert address.servers == ("nats://10.0.0.1:4222", "tls://[::1]:4333")
    assert (address.user, address.password, address.tls) == (None, None, True)


def test_credentials_stand_apart_from_what_is_shown() -> None:
    """And are decoded."""
    address = bus_address("nats://me:p%40ss@a:1,nats://b")
    assert (address.user, address.password) == ("me", "p@ss")
    assert address.shown == "nats://a:1, nats://b:4222"
    assert "p@ss" not in repr(address)
    assert "me" not in repr(address)


def test_a_user_alone_is_a_token() -> None:
    """As NATS has it."""
    address = bus_address("nats://tok@a")
    assert (address.user, address.password) == ("tok", None)
