import assert from "node:assert/strict";
import test from "node:test";

import { apart, MapAxes } from "../../../dashboard/assets/map/map_axes.mjs";
import { MapShapes, spreadStrip, stripOf } from "../../../dashboard/assets/map/map_shapes.mjs";
import { THEMES } from "../../../dashboard/assets/ui/themes.mjs";

test("a tag keeps its distance from the others, as near to its place as it can", () => {
  assert.equal(apart(100, [NaN, NaN], 18), 100);
  assert.equal(apart(100, [118, NaN], 18), 100);
  assert.equal(apart(100, [105, NaN], 18), 87);
  assert.equal(apart(108, [105], 18), 123);
  assert.equal(apart(108, [105, 123], 18), 108); // no room between them: over both
  for (let y = 0; y < 200; y += 1) {
    const at = apart(y, [60, 100], 18);
    assert.ok([60, 100].every((other) => Math.abs(other - at) >= 18) && Math.abs(at - y) <= 18);
    for (const other of [60, 100]) if (other !== y) assert.equal(other < y, other < at, `${y} at ${at} beside ${other}`);
  }
});

test("a strip reaches over its values and 0, with the last of them", () => {
  assert.deepEqual(stripOf([2, null, 10, 4, null]), { range: [0, 10.6], ends: [0, 10], least: 2, most: 10, last: 4 });
  const { range, ends, last } = stripOf([-3, 1], true);
  assert.deepEqual([ends, last], [[-3, 3], 1]);
  assert.ok(range[0] < -3 && range[1] > 3);
  for (const nothing of [[], [null], [0, 0]]) {
    const strip = stripOf(nothing);
    assert.ok(strip.range[1] > strip.range[0] && strip.range.every(Number.isFinite));
  }
});

test("strips tell of the last second that begins in view", () => {
  const seconds = [1, 2, 3, 4, 5].map((second) => ({
    row: { timestamp: 1000 * second, imbalance: second / 10, ofi_best: second, spread: 0.1, trades: null, tape: [] },
  }));
  const shapes = new MapShapes(/** @type {any} */ ({ write() {} }), /** @type {any} */ ({ seconds, version: 1, tick: 1e7, wanted: () => [] }));
  for (const [to, last] of [[3000, 3], [3001, 4], [3999, 4], [4000, 4], [5000, 5], [9000, 5]]) {
    shapes.fitStrips({ from: 0, to, low: 0, high: 1 }, "ofi_best");
    assert.equal(shapes.strips.ofi.last, last, String(to));
  }
});

test("a spread of one tick lies low in its strip, and a wide one reaches its top", () => {
  const narrow = spreadStrip(stripOf([0.1, 0.1]), 0.1);
  assert.ok(narrow.range[0] === 0 && narrow.range[1] >= 0.4 && narrow.last === 0.1);
  assert.deepEqual(spreadStrip(stripOf([0.1, 2.5, null]), 0.1).ends, [0, 2.5]);
  assert.ok(spreadStrip(stripOf([]), 0).range[1] > 0);
});

test("the tag of the volume-weighted price lies in the map and never on that of the touch, on its side where there is room", () => {
  const map = { left: 0, top: 20, width: 80, height: 200 };
  for (const mid of [90.5, 100, 109.5, 130, 70]) {
    for (let vwap = 90; vwap <= 110; vwap += 0.25) {
      const scene = { vwap, font: 11, layout: { map }, range: { low: 90, high: 110 }, newest: { bid_levels: [[mid, 1]], ask_levels: [[mid, 1]] } };
      const axes = new MapAxes(/** @type {any} */ ({}), /** @type {any} */ (scene));
      const [at, touch] = [axes.vwapY(), axes.touchY()];
      assert.ok(at >= 28 && at <= 212 && Math.abs(at - touch) >= 16, `${vwap} at ${at} beside ${mid} at ${touch}`);
      if (Math.abs(vwap - mid) > 2.5 && mid > 90 && mid < 110) assert.equal(at < touch, vwap > mid);
    }
  }
});

/** @param {string} colour  "#rrggbb" */
function luminance(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const share = parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** @param {string} one @param {string} other */
function contrast(one, other) {
  const [dark, bright] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (bright + 0.05) / (dark + 0.05);
}

test("the mid's tag stands out from the axis and is read, in each theme, held or not, in view or out of it", () => {
  for (const theme of /** @type {const} */ (["dark", "light"])) {
    for (const isHeld of [false, true]) {
      for (const low of [90, 110]) {
        /** @type {[string, string, number][]} */
        const drawn = [];
        const context = {
          fillStyle: "", globalAlpha: 1, beginPath() {}, moveTo() {}, lineTo() {},
          fillRect() { drawn.push(["box", this.fillStyle, this.globalAlpha]); },
          fillText() { drawn.push(["text", this.fillStyle, this.globalAlpha]); },
          fill() { drawn.push(["arrow", this.fillStyle, this.globalAlpha]); },
        };
        const box = { left: 0, top: 0, width: 80, height: 200 };
        const scene = {
          isHeld, colours: THEMES[theme], decimals: 1, font: 11, layout: { prices: box, map: box }, range: { low, high: low + 20 },
          newest: { bid_levels: [[99.9, 1]], ask_levels: [[100.1, 1]] },
        };
        new MapAxes(/** @type {any} */ (context), /** @type {any} */ (scene)).touch();
        const [, back] = drawn[0];
        assert.equal(drawn.length, low > 100 ? 3 : 2);
        for (const [what, colour, alpha] of drawn) {
          assert.equal(alpha, 1);
          if (what !== "box") assert.ok(contrast(colour, back) >= 4.5, `${what}, ${theme}`);
        }
        if (isHeld) assert.ok(contrast(back, THEMES[theme].back) >= 3, theme);
      }
    }
  }
});
