import assert from "node:assert/strict";
import test from "node:test";

import { BookWindow } from "../../../dashboard/assets/book/book_window.mjs";
import { NewestBook, restingSince, standsUntil, upTo } from "../../../dashboard/assets/book/instant.mjs";
import { numbersOf } from "../../../dashboard/assets/book/numbers.mjs";
import { PastBook } from "../../../dashboard/assets/book/past_book.mjs";
import { bestFirst, Market, random, wholes } from "./market.mjs";

/** @param {number} seed @param {number} seconds */
function watched(seed, seconds) {
  const [market, known] = [new Market(seed), new BookWindow()];
  const whole = wholes(random(seed + 99));
  for (let second = 0; second < seconds; second += 1) {
    const how = whole(0, 14);
    const frame = market.second({ dark: how === 0, gone: how === 1, quiet: how < 5, book: how > 12 });
    if (how !== 1) known.apply(frame);
  }
  known.apply(market.second());
  return { market, known, whole };
}

test("the book at any instant is the market's, whichever instants were asked for before", () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const { market, known, whole } = watched(seed, 50);
    const times = market.states.flatMap(({ time }) => [time - 1, time]);
    for (let count = 0; count < 60; count += 1) times.push(market.end - whole(-500, 52_000));
    for (let count = 0; count < 150; count += 1) {
      const time = times[whole(0, times.length - 1)];
      const found = new PastBook().at(known, time);
      const book = market.at(time)?.book;
      assert.equal(found === null, !book, `seed ${seed}, ${market.end - time} ms ago`);
      if (!found || !book) continue;
      assert.deepEqual([found.u, found.low, found.high], [book.u, book.low, book.high], `seed ${seed}, ${market.end - time} ms ago`);
      assert.ok(found.time <= time);
      for (const side of /** @type {const} */ ([0, 1])) {
        const prices = bestFirst(book.sides[side], side);
        assert.deepEqual(Array.from(found.prices[side]), prices);
        assert.deepEqual(Array.from(found.sizes[side]), prices.map((price) => book.sides[side].get(price)));
      }
    }
  }
});

test("the book of an instant stands until it is said to, and is found again in most of a second", () => {
  let [stood, asked] = [0, 0];
  for (let seed = 1; seed <= 20; seed += 1) {
    const { market, known, whole } = watched(seed, 50);
    for (let count = 0; count < 150; count += 1) {
      const time = market.end - whole(0, 52_000);
      const seconds = known.since(time);
      const until = standsUntil(seconds, time);
      const first = new PastBook().at(known, time);
      assert.ok(until >= time || until > known.end - 1);
      asked += 1;
      if (until > time) stood += 1;
      for (const share of [0.3, 0.99]) {
        const later = Math.floor(time + share * (until - time));
        if (later < time || later > known.end) continue;
        const again = new PastBook().at(known, later);
        assert.deepEqual([again?.u, again?.low, again?.high], [first?.u, first?.low, first?.high], `seed ${seed}, ${market.end - time}`);
      }
    }
  }
  assert.ok(stood > 0.5 * asked);
});

test("nothing is known before the first book, after the newest second, and without seconds", () => {
  const { market, known } = watched(1, 10);
  assert.equal(new PastBook().at(known, market.states[0].time - 1), null);
  assert.equal(new PastBook().at(known, known.end + 1), null);
  assert.equal(new PastBook().at(known, NaN), null);
  assert.equal(new PastBook().at(new BookWindow(), 5), null);
  assert.ok(new PastBook().at(known, known.end));
});

test("the newest book is the market's, however many seconds come at once", () => {
  let told = 0;
  for (let seed = 1; seed <= 20; seed += 1) {
    const [market, known, newest] = [new Market(seed), new BookWindow(), new NewestBook()];
    const whole = wholes(random(seed + 3));
    for (let second = 0; second < 60; second += 1) {
      const how = whole(0, 14);
      const frame = market.second({ dark: how === 0, gone: how === 1, quiet: how < 5, book: how > 12 });
      if (how !== 1) known.apply(frame);
      if (how === 2) continue;
      const found = newest.of(known);
      assert.equal(found === null, known.book === null, `seed ${seed}, second ${second}`);
      if (!found) continue;
      const book = market.covered();
      for (const side of /** @type {const} */ ([0, 1])) {
        const prices = bestFirst(book.sides[side], side);
        if (!known.book || found.u !== known.book.u) throw new Error(`seed ${seed}, second ${second}`);
        if (how === 1) continue; // the market has gone on
        assert.deepEqual(Array.from(found.prices[side]), prices);
        assert.deepEqual(Array.from(found.sizes[side]), prices.map((price) => book.sides[side].get(price)));
        told += 1;
      }
    }
  }
  assert.ok(told > 1000, `${told}`);
});

/** Since when a level has stood by the market's own copies; null where it was there, or might have been, before all that is
 * known of it. @param {Market} market @param {number} price @param {number} side @param {number} time
 */
function standingSince(market, price, side, time) {
  const last = market.states.findLastIndex((state) => state.time <= time);
  let since = null;
  for (let at = last; at >= 0; at -= 1) {
    const { book } = market.states[at];
    if (!book) return null;
    if (!book.sides[side].has(price)) return price >= book.low && price <= book.high ? since : null;
    since = market.states[at].time;
  }
  return null;
}

test("since when a level has stood is what the copies of all books say", () => {
  let told = 0;
  for (let seed = 1; seed <= 20; seed += 1) {
    const { market, known, whole } = watched(seed, 40);
    for (let count = 0; count < 80; count += 1) {
      const time = market.end - whole(0, 30_000);
      const book = market.at(time)?.book;
      if (!book) continue;
      const side = whole(0, 1);
      const prices = Array.from(book.sides[side].keys());
      const price = prices[whole(0, prices.length - 1)];
      const wanted = standingSince(market, price, side, time);
      assert.equal(restingSince(known.seconds, price, side, time), wanted, `seed ${seed}, price ${price}, ${market.end - time} ms ago`);
      told += Number(wanted !== null);
    }
  }
  assert.ok(told > 100, `${told}`);
});

test("what stands up to a price is the sum of the levels to it", () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const { market, known, whole } = watched(seed, 5);
    const book = new PastBook().at(known, known.end);
    const model = market.covered();
    if (!book) throw new Error("not known");
    for (let count = 0; count < 50; count += 1) {
      const side = whole(0, 1);
      const price = (market.centre + whole(-200, 200)) * market.tick;
      const inside = Array.from(model.sides[side]).filter(([level]) => (side ? level <= price : level >= price));
      const [size, cost] = upTo(book, price, side);
      assert.equal(size, inside.reduce((sum, [, each]) => sum + each, 0));
      const wanted = inside.reduce((sum, [level, each]) => sum + (each / 1e8) * (level / 1e8), 0);
      assert.ok(Math.abs(cost - wanted) <= 1e-9 * wanted);
    }
  }
});

test("the numbers of a book are the formulas' on its ten best levels, and null where there are fewer", () => {
  const { market, known } = watched(2, 5);
  const book = new PastBook().at(known, known.end);
  if (!book) throw new Error("not known");
  const [bids, asks] = [market.levels(0).slice(0, 10), market.levels(1).slice(0, 10)];
  const found = numbersOf(book);
  const [bid, ask] = [bids[0], asks[0]];
  const total = (/** @type {[number, number][]} */ levels) => levels.reduce((sum, [, size]) => sum + size, 0);
  const near = (/** @type {number | null} */ value, /** @type {number} */ wanted) => assert.ok(value !== null && Math.abs(value - wanted) < 1e-7);
  near(found.mid_price, (bid[0] + ask[0]) / 2);
  near(found.spread, ask[0] - bid[0]);
  near(found.microprice, (bid[0] * ask[1] + ask[0] * bid[1]) / (bid[1] + ask[1]));
  near(found.imbalance, (total(bids) - total(asks)) / (total(bids) + total(asks)));
  assert.equal(numbersOf({ ...book, prices: [book.prices[0].slice(0, 9), book.prices[1]] }).mid_price, null);
});
