import assert from "node:assert/strict";
import test from "node:test";

import { apart } from "../../../dashboard/assets/map/map_axes.mjs";
import { spreadStrip, stripOf } from "../../../dashboard/assets/map/map_shapes.mjs";

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

test("a spread of one tick lies low in its strip, and a wide one reaches its top", () => {
  const narrow = spreadStrip(stripOf([0.1, 0.1]), 0.1);
  assert.ok(narrow.range[0] === 0 && narrow.range[1] >= 0.4 && narrow.last === 0.1);
  assert.deepEqual(spreadStrip(stripOf([0.1, 2.5, null]), 0.1).ends, [0, 2.5]);
  assert.ok(spreadStrip(stripOf([]), 0).range[1] > 0);
});
