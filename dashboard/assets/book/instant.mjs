// The whole book at any instant of the window. Pure.

import { ASK, BID } from "./tracked_book.mjs";
import { walk } from "./timeline.mjs";

/** @import {BaseBook, Changes} from "./changes.mjs" */
/** @import {Second} from "./book_window.mjs" */

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

/** Follows the window to an instant and from there to others, going back only to the whole book before. */
export class BookCursor {
  constructor() {
    /** @type {[Map<number, number>, Map<number, number>]} */
    this.levels = [new Map(), new Map()];
    this.time = NaN;
    this.known = false;
    this.u = 0;
    this.low = 0;
    this.high = 0;
  }

  /** Return the book as it was at `time` (ms), or null where it is not known. O(updates since its whole book).
   * @param {Second[]} seconds @param {number} time @param {number} end  ms; until then the newest book stands
   * @returns {Instant | null}
   */
  at(seconds, time, end) {
    this.known = false;
    if (!(time <= end)) return null;
    const from = seconds.findLastIndex(({ base }) => base !== null && base.time <= time);
    if (from < 0) return null;
    let until = from + 1;
    while (until < seconds.length && (seconds[until].changes === null || (seconds[until].changes?.times[0] ?? 0) <= time)) {
      until += 1;
    }
    walk(seconds.slice(from, until + 1), new Until(this, time)); // the one behind says whether a book was lost before it
    return this.known ? this.read() : null;
  }

  /** @returns {Instant} */
  read() {
    const bids = Float64Array.from(this.levels[BID].keys()).sort().reverse();
    const asks = Float64Array.from(this.levels[ASK].keys()).sort();
    const sizesOf = (/** @type {Float64Array} */ prices, /** @type {number} */ side) => (
      prices.map((price) => /** @type {number} */ (this.levels[side].get(price)))
    );
    return {
      time: this.time, u: this.u, low: this.low, high: this.high,
      prices: [bids, asks], sizes: [sizesOf(bids, BID), sizesOf(asks, ASK)],
    };
  }
}

/** Leads a cursor to an instant. */
class Until {
  /** @param {BookCursor} cursor @param {number} limit  ms */
  constructor(cursor, limit) {
    this.cursor = cursor;
    this.limit = limit;
  }

  /** @param {number} time @param {BaseBook} base */
  begin(time, base) {
    const { cursor } = this;
    if (time > this.limit) return;
    base.prices.forEach((prices, side) => {
      const levels = cursor.levels[side];
      levels.clear();
      for (let index = 0; index < prices.length; index += 1) levels.set(prices[index], base.sizes[side][index]);
    });
    Object.assign(cursor, { known: true, time, u: base.u, low: base.low, high: base.high });
  }

  /** @param {number} time @param {Changes} changes @param {number} index */
  update(time, changes, index) {
    const { cursor } = this;
    if (time > this.limit) return;
    for (let at = index ? changes.ends[index - 1] : 0; at < changes.ends[index]; at += 1) {
      const levels = cursor.levels[changes.sides[at]];
      if (changes.after[at]) levels.set(changes.prices[at], changes.after[at]);
      else levels.delete(changes.prices[at]);
    }
    Object.assign(cursor, { time, u: changes.us[index], low: changes.lows[index], high: changes.highs[index] });
  }

  /** @param {number} time */
  lose(time) {
    if (time <= this.limit) this.cursor.known = false;
  }
}

/** Return since when (exchange ms) the level at `price` (units) has stood without being empty, as of `time`; null where
 * it stood before all that is known. O(changes).
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
    update(at, changes, index) {
      const isFromSnapshot = changes.us[index] === last; // its levels stood there before they were known
      last = changes.us[index];
      if (at > time) return;
      for (let entry = index ? changes.ends[index - 1] : 0; entry < changes.ends[index]; entry += 1) {
        const isIt = changes.prices[entry] === price && changes.sides[entry] === side;
        if (isIt && changes.before[entry] === 0) since = isFromSnapshot ? null : at;
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
