// The whole book at one instant after the other, as a hand goes through the past: each costs what changed since the one before.

import { merge } from "./instant.mjs";
import { firstWhere } from "./search.mjs";
import { Walker } from "./timeline.mjs";
import { ASK, BID } from "./tracked_book.mjs";

/** @import {BaseBook, Changes} from "./changes.mjs" */
/** @import {BookWindow, Second} from "./book_window.mjs" */
/** @import {Instant} from "./instant.mjs" */

const APART = 24; // updates between two books that are kept: a hand comes back to where it was

/** The updates from one whole book up to the next, or to where the book was lost. */
class Stretch {
  /** @param {Second[]} seconds  the first has the whole book */
  constructor(seconds) {
    /** @type {number[]} of the updates, never falling */
    this.times = [];
    /** @type {{changes: Changes, index: number}[]} */
    this.updates = [];
    this.lostAt = Infinity; // ms
    /** @type {{count: number, base: BaseBook} | null} the whole book that follows, and after how many updates it stands */
    this.next = null;
    const walker = new Walker({
      begin() {},
      update: (time, changes, index) => {
        if (this.lostAt < Infinity) return;
        this.times.push(time);
        this.updates.push({ changes, index });
      },
      lose: (time) => { this.lostAt = Math.min(this.lostAt, time); },
    });
    for (const [index, second] of seconds.entries()) {
      const count = this.times.length;
      walker.add(second);
      if (index && count && second.base && this.lostAt === Infinity) this.next = { count, base: second.base };
    }
  }

  /** How many updates there are up to `time` (ms). O(log n). @param {number} time */
  countAt(time) {
    return firstWhere(this.times.length, (at) => this.times[at] > time);
  }
}

export class PastBook {
  constructor() {
    this.version = -1; // of what is known, for which the stretch was walked through
    this.era = -1;
    /** @type {BaseBook | null} with which the stretch begins */
    this.base = null;
    this.stretch = new Stretch([]);
    /** @type {Map<number, Instant>} some of those that were asked for, by how many of the stretch's updates lead to them */
    this.kept = new Map();
    this.count = 0; // of the stretch's updates, after which the held book is
    /** @type {Instant | null} */
    this.book = null;
  }

  /** Return the book as it was at `time` (ms), or null where it is not known; the same while it stands.
   * O(levels, and updates from the nearest whole book, or one that was asked for before).
   * @param {BookWindow} known @param {number} time @returns {Instant | null}
   */
  at(known, time) {
    if (!(time <= known.end)) return null;
    const first = known.seconds.findLastIndex(({ base }) => base !== null && base.time <= time);
    if (first < 0) return null;
    const { base } = known.seconds[first];
    const isSame = base === this.base && known.era === this.era;
    const isStale = !isSame || known.version !== this.version;
    if (isStale) {
      const next = known.seconds.findIndex((second, index) => index > first && second.base !== null);
      this.stretch = new Stretch(known.seconds.slice(first, next < 0 ? undefined : next + 1));
      this.version = known.version;
    }
    if (!isSame && base) this.beginAt(base, known.era);
    const { next, times, updates } = this.stretch;
    if (isStale && next) this.kept.set(next.count, { ...stateAfter(updates[next.count - 1], times[next.count - 1]), ...levelsOf(next.base) });
    return time >= this.stretch.lostAt ? null : this.goTo(this.stretch.countAt(time));
  }

  /** @param {BaseBook} base @param {number} era */
  beginAt(base, era) {
    const { time, u, low, high } = base;
    this.base = base;
    this.era = era;
    this.count = 0;
    this.book = { time, u, low, high, ...levelsOf(base) };
    this.kept = new Map([[0, this.book]]);
  }

  /** @param {number} count  of updates, after which the book is wanted @returns {Instant | null} */
  goTo(count) {
    const { base, stretch: { updates, times } } = this;
    if (!base || !this.book || count === this.count) return this.book;
    const apart = this.comeNear(count);
    const { book } = this;
    if (!apart) return book;
    const changed = this.changesTo(count);
    const [bids, asks] = /** @type {const} */ ([BID, ASK]).map((side) => (
      changed[side].size ? merge(book.prices[side], book.sizes[side], changed[side], side === BID ? -1 : 1) : [book.prices[side], book.sizes[side]]
    ));
    const [prices, sizes] = [0, 1].map((which) => /** @type {[Float64Array, Float64Array]} */ ([bids[which], asks[which]]));
    const { time, u, low, high } = count ? stateAfter(updates[count - 1], times[count - 1]) : base;
    this.count = count;
    this.book = { time, u, low, high, prices, sizes };
    if (apart >= APART) this.kept.set(count, this.book);
    return this.book;
  }

  /** Hold the kept book that is nearest, unless the held one is nearer; returns how many updates it is away.
   * @param {number} count  of updates, after which one is wanted
   */
  comeNear(count) {
    for (const [at, book] of this.kept) {
      if (Math.abs(count - at) < Math.abs(count - this.count)) [this.count, this.book] = [at, book];
    }
    return Math.abs(count - this.count);
  }

  /** Return the sizes by price that differ after `count` updates from those that are held: on by what updates led to, back by what
   * was there before them. @param {number} count
   */
  changesTo(count) {
    /** @type {[Map<number, number>, Map<number, number>]} */
    const changed = [new Map(), new Map()];
    const { updates } = this.stretch;
    const isOn = count > this.count;
    const step = isOn ? 1 : -1;
    for (let at = isOn ? this.count : this.count - 1; isOn ? at < count : at >= count; at += step) {
      const { changes: { prices, sides, before, after, ends }, index } = updates[at];
      const [begin, end] = [index ? ends[index - 1] : 0, ends[index]];
      for (let entry = isOn ? begin : end - 1; isOn ? entry < end : entry >= begin; entry += step) {
        changed[/** @type {0 | 1} */ (sides[entry])].set(prices[entry], (isOn ? after : before)[entry]);
      }
    }
    return changed;
  }
}

/** @param {BaseBook} base @returns {Pick<Instant, "prices" | "sizes">} */
function levelsOf({ prices, sizes }) {
  return { prices: [prices[BID], prices[ASK]], sizes: [sizes[BID], sizes[ASK]] };
}

/** What a book is after an update. @param {{changes: Changes, index: number}} update @param {number} time */
function stateAfter({ changes, index }, time) {
  return { time, u: changes.us[index], low: changes.lows[index], high: changes.highs[index] };
}
