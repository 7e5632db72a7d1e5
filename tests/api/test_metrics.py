"""What Prometheus reads of the newest frames."""

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from api.channel import Channel, Client
from api.metrics import registry_of
from tests.api.serving import SOURCE, a_second, at

FAMILIES = {
    "orderbook_live": "gauge",
    "orderbook_clients": "gauge",
    "orderbook_client_frames_dropped": "counter",
    "orderbook_update_rate": "gauge",
    "orderbook_latency_ms": "gauge",
    "orderbook_covered_levels": "gauge",
    "orderbook_gaps": "counter",
    "orderbook_resyncs": "counter",
    "orderbook_snapshots": "counter",
    "orderbook_bursts": "counter",
    "orderbook_audits": "counter",
    "orderbook_audit_levels": "counter",
    "orderbook_audit_mismatches": "counter",
    "orderbook_late_messages": "counter",
    "orderbook_detections": "counter",
    "orderbook_stream_open": "gauge",
    "orderbook_reconnects": "counter",
    "orderbook_malformed_messages": "counter",
    "orderbook_messages_dropped": "counter",
}


def scrape(*channels: Channel) -> tuple[dict[str, str], dict[tuple[str, ...], float]]:
    """Return the families with their types, and each sample by its name and its labels' values."""
    text = generate_latest(registry_of(channels)).decode()
    families = list(text_string_to_metric_families(text))
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }
    return {family.name: family.type for family in families}, samples


@pytest.mark.parametrize("seconds", [0, 1])
def test_the_families_are_always_there(seconds: int) -> None:
    """Whether an engine has been heard or not, each metric has its name, its type and its help."""
    channel = Channel("BTCUSDT", SOURCE)
    if seconds:
        channel.take(a_second(at(1)))
    assert scrape(channel)[0] == FAMILIES


def test_each_number_is_that_of_the_newest_frame() -> None:
    """No two numbers are mixed up, and every symbol has its own."""
    heard, silent = Channel("BTCUSDT", SOURCE), Channel("ETHUSDT", SOURCE)
    heard.take(a_second(at(1)))
    _, samples = scrape(heard, silent)
    assert samples == {
        ("orderbook_live", "BTCUSDT"): 1,
        ("orderbook_live", "ETHUSDT"): 0,
        ("orderbook_clients", "BTCUSDT"): 0,
        ("orderbook_clients", "ETHUSDT"): 0,
        ("orderbook_client_frames_dropped_total", "BTCUSDT"): 0,
        ("orderbook_client_frames_dropped_total", "ETHUSDT"): 0,
        ("orderbook_update_rate", "BTCUSDT"): 9.5,
        ("orderbook_latency_ms", "0.5", "BTCUSDT"): 8,
        ("orderbook_latency_ms", "0.99", "BTCUSDT"): 21,
        ("orderbook_covered_levels", "BTCUSDT", "bid"): 900,
        ("orderbook_covered_levels", "BTCUSDT", "ask"): 800,
        ("orderbook_gaps_total", "BTCUSDT"): 11,
        ("orderbook_resyncs_total", "BTCUSDT"): 12,
        ("orderbook_snapshots_total", "BTCUSDT"): 13,
        ("orderbook_bursts_total", "BTCUSDT"): 14,
        ("orderbook_audits_total", "BTCUSDT"): 15,
        ("orderbook_audit_levels_total", "BTCUSDT"): 1600,
        ("orderbook_audit_mismatches_total", "BTCUSDT"): 17,
        ("orderbook_detections_total", "BTCUSDT", "wall"): 18,
        ("orderbook_detections_total", "BTCUSDT", "sweep"): 19,
        ("orderbook_late_messages_total", "BTCUSDT"): 20,
        ("orderbook_stream_open", "BTCUSDT", "depth"): 1,
        ("orderbook_stream_open", "BTCUSDT", "trade"): 0,
        ("orderbook_reconnects_total", "BTCUSDT", "depth"): 2,
        ("orderbook_reconnects_total", "BTCUSDT", "trade"): 5,
        ("orderbook_malformed_messages_total", "BTCUSDT", "depth"): 3,
        ("orderbook_malformed_messages_total", "BTCUSDT", "trade"): 6,
        ("orderbook_messages_dropped_total", "BTCUSDT", "depth"): 4,
        ("orderbook_messages_dropped_total", "BTCUSDT", "trade"): 7,
    }


def test_an_engine_that_has_gone_is_not_live_and_says_nothing_more() -> None:
    """Old numbers are not shown as if they were new."""
    channel = Channel("BTCUSDT", SOURCE)
    channel.take(a_second(at(1)))
    channel.go_dark(at(2), "gone")
    _, samples = scrape(channel)
    assert samples[("orderbook_live", "BTCUSDT")] == 0
    assert ("orderbook_gaps_total", "BTCUSDT") not in samples


def test_a_slow_client_shows() -> None:
    """Clients and the frames that they lost are counted."""
    channel = Channel("BTCUSDT", SOURCE)
    channel.join(Client(ladders=False, queue_size=1))
    for second in (1, 2, 3):
        channel.take(a_second(at(second)))
    _, samples = scrape(channel)
    assert samples[("orderbook_clients", "BTCUSDT")] == 1
    assert samples[("orderbook_client_frames_dropped_total", "BTCUSDT")] == 2


def test_two_apps_in_one_process_do_not_meet() -> None:
    """Each registry has its own channels, and may be made twice."""
    one, other = Channel("BTCUSDT", SOURCE), Channel("ETHUSDT", SOURCE)
    assert {key[1] for key in scrape(one)[1]} == {"BTCUSDT"}
    assert {key[1] for key in scrape(other)[1]} == {"ETHUSDT"}
