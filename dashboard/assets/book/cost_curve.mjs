// What market orders of each size cost, on average, against one book. Pure; sizes in base asset, costs in basis points.

import { firstWhere } from "./search.mjs";

/** @import {Curve, Side} from "./curve.mjs" */

/** Return the average price's distance from the mid in basis points for an order of `size` that takes a side; null where
 * more is asked for than is known. Above 0 a cost. O(log levels).
 * @param {Side} side @param {number} mid @param {number} size
 */
export function slippageAt({ prices, sizes, costs }, mid, size) {
  const last = firstWhere(sizes.length, (at) => sizes[at] >= size);
  if (last === sizes.length || !(size > 0)) return null;
  const [held, paid] = last ? [sizes[last - 1], costs[last - 1]] : [0, 0];
  const average = (paid + (size - held) * prices[last]) / size;
  return (Math.abs(average - mid) / mid) * 1e4;
}

/** Return up to which size the curve is drawn: twice the order, or ten levels of the deeper side; never more than is known.
 * @param {Curve} curve @param {number} order  0: none
 */
export function largestSize({ bids, asks }, order) {
  const [known, ten] = [-1, 9].map((rank) => Math.max(bids.sizes.at(rank) ?? 0, asks.sizes.at(rank) ?? 0));
  return Math.min(known, order > 0 ? 2 * order : ten || known);
}

/** Return a side's line up to `most` as boxes, x, y, x, y, in so many steps, and how high it gets.
 * @param {Side} side @param {number} mid @param {number} most @param {number} steps
 */
export function costLine(side, mid, most, steps) {
  const flat = [];
  let highest = 0;
  let before = slippageAt(side, mid, most / steps / 1e3) ?? 0; // of next to nothing: half the spread
  for (let step = 1; step <= steps; step += 1) {
    const cost = slippageAt(side, mid, (most * step) / steps);
    if (cost === null) break;
    flat.push((most * (step - 1)) / steps, before, (most * step) / steps, cost);
    highest = Math.max(highest, before, cost);
    before = cost;
  }
  return { flat, highest };
}
