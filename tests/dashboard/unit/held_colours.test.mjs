import assert from "node:assert/strict";
import test from "node:test";

import { ColourScale } from "../../../dashboard/assets/map/colour_scale.mjs";
import { MarketMap } from "../../../dashboard/assets/map/market_map.mjs";

/** Cells of these sizes, all known. @param {number[]} sizes */
function rasterOf(sizes) {
  const lattice = { firstColumn: 0, columns: 1, columnMs: 1000, firstRow: 0, rows: sizes.length, step: 1, tick: 1 };
  return { lattice, cells: Float32Array.from(sizes), known: Float64Array.from([0, sizes.length - 1, 0, 0]) };
}

test("colours of a wide view that is held are chosen once, as soon as there are cells, and anew where it follows", () => {
  const wide = new ColourScale();
  const map = {
    shownScale: wide, wideScale: wide, wideSeen: "", sizesSeen: "", known: { version: 1 },
    cells: { raster: /** @type {ReturnType<typeof rasterOf> | null} */ (null) },
    view: { following: false, range: { from: 0, to: 1, low: 0, high: 1 } },
  };
  const see = () => MarketMap.prototype.seeSizes.call(/** @type {any} */ (map), true);
  see();
  assert.equal(wide.shown, null);
  map.cells.raster = rasterOf([1, 2, 3]);
  see();
  const held = wide.shown;
  assert.notEqual(held, null);
  map.cells.raster = rasterOf([10, 20, 30]);
  map.known.version += 1;
  see();
  assert.equal(wide.shown, held);
  map.view.following = true;
  see();
  assert.notDeepEqual(wide.shown, held);
});
