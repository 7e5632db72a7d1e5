// The health panel: what the newest frame says of its own making, and the processes that the API knows of.
import { byId, definitions, setText } from "../ui/dom.mjs";
import { NONE, number } from "../ui/formats.mjs";

/** @import {Frame} from "../../types/frames.d.ts" */

const MIB = (/** @type {number} */ value) => `${number(value, 1)} MiB`;

const listed = (/** @type {Record<string, number> | undefined} */ causes) => Object.entries(causes ?? {}).map(([cause, count]) => `${cause} ${count}`).join(", ");
const ms = (/** @type {number | null | undefined} */ value) => (value === null || value === undefined ? NONE : `${number(value, 1)} ms`);

/** Return [name, text] lines that say what a frame's `health` does. @param {any} health @returns {[string, string][]} */
export function healthLines(health) {
  const missed = (/** @type {any} */ { gaps, missing, duplicates }) => (
    gaps === undefined ? null : `${missing} missing in ${gaps} gaps, ${duplicates} repeated`
  );
  const stream = (/** @type {any} */ { state, reason, reconnects, reconnect_causes: causes, malformed, dropped_in_bursts: dropped, ...ids }) => {
    const lost = listed(causes);
    return [
      reason ? `${state}: ${reason}` : state, `${reconnects} reconnects${lost && ` (${lost})`}`,
      `${malformed} malformed`, `${dropped} dropped`, missed(ids),
    ].filter(Boolean).join(", ");
  };
  const resyncs = listed(health.resync_causes);
  const { count, levels_compared: compared, mismatches } = health.audits;
  return [
    ["depth", stream(health.depth)],
    ["trades", stream(health.trades)],
    ["latency", `${ms(health.latency_ms.median)} median, ${ms(health.latency_ms.p99)} at 99 %`],
    ["lag", `newest event ${ms(health.lag_ms)} old by the exchange's clock`],
    ["clock", health.clock_offset_ms === null
      ? "offset to the exchange not known yet"
      : `${ms(health.clock_offset_ms)} to the exchange, within ${ms(health.clock_uncertainty_ms)}`],
    ["updates", `${number(health.update_rate, 1)}/s, ${ms(health.update_interval_ms.p99)} between them at 99 %`],
    ["book", `${health.gaps} gaps, ${health.resyncs} resyncs${resyncs && ` (${resyncs})`}, ${health.snapshots} snapshots`],
    ["audits", `${count}, ${number(compared, 0)} levels compared, ${mismatches} mismatches`],
    ["covered", health.covered_levels ? `${health.covered_levels[0]} bids, ${health.covered_levels[1]} asks` : NONE],
  ];
}

/** Return [name, text] lines of the processes that /health lists. @param {any[]} processes @returns {[string, string][]} */
export function processLines(processes) {
  return processes.map(({ role, symbol, memory_mib: memory, cpu_share: cpu, restarts }) => [
    symbol ? `${role} ${symbol}` : role,
    [
      MIB(memory), cpu === null || cpu === undefined ? null : `${number(100 * cpu, 1)} % of a core`,
      restarts ? `${restarts} restarts` : null,
    ].filter(Boolean).join(", "),
  ]);
}

export class HealthPanel {
  /** `base` is the API's URL. @param {string} base */
  constructor(base) {
    this.base = base;
    /** @type {any[]} */
    this.processes = [];
    /** @type {AbortController | null} */
    this.asked = null;
  }

  get open() {
    return !byId("health-panel").hidden;
  }

  /** @param {Frame | null} frame */
  toggle(frame) {
    byId("health-panel").hidden = this.open;
    byId("health").setAttribute("aria-expanded", String(this.open));
    this.draw(frame);
  }

  /** Bring the button's number of warnings up to date, and the panel if it is open. @param {Frame | null} frame */
  draw(frame) {
    const warnings = frame?.health?.warnings ?? [];
    const button = byId("health");
    setText("health", warnings.length ? `health: ${warnings.length}` : "health");
    button.classList.toggle("warns", warnings.length > 0);
    button.title = warnings.join("\n") || "How it is doing (h)";
    if (!this.open) return;
    const lines = frame?.health ? healthLines(frame.health) : [];
    this.write([...warnings.map((/** @type {string} */ warning) => /** @type {[string, string]} */ (["warning", warning])), ...lines, ...processLines(this.processes)]);
    this.askForProcesses();
  }

  /** Ask for the processes; an older question is dropped, so that none pile up where nobody answers. */
  async askForProcesses() {
    this.asked?.abort();
    const asked = new AbortController();
    this.asked = asked;
    try {
      const reply = await fetch(`${this.base}/health`, { signal: asked.signal });
      this.processes = (await reply.json()).processes ?? [];
    } catch {
      this.processes = [];
    }
  }

  /** @param {[string, string][]} lines */
  write(lines) {
    byId("health-lines").replaceChildren(...definitions(lines));
  }
}
