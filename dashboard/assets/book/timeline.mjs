// Walks through what a window knows, in order of time: whole books, updates, and stretches that are not known.

/** @import {BaseBook, Changes} from "./changes.mjs" */
/** @import {Second} from "./book_window.mjs" */

/** What a walk tells. Each call holds from `time` (exchange ms) until the next.
 * @typedef {object} Visitor
 * @property {(time: number, base: BaseBook) => void} begin  a whole book, after something unknown
 * @property {(time: number, changes: Changes, index: number) => void} update  one more update
 * @property {(time: number) => void} lose  from here on nothing is known
 */

/** Walk through `seconds`, oldest first. Linear in their updates. @param {Second[]} seconds @param {Visitor} visitor */
export function walk(seconds, visitor) {
  let known = false;
  let time = -Infinity;
  let heard = -Infinity; // end of the second before, behind which seconds may be missing
  let at = { u: 0, low: 0, high: 0 };
  for (const { row, changes, base } of seconds) {
    const isLost = !changes || (base !== null && (base.u !== at.u || base.low !== at.low || base.high !== at.high));
    if (known && isLost) {
      visitor.lose(Math.max(time, Math.min(heard, base?.time ?? heard)));
      known = false;
    }
    heard = row.timestamp;
    if (!changes) continue;
    if (!known) {
      if (!base) continue; // what it begins with is not held
      time = Math.max(time, base.time);
      visitor.begin(time, base);
      known = true;
      at = base;
    }
    for (let index = 0; index < changes.times.length; index += 1) {
      time = Math.max(time, changes.times[index]);
      visitor.update(time, changes, index);
    }
    const last = changes.times.length - 1;
    if (last >= 0) at = { u: changes.us[last], low: changes.lows[last], high: changes.highs[last] };
  }
}
