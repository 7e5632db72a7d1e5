// Which times and prices the map shows, and how gestures change that. Pure.

import { roundMultiple } from "../book/units.mjs";

/** What can be shown: times in ms, prices in USDT. `now` is the end of the newest second.
 * @typedef {{oldest: number, now: number, lowest: number, highest: number, tick: number, windowMs: number}} Limits
 */

/** @typedef {{from: number, to: number, low: number, high: number}} Range */

const LEAST_MS = 2000;
const LEAST_TICKS = 6;
const AHEAD = 0.02; // share of the view that is left free behind now
const MARGIN = 0.3; // share of the known half width that is shown around the path of the mid
const NEAR_EDGE = 0.1; // nearer to an edge the mid is brought back to the middle
const BROUGHT = 0.25; // so far from the edge
const SETTLED = 0.12; // the mid stays so far from both edges, or the range is chosen anew

export class View {
  constructor() {
    /** @type {Range} */
    this.range = { from: 0, to: 1, low: 0, high: 1 };
    this.span = 0; // ms shown while following; 0: the whole window
    this.following = true; // the newest second is at the right edge
    this.priceFits = true; // the prices are chosen from the path of the mid
    this.priceIsFree = false; // a hand moved the prices: they need not show the mid
    this.slides = false; // the prices are on their way to the mid
    this.fitsLater = false; // the prices are chosen from the path of the mid once time follows again
    this.isTight = false; // the prices are fitted to the path alone, without the book around it
    /** @type {{low: number, high: number, priceFits: boolean, priceIsFree: boolean} | null} the prices before they were tight */
    this.wide = null;
    this.isSet = false; // whether anything has been shown
    this.reach = 0; // USDT: half of what was known when time last followed; what a held view shows does not grow with it
    this.heldAt = Infinity; // ms: what came later than the key that holds the view is not shown
    this.leftAt = Infinity; // ms: the newest second as the view left it; Infinity while it follows
  }

  /** Forget all but how prices are fitted: another symbol follows. */
  reset() {
    const { isTight } = this;
    Object.assign(this, new View(), { isTight });
  }

  /** Move with the newest second. `path` is the lowest and highest mid of the times that are shown, or null.
   * @param {Limits} limits @param {(from: number, to: number) => [number, number] | null} pathOf
   */
  advance(limits, pathOf) {
    if (!Number.isFinite(limits.now)) return;
    const { range } = this;
    if (this.following) {
      const span = this.span || limits.windowMs;
      range.to = limits.now + span * AHEAD;
      range.from = range.to - span * (1 + AHEAD);
    }
    if (this.following || !this.isSet) this.reach = (limits.highest - limits.lowest) / 2;
    if (this.priceFits) this.fitPrices(limits, pathOf(range.from, Math.min(range.to, this.heldAt)), false);
    this.isSet = true;
  }

  /** Show the prices around `path`; where they are shown well already nothing moves unless `anew`.
   * @param {Limits} limits @param {[number, number] | null} path @param {boolean} anew
   */
  fitPrices(limits, path, anew) {
    if (!path) return;
    const { range } = this;
    const { tick } = limits;
    const reach = Math.max(this.reach, 40 * tick);
    const roomy = Math.max(reach * MARGIN, (path[1] - path[0]) * 0.2, 20 * tick);
    const margin = this.isTight ? Math.max((path[1] - path[0]) * SETTLED, 2 * tick) : roomy;
    const wanted = path[1] - path[0] + 2 * margin;
    const height = range.high - range.low;
    const clear = height * SETTLED;
    const fits = this.isTight
      ? path[0] > range.low && path[1] < range.high
      : path[0] > range.low + clear && path[1] < range.high - clear;
    const close = wanted > height * 0.6 && wanted < height * 1.35;
    if (!anew && this.isSet && fits && close) return;
    const grain = roundMultiple(Math.max(1, wanted / tick / 40)) * tick;
    range.low = Math.max(0, Math.floor((path[0] - margin) / grain) * grain);
    range.high = Math.ceil((path[1] + margin) / grain) * grain;
  }

  /** Fit the prices to the path alone from now on, or show those again that were shown before.
   * @param {boolean} isTight @param {Limits} limits @param {[number, number] | null} path
   */
  tighten(isTight, limits, path) {
    if (isTight === this.isTight) return;
    this.isTight = isTight;
    const { low, high } = this.range;
    if (isTight) {
      this.wide = this.isSet ? { low, high, priceFits: this.priceFits, priceIsFree: this.priceIsFree } : null;
      this.fitPricesAnew();
      if (this.isSet) this.fitPrices(limits, path, true);
      return;
    }
    if (this.wide && !this.wide.priceFits) {
      Object.assign(this.range, { low: this.wide.low, high: this.wide.high });
      this.priceFits = false;
      this.priceIsFree = this.wide.priceIsFree;
    } else {
      this.fitPricesAnew();
      if (this.isSet) this.fitPrices(limits, path, true);
    }
    this.wide = null;
  }

  /** Zoom time around `at` (ms); while following around now. @param {number} factor of the span @param {number} at
   * @param {Limits} limits
   */
  zoomTime(factor, at, limits) {
    const { range } = this;
    const most = Math.max(limits.windowMs, limits.now - limits.oldest);
    if (this.following) {
      const span = Math.min(most, Math.max(LEAST_MS, (this.span || limits.windowMs) * factor));
      this.span = span;
      range.to = limits.now + span * AHEAD;
      range.from = range.to - span * (1 + AHEAD);
      return;
    }
    const span = Math.min(most * (1 + AHEAD), Math.max(LEAST_MS, (range.to - range.from) * factor));
    const share = (at - range.from) / (range.to - range.from);
    range.from = at - share * span;
    range.to = range.from + span;
    this.span = span / (1 + AHEAD);
    this.keepTimes(limits);
  }

  /** Zoom prices around `at` (USDT). @param {number} factor of the height @param {number} at @param {Limits} limits */
  zoomPrice(factor, at, limits) {
    const { range } = this;
    const most = this.mostPrices(limits);
    const height = Math.min(most, Math.max(LEAST_TICKS * limits.tick, (range.high - range.low) * factor));
    const share = (at - range.low) / (range.high - range.low);
    range.low = at - share * height;
    range.high = range.low + height;
    this.chosen();
    this.keepPrices(limits);
  }

  /** Note that a hand chose the prices: they keep their height from here on. */
  chosen() {
    if (this.priceFits) this.priceIsFree = false;
    this.priceFits = false;
  }

  /** Choose the prices from the path of the mid, with the next `advance`. */
  fitPricesAnew() {
    this.priceFits = true;
    this.priceIsFree = false;
    this.fitsLater = false;
  }

  /** Whether the prices go with the mid: while time follows, unless a hand moved them away. */
  get keepsMid() {
    return this.following && this.isSet && !this.priceFits && !this.priceIsFree;
  }

  /** Move prices of a chosen height a `share` of the way to where the mid is seen well, if it is not; says whether more of
   * the way is left. @param {number} mid @param {Limits} limits @param {number} share
   */
  slide(mid, limits, share) {
    const { range } = this;
    const height = range.high - range.low;
    const lowTo = (/** @type {number} */ edge) => Math.min(mid - edge * height, Math.max(mid - (1 - edge) * height, range.low));
    if (!this.keepsMid || (!this.slides && lowTo(NEAR_EDGE) === range.low)) return (this.slides = false);
    const before = range.low;
    const way = lowTo(BROUGHT) - before;
    this.slides = Math.abs(way) > height * 0.002 && share < 1;
    range.low += this.slides ? way * share : way;
    range.high = range.low + height;
    this.keepPrices(limits);
    if (range.low === before) this.slides = false; // there is nothing beyond to be shown
    return this.slides;
  }

  /** Say whether the mid is above (1) or below (-1) the prices that a hand moved away while time follows; else 0.
   * @param {number | null | undefined} mid
   */
  lost(mid) {
    if (!mid || !this.following || this.priceFits || !this.priceIsFree) return 0;
    return Math.sign(Math.max(0, mid - this.range.high) + Math.min(0, mid - this.range.low));
  }

  /** Have the mid in the middle of prices that keep their height, and keep it in view. @param {number} mid @param {Limits} limits */
  bringBack(mid, limits) {
    const height = this.range.high - this.range.low;
    this.range.low = mid - height / 2;
    this.range.high = mid + height / 2;
    this.priceIsFree = false;
    this.keepPrices(limits);
  }

  /** Hold the view around a time and price, as far as there is something to see. @param {number} time @param {number} price
   * @param {Limits} limits
   */
  centre(time, price, limits) {
    const { range } = this;
    const [halfTime, halfPrice] = [(range.to - range.from) / 2, (range.high - range.low) / 2];
    this.leave(limits);
    this.heldAt = Infinity;
    this.fitsLater ||= this.priceFits;
    this.priceFits = false;
    this.priceIsFree = true;
    Object.assign(range, { from: time - halfTime, to: time + halfTime, low: price - halfPrice, high: price + halfPrice });
    this.keepTimes(limits);
    this.keepPrices(limits);
  }

  /** Move by so many ms and USDT. Time that is moved away from now follows no more; back at now it does.
   * @param {number} ms @param {number} usdt @param {Limits} limits
   */
  pan(ms, usdt, limits) {
    const { range } = this;
    if (ms) {
      this.leave(limits);
      this.heldAt = Infinity;
      range.from += ms;
      range.to += ms;
      this.keepTimes(limits);
      if (range.to >= limits.now + (range.to - range.from) * AHEAD * 0.99) this.join();
    }
    if (usdt) {
      range.low += usdt;
      range.high += usdt;
      this.priceFits = false;
      this.priceIsFree = true;
      this.keepPrices(limits);
    }
  }

  /** Hold the times that are shown now, and what is known of them. @param {Limits} limits */
  pause(limits) {
    this.leave(limits);
    this.heldAt = limits.now;
  }

  /** Follow no more. @param {Limits} limits */
  leave(limits) {
    if (this.following) this.leftAt = limits.now;
    this.following = false;
  }

  /** Follow again. */
  join() {
    this.following = true;
    this.leftAt = Infinity;
  }

  /** Return the end of what is shown, ms. @param {number} now  end of the newest second */
  endOf(now) {
    return this.following ? now : Math.min(now, this.range.to, this.heldAt);
  }

  /** Show the newest second again; prices of a chosen height go with the mid. @param {Limits} limits */
  follow(limits) {
    this.join();
    this.heldAt = Infinity;
    this.priceIsFree = false;
    if (this.fitsLater) this.fitPricesAnew();
    this.advance(limits, () => null);
  }

  /** Show the whole window. @param {Limits} limits */
  fitTime(limits) {
    this.span = 0;
    this.follow(limits);
  }

  /** @param {Limits} limits */
  keepTimes(limits) {
    const { range } = this;
    const span = range.to - range.from;
    const last = limits.now + span * AHEAD;
    const first = Math.min(limits.oldest, last - span);
    if (range.to > last) range.from = last - span;
    else if (range.from < first) range.from = first;
    range.to = range.from + span;
  }

  /** The most prices that are shown: all that is known, and some room. @param {Limits} limits */
  mostPrices(limits) {
    return Math.max(limits.highest - limits.lowest, 20 * limits.tick) * 1.25;
  }

  /** @param {Limits} limits */
  keepPrices(limits) {
    const { range } = this;
    const height = range.high - range.low;
    const room = Math.max(limits.highest - limits.lowest, 20 * limits.tick) * 0.125;
    const [least, most] = [limits.lowest - room, limits.highest + room];
    if (range.low < least) range.low = Math.min(least, most - height);
    if (range.low + height > most) range.low = Math.max(least, most - height);
    range.high = range.low + height;
  }
}

/** Return the ticks that a row of the map holds: the fewest of 1, 2, 5, 10 ... that make it a device pixel high.
 * @param {Range} range @param {number} tick  USDT @param {number} pixels  device pixels that the prices take
 */
export function ticksARow(range, tick, pixels) {
  return roundMultiple((range.high - range.low) / tick / Math.max(1, pixels) - 1e-9);
}

/** Return the ms that a column of the map holds: the fewest hundreds that make it a device pixel wide.
 * @param {Range} range @param {number} pixels  device pixels that the times take
 */
export function msAColumn(range, pixels) {
  return 100 * Math.max(1, Math.ceil((range.to - range.from) / 100 / Math.max(1, pixels) - 1e-9));
}
