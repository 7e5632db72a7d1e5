import assert from "node:assert/strict";
import test from "node:test";

import { BookWindow } from "../../../dashboard/assets/book/book_window.mjs";
import { HeldRaster } from "../../../dashboard/assets/book/held_raster.mjs";
import { cellAt, KNOWN_FIELDS, rasterOf, rowOf } from "../../../dashboard/assets/book/raster.mjs";
import { Market, random, wholes } from "./market.mjs";

/** @import {Lattice, Raster} from "../../../dashboard/assets/book/raster.mjs" */

/** @param {Raster} held @param {Raster} wanted  whose columns are among the held ones @param {number} end @param {string} label */
function assertSame(held, wanted, end, label) {
  const { lattice } = wanted;
  const [right, up] = [lattice.firstColumn - held.lattice.firstColumn, lattice.firstRow - held.lattice.firstRow];
  for (let column = 0; column < lattice.columns; column += 1) {
    if ((lattice.firstColumn + column) * lattice.columnMs >= end) break;
    for (let row = 0; row < lattice.rows; row += 1) {
      const [found, should] = [cellAt(held, right + column, up + row), cellAt(wanted, column, row)];
      if (found?.bid !== should?.bid || found?.ask !== should?.ask) assert.deepEqual(found, should, `${label}: column ${column}, row ${row}`);
    }
    if (!wanted.lattice.rows || !cellAt(wanted, column, 0)) continue;
    for (const field of [2, 3]) {
      assert.equal(held.known[KNOWN_FIELDS * (right + column) + field] - up, wanted.known[KNOWN_FIELDS * column + field], label);
    }
  }
}

test("a raster that grew second by second is the one that is made of the whole window", () => {
  let [grew, moved] = [0, 0];
  for (let seed = 1; seed <= 24; seed += 1) {
    const [market, known, held] = [new Market(seed), new BookWindow(), new HeldRaster()];
    const whole = wholes(random(seed + 7));
    const { tick } = market;
    const step = tick * [1, 2, 5, 50][whole(0, 3)];
    const columnMs = [100, 200, 300, 700, 1000, 4000][whole(0, 5)];
    const rows = whole(5, 60);
    let firstRow = rowOf(market.centre * tick, { step, tick }) - (rows >> 1);
    /** @type {Uint8Array | null} the bytes that a texture would hold */
    let written = null;
    for (let second = 0; second < 60; second += 1) {
      const how = whole(0, 24);
      const frame = market.second({ dark: how === 0, gone: how === 1, quiet: how < 5, book: how > 20 });
      if (how !== 1) known.apply(frame);
      if (how === 2 || !known.seconds.length) continue; // several seconds at once, as after a busy while
      if (how === 3) firstRow += whole(-4, 4);
      const columns = Math.ceil(15_000 / columnMs);
      /** @type {Lattice} */
      const wanted = { firstColumn: Math.floor(known.end / columnMs) - columns + 1, columns, columnMs, firstRow, rows, step, tick };
      const changed = held.grow(known, wanted);
      if (changed) grew += 1;
      else held.make(known, { ...wanted, columns: columns + whole(0, 40) });
      const raster = /** @type {Raster} */ (held.raster);
      if (changed && changed[0] === 0 && changed[1] === raster.lattice.columns) moved += 1;
      const label = `seed ${seed}, second ${second}`;
      assertSame(raster, rasterOf(known.since(wanted.firstColumn * columnMs), wanted, known.end), known.end, label);
      // What it says has changed is all that has.
      const bytes = new Uint8Array(raster.known.slice().buffer);
      if (written && changed && written.length === bytes.length) {
        const [first, end] = changed.map((column) => column * KNOWN_FIELDS * 4);
        assert.deepEqual(bytes.subarray(0, first), written.subarray(0, first), label);
        assert.deepEqual(bytes.subarray(end), written.subarray(end), label);
      }
      written = bytes;
    }
  }
  assert.ok(grew > 600 && moved > 50, `${grew} ${moved}`);
});

test("a raster does not grow over what it has not followed", () => {
  const [market, known, held] = [new Market(3), new BookWindow(), new HeldRaster()];
  for (let second = 0; second < 5; second += 1) known.apply(market.second());
  const lattice = {
    firstColumn: Math.floor((market.end - 4000) / 100), columns: 40, columnMs: 100, firstRow: market.centre - 20, rows: 40, step: 1e7, tick: 1e7,
  };
  assert.equal(held.grow(known, lattice), null);
  held.make(known, lattice);
  assert.ok(held.grow(known, lattice));
  assert.equal(held.grow(known, { ...lattice, firstRow: lattice.firstRow - 1 }), null);
  assert.equal(held.grow(known, { ...lattice, step: 2e7 }), null);
  assert.equal(held.grow(known, { ...lattice, firstColumn: lattice.firstColumn - 1 }), null);
  known.apply(market.second());
  known.apply(market.second());
  assert.ok(held.grow(known, lattice), "its own columns stay what they were");
  assert.equal(held.grow(known, { ...lattice, firstColumn: lattice.firstColumn + 20 }), null);
  held.make(known, lattice);
  known.clear();
  known.apply(market.second({ book: true }));
  assert.equal(held.grow(known, lattice), null, "another window");
});

test("cells that are made in slices, while seconds come, are those that are made at one go", () => {
  let slices = 0;
  for (let seed = 1; seed <= 12; seed += 1) {
    const [market, known, held] = [new Market(seed), new BookWindow(), new HeldRaster()];
    for (let second = 0; second < 20; second += 1) known.apply(market.second({ quiet: second % 5 === 0 }));
    const tick = market.tick;
    const lattice = {
      firstColumn: Math.floor((known.end - 15_000) / 300), columns: 80, columnMs: 300, firstRow: market.centre - 20, rows: 40, step: tick, tick,
    };
    held.begin(known, lattice);
    while (!held.goOn(() => true)) {
      slices += 1;
      assert.equal(held.grow(known, lattice), null, "half of the cells are not to be shown");
      if (slices % 4 === 0) known.apply(market.second());
    }
    assert.ok(held.grow(known, lattice), `seed ${seed}`);
    assertSame(/** @type {Raster} */ (held.raster), rasterOf(known.since(known.end - 15_000), lattice, known.end), known.end, `seed ${seed}`);
  }
  assert.ok(slices > 100, `${slices}`);
});
