// The window as cells: columns of time, rows of price, the size of each. Pure.
//
// Columns and rows are counted from time and price 0, so that the same cell always holds the same size, wherever
// the view is. A column shows the largest size that each row had while it lasted; a row the sum of its levels. Only
// what was known throughout is told: `known` has the lowest and highest row of each column that were.

import { walk } from "./timeline.mjs";

/** @import {BaseBook, Changes} from "./changes.mjs" */
/** @import {Second} from "./book_window.mjs" */

/** Where the cells lie: `columns` of `columnMs` from column `firstColumn` on, `rows` of `step` (units, `tick` x a
 * whole number) from row `firstRow` on.
 * @typedef {object} Lattice
 * @property {number} firstColumn
 * @property {number} columns
 * @property {number} columnMs
 * @property {number} firstRow
 * @property {number} rows
 * @property {number} step
 * @property {number} tick
 */

/** `cells`: bid and ask size (units) of each row of each column, in this order. `known`: for each column the first and
 * last known row, counted from `firstRow`, and the rows of the tenth bid and ask, the farther ones.
 * @typedef {{lattice: Lattice, cells: Float32Array, known: Float32Array}} Raster
 */

export const KNOWN_FIELDS = 4;
const NOTHING_LOW = 1e6;

/** Return the row of a price (units): a level is drawn around its price, half a tick up and down.
 * @param {number} price @param {{step: number, tick: number}} lattice
 */
export function rowOf(price, { step, tick }) {
  return Math.floor((price + tick / 2) / step);
}

/** Return the lowest price that is drawn in a row (units). @param {number} row @param {{step: number, tick: number}} lattice */
export function rowBottom(row, { step, tick }) {
  return row * step - tick / 2;
}

/** Return the cells of `lattice` from what `seconds` know; they are known until `end` (ms).
 *
 * Linear in the updates and in the cells.
 * @param {Second[]} seconds @param {Lattice} lattice @param {number} end
 * @returns {Raster}
 */
export function rasterOf(seconds, lattice, end) {
  const raster = new Rasterizer(lattice);
  walk(seconds, raster);
  raster.reach(end - 1); // the column that begins there is still to come
  return { lattice, cells: raster.cells, known: raster.known };
}

class Rasterizer {
  /** @param {Lattice} lattice */
  constructor(lattice) {
    const { columns, rows } = lattice;
    this.lattice = lattice;
    this.cells = new Float32Array(2 * columns * rows);
    this.known = new Float32Array(KNOWN_FIELDS * columns);
    for (let at = 0; at < this.known.length; at += KNOWN_FIELDS) this.known.set([NOTHING_LOW, -1, 0, 0], at);
    this.sums = new Float64Array(2 * rows);
    this.column = -1; // that is being filled, from 0; -1 before the first
    this.isKnown = false;
    this.isWhole = false; // whether all of the present column is known so far
    this.low = 0;
    this.high = -1;
    this.tenths = [0, 0];
  }

  // --- what the walk tells ------------------------------------------------------------------------------

  /** @param {number} time @param {BaseBook} base */
  begin(time, base) {
    this.reach(time);
    this.isKnown = true;
    this.isWhole = time === this.columnStart(this.column);
    this.sums.fill(0);
    const { firstRow, rows, step, tick } = this.lattice;
    base.prices.forEach((prices, side) => {
      const sizes = base.sizes[side];
      for (let index = 0; index < prices.length; index += 1) {
        const row = Math.floor((prices[index] + tick / 2) / step) - firstRow;
        if (row >= 0 && row < rows) this.sums[2 * row + side] += sizes[index];
      }
    });
    this.cover(base.low, base.high);
    this.outline(base.tenthBid, base.tenthAsk);
    this.copySums();
  }

  /** @param {number} time @param {Changes} changes @param {number} index */
  update(time, changes, index) {
    this.reach(time);
    const { firstRow, rows, step, tick } = this.lattice;
    const { prices, sides, before, after } = changes;
    const { sums, cells } = this;
    const [first, end] = [index ? changes.ends[index - 1] : 0, changes.ends[index]];
    const rowAt = (/** @type {number} */ at) => Math.floor((prices[at] + tick / 2) / step) - firstRow;
    for (let at = first; at < end; at += 1) {
      const row = rowAt(at);
      if (row >= 0 && row < rows) sums[2 * row + sides[at]] += after[at] - before[at];
    }
    // Only now: a size that moved within its row was never there twice.
    const offset = this.column >= 0 && this.column < this.lattice.columns ? 2 * this.column * rows : -1;
    for (let at = first; at < end && offset >= 0; at += 1) {
      const row = rowAt(at);
      const cell = 2 * row + sides[at];
      if (row >= 0 && row < rows && sums[cell] > cells[offset + cell]) cells[offset + cell] = sums[cell];
    }
    this.cover(changes.lows[index], changes.highs[index]);
    this.outline(changes.tenthBids[index], changes.tenthAsks[index]);
  }

  /** @param {number} time */
  lose(time) {
    this.reach(time);
    this.isKnown = false;
    this.markUnknown();
  }

  // --- columns ------------------------------------------------------------------------------------------

  /** @param {number} column @returns {number} */
  columnStart(column) {
    return (this.lattice.firstColumn + column) * this.lattice.columnMs;
  }

  /** Fill all columns before the one in which `time` is, and begin that. @param {number} time */
  reach(time) {
    const { firstColumn, columns, columnMs } = this.lattice;
    const target = Math.min(columns, Math.floor(time / columnMs) - firstColumn);
    if (target <= this.column) return;
    for (let column = Math.max(0, this.column + 1); column <= target; column += 1) {
      this.column = column;
      this.isWhole = this.isKnown;
      if (this.isKnown && column < columns) this.copySums();
    }
    this.column = Math.max(this.column, target);
  }

  copySums() {
    const { column } = this;
    const { rows, columns } = this.lattice;
    if (column < 0 || column >= columns) return;
    const { cells, sums } = this;
    const offset = 2 * column * rows;
    if (this.isWhole) cells.set(sums, offset);
    if (!this.isWhole) return;
    this.known.set([this.low, this.high, this.tenths[0], this.tenths[1]], KNOWN_FIELDS * column);
  }

  markUnknown() {
    const { column } = this;
    if (column < 0 || column >= this.lattice.columns) return;
    this.isWhole = false;
    this.known.set([NOTHING_LOW, -1, 0, 0], KNOWN_FIELDS * column);
  }

  /** Only rows that lie wholly in what is covered are known. @param {number} low @param {number} high  units */
  cover(low, high) {
    const { firstRow, step, tick } = this.lattice;
    this.low = Math.ceil(low / step) - firstRow;
    this.high = Math.floor((high + tick) / step) - 1 - firstRow;
    const at = KNOWN_FIELDS * this.column;
    if (this.column < 0 || this.column >= this.lattice.columns || !this.isWhole) return;
    if (this.known[at] < this.low) this.known[at] = this.low;
    if (this.known[at + 1] > this.high) this.known[at + 1] = this.high;
  }

  /** @param {number} bid @param {number} ask  prices of the tenth levels, units */
  outline(bid, ask) {
    const { firstRow } = this.lattice;
    this.tenths = [rowOf(bid, this.lattice) - firstRow, rowOf(ask, this.lattice) - firstRow];
    const at = KNOWN_FIELDS * this.column;
    if (this.column < 0 || this.column >= this.lattice.columns || !this.isWhole) return;
    this.known[at + 2] = Math.min(this.known[at + 2], this.tenths[0]);
    this.known[at + 3] = Math.max(this.known[at + 3], this.tenths[1]);
  }
}

/** Return {bid, ask} sizes (units) of a cell, or null where it is not known. @param {Raster} raster
 * @param {number} column @param {number} row  both from 0
 */
export function cellAt({ lattice, cells, known }, column, row) {
  if (column < 0 || column >= lattice.columns || row < 0 || row >= lattice.rows) return null;
  const at = KNOWN_FIELDS * column;
  if (row < known[at] || row > known[at + 1]) return null;
  const cell = 2 * (column * lattice.rows + row);
  return { bid: cells[cell], ask: cells[cell + 1] };
}

/** Return up to `most` of the sizes above 0 (units) that are known, evenly from all over the raster.
 * @param {Raster} raster @param {number} [most]
 */
export function sampleSizes({ lattice, cells, known }, most = 6000) {
  const { columns, rows } = lattice;
  const stride = Math.max(1, Math.floor((2 * columns * rows) / (8 * most))) | 1; // odd: rows and sides take turns
  const sizes = new Float32Array(most);
  let count = 0;
  for (let cell = 0; cell < cells.length && count < most; cell += stride) {
    if (!(cells[cell] > 0)) continue;
    const column = Math.floor(cell / (2 * rows));
    const row = (cell >> 1) - column * rows;
    if (row >= known[KNOWN_FIELDS * column] && row <= known[KNOWN_FIELDS * column + 1]) sizes[count++] = cells[cell];
  }
  return sizes.subarray(0, count);
}
