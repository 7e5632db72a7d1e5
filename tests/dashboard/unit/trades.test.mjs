import assert from "node:assert/strict";
import test from "node:test";

import { bubblesOf, runningTotals, smallestShown, tradesUntil, volumeByRow } from "../../../dashboard/assets/book/trades.mjs";
import { emptyFrame, random, wholes } from "./market.mjs";

/** @import {Second} from "../../../dashboard/assets/book/book_window.mjs" */
/** @import {TapeEntry} from "../../../dashboard/types/frames.d.ts" */

const START = 1_800_000_000_000;

/** @param {number} seed @param {number} count @returns {Second[]} */
function secondsOf(seed, count) {
  const whole = wholes(random(seed));
  return Array.from({ length: count }, (_, second) => {
    const end = START + 1000 * (second + 1);
    const row = emptyFrame(end);
    row.tape = Array.from({ length: whole(0, 20) }, (__, index) => (
      [end - whole(-50, 1100), whole(599_990, 600_010) / 10, whole(1, 5000) / 1000, null, whole(0, 1) ? "buy" : "sell", 100 * second + index]
    ));
    if (whole(0, 5)) row.trades = { buy_volume: 0, sell_volume: 0, vwap: null, rpi_volume: null, count: 0 };
    return { row, changes: null, base: null };
  });
}

/** @param {TapeEntry[]} trades @param {"buy" | "sell"} [side] */
function volume(trades, side) {
  return trades.filter((trade) => !side || trade[4] === side).reduce((sum, trade) => sum + trade[2], 0);
}

/** @param {number} value @param {number} wanted */
function near(value, wanted) {
  assert.ok(Math.abs(value - wanted) <= 1e-9 * Math.max(1, Math.abs(wanted)), `${value}, not ${wanted}`);
}

test("bubbles hold all volume, each that of its own place, the smallest first", () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const all = secondsOf(seed, 30).flatMap(({ row }) => row.tape ?? []);
    for (const [ms, ticks] of [[100, 1], [1000, 5], [5000, 50]]) {
      const bubbles = bubblesOf(all, ms, ticks * 1e7, 1e7);
      const keys = new Set(bubbles.map(({ time, price }) => `${Math.floor(time / ms)} ${Math.floor((price * 10 + 0.5) / ticks)}`));
      assert.ok(keys.size <= bubbles.length);
      near(bubbles.reduce((sum, { bought }) => sum + bought, 0), volume(all, "buy"));
      near(bubbles.reduce((sum, { sold }) => sum + sold, 0), volume(all, "sell"));
      assert.equal(bubbles.reduce((sum, { trades }) => sum + trades.length, 0), all.length);
      const cost = bubbles.reduce((sum, { price, bought, sold }) => sum + price * (bought + sold), 0);
      near(cost, all.reduce((sum, [, price, size]) => sum + price * size, 0));
      bubbles.forEach(({ bought, sold }, index) => {
        if (index) assert.ok(bought + sold >= bubbles[index - 1].bought + bubbles[index - 1].sold);
      });
      for (const most of [1, 5, 1e6]) {
        const least = smallestShown(bubbles, most);
        if (new Set(bubbles.map(({ bought, sold }) => bought + sold)).size === bubbles.length) {
          assert.equal(bubbles.filter(({ bought, sold }) => bought + sold >= least).length, Math.min(most, bubbles.length));
        }
      }
    }
  }
  assert.equal(smallestShown([], 5), 0);
});

test("the volume of a row is that of its prices", () => {
  const all = secondsOf(3, 30).flatMap(({ row }) => row.tape ?? []);
  for (const ticks of [1, 2, 5, 50]) {
    const rows = volumeByRow(all, { step: ticks * 1e7, tick: 1e7 });
    for (const [row, { bought, sold }] of rows) {
      const inside = all.filter(([, price]) => Math.floor(Math.round(price * 10) / ticks) === row);
      near(bought, volume(inside, "buy"));
      near(sold, volume(inside, "sell"));
    }
    near(Array.from(rows.values()).reduce((sum, { bought, sold }) => sum + bought + sold, 0), volume(all));
  }
});

test("running totals are sums from the first second, and null where trades are missing", () => {
  const seconds = secondsOf(5, 40);
  runningTotals(seconds).forEach(({ time, delta, vwap }, index) => {
    const { row } = seconds[index];
    assert.equal(time, row.timestamp);
    assert.equal(delta === null, row.trades === null);
    const until = seconds.slice(0, index + 1).flatMap(({ row: each }) => each.tape ?? []);
    if (delta !== null) near(delta, volume(until, "buy") - volume(until, "sell"));
    if (vwap !== null) near(vwap, until.reduce((sum, [, price, size]) => sum + price * size, 0) / volume(until));
  });
  const quiet = emptyFrame(START);
  quiet.trades = { buy_volume: 0, sell_volume: 0, vwap: null, rpi_volume: null, count: 0 };
  quiet.tape = null;
  assert.deepEqual(runningTotals([{ row: quiet, changes: null, base: null }]), [{ time: START, delta: 0, vwap: null }]);
});

test("the trades of a window are those up to its end, and all where it goes on", () => {
  const trades = /** @type {TapeEntry[]} */ ([1000, 1001, 2000, 2001].map((time, id) => [time, 1, 1, null, "buy", id]));
  assert.deepEqual(tradesUntil(trades, 2000, 1000).map(([time]) => time), [1001, 2000]);
  assert.equal(tradesUntil(trades, Infinity, 1000), trades);
});
