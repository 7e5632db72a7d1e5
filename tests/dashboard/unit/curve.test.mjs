import assert from "node:assert/strict";
import test from "node:test";

import { BookWindow } from "../../../dashboard/assets/book/book_window.mjs";
import { curveAt, curveBoxes, curveLine, curveOf, curveRange } from "../../../dashboard/assets/book/curve.mjs";
import { PastBook } from "../../../dashboard/assets/book/past_book.mjs";
import { Market } from "./market.mjs";

/** @param {number} seed */
function bookOf(seed) {
  const [market, known] = [new Market(seed), new BookWindow()];
  for (let second = 0; second < 5; second += 1) known.apply(market.second());
  const book = new PastBook().at(known, known.end);
  if (!book) throw new Error("not known");
  return { market, book };
}

test("the curve is the sum of the levels from the touch, on both sides", () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const { market, book } = bookOf(seed);
    const [low, high] = curveRange(book, seed % 2 ? "0.1 %" : "0.5 %");
    const curve = curveOf(book, low, high);
    if (!curve) throw new assert.AssertionError({ message: "no curve" });
    assert.ok(Math.abs((low + high) / 2 - curve.mid) < 1e-6);
    for (const [index, side] of [curve.bids, curve.asks].entries()) {
      const levels = market.levels(index).filter(([price]) => price >= low && price <= high);
      assert.deepEqual(side.prices, levels.map(([price]) => price));
      let [size, cost] = [0, 0];
      levels.forEach(([price, each], rank) => {
        size += each;
        cost += price * each;
        assert.ok(Math.abs(side.sizes[rank] - size) < 1e-6 && Math.abs(side.costs[rank] - cost) < 1e-3);
        const { own, ...found } = curveAt(curve, price) ?? { own: NaN };
        assert.ok(Math.abs(own - each) < 1e-6);
        assert.deepEqual(found, { side: index ? "ask" : "bid", price, size: side.sizes[rank], cost: side.costs[rank] });
      });
    }
    assert.equal(curveAt(curve, curve.mid), null);
    assert.equal(curve.isAll, Math.round(low * 1e8) >= book.low && Math.round(high * 1e8) <= book.high);
  }
});

test("each choice of range shows what it says", () => {
  const { market, book } = bookOf(3);
  const [low, high] = curveRange(book, "ten levels");
  assert.ok(low < market.levels(0)[9][0] && high > market.levels(1)[9][0]);
  assert.deepEqual(curveRange(book, "all known"), [book.low / 1e8, book.high / 1e8]);
  assert.equal(curveOf(book, ...curveRange(book, "all known"))?.isAll, true);
  const [from, to] = curveRange(book, "0.5 %");
  assert.ok(Math.abs(to / from - 1.005 / 0.995) < 1e-9);
});

test("a book without a side has no curve", () => {
  const { book } = bookOf(1);
  assert.equal(curveOf({ ...book, prices: [new Float64Array(0), book.prices[1]] }, 0, 1e6), null);
});

test("boxes and lines go from level to level and end at the edge", () => {
  const side = { prices: [10, 9, 7], sizes: [1, 3, 4], costs: [10, 28, 35] };
  assert.deepEqual(curveBoxes(side, 5), [10, 0, 9, 1, 9, 0, 7, 3, 7, 0, 5, 4]);
  assert.deepEqual(curveLine(side, 5), [10, 0, 10, 1, 10, 1, 9, 1, 9, 1, 9, 3, 9, 3, 7, 3, 7, 3, 7, 4, 7, 4, 5, 4]);
  assert.deepEqual([curveBoxes({ prices: [], sizes: [], costs: [] }, 5), curveLine({ prices: [], sizes: [], costs: [] }, 5)], [[], []]);
});
