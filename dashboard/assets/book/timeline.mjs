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
  let u = NaN;
  for (const { row, changes, base } of seconds) {
    if (!changes) {
      if (known) visitor.lose(Math.max(time, row.timestamp - 1000));
      known = false;
      continue;
    }
    if (known && base && base.u !== u) {
      visitor.lose(Math.max(time, row.timestamp - 1000)); // another book, to which nothing leads
      known = false;
    }
    if (!known) {
      if (!base) continue; // what it begins with is not held
      u = base.u;
      time = Math.max(time, base.time);
      visitor.begin(time, base);
      known = true;
    }
    for (let index = 0; index < changes.times.length; index += 1) {
      time = Math.max(time, changes.times[index]);
      visitor.update(time, changes, index);
      u = changes.us[index];
    }
  }
}
