// One whole book, kept by the exchange's own rules from a whole book on. Prices and sizes are units (units.mjs).

import { NearLevels } from "./near_levels.mjs";
import { toUnits } from "./units.mjs";

/** @import {Level, Update, WholeBook} from "../../types/frames.d.ts" */

export const BID = 0;
export const ASK = 1;

/** @typedef {(price: number, side: number, before: number, after: number) => void} OnChange */

export class TrackedBook {
  /** @param {WholeBook} book */
  constructor(book) {
    this.u = book.u;
    this.time = book.T;
    this.low = toUnits(book.low);
    this.high = toUnits(book.high);
    /** @type {[Map<number, number>, Map<number, number>]} */
    this.sides = [toLevels(book.bids), toLevels(book.asks)];
    this.near = [new NearLevels(-1), new NearLevels(1)];
    this.near[BID].fill(this.sides[BID].keys());
    this.near[ASK].fill(this.sides[ASK].keys());
  }

  /** Apply an update and tell `onChange` of each level that it changed; false where it does not follow.
   * O(changes), and O(levels) where the covered range shrinks.
   * @param {Update} update @param {OnChange} onChange
   */
  apply(update, onChange) {
    if (update.pu !== this.u) return false;
    this.u = update.u;
    this.time = update.T;
    for (const [price, size] of update.bids) this.set(BID, toUnits(price), toUnits(size), onChange);
    for (const [price, size] of update.asks) this.set(ASK, toUnits(price), toUnits(size), onChange);
    if (update.low !== undefined && update.low !== null) this.low = this.limit(toUnits(update.low), BID, onChange);
    if (update.high !== undefined && update.high !== null) this.high = this.limit(toUnits(update.high), ASK, onChange);
    return true;
  }

  /** @param {number} side @param {number} price @param {number} after @param {OnChange} onChange */
  set(side, price, after, onChange) {
    const levels = this.sides[side];
    const before = levels.get(price) ?? 0;
    if (after === before) return;
    if (after) levels.set(price, after);
    else levels.delete(price);
    if (!before) this.near[side].add(price);
    else if (!after) this.near[side].remove(price, levels);
    onChange(price, side, before, after);
  }

  /** Forget what lies beyond a limit of what is known; what was forgotten must not be there when it grows again.
   * @param {number} limit @param {number} side @param {OnChange} onChange
   */
  limit(limit, side, onChange) {
    const shrinks = side === BID ? limit > this.low : limit < this.high;
    if (shrinks) {
      for (const price of this.sides[side].keys()) {
        if (side === BID ? price < limit : price > limit) this.set(side, price, 0, onChange);
      }
    }
    return limit;
  }

  /** Say whether these ten levels (as a frame has them) are this book's best. @param {Level[]} levels @param {number} side */
  agrees(levels, side) {
    return levels.every(([price, size], rank) => (
      this.near[side].at(rank) === toUnits(price) && this.sides[side].get(toUnits(price)) === toUnits(size)
    ));
  }
}

/** @param {Level[]} levels @returns {Map<number, number>} */
function toLevels(levels) {
  return new Map(levels.map(([price, size]) => [toUnits(price), toUnits(size)]));
}
