import assert from "node:assert/strict";
import test from "node:test";

import { nthSmallest } from "../../../dashboard/assets/book/select.mjs";
import { random } from "./market.mjs";

test("the n-th smallest is what sorting puts there, with and without equal values", () => {
  const next = random(7);
  for (let round = 0; round < 400; round += 1) {
    const kinds = round % 2 ? 3 : 1e6; // of values
    const values = Float32Array.from({ length: 1 + Math.floor(60 * next()) }, () => Math.floor(kinds * next()));
    const sorted = values.toSorted();
    const rank = Math.floor(values.length * next());
    assert.equal(nthSmallest(values.slice(), rank), sorted[rank]);
    assert.equal(nthSmallest(sorted.slice(), rank), sorted[rank]);
    assert.equal(nthSmallest(sorted.toReversed(), rank), sorted[rank]);
  }
});

test("no value is lost, so that a second rank can be asked for", () => {
  const values = Float32Array.of(5, 1, 4, 1, 3, 9, 2, 6);
  assert.equal(nthSmallest(values, 7), 9);
  assert.equal(nthSmallest(values, 0), 1);
  assert.deepEqual(Array.from(values.toSorted()), [1, 1, 2, 3, 4, 5, 6, 9]);
});
