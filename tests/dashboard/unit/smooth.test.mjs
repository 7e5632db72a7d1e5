import assert from "node:assert/strict";
import test from "node:test";

import { smooth } from "../../../dashboard/assets/panels/smooth.mjs";
import { random } from "./market.mjs";

test("a smoothed grid stays within its values, and holes stay holes", () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const next = random(seed);
    const grid = Array.from({ length: 8 }, () => Array.from({ length: 12 }, () => (next() < 0.2 ? null : next())));
    const flat = /** @type {number[]} */ (grid.flat().filter((value) => value !== null));
    smooth(grid).forEach((row, line) => row.forEach((value, at) => {
      assert.equal(value === null, grid[line][at] === null);
      if (value !== null) assert.ok(value >= Math.min(...flat) && value <= Math.max(...flat));
    }));
  }
});

test("what is the same everywhere stays, also beside a hole, and a spike is spread", () => {
  assert.deepEqual(smooth([[3, null, 3], [3, 3, 3]]), [[3, null, 3], [3, 3, 3]]);
  const grid = Array.from({ length: 5 }, () => new Array(7).fill(0));
  grid[2][3] = 9;
  const smoothed = smooth(grid);
  assert.equal(smoothed[2][3], 1.5);
  assert.ok((smoothed[1][3] ?? 0) > 0 && (smoothed[2][5] ?? 0) > 0 && smoothed[0][3] === 0);
});
