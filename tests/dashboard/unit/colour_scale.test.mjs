import assert from "node:assert/strict";
import test from "node:test";

import { ColourScale } from "../../../dashboard/assets/map/colour_scale.mjs";
import { random } from "./market.mjs";

/** @param {number} seed @param {number} count */
function sizesOf(seed, count) {
  const next = random(seed);
  return Float32Array.from({ length: count }, () => 10 ** (6 * next()));
}

test("the first sizes set both ends to their percentiles", () => {
  const scale = new ColourScale();
  const sizes = sizesOf(1, 2001);
  scale.see(sizes.slice());
  sizes.sort();
  assert.deepEqual(scale.range(1), { black: sizes[1100], white: sizes[1960], gamma: 1.8 });
});

test("other sizes move the ends smoothly, always nearer, and never past", () => {
  const scale = new ColourScale();
  scale.see(sizesOf(1, 2000));
  const [from] = [scale.range(1)];
  const later = sizesOf(2, 2000).map((size) => size * 1000);
  let { black, white } = from;
  for (let second = 0; second < 200; second += 1) {
    scale.see(later.slice());
    const range = scale.range(1);
    assert.ok(range.black >= black && range.white >= white);
    assert.ok(range.black / black < 4 && range.white / white < 4);
    ({ black, white } = range);
  }
  const wanted = new ColourScale();
  wanted.see(later.slice());
  assert.ok(Math.abs(black / wanted.range(1).black - 1) < 1e-3 && Math.abs(white / wanted.range(1).white - 1) < 1e-3);
});

test("a new start jumps, and no sizes change nothing", () => {
  const scale = new ColourScale();
  scale.see(sizesOf(1, 500));
  const before = scale.range(1);
  scale.see(new Float32Array(0));
  assert.deepEqual(scale.range(1), before);
  scale.restart();
  scale.see(Float32Array.of(7));
  assert.equal(scale.range(1).black, 7);
});

test("sizes that a person set are taken, in whatever unit", () => {
  const scale = new ColourScale();
  scale.see(sizesOf(1, 500));
  Object.assign(scale.settings, { black: 2, white: 50, gamma: 2 });
  assert.deepEqual(scale.range(1e8), { black: 2e8, white: 50e8, gamma: 2 });
});

test("the ends are never equal, turned round or nothing, whatever is seen or set", () => {
  const scale = new ColourScale();
  assert.ok(scale.range(1e8).white > scale.range(1e8).black);
  for (const sizes of [[1], [3, 3, 3], [1e-30, 1e30]]) {
    for (const [black, white] of [[null, null], [5, 2], [5, null], [null, 1e-9], [1e-20, 1e-20]]) {
      scale.restart();
      Object.assign(scale.settings, { black, white });
      scale.see(Float32Array.from(sizes));
      const range = scale.range(1);
      assert.ok(range.black > 0 && range.white > range.black && Number.isFinite(range.white));
    }
  }
});
