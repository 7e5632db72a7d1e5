import assert from "node:assert/strict";
import test from "node:test";

import { healthLines, processLines } from "../../../dashboard/assets/panels/health_panel.mjs";
import { orderTexts, sizeOf } from "../../../dashboard/assets/panels/impact_form.mjs";

const STREAM = { state: "live", reason: null, reconnects: 2, reconnect_causes: { closed: 1, silent: 1 }, malformed: 0, dropped_in_bursts: 3 };
const HEALTH = {
  depth: STREAM, trades: { ...STREAM, state: "silent", reason: "no trade for 5 s", reconnect_causes: {}, gaps: 1, missing: 4, duplicates: 0 },
  latency_ms: { median: 12.34, p99: null }, lag_ms: 80, clock_offset_ms: -3.21, clock_uncertainty_ms: 1, update_rate: 9.96,
  update_interval_ms: { p99: 130 }, gaps: 0, resyncs: 1, resync_causes: { gap: 1 }, snapshots: 5,
  audits: { count: 7, levels_compared: 12_345, mismatches: 0 }, covered_levels: [900, 1000],
};

test("the lines of health say all that a frame has, and what is not known yet", () => {
  const lines = Object.fromEntries(healthLines(HEALTH));
  assert.equal(lines.depth, "live, 2 reconnects (closed 1, silent 1), 0 malformed, 3 dropped");
  assert.equal(lines.trades, "silent: no trade for 5 s, 2 reconnects, 0 malformed, 3 dropped, 4 missing in 1 gaps, 0 repeated");
  assert.equal(lines.latency, "12.3 ms median, – at 99 %");
  assert.equal(lines.clock, "−3.2 ms to the exchange, within 1.0 ms");
  assert.equal(lines.book, "0 gaps, 1 resyncs (gap 1), 5 snapshots");
  assert.equal(lines.audits, "7, 12,345 levels compared, 0 mismatches");
  assert.equal(lines.covered, "900 bids, 1000 asks");
  const early = Object.fromEntries(healthLines({ ...HEALTH, clock_offset_ms: null, covered_levels: null, lag_ms: null, resync_causes: undefined }));
  assert.equal(early.clock, "offset to the exchange not known yet");
  assert.equal(early.covered, "–");
  assert.equal(early.book, "0 gaps, 1 resyncs, 5 snapshots");
  for (const [, text] of healthLines(HEALTH)) assert.doesNotMatch(text, /undefined|null|NaN|, ,/u);
});

test("the lines of processes name each with what is known of it", () => {
  assert.deepEqual(processLines([
    { role: "engine", symbol: "BTCUSDT", memory_mib: 123.44, cpu_share: 0.1234, restarts: 2 },
    { role: "api", memory_mib: 50, cpu_share: null, restarts: 0 },
  ]), [["engine BTCUSDT", "123.4 MiB, 12.3 % of a core, 2 restarts"], ["api", "50.0 MiB"]]);
});

test("an order's figures have the symbol's decimals, and say what was not filled", () => {
  const order = {
    levels_consumed: 1, avg_price: 60_000.05, slippage: 0.05, slippage_bps: 0.0083, worst_price: 60_000.1, filled: 2, size: 2, complete: true,
    filled_quote: 120_000.1, quote_size: null,
  };
  assert.deepEqual(orderTexts(order, 1, "BTC"), [
    [["average", "60,000.050"], ["slippage", "+0.05 USDT (+0.01 bp)"], ["eats", "1 level, to 60,000.1"], ["costs", "120,000.10 USDT"]], "",
  ]);
  const partly = {
    ...order, side: "sell", levels_consumed: 100, slippage: null, slippage_bps: null, filled: 0.00000012, filled_quote: 0.0072, size: 5000,
    complete: false,
  };
  const [figures, note] = orderTexts(partly, 2, "BTC");
  assert.deepEqual(figures.slice(1), [["slippage", "not known"], ["eats", "100 levels, to 60,000.10"], ["brings", "0.01 USDT"]]);
  assert.equal(note, "Only 0.00000012 of 5,000 BTC: of the book no more is known.");
});

test("an order in USDT says how much of the asset it moves", () => {
  const order = {
    levels_consumed: 3, avg_price: 50_000, slippage: -1.5, slippage_bps: -0.3, worst_price: 50_001, filled: 0.5, size: null, complete: true,
    filled_quote: 25_000, quote_size: 25_000,
  };
  assert.deepEqual(orderTexts(order, 1, "BTC")[0].at(-1), ["buys", "0.5 BTC"]);
  assert.deepEqual(orderTexts({ ...order, side: "sell" }, 1, "ETH")[0].at(-1), ["sells", "0.5 ETH"]);
  const [, note] = orderTexts({ ...order, quote_size: 30_000, complete: false }, 1, "BTC");
  assert.equal(note, "Only 25,000 of 30,000 USDT: of the book no more is known.");
});

test("a size is a number above 0 in plain figures, or none", () => {
  assert.deepEqual(["1", " 2.5 ", ".5", "3.", "1e-3", "0012"].map(sizeOf), [1, 2.5, 0.5, 3, 0.001, 12]);
  for (const text of ["", "  ", "0", "0.0", "-1", "+1", "1,5", "1 000", "abc", "Infinity", "NaN", "0x10", "1e999", "1.2.3", "."]) {
    assert.equal(sizeOf(text), null, text);
  }
});
