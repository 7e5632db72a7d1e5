// The book beside the map, on its price axis: what stands at each price, and what was traded there. Pure.

import { rowBottom, rowOf } from "../book/raster.mjs";

/** @import {Instant} from "../book/instant.mjs" */
/** @import {Range} from "./view.mjs" */

const GAP = 1; // px between bars
const LEAST_GAPPED_ROW = 4; // px: lower ones stand close
const COMMON_SHARE = 0.95; // of the bars are not cut
const FAR_LARGER = 3; // times the largest of those
const CUT_AT = 1.5; // times the largest of those
export const LEAST_NUMBER_ROW = 13; // px: a row that a number fits into

/** A row of the column: sizes in base asset, prices in USDT.
 * @typedef {{row: number, low: number, high: number, bid: number, ask: number, bought: number, sold: number}} BookRow
 */

/** Return the rows that are seen, with something in them, and their height: {rows, step (units), pixels}. They are those of the
 * map, so that a bar stands beside its own cells.
 * @param {Instant | null} book @param {(lattice: {step: number, tick: number}) => Map<number, {bought: number, sold: number}>} traded
 * @param {Range} range  USDT @param {{step: number, tick: number}} lattice  units, of the map @param {number} height  px
 */
export function bookRows(book, traded, range, lattice, height) {
  const { step } = lattice;
  const [first, last] = [rowOf(range.low * 1e8, lattice), rowOf(range.high * 1e8, lattice)];
  /** @type {BookRow[]} */
  const rows = [];
  /** @type {(BookRow | undefined)[]} */
  const places = new Array(last - first + 1);
  const rowAt = (/** @type {number} */ row) => {
    let found = places[row - first];
    if (!found) {
      const low = rowBottom(row, lattice) / 1e8;
      found = { row, low, high: low + step / 1e8, bid: 0, ask: 0, bought: 0, sold: 0 };
      rows.push(found);
      places[row - first] = found;
    }
    return found;
  };
  const [lowest, highest] = [rowBottom(first, lattice), rowBottom(last + 1, lattice)];
  for (const side of /** @type {const} */ ([0, 1])) {
    const { prices: { [side]: prices }, sizes: { [side]: sizes } } = book ?? { prices: [[], []], sizes: [[], []] };
    for (let rank = 0; rank < prices.length; rank += 1) {
      const price = prices[rank];
      if (side === 0 ? price < lowest : price >= highest) break; // the best come first
      if (side === 0 ? price >= highest : price < lowest) continue;
      const found = rowAt(rowOf(price, lattice));
      if (side === 0) found.bid += sizes[rank] / 1e8;
      else found.ask += sizes[rank] / 1e8;
    }
  }
  for (const [row, { bought, sold }] of traded(lattice)) {
    if (row < first || row > last) continue;
    const found = rowAt(row);
    found.bought += bought;
    found.sold += sold;
  }
  const pixels = (height * step) / 1e8 / (range.high - range.low);
  return { rows, step, pixels };
}

/** Return the columns' bars as boxes of shape_layer.mjs, across as shares of theirs: `full` and `most` are the sizes and
 * volumes at their right ends, `pixels` the height of a row.
 * @param {BookRow[]} rows @param {number} full @param {number} most @param {number} pixels
 */
export function bookBars(rows, full, most, pixels) {
  const share = pixels < LEAST_GAPPED_ROW ? 0 : GAP / 2 / pixels;
  /** @type {Record<"bids" | "asks" | "bought" | "sold", number[]>} */
  const bars = { bids: [], asks: [], bought: [], sold: [] };
  for (const { low, high, bid, ask, bought, sold } of rows) {
    const gap = (high - low) * share;
    const [bottom, top] = [low + gap, high - gap];
    if (bid) bars.bids.push(0, bottom, Math.min(1, bid / full), top);
    if (ask) bars.asks.push(0, bottom, Math.min(1, ask / full), top);
    const first = Math.min(1, bought / most);
    const second = Math.min(1, (bought + sold) / most);
    if (bought) bars.bought.push(0, bottom, first, top);
    if (sold) bars.sold.push(first, bottom, second, top);
  }
  return bars;
}

/** Return the size at the end of a column of these: a few that are far larger than all others do not make those invisible.
 * @param {number[]} sizes
 */
export function columnFull(sizes) {
  const sorted = Float64Array.from(sizes.filter((size) => size > 0)).sort();
  const largest = sorted.at(-1) ?? 0;
  const common = sorted[Math.floor(COMMON_SHARE * (sorted.length - 1))] ?? 0;
  return roundFull(largest > FAR_LARGER * common ? CUT_AT * common : largest);
}

/** Return the size at the column's end: as large as the largest bar, and round. @param {number} largest */
export function roundFull(largest) {
  if (!(largest > 0)) return 1;
  const decade = 10 ** Math.floor(Math.log10(largest));
  return decade * (/** @type {number} */ ([1, 1.5, 2, 3, 5, 7.5, 10].find((factor) => factor * decade >= largest * (1 - 1e-9))));
}
