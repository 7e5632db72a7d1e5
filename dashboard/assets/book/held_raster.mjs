// A raster that grows with the window: a new second costs its own updates and columns, not the window's. Pure.

import { Rasterizer } from "./raster.mjs";
import { Walker } from "./timeline.mjs";

/** @import {BookWindow, Second} from "./book_window.mjs" */
/** @import {Lattice, Raster} from "./raster.mjs" */

export class HeldRaster {
  constructor() {
    /** @type {Rasterizer | null} */
    this.rasterizer = null;
    /** @type {Walker | null} */
    this.walker = null;
    /** @type {Second[]} that are still to be walked through */
    this.waiting = [];
    this.era = -1;
    this.taken = 0;
    this.version = -1;
    this.end = NaN; // ms; what is walked through is known until then
  }

  /** What is held; null before the first. @returns {Raster | null} */
  get raster() {
    const { rasterizer } = this;
    return rasterizer && { lattice: rasterizer.lattice, cells: rasterizer.cells, known: rasterizer.known };
  }

  /** Forget what is held, but for its room. */
  clear() {
    this.walker = null;
    this.waiting = [];
    this.era = -1;
  }

  /** Make all cells of a lattice from what is known. Linear in the window's updates and the cells.
   * @param {BookWindow} known @param {Lattice} lattice @returns {Raster}
   */
  make(known, lattice) {
    this.begin(known, lattice);
    this.goOn(() => false);
    return /** @type {Raster} */ (this.raster);
  }

  /** Begin to make all cells of a lattice from what is known now; `goOn` makes them.
   * @param {BookWindow} known @param {Lattice} lattice
   */
  begin(known, lattice) {
    const rasterizer = new Rasterizer(lattice, this.rasterizer?.cells ?? null);
    this.rasterizer = rasterizer;
    this.walker = new Walker(rasterizer);
    this.waiting = known.since(lattice.firstColumn * lattice.columnMs).reverse();
    this.note(known);
  }

  /** Make more of the cells, until all are made or `isEnough`; says whether all are. @param {() => boolean} isEnough */
  goOn(isEnough) {
    const { waiting, walker, rasterizer } = this;
    while (waiting.length) {
      walker?.add(/** @type {Second} */ (waiting.pop()));
      if (!waiting.length) rasterizer?.foresee(this.end - 1); // the column that begins there is still to come
      if (isEnough()) break;
    }
    return !waiting.length;
  }

  /** Go on with the seconds that came since, where these cells can hold `wanted`, whose rows are theirs. Returns the
   * first column that changed and the one behind the last, [0, columns] where all did; null where `make` must.
   * @param {BookWindow} known @param {Lattice} wanted @returns {[number, number] | null}
   */
  grow(known, wanted) {
    const { rasterizer, walker } = this;
    if (!rasterizer || !walker || this.waiting.length) return null;
    const { lattice } = rasterizer;
    const { columns, columnMs } = lattice;
    const seconds = known.after(this.era, this.taken);
    const isSame = columnMs === wanted.columnMs && lattice.step === wanted.step && lattice.tick === wanted.tick;
    const lies = lattice.firstRow <= wanted.firstRow && lattice.firstRow + lattice.rows >= wanted.firstRow + wanted.rows;
    if (!seconds || !isSame || !lies || wanted.columns > columns || wanted.firstColumn < lattice.firstColumn) return null;
    let moved = 0;
    if (wanted.firstColumn + wanted.columns > lattice.firstColumn + columns) {
      if (rasterizer.column >= columns) return null; // what stood at its end was not followed any further
      moved = wanted.firstColumn - lattice.firstColumn;
      rasterizer.shift(moved);
    }
    const first = Math.max(0, rasterizer.column);
    for (const second of seconds) walker.add(second);
    this.note(known);
    rasterizer.foresee(this.end - 1);
    if (moved) return [0, columns];
    const last = Math.floor((known.end - 1) / columnMs) - lattice.firstColumn;
    return [first, Math.min(columns, Math.max(first, last + 1))];
  }

  /** Note what these cells are of. @param {BookWindow} known */
  note({ era, taken, version, end }) {
    Object.assign(this, { era, taken, version, end });
  }
}
