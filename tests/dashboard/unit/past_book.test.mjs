import assert from "node:assert/strict";
import test from "node:test";

import { BookWindow } from "../../../dashboard/assets/book/book_window.mjs";
import { PastBook } from "../../../dashboard/assets/book/past_book.mjs";
import { Market, random, wholes } from "./market.mjs";

test("a book of the past is the one that is found anew, on and back in time, while seconds come", () => {
  let told = 0;
  for (let seed = 1; seed <= 20; seed += 1) {
    const [market, known, past] = [new Market(seed), new BookWindow(), new PastBook()];
    const whole = wholes(random(seed + 41));
    let time = 0;
    for (let second = 0; second < 60; second += 1) {
      const how = whole(0, 14);
      const frame = market.second({ dark: how === 0, gone: how === 1, quiet: how < 5, book: how > 12 });
      if (how !== 1) known.apply(frame);
      for (let count = 0; count < 8; count += 1) {
        time = whole(0, 3) && time ? time + whole(-1500, 1500) : market.end - whole(-500, 60_000); // near by, or anywhere
        const wanted = new PastBook().at(known, time);
        assert.deepEqual(past.at(known, time), wanted, `seed ${seed}, second ${second}, ${market.end - time} ms ago`);
        told += Number(wanted !== null);
      }
    }
  }
  assert.ok(told > 3000, `${told}`);
});

test("a book that stands is the same one, so that nothing is drawn anew", () => {
  const [market, known, past] = [new Market(5), new BookWindow(), new PastBook()];
  for (let second = 0; second < 10; second += 1) known.apply(market.second());
  const book = past.at(known, known.end - 2000);
  if (!book) throw new Error("not known");
  assert.equal(past.at(known, book.time), book);
  known.apply(market.second());
  assert.equal(past.at(known, book.time), book, "another second does not change it");
  assert.notEqual(past.at(known, book.time - 1), book);
});
