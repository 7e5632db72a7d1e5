import assert from "node:assert/strict";
import test from "node:test";

import { COLOUR_MAPS, diverging, ENTRIES, lookUpTable, positionOf } from "../../../dashboard/assets/map/colour_maps.mjs";

/** @import {Theme} from "../../../dashboard/assets/map/colour_maps.mjs" */

const THEMES = /** @type {Theme[]} */ (["dark", "light"]);

/** Relative luminance, as WCAG has it. @param {ArrayLike<number>} colour */
function luminance(colour) {
  const [red, green, blue] = Array.from(colour).map((byte) => (byte / 255 <= 0.04045 ? byte / 255 / 12.92 : ((byte / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

for (const theme of THEMES) {
  for (const name of COLOUR_MAPS) {
    test(`${name}, ${theme}: more is always further from empty, and empty is the same on both sides`, () => {
      const table = lookUpTable(theme, name);
      assert.equal(table.length, 2 * ENTRIES * 4);
      const entry = (/** @type {number} */ side, /** @type {number} */ at) => table.slice((side * ENTRIES + at) * 4).subarray(0, 4);
      assert.deepEqual(entry(0, 0), entry(1, 0));
      for (const side of [0, 1]) {
        for (let at = 0; at < ENTRIES; at += 1) {
          assert.equal(entry(side, at)[3], 255);
          if (!at) continue;
          const step = luminance(entry(side, at)) - luminance(entry(side, at - 1));
          assert.ok(theme === "dark" ? step >= 0 : step <= 0, `side ${side}, entry ${at}`);
        }
        // What is there is never drawn below a position of 0.05, and is to be told from nothing.
        const least = Math.floor(0.05 * (ENTRIES - 1));
        const [some, none] = [luminance(entry(side, least)), luminance(entry(side, 0))];
        assert.ok((Math.max(some, none) + 0.05) / (Math.min(some, none) + 0.05) > 1.04, `side ${side}`);
        assert.ok(Math.abs(luminance(entry(side, ENTRIES - 1)) - none) > 0.7);
      }
    });

    test(`${name}, ${theme}: the surface's scale runs from -1 to 1 in order`, () => {
      const scale = diverging(theme, name);
      assert.equal(scale[0][0], 0);
      assert.equal(scale[scale.length - 1][0], 1);
      scale.forEach(([at, text], index) => {
        if (index) assert.ok(at > scale[index - 1][0]);
        assert.match(String(text), /^rgb\(\d+,\d+,\d+\)$/u);
      });
    });
  }
}

test("a size's position rises from the least to 1, and is 0 only for nothing", () => {
  for (const gamma of [0.2, 1, 1.35, 5]) {
    const range = { black: 0.5, white: 200, gamma };
    let before = 0;
    for (let size = 0.001; size < 1000; size *= 1.1) {
      const at = positionOf(size, range);
      assert.ok(at >= 0.05 && at <= 1 && at >= before);
      before = at;
    }
    assert.equal(positionOf(200, range), 1);
    for (const nothing of [0, -1, NaN]) assert.equal(positionOf(nothing, range), 0);
  }
});
