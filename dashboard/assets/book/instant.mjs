// One book: the newest, until when one of the past stands, and what its levels say. Pure.

import { ASK, BID } from "./tracked_book.mjs";
import { walk, Walker } from "./timeline.mjs";

/** @import {BaseBook, Changes} from "./changes.mjs" */
/** @import {BookWindow, Second} from "./book_window.mjs" */

const SLACK_MS = 5000;

/** One book: prices (units) best first and their sizes (units), and since when each has stood there (exchange ms, or
 * null where that is longer than is known).
 * @typedef {object} Instant
 * @property {number} time  exchange ms of the update that led to it
 * @property {number} u
 * @property {number} low  units; what is known reaches from here
 * @property {number} high
 * @property {[Float64Array, Float64Array]} prices
 * @property {[Float64Array, Float64Array]} sizes
 */

/** Leads to the newest book on a walk; visitor of timeline.mjs. Holds a sorted book, and what has changed in it since. */
class Assembly {
  constructor() {
    this.known = false;
    this.time = NaN;
    this.u = 0;
    this.low = 0;
    this.high = 0;
    /** @type {Instant["prices"]} */
    this.prices = [new Float64Array(0), new Float64Array(0)];
    /** @type {Instant["sizes"]} */
    this.sizes = [new Float64Array(0), new Float64Array(0)];
    /** @type {[Map<number, number>, Map<number, number>]} sizes by price */
    this.changed = [new Map(), new Map()];
  }

  /** @param {number} time @param {BaseBook} base */
  begin(time, base) {
    for (const side of /** @type {const} */ ([BID, ASK])) {
      this.prices[side] = base.prices[side];
      this.sizes[side] = base.sizes[side];
      this.changed[side].clear();
    }
    Object.assign(this, { known: true, time, u: base.u, low: base.low, high: base.high });
  }

  /** @param {number} time @param {Changes} changes @param {number} index */
  update(time, changes, index) {
    const { prices, sides, after } = changes;
    const { changed } = this;
    for (let at = index ? changes.ends[index - 1] : 0; at < changes.ends[index]; at += 1) {
      changed[/** @type {0 | 1} */ (sides[at])].set(prices[at], after[at]);
    }
    this.time = time;
    this.u = changes.us[index];
    this.low = changes.lows[index];
    this.high = changes.highs[index];
  }

  lose() {
    this.known = false;
  }

  /** Return the book, or null where it is not known. O(levels), and O(n log n) of what has changed. @returns {Instant | null} */
  read() {
    if (!this.known) return null;
    for (const side of /** @type {const} */ ([BID, ASK])) {
      if (!this.changed[side].size) continue;
      const merged = merge(this.prices[side], this.sizes[side], this.changed[side], side === BID ? -1 : 1);
      [this.prices[side], this.sizes[side]] = merged;
      this.changed[side].clear();
    }
    const { time, u, low, high } = this;
    return { time, u, low, high, prices: [this.prices[BID], this.prices[ASK]], sizes: [this.sizes[BID], this.sizes[ASK]] };
  }
}

/** Return sorted prices and their sizes after changes, of which a size of 0 removes. `sign` is -1 where the highest is first.
 * @param {Float64Array} prices @param {Float64Array} sizes @param {Map<number, number>} changed @param {1 | -1} sign
 */
export function merge(prices, sizes, changed, sign) {
  const fresh = Float64Array.from(changed.keys()).sort();
  if (sign < 0) fresh.reverse();
  const room = prices.length + fresh.length;
  const [allPrices, allSizes] = [new Float64Array(room), new Float64Array(room)];
  let [count, old] = [0, 0];
  for (let at = 0; at <= fresh.length; at += 1) {
    const price = at < fresh.length ? fresh[at] : sign * Infinity;
    while (old < prices.length && (prices[old] - price) * sign < 0) {
      allPrices[count] = prices[old];
      allSizes[count] = sizes[old];
      count += 1;
      old += 1;
    }
    if (old < prices.length && prices[old] === price) old += 1;
    const size = changed.get(price);
    if (!size) continue;
    allPrices[count] = price;
    allSizes[count] = size;
    count += 1;
  }
  return [allPrices.subarray(0, count), allSizes.subarray(0, count)];
}

/** Return until when (ms) the book of `time` surely stands as it is: the next update, the next whole book, or a hole.
 * @param {Second[]} seconds @param {number} time
 */
export function standsUntil(seconds, time) {
  let last = NaN;
  for (const { row, changes, base } of seconds) {
    const begin = row.timestamp - 1000;
    if (row.timestamp + SLACK_MS >= time) { // an update's own time lies a little before or behind its second
      if (changes === null || begin > last) return Math.max(time, Math.min(begin, last || begin) - SLACK_MS);
      if (base && base.time > time) return base.time;
      for (const at of changes.times) if (at > time) return at;
    }
    last = row.timestamp;
  }
  return time;
}

/** Follows the newest book. */
export class NewestBook {
  constructor() {
    this.era = -1;
    this.taken = 0;
    this.assembly = new Assembly();
    this.walker = new Walker(this.assembly);
  }

  /** Return the book after the newest update, or null while it is not known. O(levels, and updates since the last call).
   * @param {BookWindow} known @returns {Instant | null}
   */
  of(known) {
    let seconds = known.after(this.era, this.taken);
    if (!seconds) {
      this.assembly = new Assembly();
      this.walker = new Walker(this.assembly);
      seconds = known.since(Infinity);
    }
    for (const second of seconds) this.walker.add(second);
    this.era = known.era;
    this.taken = known.taken;
    return this.assembly.read();
  }
}

/** Return since when (exchange ms) the level at `price` (units) has stood without being empty, as of `time`; null where
 * it stood before all that is known. O(updates), and O(changes) of the seconds in which it came to be.
 * @param {Second[]} seconds @param {number} price @param {number} side @param {number} time
 */
export function restingSince(seconds, price, side, time) {
  /** @type {number | null} */
  let since = null;
  let last = NaN; // `u` of the update before
  walk(seconds, {
    begin(at, base) {
      last = base.u;
      if (at <= time) since = null;
    },
    lose() {},
    skips(changes) {
      if (changes.hasBorn(price)) return false;
      last = changes.us.at(-1) ?? last;
      return true;
    },
    update(at, changes, index) {
      const { prices, ends, us } = changes;
      const isFromSnapshot = us[index] === last; // its levels stood there before they were known
      last = us[index];
      if (at > time) return;
      const end = ends[index];
      for (let entry = index ? ends[index - 1] : 0; entry < end; entry += 1) {
        if (prices[entry] !== price) continue;
        if (changes.sides[entry] === side && changes.before[entry] === 0) since = isFromSnapshot ? null : at;
      }
    },
  });
  return since;
}

/** Return [size (units) from the touch to `price` included, its cost in USDT] on the side that `price` lies on.
 * @param {Instant} book @param {number} price  units @param {number} side
 */
export function upTo({ prices, sizes }, price, side) {
  let [size, cost] = [0, 0];
  for (let rank = 0; rank < prices[side].length; rank += 1) {
    const level = prices[side][rank];
    if (side === BID ? level < price : level > price) break;
    size += sizes[side][rank];
    cost += (sizes[side][rank] / 1e8) * (level / 1e8);
  }
  return /** @type {[number, number]} */ ([size, cost]);
}
