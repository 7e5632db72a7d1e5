// Random but consistent frames of a made-up market, and a naive model of what a client must know after them.
//
// The market keeps far more levels than the range that it covers, so that growth brings levels that were there all
// along. The model is a plain copy of the covered levels after each update: nothing in it is followed or summed up.

/** @import {Frame, Level, Row, TapeEntry, Update, WholeBook} from "../../../dashboard/types/frames.d.ts" */

/** What is known from `time` (exchange ms) on, in units; `book` is null where nothing is.
 * @typedef {{time: number, book: Book | null}} State
 */
/** @typedef {{u: number, low: number, high: number, sides: [Map<number, number>, Map<number, number>]}} Book */

/** Return numbers from 0 to below 1, the same ones for the same seed (mulberry32). @param {number} seed */
export function random(seed) {
  let state = seed * 0x9e3779b1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Return a function that gives whole numbers from `least` to `most`. @param {() => number} next */
export function wholes(next) {
  return (/** @type {number} */ least, /** @type {number} */ most) => least + Math.floor(next() * (most - least + 1));
}

/** Sorted prices, best first. @param {Map<number, number>} levels @param {number} side */
export function bestFirst(levels, side) {
  return Array.from(levels.keys()).sort((a, b) => (side === 0 ? b - a : a - b));
}

/** A row in which nothing happened and nothing is known. @param {number} timestamp @returns {Frame} */
export function emptyFrame(timestamp) {
  return {
    symbol: "BTCUSDT", source: "simulated", timestamp, status: "syncing", reason: "rebuilding", last_update_id: null,
    exchange_time: null, tick_size: null, total_bid_volume: null, total_ask_volume: null, health: null, mid_price: null,
    spread: null, imbalance: null, ofi: null, ofi_best: null, ofi_levels: null, queue_imbalance: null, microprice: null,
    bid_levels: null, ask_levels: null, trades: null,
    detections: [], updates: null, book: null, tape: [],
  };
}

export class Market {
  /** @param {number} seed @param {{tick?: number, mid?: number, gap?: number, start?: number}} [options]  tick in units, the
   * mid and the most ticks between two levels in ticks
   */
  constructor(seed, { tick = 1e7, mid = 600_000, gap = 4, start = 1_800_000_000_000 } = {}) {
    this.whole = wholes(random(seed));
    this.tick = tick;
    this.gap = gap;
    this.end = start; // of the last second
    this.time = start - 900; // of the last update
    this.u = 1000 * seed;
    this.tradeId = 1;
    this.centre = mid;
    this.isTold = false; // whether whoever listens can follow without a whole book
    /** @type {[Map<number, number>, Map<number, number>]} all levels, by price in units */
    this.all = [new Map(), new Map()];
    for (const side of [0, 1]) {
      for (let rank = 0, at = mid + side; rank < 120; rank += 1, at += (side ? 1 : -1) * this.whole(1, gap)) {
        this.all[side].set(at * tick, this.size());
      }
    }
    this.low = bestFirst(this.all[0], 0)[40];
    this.high = bestFirst(this.all[1], 1)[40];
    /** @type {State[]} */
    this.states = [];
  }

  size() {
    return this.whole(1, 200_000) * 1e5;
  }

  /** Copy what is covered. @returns {Book} */
  covered() {
    const inside = (/** @type {Map<number, number>} */ levels) => (
      new Map(Array.from(levels).filter(([price]) => price >= this.low && price <= this.high))
    );
    return { u: this.u, low: this.low, high: this.high, sides: [inside(this.all[0]), inside(this.all[1])] };
  }

  /** @param {number} side @returns {Level[]} */
  levels(side) {
    const levels = this.covered().sides[side];
    return bestFirst(levels, side).map((price) => [price / 1e8, /** @type {number} */ (levels.get(price)) / 1e8]);
  }

  /** @returns {WholeBook} */
  book() {
    return { u: this.u, T: this.time, low: this.low / 1e8, high: this.high / 1e8, bids: this.levels(0), asks: this.levels(1) };
  }

  /** Change levels as one event would; those that changed, by side. @returns {[Map<number, number>, Map<number, number>]} */
  change() {
    const { all, tick, whole } = this;
    /** @type {[Map<number, number>, Map<number, number>]} */
    const changed = [new Map(), new Map()];
    const set = (/** @type {number} */ side, /** @type {number} */ price, /** @type {number} */ size) => {
      changed[side].set(price, size);
      if (size) all[side].set(price, size);
      else all[side].delete(price);
    };
    if (whole(0, 3) === 0) this.centre += whole(-6, 6);
    for (const side of [0, 1]) {
      const sign = side ? 1 : -1;
      const first = (this.centre + side) * tick;
      for (const price of Array.from(all[side].keys())) if (sign * (price - first) < 0) set(side, price, 0);
      for (let count = whole(0, 6); count > 0; count -= 1) {
        const known = bestFirst(all[side], side);
        if (whole(0, 2) === 0 && known.length > 40) set(side, known[whole(0, known.length - 1)], 0);
        else set(side, first + sign * tick * whole(0, whole(0, 1) ? 8 : 90 * this.gap), this.size());
      }
    }
    for (const side of [0, 1]) { // ten levels can always be seen
      const inside = () => Array.from(all[side].keys()).filter((price) => price >= this.low && price <= this.high).length;
      const edge = side ? this.high : this.low;
      if (side ? edge < (this.centre + 30) * tick : edge > (this.centre - 30) * tick) continue;
      for (let at = this.centre + side; inside() < 11; at += side ? 1 : -1) set(side, at * tick, this.size());
    }
    return changed;
  }

  /** @param {Map<number, number>} levels @returns {Level[]} */
  told(levels) {
    return Array.from(levels).filter(([price]) => price >= this.low && price <= this.high)
      .map(([price, size]) => [price / 1e8, size / 1e8]);
  }

  /** One more event; sometimes the covered range shrinks with it. @returns {Update} */
  event() {
    const pu = this.u;
    this.u += this.whole(1, 50);
    const changed = this.change();
    const range = this.whole(0, 11) === 0 || this.isNarrow() ? this.move() : {};
    return { u: this.u, pu, T: this.time, bids: this.told(changed[0]), asks: this.told(changed[1]), ...range };
  }

  isNarrow() {
    return this.low > (this.centre - 40) * this.tick || this.high < (this.centre + 40) * this.tick;
  }

  /** Let the range shrink a little where it is wide. @returns {{low?: number, high?: number}} */
  move() {
    /** @type {{low?: number, high?: number}} */
    const range = {};
    const room = 60 * this.tick;
    const lower = this.low + this.whole(1, 30) * this.tick;
    const higher = this.high - this.whole(1, 30) * this.tick;
    if (lower < this.centre * this.tick - room && this.whole(0, 1)) range.low = (this.low = lower) / 1e8;
    if (higher > this.centre * this.tick + room && this.whole(0, 1)) range.high = (this.high = higher) / 1e8;
    return range;
  }

  /** What a snapshot adds to the range that was covered. @returns {Update} */
  growth() {
    const before = this.covered();
    const room = 90 * this.gap * this.tick;
    this.low = Math.min(this.low, this.centre * this.tick - room) - this.whole(0, 20) * this.tick;
    this.high = Math.max(this.high, this.centre * this.tick + room) + this.whole(0, 20) * this.tick;
    const added = this.covered().sides.map((levels, side) => (
      this.told(new Map(Array.from(levels).filter(([price]) => !before.sides[side].has(price))))
    ));
    return { u: this.u, pu: this.u, T: this.time, bids: added[0], asks: added[1], low: this.low / 1e8, high: this.high / 1e8 };
  }

  /** @returns {TapeEntry[]} */
  tape() {
    return Array.from({ length: this.whole(0, 4) }, () => (
      [
        this.end - this.whole(1, 999), (this.centre * this.tick) / 1e8, this.whole(1, 900) / 1000, null,
        this.whole(0, 1) ? "buy" : "sell", this.tradeId++,
      ]
    ));
  }

  /** Return the frame of the next second, and remember what is known after each of its updates.
   * @param {{dark?: boolean, book?: boolean, quiet?: boolean, gone?: boolean}} [how]  nothing known; a whole book in any case;
   * no updates; nobody hears this frame
   * @returns {Frame}
   */
  second({ dark = false, book = false, quiet = false, gone = false } = {}) {
    const frame = emptyFrame(this.end + 1000);
    const begin = this.end;
    this.end += 1000;
    frame.tape = this.tape();
    frame.tick_size = this.tick / 1e8;
    if (dark || gone) this.lose(begin);
    if (dark) return this.missed(frame);
    if (book || (!gone && !this.isTold)) frame.book = this.book();
    if (frame.book && !gone && !this.isTold) this.begin();
    this.isTold = !gone;
    const times = Array.from({ length: quiet && !gone ? 0 : this.whole(gone ? 1 : 0, 9) }, () => begin + this.whole(-80, 900)).sort((a, b) => a - b);
    frame.updates = times.map((time) => {
      this.time = Math.max(this.time, time);
      const grows = this.isNarrow() || this.whole(0, 15) === 0;
      const update = grows ? this.growth() : this.event();
      if (!gone) this.states.push({ time: this.time, book: this.covered() });
      return update;
    });
    return this.live(frame);
  }

  /** A whole book is told; it may be older than the end of the last second that was heard. */
  begin() {
    const last = this.states.at(-1);
    if (last) last.time = Math.min(last.time, this.time);
    this.states.push({ time: this.time, book: this.covered() });
  }

  /** Nothing is known from `time` on. @param {number} time */
  lose(time) {
    if (this.states.at(-1)?.book) this.states.push({ time: Math.max(time, this.states[this.states.length - 1].time), book: null });
    this.isTold = false;
  }

  /** The market goes on in the dark. @param {Frame} frame */
  missed(frame) {
    for (let count = this.whole(0, 5); count > 0; count -= 1) this.change();
    this.u += this.whole(100, 1000);
    this.time = this.end - this.whole(0, 300);
    if (this.isNarrow()) this.growth();
    return frame;
  }

  /** @param {Frame} frame */
  live(frame) {
    const [bids, asks] = [this.levels(0).slice(0, 10), this.levels(1).slice(0, 10)];
    return Object.assign(frame, {
      status: "live", reason: null, last_update_id: this.u, exchange_time: this.time, bid_levels: bids, ask_levels: asks,
      mid_price: (bids[0][0] + asks[0][0]) / 2, spread: asks[0][0] - bids[0][0],
      trades: { buy_volume: 0, sell_volume: 0, count: 0 },
    });
  }

  /** Return what was known at `time` (exchange ms); null where nothing was. @param {number} time */
  at(time) {
    return time <= this.end ? this.states.findLast((state) => state.time <= time) ?? null : null;
  }
}

/** Return a frame as a row of a history. @param {Frame} frame @returns {Row} */
export function rowOfHistory(frame) {
  return { ...frame };
}
