// What one second's updates changed, in flat arrays: a window of 1,800 updates is walked in milliseconds.

import { firstWhere } from "./search.mjs";

/** @import {TrackedBook} from "./tracked_book.mjs" */

const FIRST_ROOM = 256;

/** The updates of one second. For update i: its time (exchange ms), the range known and the touch from then on
 * (units), and its changes, those from `ends[i - 1]` to `ends[i]`.
 */
export class Changes {
  constructor() {
    /** @type {number[]} */ this.times = [];
    /** @type {number[]} */ this.us = [];
    /** @type {number[]} */ this.lows = [];
    /** @type {number[]} */ this.highs = [];
    /** @type {number[]} */ this.bestBids = [];
    /** @type {number[]} */ this.bestAsks = [];
    /** @type {number[]} */ this.tenthBids = [];
    /** @type {number[]} */ this.tenthAsks = [];
    /** @type {number[]} */ this.ends = [];
    this.count = 0;
    this.prices = new Float64Array(FIRST_ROOM);
    this.before = new Float64Array(FIRST_ROOM);
    this.after = new Float64Array(FIRST_ROOM);
    this.sides = new Uint8Array(FIRST_ROOM);
    this.born = new Float64Array(0); // prices at which a level came to be, ascending
  }

  /** @param {number} price @param {number} side @param {number} before @param {number} after */
  add(price, side, before, after) {
    if (this.count === this.prices.length) this.resize(2 * this.count);
    this.prices[this.count] = price;
    this.sides[this.count] = side;
    this.before[this.count] = before;
    this.after[this.count] = after;
    this.count += 1;
  }

  /** End the update that led to `book`. @param {TrackedBook} book */
  close(book) {
    this.times.push(book.time);
    this.us.push(book.u);
    this.lows.push(book.low);
    this.highs.push(book.high);
    this.bestBids.push(book.near[0].at(0));
    this.bestAsks.push(book.near[1].at(0));
    this.tenthBids.push(book.near[0].at(9));
    this.tenthAsks.push(book.near[1].at(9));
    this.ends.push(this.count);
  }

  /** Give back the room that is not needed; nothing is added any more. */
  seal() {
    this.resize(this.count);
    this.born = this.prices.filter((_, at) => this.before[at] === 0).sort();
    return this;
  }

  /** Whether a level came to be at a price (units). O(log changes). @param {number} price */
  hasBorn(price) {
    const { born } = this;
    return born[firstWhere(born.length, (at) => born[at] >= price)] === price;
  }

  /** @param {number} room */
  resize(room) {
    const resized = (/** @type {Float64Array} */ array) => {
      const larger = new Float64Array(room);
      larger.set(array.subarray(0, Math.min(room, this.count)));
      return larger;
    };
    this.prices = resized(this.prices);
    this.before = resized(this.before);
    this.after = resized(this.after);
    const sides = new Uint8Array(room);
    sides.set(this.sides.subarray(0, Math.min(room, this.count)));
    this.sides = sides;
  }
}

/** A whole book in flat arrays, best first: what a second begins with. */
export class BaseBook {
  /** @param {TrackedBook} book */
  constructor(book) {
    this.u = book.u;
    this.time = book.time;
    this.low = book.low;
    this.high = book.high;
    this.bestBid = book.near[0].at(0);
    this.bestAsk = book.near[1].at(0);
    this.tenthBid = book.near[0].at(9);
    this.tenthAsk = book.near[1].at(9);
    this.prices = book.sides.map((levels, side) => {
      const prices = Float64Array.from(levels.keys()).sort();
      return side ? prices : prices.reverse();
    });
    this.sizes = book.sides.map((levels, side) => this.prices[side].map((price) => levels.get(price) ?? 0));
  }
}
