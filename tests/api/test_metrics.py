"""What Prometheus reads of the newest frames."""

from collections import Counter

import pytest
from msgspec.structs import replace
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from api.channel import Channel, Client
from api.feed.messages import feed_second
from api.metrics import registry_of
from api.processes import ProcessReport
from state.frames import WindowRow, row_of
from tests.api.serving import SOURCE, SYMBOLS, a_frame, a_health, a_second, at, latencies

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
    "orderbook_trade_gaps": "counter",
    "orderbook_trades_missing": "counter",
    "orderbook_trade_duplicates": "counter",
    "orderbook_detections": "counter",
    "orderbook_stream_open": "gauge",
    "orderbook_reconnects": "counter",
    "orderbook_malformed_messages": "counter",
    "orderbook_messages_dropped": "counter",
    "orderbook_stage_latency_ms": "histogram",
    "orderbook_simulations": "counter",
}

FAMILIES |= {
    "orderbook_resync_causes": "counter",
    "orderbook_reconnect_causes": "counter",
    "orderbook_warnings": "gauge",
    "orderbook_process_memory_bytes": "gauge",
    "orderbook_process_cpu_share": "gauge",
    "orderbook_process_restarts": "counter",
    "orderbook_clock_offset_ms": "gauge",
    "orderbook_clock_uncertainty_ms": "gauge",
}


def scrape(
    *channels: Channel, simulations: Counter[int] | None = None
) -> tuple[dict[str, str], dict[tuple[str, ...], float]]:
    """Return the families with their types, and each sample by its name and its labels' values."""
    text = generate_latest(registry_of(channels, simulations or Counter())).decode()
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
        channel.add(a_second(at(1)))
    assert scrape(channel)[0] == FAMILIES


def test_each_number_is_that_of_the_newest_frame() -> None:
    """No two numbers are mixed up, and every symbol has its own."""
    heard, silent = Channel("BTCUSDT", SOURCE), Channel("ETHUSDT", SOURCE)
    heard.add(a_second(at(1)))
    _, samples = scrape(heard, silent)
    assert {key: value for key, value in samples.items() if "stage_latency" not in key[0]} == {
        ("orderbook_live", "BTCUSDT"): 1,
        ("orderbook_live", "ETHUSDT"): 0,
        ("orderbook_clients", "BTCUSDT"): 0,
        ("orderbook_clients", "ETHUSDT"): 0,
        ("orderbook_client_frames_dropped_total", "BTCUSDT"): 0,
        ("orderbook_client_frames_dropped_total", "ETHUSDT"): 0,
        ("orderbook_warnings", "BTCUSDT"): 1,
        ("orderbook_warnings", "ETHUSDT"): 0,
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
        ("orderbook_trade_gaps_total", "BTCUSDT"): 21,
        ("orderbook_trades_missing_total", "BTCUSDT"): 22,
        ("orderbook_trade_duplicates_total", "BTCUSDT"): 23,
        ("orderbook_malformed_messages_total", "BTCUSDT", "depth"): 3,
        ("orderbook_malformed_messages_total", "BTCUSDT", "trade"): 6,
        ("orderbook_messages_dropped_total", "BTCUSDT", "depth"): 4,
        ("orderbook_messages_dropped_total", "BTCUSDT", "trade"): 7,
    }


def test_latencies_are_cumulative_histograms_by_stage() -> None:
    """Each bucket has all that was within its bound, the last one all; the engine's own once it has told."""
    heard, silent = Channel("BTCUSDT", SOURCE), Channel("ETHUSDT", SOURCE)
    heard.latencies = latencies(0.5, 3, 3, 9_000)
    heard.delivered.add(30)
    _, samples = scrape(heard, silent)
    family = "orderbook_stage_latency_ms"
    of_applied = {
        key[1]: value for key, value in samples.items() if key[0] == f"{family}_bucket" and "applied" in key
    }
    low = {"1": 1, "2": 1, "5": 3, "10": 3, "20": 3, "50": 3, "100": 3, "200": 3, "500": 3}
    assert of_applied == low | {"1000": 3, "2000": 3, "5000": 3, "+Inf": 4}
    assert samples[(f"{family}_sum", "BTCUSDT", "applied")] == 9_006.5
    assert {key[1:]: value for key, value in samples.items() if key[0] == f"{family}_count"} == {
        ("BTCUSDT", "applied"): 4,
        ("BTCUSDT", "encoded"): 1,
        ("BTCUSDT", "delivered"): 1,
        ("BTCUSDT", "sent"): 0,
        ("ETHUSDT", "delivered"): 0,
        ("ETHUSDT", "sent"): 0,
    }


def test_an_engine_that_has_gone_is_not_live_and_says_nothing_more() -> None:
    """Old numbers are not shown as if they were new."""
    channel = Channel("BTCUSDT", SOURCE)
    channel.add(a_second(at(1)))
    channel.fill_in(at(2), "gone")
    _, samples = scrape(channel)
    assert samples[("orderbook_live", "BTCUSDT")] == 0
    assert ("orderbook_gaps_total", "BTCUSDT") not in samples


def test_a_slow_client_shows() -> None:
    """Clients and the frames that they lost are counted."""
    channel = Channel("BTCUSDT", SOURCE)
    channel.join(Client(ladders=False, queue_size=1))
    for second in (1, 2, 3):
        channel.add(a_second(at(second)))
    _, samples = scrape(channel)
    assert samples[("orderbook_clients", "BTCUSDT")] == 1
    assert samples[("orderbook_client_frames_dropped_total", "BTCUSDT")] == 2


def test_answers_to_orders_are_counted_by_status_code() -> None:
    """Also those that have not occurred yet, where they are known beforehand."""
    _, samples = scrape(simulations=Counter({503: 2, 200: 7, 404: 0}))
    assert samples == {
        ("orderbook_simulations_total", "200"): 7,
        ("orderbook_simulations_total", "404"): 0,
        ("orderbook_simulations_total", "503"): 2,
    }


def test_two_apps_in_one_process_do_not_meet() -> None:
    """Each registry has its own channels, and may be made twice."""
    one, other = Channel("BTCUSDT", SOURCE), Channel("ETHUSDT", SOURCE)
    assert {symbol for key in scrape(one)[1] for symbol in SYMBOLS if symbol in key} == {"BTCUSDT"}
    assert {symbol for key in scrape(other)[1] for symbol in SYMBOLS if symbol in key} == {"ETHUSDT"}


def test_resyncs_and_reconnects_are_told_by_cause() -> None:
    """Each cause that has occurred is a label of its own."""
    channel, health = Channel("BTCUSDT", SOURCE), a_health()
    depth = replace(health.depth, reconnect_causes={"silent": 2})
    frame = replace(a_frame(at(1)), health=replace(health, depth=depth, resync_causes={"gap": 3, "audit": 1}))
    channel.add(feed_second(frame, WindowRow(row_of(frame), None)))
    _, samples = scrape(channel)
    assert {key: value for key, value in samples.items() if "_causes" in key[0]} == {
        ("orderbook_reconnect_causes_total", "BTCUSDT", "depth", "silent"): 2,
        ("orderbook_resync_causes_total", "BTCUSDT", "gap"): 3,
        ("orderbook_resync_causes_total", "BTCUSDT", "audit"): 1,
    }


def test_each_process_has_its_figures() -> None:
    """An engine goes by its symbol, any other by its role."""
    reports = [
        ProcessReport("engine", "BTCUSDT", 11, 40_000_000, 0.25, 2),
        ProcessReport("api", None, 12, 50_000_000, 0.5, 0),
    ]
    text = generate_latest(registry_of((), Counter(), lambda: reports)).decode()
    samples = {
        (sample.name, sample.labels["process"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if "process" in sample.labels
    }
    assert samples == {
        ("orderbook_process_memory_bytes", "BTCUSDT"): 40_000_000,
        ("orderbook_process_memory_bytes", "api"): 50_000_000,
        ("orderbook_process_cpu_share", "BTCUSDT"): 0.25,
        ("orderbook_process_cpu_share", "api"): 0.5,
        ("orderbook_process_restarts_total", "BTCUSDT"): 2,
        ("orderbook_process_restarts_total", "api"): 0,
    }
