import assert from "node:assert/strict";
import test from "node:test";

import { BookWindow } from "../../../dashboard/assets/book/book_window.mjs";
import { cellAt, KNOWN_FIELDS, rasterOf, rowBottom, rowOf, sampleSizes } from "../../../dashboard/assets/book/raster.mjs";
import { bestFirst, emptyFrame, Market, random, wholes } from "./market.mjs";

/** @import {Lattice, Raster} from "../../../dashboard/assets/book/raster.mjs" */
/** @import {Level} from "../../../dashboard/types/frames.d.ts" */
/** @import {Book} from "./market.mjs" */

const START = 1_800_000_000_000;

/** Every book of a market that stood in a column, null among them where nothing was known; the one that it begins with
 * included. @param {Market} market @param {number} from @param {number} to
 */
function booksOf(market, from, to) {
  const inside = market.states.filter(({ time }) => time >= from && time < to);
  const first = market.states.findLast(({ time }) => time < from);
  const begun = inside.findIndex(({ time, book }, index) => time === from && book && !(inside[index - 1] ?? first)?.book);
  if (begun >= 0) return inside.slice(begun).map(({ book }) => book);
  return [first?.book ?? null, ...inside.map(({ book }) => book)];
}

/** @param {Book} book @param {number} side @param {number} row @param {Lattice} lattice */
function sumOf(book, side, row, { step, tick }) {
  let sum = 0;
  for (const [price, size] of book.sides[side]) {
    if (price >= row * step - tick / 2 && price < (row + 1) * step - tick / 2) sum += size;
  }
  return sum;
}

/** @param {Market} market @param {Lattice} lattice @param {number} column */
function columnOf(market, lattice, column) {
  const from = (lattice.firstColumn + column) * lattice.columnMs;
  const books = from < market.end ? booksOf(market, from, from + lattice.columnMs) : [null];
  if (books.includes(null)) return null;
  const known = /** @type {Book[]} */ (books);
  return {
    cells: Array.from({ length: lattice.rows }, (_, index) => {
      const row = lattice.firstRow + index;
      if (!known.every(({ low, high }) => row * lattice.step >= low && (row + 1) * lattice.step - lattice.tick <= high)) return null;
      // A row in which both sides stood shows the larger.
      const sizes = known.map((book) => [0, 1].map((side) => Math.fround(sumOf(book, side, row, lattice))));
      const most = Math.max(...sizes.flat());
      const [bid] = sizes.find((both) => Math.max(...both) === most) ?? [0];
      return bid === most ? { bid: most, ask: 0 } : { bid: 0, ask: most };
    }),
    tenths: [0, 1].map((side) => {
      const rows = known.map((book) => rowOf(bestFirst(book.sides[side], side)[9], lattice) - lattice.firstRow);
      return side ? Math.max(...rows) : Math.min(...rows);
    }),
  };
}

/** @param {Raster} raster @param {Market} market @param {string} label */
function assertModel(raster, market, label) {
  const { lattice } = raster;
  for (let column = 0; column < lattice.columns; column += 1) {
    const wanted = columnOf(market, lattice, column);
    for (let row = 0; row < lattice.rows; row += 1) {
      const cell = cellAt(raster, column, row);
      const should = wanted ? wanted.cells[row] : null;
      if (cell?.bid === should?.bid && cell?.ask === should?.ask) continue;
      assert.deepEqual(cell, should, `${label}: column ${column}, row ${row} of ${JSON.stringify(lattice)}`);
    }
    if (wanted) assert.deepEqual(Array.from(raster.known.subarray(KNOWN_FIELDS * column + 2, KNOWN_FIELDS * column + 4)), wanted.tenths, label);
  }
}

/** @param {(least: number, most: number) => number} whole @param {Market} market @returns {Lattice} */
function anyLattice(whole, market) {
  const { tick } = market;
  const step = tick * [1, 2, 5, 50, 1000][whole(0, 4)];
  const columnMs = [100, 200, 300, 700, 1000, 4000, 9000, 60_000][whole(0, 7)];
  const [columns, rows] = [whole(1, 25), whole(1, 40)];
  return {
    firstColumn: Math.floor((market.end - whole(-3000, 45_000)) / columnMs) - whole(0, 3), columns, columnMs,
    firstRow: rowOf(market.centre * tick, { step, tick }) - whole(-5, rows + 5), rows, step, tick,
  };
}

test("every cell of any lattice is the most that its row held while its column lasted, or not known", () => {
  for (let seed = 1; seed <= 16; seed += 1) {
    const [market, known] = [new Market(seed), new BookWindow()];
    const whole = wholes(random(seed + 50));
    for (let second = 0; second < 40; second += 1) {
      const how = whole(0, 14);
      const frame = market.second({ dark: how === 0, gone: how === 1, quiet: how < 5, book: how > 12 });
      if (how !== 1) known.apply(frame);
    }
    for (let count = 0; count < 12; count += 1) {
      const lattice = anyLattice(whole, market);
      const from = lattice.firstColumn * lattice.columnMs;
      assertModel(rasterOf(known.since(from), lattice, market.end), market, `seed ${seed}`);
      assert.deepEqual(rasterOf(known.seconds, lattice, market.end), rasterOf(known.since(from), lattice, market.end));
    }
  }
});

test("a cell is the same in every lattice that has it", () => {
  const [market, known] = [new Market(4), new BookWindow()];
  for (let second = 0; second < 20; second += 1) known.apply(market.second());
  const whole = wholes(random(4));
  const lattice = { ...anyLattice(whole, market), columnMs: 300, firstColumn: Math.floor((market.end - 15_000) / 300), columns: 50, rows: 40 };
  const large = rasterOf(known.seconds, lattice, market.end);
  for (let count = 0; count < 200; count += 1) {
    const [right, up] = [whole(0, 40), whole(0, 30)];
    const moved = { ...lattice, firstColumn: lattice.firstColumn + right, firstRow: lattice.firstRow + up, columns: 9, rows: 9 };
    const small = rasterOf(known.since(moved.firstColumn * 300), moved, market.end);
    for (let at = 0; at < 81; at += 1) {
      const [column, row] = [at % 9, Math.floor(at / 9)];
      assert.deepEqual(cellAt(small, column, row), cellAt(large, right + column, up + row));
    }
  }
});

/** A window in which one book stands for five seconds. @param {Level[]} bids @param {Level[]} asks @param {number} low
 * @param {number} high @param {number} tick  USDT
 */
function standing(bids, asks, low, high, tick) {
  const known = new BookWindow();
  for (let second = 1; second <= 5; second += 1) {
    known.apply({
      ...emptyFrame(START + 1000 * second), status: "live", tick_size: tick, bid_levels: bids.slice(0, 10), ask_levels: asks.slice(0, 10),
      updates: [], book: second === 1 ? { u: 7, T: START, low, high, bids, asks } : null,
    });
  }
  return known;
}

test("ten levels 20 USDT apart stand in their own rows, and in no others", () => {
  const bids = Array.from({ length: 10 }, (_, rank) => /** @type {Level} */ ([60_000 - 20 * rank, rank + 1]));
  const asks = Array.from({ length: 10 }, (_, rank) => /** @type {Level} */ ([60_020 + 20 * rank, rank + 0.5]));
  const known = standing(bids, asks, 59_820, 60_200, 0.1);
  for (const rows of [1, 7, 600, 3801, 5000]) {
    for (const firstPrice of [59_700, 59_820, 59_999.9, 60_020]) {
      const lattice = { firstColumn: START / 1000, columns: 5, columnMs: 1000, firstRow: Math.round(firstPrice * 10), rows, step: 1e7, tick: 1e7 };
      const raster = rasterOf(known.seconds, lattice, known.end);
      for (let column = 0; column < 5; column += 1) {
        for (let row = 0; row < rows; row += 1) {
          const price = (lattice.firstRow + row) / 10;
          const bid = bids.find(([each]) => each === price)?.[1] ?? 0;
          const ask = asks.find(([each]) => each === price)?.[1] ?? 0;
          const wanted = price < 59_820 || price > 60_200 ? null : { bid: bid * 1e8, ask: ask * 1e8 };
          const cell = cellAt(raster, column, row);
          if (cell?.bid !== wanted?.bid || cell?.ask !== wanted?.ask) assert.deepEqual(cell, wanted, `${price}`);
        }
      }
    }
  }
});

test("levels that follow on each other fill rows of 50 ticks with 50 each", () => {
  const bids = Array.from({ length: 1000 }, (_, rank) => /** @type {Level} */ ([Math.round(600_000 - rank - 1) / 10, 0.25]));
  const asks = Array.from({ length: 1000 }, (_, rank) => /** @type {Level} */ ([Math.round(600_000 + rank) / 10, 0.5]));
  const known = standing(bids, asks, 59_900, 60_099.9, 0.1);
  const lattice = { firstColumn: START / 1000 - 2, columns: 10, columnMs: 1000, firstRow: 11_975, rows: 50, step: 50e7, tick: 1e7 };
  const raster = rasterOf(known.seconds, lattice, known.end);
  for (let column = 0; column < 10; column += 1) {
    for (let row = 0; row < 50; row += 1) {
      const isKnown = column >= 2 && column < 7 && row >= 5 && row < 45;
      const wanted = row < 25 ? { bid: 12.5e8, ask: 0 } : { bid: 0, ask: 25e8 };
      assert.deepEqual(cellAt(raster, column, row), isKnown ? wanted : null, `column ${column}, row ${row}`);
    }
  }
});

test("the row of a price reaches half a tick around it", () => {
  for (const tick of [1, 1e4, 1e6, 1e7, 1e9]) {
    for (const ticks of [1, 2, 5, 50, 1000]) {
      const lattice = { step: tick * ticks, tick };
      for (let at = 0; at < 5000; at += 7) {
        const row = rowOf(at * tick, lattice);
        assert.equal(row, Math.floor(at / ticks));
        assert.ok(rowBottom(row, lattice) < at * tick && at * tick < rowBottom(row + 1, lattice));
      }
    }
  }
});

test("places outside a raster are not known", () => {
  const known = standing([[1, 1]], [[2, 1]], 0.5, 3, 0.5);
  const lattice = { firstColumn: START / 1000, columns: 3, columnMs: 1000, firstRow: 0, rows: 8, step: 5e7, tick: 5e7 };
  const raster = rasterOf(known.seconds, lattice, known.end);
  assert.deepEqual(cellAt(raster, 0, 2), { bid: 1e8, ask: 0 });
  for (const [column, row] of [[-1, 2], [3, 2], [0, -1], [0, 8]]) assert.equal(cellAt(raster, column, row), null);
});

test("a window without seconds has a raster in which nothing is known", () => {
  const raster = rasterOf([], { firstColumn: 0, columns: 3, columnMs: 100, firstRow: 0, rows: 3, step: 1, tick: 1 }, NaN);
  for (let at = 0; at < 9; at += 1) assert.equal(cellAt(raster, at % 3, Math.floor(at / 3)), null);
  assert.equal(sampleSizes(raster).length, 0);
});

test("sampled sizes are sizes of known cells, from both sides, and no more than asked for", () => {
  const [market, known] = [new Market(6), new BookWindow()];
  for (let second = 0; second < 20; second += 1) known.apply(market.second({ dark: second === 9 }));
  const lattice = {
    firstColumn: Math.floor((market.end - 25_000) / 100), columns: 300, columnMs: 100,
    firstRow: market.centre - 300, rows: 600, step: 1e7, tick: 1e7,
  };
  const raster = rasterOf(known.seconds, lattice, market.end);
  const cells = new Set();
  for (let column = 0; column < 300; column += 1) {
    for (let row = 0; row < 600; row += 1) {
      const cell = cellAt(raster, column, row);
      if (cell) cells.add(cell.bid).add(cell.ask);
    }
  }
  for (const most of [1, 10, 500, 6000]) {
    const sizes = sampleSizes(raster, most);
    assert.ok(sizes.length <= most && sizes.length > 0);
    for (const size of sizes) assert.ok(size > 0 && cells.has(size));
  }
});
