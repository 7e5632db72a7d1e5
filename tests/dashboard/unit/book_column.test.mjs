import assert from "node:assert/strict";
import test from "node:test";

import { BookWindow } from "../../../dashboard/assets/book/book_window.mjs";
import { PastBook } from "../../../dashboard/assets/book/past_book.mjs";
import { bookBars, bookRows, columnFull, roundFull } from "../../../dashboard/assets/map/book_column.mjs";
import { Market, random } from "./market.mjs";

test("the column's rows hold all levels that are seen, each in its own row", () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const [market, known, next] = [new Market(seed), new BookWindow(), random(seed)];
    for (let second = 0; second < 4; second += 1) known.apply(market.second());
    const book = new PastBook().at(known, known.end);
    const mid = market.centre / 10;
    const range = { from: 0, to: 1, low: mid - 1 - 60 * next(), high: mid + 1 + 60 * next() };
    const lattice = { step: market.tick * Math.ceil(40 * next()), tick: market.tick };
    const height = 50 + 900 * next();
    const { rows, step, pixels } = bookRows(book, () => new Map(), range, lattice, height);
    assert.equal(step, lattice.step);
    assert.ok(Math.abs(pixels - (height * step) / 1e8 / (range.high - range.low)) < 1e-9);
    for (const side of /** @type {const} */ ([0, 1])) {
      for (const { low, high, bid, ask } of rows) {
        const sum = market.levels(side).filter(([price]) => price > low && price < high).reduce((total, [, size]) => total + size, 0);
        assert.ok(Math.abs((side ? ask : bid) - sum) < 1e-6);
      }
      for (const [price] of market.levels(side)) {
        if (price > range.low && price < range.high) assert.ok(rows.some(({ low, high }) => price > low && price < high));
      }
    }
  }
});

test("volume traded comes in by row, also where no book is known", () => {
  const range = { from: 0, to: 1, low: 100, high: 110 };
  const traded = () => new Map([[1050, { bought: 3, sold: 1 }], [5, { bought: 9, sold: 9 }]]);
  const { rows } = bookRows(null, traded, range, { step: 1e7, tick: 1e7 }, 600);
  assert.deepEqual(rows.map(({ row, bid, ask, bought, sold }) => [row, bid, ask, bought, sold]), [[1050, 0, 0, 3, 1]]);
});

test("bars stay within the column", () => {
  const row = { row: 1, low: 10, high: 11, bid: 5, ask: 50, bought: 4, sold: 40 };
  const bars = bookBars([row, { ...row, bid: 0, ask: 0, bought: 0, sold: 0 }], 10, 44, 8);
  for (const flat of Object.values(bars)) {
    assert.equal(flat.length, 4);
    const [left, bottom, right, top] = flat;
    assert.ok(left >= 0 && right <= 1 && left < right && bottom > 10 && top < 11 && bottom < top);
  }
  const [, bottom, , top] = bookBars([row], 10, 44, 2).asks; // as high as the cells beside it
  assert.deepEqual([bottom, top], [10, 11]);
  assert.deepEqual([bars.bids[2], bars.asks[2]], [0.5, 1]);
  assert.equal(bars.bought[2], bars.sold[0]);
});

test("the column's end is round, and not less than the largest bar", () => {
  for (let size = 1e-8; size < 1e9; size *= 1.0371) {
    const full = roundFull(size);
    assert.ok(full >= size * (1 - 1e-8) && full <= 2 * size);
  }
  for (const nothing of [0, -1, NaN]) assert.equal(roundFull(nothing), 1);
});

test("one huge bar leaves the others to be seen, and few are cut", () => {
  assert.equal(columnFull([5, 6, 0, 7, 10]), 10);
  const many = Array.from({ length: 60 }, (_, index) => 1 + index / 10);
  assert.ok(columnFull([...many, 521]) <= 15);
  for (let seed = 1; seed <= 100; seed += 1) {
    const next = random(seed);
    const sizes = Array.from({ length: 1 + Math.floor(200 * next()) }, () => 10 ** (3 * next()));
    const full = columnFull(sizes);
    assert.ok(sizes.filter((size) => size > full).length <= 0.05 * sizes.length + 1);
  }
  assert.ok(columnFull([]) > 0);
});
