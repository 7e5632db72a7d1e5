import assert from "node:assert/strict";
import test from "node:test";

import { costLine, largestSize, slippageAt } from "../../../dashboard/assets/book/cost_curve.mjs";

const MID = 100;
const ASKS = { prices: [101, 102, 105], sizes: [1, 3, 4], costs: [101, 305, 410] };
const BIDS = { prices: [99, 98], sizes: [2, 4], costs: [198, 394] };
const CURVE = { low: 98, high: 105, mid: MID, bids: BIDS, asks: ASKS, isAll: true };

/** Walk the levels one by one. @param {{prices: number[], sizes: number[]}} side @param {number} size */
function walked({ prices, sizes }, size) {
  let [left, cost] = [size, 0];
  for (let rank = 0; rank < prices.length; rank += 1) {
    const taken = Math.min(left, sizes[rank] - (sizes[rank - 1] ?? 0));
    cost += taken * prices[rank];
    left -= taken;
  }
  return left > 1e-9 ? null : (Math.abs(cost / size - MID) / MID) * 1e4;
}

test("an order of any size costs what walking the levels gives", () => {
  for (const side of [ASKS, BIDS]) {
    for (let tenths = 1; tenths < 50; tenths += 1) {
      const size = tenths / 10;
      const [found, wanted] = [slippageAt(side, MID, size), walked(side, size)];
      if (wanted === null || found === null) assert.equal(found, wanted, `${size}`);
      else assert.ok(Math.abs(found - wanted) < 1e-9, `${size}: ${found}, ${wanted}`);
    }
  }
});

test("an order of exactly all that is known has a cost, and one above it or of nothing has none", () => {
  assert.ok(slippageAt(ASKS, MID, 4));
  for (const size of [4.000001, 0, -1, NaN]) assert.equal(slippageAt(ASKS, MID, size), null);
});

test("the curve reaches to twice the order, or over ten levels, and never beyond what is known", () => {
  assert.equal(largestSize(CURVE, 0.5), 1);
  assert.equal(largestSize(CURVE, 1000), 4);
  assert.equal(largestSize(CURVE, 0), 4);
  const sizes = Array.from({ length: 30 }, (_, rank) => rank + 1);
  const deep = { prices: sizes.map((rank) => 100 + rank), sizes, costs: sizes };
  assert.equal(largestSize({ ...CURVE, asks: deep }, 0), 10);
});

test("a line goes on where the one before ended, rises, and ends where its side does", () => {
  const { flat, highest } = costLine(BIDS, MID, 8, 16);
  assert.equal(flat.length, 4 * 8);
  for (let at = 4; at < flat.length; at += 4) {
    assert.deepEqual(flat.slice(at, at + 2), flat.slice(at - 2, at));
    assert.ok(flat[at + 3] >= flat[at + 1]);
  }
  assert.equal(highest, flat.at(-1));
  assert.ok(Math.abs(flat[1] - 100) < 1e-9); // half the spread, in basis points
});
