// A raster that grows with the window: a new second costs its own updates and columns, not the window's. Pure.

import { Rasterizer } from "./raster.mjs";
import { Walker } from "./timeline.mjs";

/** @import {BookWindow} from "./book_window.mjs" */
/** @import {Lattice, Raster} from "./raster.mjs" */

export class HeldRaster {
  constructor() {
    /** @type {Rasterizer | null} */
    this.rasterizer = null;
    /** @type {Walker | null} */
    this.walker = null;
    this.era = -1;
    this.taken = 0;
    this.version = -1;
  }

  /** What is held; null before the first. @returns {Raster | null} */
  get raster() {
    const { rasterizer } = this;
    return rasterizer && { lattice: rasterizer.lattice, cells: rasterizer.cells, known: rasterizer.known };
  }

  /** Forget what is held, but for its room. */
  clear() {
    this.walker = null;
    this.era = -1;
  }

  /** Make all cells of a lattice from what is known. Linear in the window's updates and the cells.
   * @param {BookWindow} known @param {Lattice} lattice @returns {Raster}
   */
  make(known, lattice) {
    const rasterizer = new Rasterizer(lattice, this.rasterizer?.cells ?? null);
    this.rasterizer = rasterizer;
    this.walker = new Walker(rasterizer);
    for (const second of known.since(lattice.firstColumn * lattice.columnMs)) this.walker.add(second);
    return this.follow(known, rasterizer);
  }

  /** Go on with the seconds that came since, where these cells can hold `wanted`, whose rows are theirs. Returns the
   * first column that changed and the one behind the last, [0, columns] where all did; null where `make` must.
   * @param {BookWindow} known @param {Lattice} wanted @returns {[number, number] | null}
   */
  grow(known, wanted) {
    const { rasterizer, walker } = this;
    if (!rasterizer || !walker) return null;
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
    this.follow(known, rasterizer);
    if (moved) return [0, columns];
    const last = Math.floor((known.end - 1) / columnMs) - lattice.firstColumn;
    return [first, Math.min(columns, Math.max(first, last + 1))];
  }

  /** @param {BookWindow} known @param {Rasterizer} rasterizer @returns {Raster} */
  follow(known, rasterizer) {
    rasterizer.foresee(known.end - 1); // the column that begins there is still to come
    this.era = known.era;
    this.taken = known.taken;
    this.version = known.version;
    return { lattice: rasterizer.lattice, cells: rasterizer.cells, known: rasterizer.known };
  }
}
