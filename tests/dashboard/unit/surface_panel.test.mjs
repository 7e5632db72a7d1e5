import assert from "node:assert/strict";
import test from "node:test";

import { BookWindow } from "../../../dashboard/assets/book/book_window.mjs";
import { surfaceOf } from "../../../dashboard/assets/panels/surface_panel.mjs";
import { Market } from "./market.mjs";

const GAMMA = 1.3;

test("the surface is of whole columns, with holes where nothing is known, and shares within their bounds", () => {
  for (let seed = 1; seed <= 8; seed += 1) {
    const [market, known] = [new Market(seed), new BookWindow()];
    for (let second = 0; second < 100; second += 1) known.apply(market.second({ dark: second === 70, book: second % 30 === 0 }));
    const mid = known.frame?.mid_price ?? 0;
    const { x, y, z, surfacecolor } = surfaceOf(known, mid, GAMMA);
    assert.deepEqual([x.length, y.length, z.length, surfacecolor.length], [30, 32, 32, 32]);
    assert.deepEqual([x[0], x[29]], [-174, 0]);
    y.forEach((price, row) => {
      if (row) assert.ok(price > y[row - 1]);
    });
    assert.ok(z[0].every((size) => size === 0) && z[31].every((size) => size === 1));
    for (const [row, sizes] of z.entries()) {
      assert.equal(sizes.length, 30);
      sizes.forEach((size, column) => {
        assert.ok(size === null || (size >= 0 && size <= 1));
        assert.ok(Math.abs(surfacecolor[row][column]) <= 1);
      });
    }
    const inner = z.slice(1, 31);
    assert.ok(inner.every((sizes) => sizes.slice(0, 12).every((size) => size === null)), "before the first second");
    const dark = 29 - (Math.floor(market.end / 6000) - Math.floor((market.end - 29_500) / 6000) - 1);
    assert.ok(inner.every((sizes) => sizes[dark] === null), "the dark second");
    assert.ok(inner.some((sizes) => sizes[29] !== null && sizes[29] > 0));
    assert.ok(surfacecolor.flat().some((colour) => colour < 0) && surfacecolor.flat().some((colour) => colour > 0));
  }
});

test("prices of any height have a surface", () => {
  for (const options of [{ tick: 1, mid: 9000 }, { tick: 1e6, mid: 400_000 }, { tick: 1e8, mid: 3_000_000, gap: 16 }]) {
    const [market, known] = [new Market(1, options), new BookWindow()];
    for (let second = 0; second < 10; second += 1) known.apply(market.second());
    const { y, z } = surfaceOf(known, known.frame?.mid_price ?? 0, GAMMA);
    assert.ok(y.every(Number.isFinite));
    assert.ok(z.slice(1, 31).flat().some((size) => size !== null));
  }
});
