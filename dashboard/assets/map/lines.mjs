// Lines of the map as boxes of shape_layer.mjs: x, y, x, y one after the other. Pure.

import { walk } from "../book/timeline.mjs";

/** @import {Second} from "../book/book_window.mjs" */

/** Collects a line that runs in steps: level until the next value. */
class StepLine {
  constructor() {
    /** @type {number[]} */
    this.flat = [];
    this.from = NaN;
    this.value = NaN;
  }

  /** Go on with `value` from `time` on; NaN is a hole. @param {number} time @param {number} value */
  to(time, value) {
    if (value === this.value) return;
    if (!Number.isNaN(this.value) && time >= this.from) {
      this.flat.push(this.from, this.value, time, this.value);
      if (!Number.isNaN(value)) this.flat.push(time, this.value, time, value);
    }
    this.from = time;
    this.value = value;
  }
}

/** Return best bid, best ask and the mid between them at every update, ms across and USDT upwards, until `end` (ms).
 * @param {Second[]} seconds @param {number} end
 */
export function touchLines(seconds, end) {
  const [bid, ask, mid] = [new StepLine(), new StepLine(), new StepLine()];
  const to = (/** @type {number} */ time, /** @type {number} */ best, /** @type {number} */ other) => {
    bid.to(time, best / 1e8);
    ask.to(time, other / 1e8);
    mid.to(time, (best + other) / 2e8);
  };
  walk(seconds, {
    begin: (time, base) => to(time, base.bestBid, base.bestAsk),
    update: (time, changes, index) => to(time, changes.bestBids[index], changes.bestAsks[index]),
    lose: (time) => to(time, NaN, NaN),
  });
  to(end, NaN, NaN);
  return { bid: bid.flat, ask: ask.flat, mid: mid.flat };
}

/** Return the same values as `secondsLine` as boxes from 0, those above it and those below it.
 * @param {{time: number, value: number | null}[]} points
 */
export function secondsBars(points) {
  /** @type {{above: number[], below: number[]}} */
  const bars = { above: [], below: [] };
  for (const { time, value } of points) {
    if (value) bars[value > 0 ? "above" : "below"].push(time - 1000, 0, time, value);
  }
  return bars;
}

/** Return a line of one value a second, which holds for the second before its time. Null is a hole.
 * @param {{time: number, value: number | null}[]} points
 */
export function secondsLine(points) {
  const line = new StepLine();
  let last = NaN;
  for (const { time, value } of points) {
    if (time - 1000 > last) line.to(last, NaN);
    line.to(time - 1000, value ?? NaN);
    last = time;
  }
  line.to(last, NaN);
  return line.flat;
}

/** Return the lowest tenth bid and the highest tenth ask between two times (ms), in USDT; null where nothing is known.
 * @param {Second[]} seconds @param {number} from @param {number} to @returns {[number, number] | null}
 */
export function tenLevels(seconds, from, to) {
  let [low, high] = [Infinity, -Infinity];
  for (const { row } of seconds) {
    const [bid, ask] = [row.bid_levels?.at(-1), row.ask_levels?.at(-1)];
    if (row.timestamp <= from || row.timestamp > to + 1000 || !bid || !ask) continue;
    low = Math.min(low, bid[0]);
    high = Math.max(high, ask[0]);
  }
  return low <= high ? [low, high] : null;
}

/** Return the lowest and highest best price between two times (ms), in USDT; null where nothing is known.
 * @param {Second[]} seconds @param {number} from @param {number} to @returns {[number, number] | null}
 */
export function pathOf(seconds, from, to) {
  let [low, high] = [Infinity, -Infinity];
  for (const { row } of seconds) {
    if (row.timestamp <= from || row.timestamp > to + 1000 || row.mid_price === null) continue;
    low = Math.min(low, row.mid_price);
    high = Math.max(high, row.mid_price);
  }
  return low <= high ? [low, high] : null;
}
