// What the tape says, drawn: bubbles, volume at each price, volume delta and volume-weighted price. Pure.

import { rowOf } from "./raster.mjs";
import { toUnits } from "./units.mjs";

/** @import {Second} from "./book_window.mjs" */
/** @import {TapeEntry} from "../../types/frames.d.ts" */

/** Trades of a place of the map, as one: exchange ms and price (USDT), volume-weighted; size bought and sold.
 * @typedef {{time: number, price: number, bought: number, sold: number, trades: TapeEntry[]}} Bubble
 */

/** Return the bubbles of trades: one for all that fall into the same `ms` and the same `step` (units).
 * @param {Iterable<TapeEntry>} trades @param {number} ms @param {number} step @param {number} tick
 * @returns {Bubble[]} the smallest first
 */
export function bubblesOf(trades, ms, step, tick) {
  /** @type {Map<number, Bubble>} */
  const bubbles = new Map();
  const lattice = { step, tick };
  for (const trade of trades) {
    const { 0: time, 1: price, 2: size } = trade; // not as a list: thousands are taken apart
    const key = Math.floor(time / ms) * 1e5 + (rowOf(toUnits(price), lattice) % 1e5);
    let bubble = bubbles.get(key);
    if (!bubble) {
      bubble = { time: 0, price: 0, bought: 0, sold: 0, trades: [] };
      bubbles.set(key, bubble);
    }
    const before = bubble.bought + bubble.sold;
    bubble.time = (bubble.time * before + time * size) / (before + size);
    bubble.price = (bubble.price * before + price * size) / (before + size);
    if (trade[4] === "buy") bubble.bought += size;
    else bubble.sold += size;
    bubble.trades.push(trade);
  }
  return Array.from(bubbles.values()).sort((a, b) => a.bought + a.sold - b.bought - b.sold);
}

/** Return the smallest volume that is drawn, so that at most `most` bubbles are. @param {Bubble[]} bubbles @param {number} most */
export function smallestShown(bubbles, most) {
  const first = bubbles[Math.max(0, bubbles.length - most)];
  return first ? first.bought + first.sold : 0;
}

/** Return the trades of the `windowMs` that ended at `until` (ms); all of them for one that goes on, which is Infinity.
 * @param {TapeEntry[]} trades @param {number} until @param {number} windowMs
 */
export function tradesUntil(trades, until, windowMs) {
  return until === Infinity ? trades : trades.filter(([time]) => time <= until && time > until - windowMs);
}

/** Return {bought, sold} by row of `step` (units). @param {Iterable<TapeEntry>} trades
 * @param {{step: number, tick: number}} lattice
 */
export function volumeByRow(trades, lattice) {
  /** @type {Map<number, {bought: number, sold: number}>} */
  const rows = new Map();
  for (const { 1: price, 2: size, 4: side } of trades) {
    const row = rowOf(toUnits(price), lattice);
    let volume = rows.get(row);
    if (!volume) rows.set(row, volume = { bought: 0, sold: 0 });
    if (side === "buy") volume.bought += size;
    else volume.sold += size;
  }
  return rows;
}

/** What the trades of a second come to, told once: bought less sold, volume, and what it cost in USDT.
 * @type {WeakMap<Second, {delta: number, volume: number, cost: number}>}
 */
const sums = new WeakMap();

/** @param {Second} second */
function sumOf(second) {
  let sum = sums.get(second);
  if (sum) return sum;
  sum = { delta: 0, volume: 0, cost: 0 };
  for (const [, price, size, , side] of second.row.tape ?? []) {
    sum.delta += side === "buy" ? size : -size;
    sum.volume += size;
    sum.cost += price * size;
  }
  sums.set(second, sum);
  return sum;
}

/** Return for each second of the window {time, delta, vwap}: ms of its end, size bought less size sold and the
 * volume-weighted price since the first of them. Both null in a second whose trades are not all known; the sum
 * goes on behind it. Linear in the seconds, and in the trades of those that are new.
 * @param {Second[]} seconds
 */
export function runningTotals(seconds) {
  let [delta, volume, cost] = [0, 0, 0];
  return seconds.map((second) => {
    const sum = sumOf(second);
    delta += sum.delta;
    volume += sum.volume;
    cost += sum.cost;
    const known = second.row.trades !== null;
    return { time: second.row.timestamp, delta: known ? delta : null, vwap: known && volume ? cost / volume : null };
  });
}
