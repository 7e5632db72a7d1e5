// The depth curve: cumulative size from the middle outwards. Pure; prices in USDT, sizes in base asset.

import { toUnits } from "./units.mjs";

/** @import {Instant} from "./instant.mjs" */

/** One side from the touch outwards: its prices, the size up to each, and what that would cost in USDT.
 * @typedef {{prices: number[], sizes: number[], costs: number[]}} Side
 */
/** `isAll` says whether what is known reaches to both ends.
 * @typedef {{low: number, high: number, mid: number, bids: Side, asks: Side, isAll: boolean}} Curve
 */

/** Return the prices that a choice of range shows around a book, [low, high].
 * @param {Instant} book @param {string} range  one of preferences' DEPTH_RANGES
 * @returns {[number, number]}
 */
export function curveRange(book, range) {
  const [bids, asks] = book.prices;
  const mid = (bids[0] + asks[0]) / 2e8;
  if (range === "ten levels") {
    const reach = Math.max(mid - bids[Math.min(9, bids.length - 1)] / 1e8, asks[Math.min(9, asks.length - 1)] / 1e8 - mid);
    return [mid - reach * 1.03, mid + reach * 1.03];
  }
  if (range === "all known") return [book.low / 1e8, book.high / 1e8];
  const share = parseFloat(range) / 100;
  return [mid * (1 - share), mid * (1 + share)];
}

/** Return the curve between two prices; null where a side is empty. O(levels).
 * @param {Instant} book @param {number} low @param {number} high @returns {Curve | null}
 */
export function curveOf(book, low, high) {
  if (!book.prices[0].length || !book.prices[1].length) return null;
  const side = (/** @type {0 | 1} */ index) => {
    /** @type {Side} */
    const found = { prices: [], sizes: [], costs: [] };
    let [size, cost] = [0, 0];
    for (let rank = 0; rank < book.prices[index].length; rank += 1) {
      const price = book.prices[index][rank] / 1e8;
      if (price < low || price > high) break;
      size += book.sizes[index][rank];
      cost += (book.sizes[index][rank] / 1e8) * price;
      found.prices.push(price);
      found.sizes.push(size / 1e8);
      found.costs.push(cost);
    }
    return found;
  };
  return {
    low, high, mid: (book.prices[0][0] + book.prices[1][0]) / 2e8, bids: side(0), asks: side(1),
    isAll: toUnits(low) >= book.low && toUnits(high) <= book.high,
  };
}

/** Return {price, own, size, cost, side} of the curve at a price: the last level that lies from the touch to it, its own
 * size, and what stands up to there; null between the touch.
 * @param {Curve} curve @param {number} price
 */
export function curveAt(curve, price) {
  const side = price < curve.mid ? "bid" : "ask";
  const { prices, sizes, costs } = side === "bid" ? curve.bids : curve.asks;
  let rank = -1;
  while (rank + 1 < prices.length && (side === "bid" ? prices[rank + 1] >= price : prices[rank + 1] <= price)) rank += 1;
  if (rank < 0) return null;
  return { side, price: prices[rank], own: sizes[rank] - (sizes[rank - 1] ?? 0), size: sizes[rank], cost: costs[rank] };
}

/** Return one side as boxes from 0 up, in steps: x, y, x, y. `edge` is the price at which the curve ends.
 * @param {Side} side @param {number} edge
 */
export function curveBoxes({ prices, sizes }, edge) {
  const flat = [];
  for (let rank = 0; rank < prices.length; rank += 1) {
    flat.push(prices[rank], 0, rank + 1 < prices.length ? prices[rank + 1] : edge, sizes[rank]);
  }
  return flat;
}

/** Return the line over one side, in steps. @param {Side} side @param {number} edge */
export function curveLine({ prices, sizes }, edge) {
  const flat = [];
  for (let rank = 0; rank < prices.length; rank += 1) {
    const [from, to] = [prices[rank], rank + 1 < prices.length ? prices[rank + 1] : edge];
    flat.push(from, rank ? sizes[rank - 1] : 0, from, sizes[rank], from, sizes[rank], to, sizes[rank]);
  }
  return flat;
}
