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

/** `cells`: the size (units) of each row of each column, one column after the other; negative where it is the bids'. A row
 * in which both sides stood shows the larger. `known`: for each column the first and
 * last known row, counted from `firstRow`, and the rows of the tenth bid and ask, the farther ones.
 * @typedef {{lattice: Lattice, cells: Float32Array, known: Float32Array}} Raster
 */

export const KNOWN_FIELDS = 4;
const NOTHING_LOW = 1e6;
const SLACK = 1.25; // of the room that is made where there was too little

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
 * Linear in the updates and in the cells. `room` is of a raster that is not needed any more, or null.
 * @param {Second[]} seconds @param {Lattice} lattice @param {number} end @param {Float32Array | null} [room]
 * @returns {Raster}
 */
export function rasterOf(seconds, lattice, end, room = null) {
  const raster = new Rasterizer(lattice, room);
  walk(seconds, raster);
  raster.reach(end - 1); // the column that begins there is still to come
  return { lattice, cells: raster.cells, known: raster.known };
}

/** Fills a raster on a walk; visitor of timeline.mjs. */
export class Rasterizer {
  /** @param {Lattice} lattice @param {Float32Array | null} room */
  constructor(lattice, room) {
    const { columns, rows } = lattice;
    this.lattice = lattice;
    // What an old raster left there is seen by nobody: all of a column that is known is written.
    const count = columns * rows;
    const buffer = room && room.buffer.byteLength >= 4 * count ? room.buffer : new ArrayBuffer(4 * (room ? Math.ceil(count * SLACK) : count));
    this.cells = new Float32Array(buffer, 0, count);
    this.known = new Float32Array(KNOWN_FIELDS * columns);
    for (let column = 0; column < columns; column += 1) this.forget(column);
    this.sums = new Float64Array(2 * rows);
    this.touched = new Int32Array(256); // rows that an update changes
    this.shown = new Float32Array(rows); // of the sums, as a cell shows them
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
    for (let row = 0; row < rows; row += 1) this.shown[row] = larger(this.sums[2 * row], this.sums[2 * row + 1]);
    this.cover(base.low, base.high);
    this.outline(base.tenthBid, base.tenthAsk);
    this.copySums();
  }

  /** @param {number} time @param {Changes} changes @param {number} index */
  update(time, changes, index) {
    this.reach(time);
    const { firstRow, rows, step, tick } = this.lattice;
    const { prices, sides, before, after } = changes;
    const { sums, cells, shown } = this;
    const [first, end] = [index ? changes.ends[index - 1] : 0, changes.ends[index]];
    let count = 0;
    for (let at = first; at < end; at += 1) {
      const row = Math.floor((prices[at] + tick / 2) / step) - firstRow;
      if (row < 0 || row >= rows) continue;
      sums[2 * row + sides[at]] += after[at] - before[at];
      if (count === this.touched.length) this.touched = widened(this.touched);
      this.touched[count] = row;
      count += 1;
    }
    const { touched } = this;
    // Only now: in the middle of an update a row may hold more than the book ever did.
    const offset = this.column >= 0 && this.column < this.lattice.columns ? this.column * rows : -1;
    for (let at = 0; at < count; at += 1) {
      const row = touched[at];
      const size = larger(sums[2 * row], sums[2 * row + 1]);
      shown[row] = size;
      if (offset >= 0 && Math.abs(size) > Math.abs(cells[offset + row])) cells[offset + row] = size;
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
      if (column === columns) break;
      if (this.isKnown) this.copySums();
      else this.forget(column); // it may have been foreseen
    }
    this.column = Math.max(this.column, target);
  }

  /** Fill the columns up to `time` with what stands now, though updates of before may still come. @param {number} time */
  foresee(time) {
    const { column, isWhole } = this;
    this.reach(time);
    this.column = column;
    this.isWhole = isWhole;
  }

  /** Drop the first `count` columns, for as many behind the last, of which nothing is known yet. @param {number} count */
  shift(count) {
    const { columns, rows } = this.lattice;
    this.lattice = { ...this.lattice, firstColumn: this.lattice.firstColumn + count };
    this.cells.copyWithin(0, count * rows);
    this.known.copyWithin(0, count * KNOWN_FIELDS);
    for (let column = Math.max(0, columns - count); column < columns; column += 1) this.forget(column);
    this.column = Math.max(-1, this.column - count);
  }

  copySums() {
    const { column } = this;
    const { rows, columns } = this.lattice;
    if (column < 0 || column >= columns) return;
    if (!this.isWhole) return;
    this.cells.set(this.shown, column * rows);
    this.known.set([this.low, this.high, this.tenths[0], this.tenths[1]], KNOWN_FIELDS * column);
  }

  markUnknown() {
    const { column } = this;
    if (column < 0 || column >= this.lattice.columns) return;
    this.isWhole = false;
    this.forget(column);
  }

  /** @param {number} column */
  forget(column) {
    const at = KNOWN_FIELDS * column;
    this.known[at] = NOTHING_LOW;
    this.known[at + 1] = -1;
    this.known[at + 2] = 0;
    this.known[at + 3] = 0;
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

/** @param {Int32Array} array */
function widened(array) {
  const wider = new Int32Array(2 * array.length);
  wider.set(array);
  return wider;
}

/** @param {number} bid @param {number} ask @returns {number} as a cell says it */
function larger(bid, ask) {
  return bid >= ask ? -bid : ask;
}

/** Return {bid, ask} sizes (units) of a cell, of which one is 0, or null where it is not known. @param {Raster} raster
 * @param {number} column @param {number} row  both from 0
 */
export function cellAt({ lattice, cells, known }, column, row) {
  if (column < 0 || column >= lattice.columns || row < 0 || row >= lattice.rows) return null;
  const at = KNOWN_FIELDS * column;
  if (row < known[at] || row > known[at + 1]) return null;
  const size = cells[column * lattice.rows + row];
  return { bid: Math.max(0, -size), ask: Math.max(0, size) };
}

/** Return up to `most` of the sizes above 0 (units) that are known, evenly from all over the raster.
 * @param {Raster} raster @param {number} [most]
 */
export function sampleSizes({ lattice, cells, known }, most = 6000) {
  const { columns, rows } = lattice;
  const stride = Math.max(1, Math.floor((columns * rows) / (4 * most))) | 1; // odd: rows take turns
  const sizes = new Float32Array(most);
  let count = 0;
  for (let cell = 0; cell < cells.length && count < most; cell += stride) {
    if (cells[cell] === 0) continue;
    const column = Math.floor(cell / rows);
    const row = cell - column * rows;
    if (row >= known[KNOWN_FIELDS * column] && row <= known[KNOWN_FIELDS * column + 1]) {
      sizes[count] = Math.abs(cells[cell]);
      count += 1;
    }
  }
  return sizes.subarray(0, count);
}
