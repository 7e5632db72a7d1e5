"""`/metrics`: what the newest frames say, and what was answered, in the Prometheus text format."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.channel import Channel
from api.processes import ProcessReport
from api.stream_limit import StreamLimit
from data_ingestion.pacing.latency import BOUNDS_MS, LatencyCounts
from state.frames import Health, Status


class ChannelCollector(Collector):
    """Reads all channels at each scrape; nothing is counted twice."""

    def __init__(self, channels: Iterable[Channel]) -> None:
        self._channels = channels

    def collect(self) -> Iterator[Metric]:
        """Yield one family a metric, one sample a symbol."""
        channels = list(self._channels)
        live = GaugeMetricFamily("orderbook_live", "1 if the newest frame is live", labels=["symbol"])
        clients = GaugeMetricFamily("orderbook_clients", "WebSocket clients", labels=["symbol"])
        dropped = CounterMetricFamily(
            "orderbook_client_frames_dropped", "Frames that slow clients lost", labels=["symbol"]
        )
        warnings = GaugeMetricFamily(
            "orderbook_warnings", "Warnings that /health has in words", labels=["symbol"]
        )
        for channel in channels:
            head = channel.head
            warnings.add_metric([channel.symbol], len(channel.warnings()))
            live.add_metric([channel.symbol], float(head is not None and head.status is Status.LIVE))
            clients.add_metric([channel.symbol], len(channel.clients))
            dropped.add_metric([channel.symbol], channel.frames_dropped)
        yield from (live, clients, dropped, warnings)
        healths = [
            (c.symbol, c.head.health) for c in channels if c.head is not None and c.head.health is not None
        ]
        yield from _engine_gauges(healths)
        yield from _engine_counters(healths)
        yield from _stream_metrics(healths)
        yield _latency_histograms(channels)


class AnswerCounter:
    """ASGI middleware: counts the answers to one path by status code, in `answers`."""

    def __init__(self, app: ASGIApp, path: str, answers: Counter[int]) -> None:
        self._app = app
        self._path = path
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._answers[message["status"]] += 1
            await send(message)

        counted = scope["type"] == "http" and scope["path"] == self._path
        await self._app(scope, receive, counting if counted else send)


class SimulationCollector(Collector):
    """Reads what an `AnswerCounter` has counted."""

    def __init__(self, answers: Counter[int]) -> None:
        self._answers = answers

    def collect(self) -> Iterator[Metric]:
        """Yield one family, one sample a status code."""
        family = CounterMetricFamily(
            "orderbook_simulations", "Answers to /simulate by HTTP status code", labels=["code"]
        )
        for code, count in sorted(self._answers.items()):
            family.add_metric([str(code)], count)
        yield family


class StreamLimitCollector(Collector):
    """Reads how many streams there is room for at each scrape."""

    def __init__(self, stream_limit: StreamLimit) -> None:
        self._stream_limit = stream_limit

    def collect(self) -> Iterator[Metric]:
        """Yield what was refused, and the bound where there is one."""
        yield CounterMetricFamily(
            "orderbook_streams_refused",
            "WebSocket clients refused for want of room",
            self._stream_limit.refused,
        )
        if self._stream_limit.most is not None:
            yield GaugeMetricFamily(
                "orderbook_streams_most", "Most WebSocket clients", self._stream_limit.most
            )


class ProcessCollector(Collector):
    """Reads the program's processes at each scrape."""

    def __init__(self, processes: Callable[[], list[ProcessReport]]) -> None:
        self._processes = processes

    def collect(self) -> Iterator[Metric]:
        """Yield one family a figure, one sample a process."""
        labels = ["process"]
        memory = GaugeMetricFamily("orderbook_process_memory_bytes", "Resident memory", labels=labels)
        cpu = GaugeMetricFamily("orderbook_process_cpu_share", "CPU used, of one core", labels=labels)
        restarts = CounterMetricFamily(
            "orderbook_process_restarts", "Times it was started again", labels=labels
        )
        for report in self._processes():
            memory.add_metric([report.name], report.memory_bytes)
            cpu.add_metric([report.name], report.cpu_share)
            restarts.add_metric([report.name], report.restarts)
        yield from (memory, cpu, restarts)


def registry_of(
    channels: Iterable[Channel],
    simulations: Counter[int],
    processes: Callable[[], list[ProcessReport]] = list,
    stream_limit: StreamLimit | None = None,
) -> CollectorRegistry:
    """Return a registry of its own, so that two apps in one process do not meet."""
    registry = CollectorRegistry()
    registry.register(ChannelCollector(channels))
    registry.register(SimulationCollector(simulations))
    registry.register(ProcessCollector(processes))
    if stream_limit is not None:
        registry.register(StreamLimitCollector(stream_limit))
    return registry


def _engine_gauges(healths: list[tuple[str, Health]]) -> Iterator[Metric]:
    rate = GaugeMetricFamily("orderbook_update_rate", "Depth events a second, last 10 s", labels=["symbol"])
    latency = GaugeMetricFamily(
        "orderbook_latency_ms",
        "Exchange event time to arrival, last 10 s, by the exchange's clock",
        labels=["symbol", "quantile"],
    )
    covered = GaugeMetricFamily("orderbook_covered_levels", "Levels held", labels=["symbol", "side"])
    for symbol, health in healths:
        rate.add_metric([symbol], health.update_rate)
        for quantile, value in (("0.5", health.latency_ms.median), ("0.99", health.latency_ms.p99)):
            if value is not None:
                latency.add_metric([symbol, quantile], value)
        for side, levels in zip(("bid", "ask"), health.covered_levels or (0, 0), strict=True):
            covered.add_metric([symbol, side], levels)
    yield from (rate, latency, covered)
    offset = GaugeMetricFamily(
        "orderbook_clock_offset_ms",
        "Exchange's clock less the engine's; none while unknown",
        labels=["symbol"],
    )
    uncertainty = GaugeMetricFamily(
        "orderbook_clock_uncertainty_ms", "Most by which the clock offset may be wrong", labels=["symbol"]
    )
    for symbol, health in healths:
        if health.clock_offset_ms is not None and health.clock_uncertainty_ms is not None:
            offset.add_metric([symbol], health.clock_offset_ms)
            uncertainty.add_metric([symbol], health.clock_uncertainty_ms)
    yield from (offset, uncertainty)


def _latency_histograms(channels: list[Channel]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(
        "orderbook_stage_latency_ms",
        "Exchange time to book applied, frame encoded, frame delivered here, by the exchange's clock; "
        "sent: a frame's second to having been written to a client's socket",
        labels=["symbol", "stage"],
    )
    for channel in channels:
        stages = {"delivered": channel.delivered.read(), "sent": channel.sent.read()}
        if channel.latencies is not None:
            stages |= {"applied": channel.latencies.applied, "encoded": channel.latencies.encoded}
        for stage, counts in stages.items():
            family.add_metric([channel.symbol, stage], _cumulative(counts), counts.sum_ms)
    return family


def _cumulative(counts: LatencyCounts) -> list[tuple[str, float]]:
    bounds = [*(str(bound) for bound in BOUNDS_MS), "+Inf"]
    return list(zip(bounds, accumulate(counts.buckets), strict=True))


def _engine_counters(healths: list[tuple[str, Health]]) -> Iterator[Metric]:
    meanings = {
        "gaps": "Breaks of the depth sequence",
        "resyncs": "Complete books that had to be rebuilt",
        "snapshots": "Snapshots received",
        "bursts": "Times a queue in front of the book was full",
        "audits": "Comparisons of the book with a fresh snapshot",
        "audit_levels": "Levels compared in audits",
        "audit_mismatches": "Levels that differed in audits",
        "late_messages": "Messages too late to be merged with the other stream",
        "trade_gaps": "Times that ids of trades were missing, or began anew",
        "trades_missing": "Trades missing by their ids",
        "trade_duplicates": "Trades that were told before, and add nothing",
    }
    families = {
        name: CounterMetricFamily(f"orderbook_{name}", meaning, labels=["symbol"])
        for name, meaning in meanings.items()
    }
    for symbol, health in healths:
        audits = health.audits
        values = {
            "gaps": health.gaps,
            "resyncs": health.resyncs,
            "snapshots": health.snapshots,
            "bursts": health.bursts,
            "audits": audits.count,
            "audit_levels": audits.levels_compared,
            "audit_mismatches": audits.mismatches,
            "late_messages": health.late_messages,
            "trade_gaps": health.trades.gaps,
            "trades_missing": health.trades.missing,
            "trade_duplicates": health.trades.duplicates,
        }
        for name, value in values.items():
            families[name].add_metric([symbol], value)
    yield from families.values()
    causes = CounterMetricFamily("orderbook_resync_causes", "Resyncs by cause", labels=["symbol", "cause"])
    for symbol, health in healths:
        for cause, count in health.resync_causes.items():
            causes.add_metric([symbol, cause], count)
    yield causes
    detections = CounterMetricFamily(
        "orderbook_detections", "Liquidity events opened or fired", labels=["symbol", "kind"]
    )
    for symbol, health in healths:
        for kind, count in health.detections.items():
            detections.add_metric([symbol, kind], count)
    yield detections


def _stream_metrics(healths: list[tuple[str, Health]]) -> Iterator[Metric]:
    labels = ["symbol", "stream"]
    up = GaugeMetricFamily("orderbook_stream_open", "1 if the stream delivers", labels=labels)
    reconnects = CounterMetricFamily("orderbook_reconnects", "Connections after the first", labels=labels)
    malformed = CounterMetricFamily("orderbook_malformed_messages", "Messages not understood", labels=labels)
    dropped = CounterMetricFamily("orderbook_messages_dropped", "Messages dropped in bursts", labels=labels)
    for symbol, health in healths:
        for name, stream in (("depth", health.depth), ("trade", health.trades)):
            up.add_metric([symbol, name], float(stream.state == "open"))
            reconnects.add_metric([symbol, name], stream.reconnects)
            malformed.add_metric([symbol, name], stream.malformed)
            dropped.add_metric([symbol, name], stream.dropped_in_bursts)
    yield from (up, reconnects, malformed, dropped)
    causes = CounterMetricFamily(
        "orderbook_reconnect_causes", "Connections lost and tries that failed", labels=[*labels, "cause"]
    )
    for symbol, health in healths:
        for name, stream in (("depth", health.depth), ("trade", health.trades)):
            for cause, count in stream.reconnect_causes.items():
                causes.add_metric([symbol, name, cause], count)
    yield causes
