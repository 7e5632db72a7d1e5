import assert from "node:assert/strict";
import test from "node:test";

import { BookWindow } from "../../../dashboard/assets/book/book_window.mjs";
import { pathOf, secondsBars, secondsLine, tenLevels, touchLines } from "../../../dashboard/assets/map/lines.mjs";
import { bestFirst, emptyFrame, Market, random, wholes } from "./market.mjs";

/** The level pieces of a line: [from, to, value]. @param {number[]} flat */
function levelsOf(flat) {
  const levels = [];
  for (let at = 0; at < flat.length; at += 4) {
    const [from, low, to, high] = flat.slice(at, at + 4);
    assert.ok(from <= to && (low === high || from === to));
    if (low === high) levels.push([from, to, low]);
  }
  return levels;
}

test("the lines of the touch are the best prices of every instant, with holes where nothing is known", () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const [market, known] = [new Market(seed), new BookWindow()];
    const whole = wholes(random(seed + 5));
    for (let second = 0; second < 30; second += 1) {
      const how = whole(0, 12);
      const frame = market.second({ dark: how === 0, gone: how === 1, quiet: how < 4, book: how > 10 });
      if (how !== 1) known.apply(frame);
    }
    const lines = touchLines(known.seconds, known.end);
    const levels = [lines.bid, lines.ask].map(levelsOf);
    for (let count = 0; count < 200; count += 1) {
      const time = market.end - whole(1, 31_000) - 0.5;
      const book = market.at(time)?.book;
      const middle = levelsOf(lines.mid).find(([from, to]) => from <= time && time < to)?.[2];
      assert.equal(middle, book ? (bestFirst(book.sides[0], 0)[0] + bestFirst(book.sides[1], 1)[0]) / 2e8 : undefined);
      levels.forEach((each, side) => {
        const found = each.find(([from, to]) => from <= time && time < to);
        assert.equal(found?.[2], book ? bestFirst(book.sides[side], side)[0] / 1e8 : undefined, `seed ${seed}, ${market.end - time} ms ago`);
      });
    }
    for (const flat of [lines.bid, lines.ask, lines.mid]) assert.ok(flat.every(Number.isFinite));
  }
  assert.deepEqual(touchLines([], NaN), { bid: [], ask: [], mid: [] });
});

test("a line of seconds holds each value for the second before its time, with holes", () => {
  const points = [[1000, 5], [2000, 5], [3000, 7], [4000, null], [5000, 7], [8000, 1]].map(([time, value]) => ({ time: Number(time), value }));
  assert.deepEqual(levelsOf(secondsLine(points)), [[0, 2000, 5], [2000, 3000, 7], [4000, 5000, 7], [7000, 8000, 1]]);
  assert.deepEqual(secondsLine([]), []);
  assert.deepEqual(secondsLine([{ time: 5000, value: null }]), []);
});

test("bars of seconds stand on 0, above it and below it", () => {
  const points = [[1000, 5], [2000, -2], [3000, 0], [4000, null], [5000, 7]].map(([time, value]) => ({ time: Number(time), value }));
  assert.deepEqual(secondsBars(points), { above: [0, 0, 1000, 5, 4000, 0, 5000, 7], below: [1000, 0, 2000, -2] });
});

test("the ten levels reach from the lowest tenth bid to the highest tenth ask of the seconds that are shown", () => {
  const seconds = [[10, 20], [30, 45], [5, 90]].map(([bid, ask], second) => (
    { row: { ...emptyFrame(1000 * (second + 1)), bid_levels: [[bid + 1, 1], [bid, 1]], ask_levels: [[ask - 1, 1], [ask, 1]] } }
  ));
  const shown = /** @type {any[]} */ ([...seconds, { row: emptyFrame(4000), changes: null, base: null }]);
  assert.deepEqual(tenLevels(shown, 0, 1000), [10, 45]);
  assert.deepEqual(tenLevels(shown, 1000, 9000), [5, 90]);
  assert.equal(tenLevels(shown, 3000, 9000), null);
});

test("the path is the lowest and highest mid of the seconds that are shown", () => {
  const seconds = [10, 30, null, 20, 90].map((mid, second) => (
    { row: { ...emptyFrame(1000 * (second + 1)), mid_price: mid }, changes: null, base: null }
  ));
  assert.deepEqual(pathOf(seconds, 0, 3000), [10, 30]);
  assert.deepEqual(pathOf(seconds, 2000, 10_000), [20, 90]);
  assert.equal(pathOf(seconds, 9000, 10_000), null);
  assert.equal(pathOf([], 0, 1), null);
});
