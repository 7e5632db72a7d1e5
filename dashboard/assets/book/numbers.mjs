// The header's numbers of a book in the past. Pure; DESIGN's formulas, on its ten best levels.

/** @import {Instant} from "./instant.mjs" */

/** Which order flow is shown: of the best levels, or the change of ten-level volumes; named as frames name them. */
export const FLOWS = /** @type {const} */ (["ofi_best", "ofi"]);
/** @typedef {typeof FLOWS[number]} Flow */

/** Return mid, spread, microprice and imbalance; null where a side has fewer than ten levels. The order flow of one
 * instant is none. @param {Instant} book
 */
export function numbersOf({ prices: [bids, asks], sizes: [bidSizes, askSizes] }) {
  if (bids.length < 10 || asks.length < 10) {
    return { mid_price: null, spread: null, microprice: null, imbalance: null, ofi: null };
  }
  const total = (/** @type {Float64Array} */ sizes) => sizes.subarray(0, 10).reduce((sum, size) => sum + size, 0);
  const [bid, ask, bidSize, askSize] = [bids[0], asks[0], bidSizes[0], askSizes[0]];
  const [bidTotal, askTotal] = [total(bidSizes), total(askSizes)];
  return {
    mid_price: (bid + ask) / 2e8,
    spread: (ask - bid) / 1e8,
    microprice: (bid * askSize + ask * bidSize) / (bidSize + askSize) / 1e8,
    imbalance: (bidTotal - askTotal) / (bidTotal + askTotal),
    ofi: null,
  };
}
