// Walks through what a window knows, in order of time: whole books, updates, and stretches that are not known.

/** @import {BaseBook, Changes} from "./changes.mjs" */
/** @import {Second} from "./book_window.mjs" */

/** What a walk tells. Each call holds from `time` (exchange ms) until the next.
 * @typedef {object} Visitor
 * @property {(time: number, base: BaseBook) => void} begin  a whole book, after something unknown
 * @property {(time: number, changes: Changes, index: number) => void} update  one more update
 * @property {(time: number) => void} lose  from here on nothing is known
 * @property {(changes: Changes) => boolean} [skips]  says of a second's updates that none of them need be told
 */

/** Walks on as seconds come. */
export class Walker {
  /** @param {Visitor} visitor */
  constructor(visitor) {
    this.visitor = visitor;
    this.known = false;
    this.time = -Infinity;
    this.heard = -Infinity; // end of the second before, behind which seconds may be missing
    this.at = { u: 0, low: 0, high: 0 };
  }

  /** Walk through the next second. Linear in its updates. @param {Second} second */
  add({ row, changes, base }) {
    const { visitor, at, heard } = this;
    const isLost = !changes || (base !== null && (base.u !== at.u || base.low !== at.low || base.high !== at.high));
    if (this.known && isLost) {
      visitor.lose(Math.max(this.time, Math.min(heard, base?.time ?? heard)));
      this.known = false;
    }
    this.heard = row.timestamp;
    if (!changes) return;
    if (!this.known) {
      if (!base) return; // what it begins with is not held
      this.time = Math.max(this.time, base.time);
      visitor.begin(this.time, base);
      this.known = true;
      this.at = base;
    }
    const isSkipped = visitor.skips?.(changes) ?? false;
    for (let index = 0; index < changes.times.length; index += 1) {
      this.time = Math.max(this.time, changes.times[index]);
      if (!isSkipped) visitor.update(this.time, changes, index);
    }
    const last = changes.times.length - 1;
    if (last >= 0) this.at = { u: changes.us[last], low: changes.lows[last], high: changes.highs[last] };
  }
}

/** Walk through `seconds`, oldest first. Linear in their updates. @param {Second[]} seconds @param {Visitor} visitor */
export function walk(seconds, visitor) {
  const walker = new Walker(visitor);
  for (const second of seconds) walker.add(second);
}
