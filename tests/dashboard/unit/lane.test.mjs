import assert from "node:assert/strict";
import test from "node:test";

import { placeMarks } from "../../../dashboard/assets/map/lane.mjs";
import { random } from "./market.mjs";

test("no mark of the lane covers another, and each stands at its time as long as there is room", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const next = random(seed);
    const rows = 1 + Math.floor(3 * next());
    const xs = Array.from({ length: 60 }, () => 700 * next()).sort((a, b) => a - b);
    const places = placeMarks(xs, 12, rows);
    assert.equal(places.length, xs.length);
    const drawn = [...new Set(places)];
    for (const [index, one] of drawn.entries()) {
      assert.ok(one.row >= 0 && one.row < rows);
      for (const other of drawn.slice(index + 1)) assert.ok(one.row !== other.row || Math.abs(one.at - other.at) >= 12);
      assert.equal(places.filter((place) => place === one).length, 1 + one.others);
    }
    for (const [index, { at, others }] of places.entries()) if (!others) assert.equal(at, xs[index]);
  }
});

test("marks that come at once stand above each other, and what finds no room is counted", () => {
  const places = placeMarks([10, 10, 11, 12, 60], 12, 2);
  assert.deepEqual(places.map(({ row }) => row), [0, 1, 1, 1, 0]);
  assert.deepEqual(places.map(({ others }) => others), [0, 2, 2, 2, 0]);
  assert.deepEqual(placeMarks([], 12, 2), []);
});

test("a mark of a lane stays in its row as time goes on", () => {
  const next = random(5);
  const xs = Array.from({ length: 40 }, () => 700 * next()).sort((a, b) => a - b);
  const rows = (/** @type {number} */ by) => placeMarks(xs.map((x) => x - by), 12, 2).map(({ row }) => row);
  for (const by of [1, 3.7, 400]) assert.deepEqual(rows(by), rows(0));
});
