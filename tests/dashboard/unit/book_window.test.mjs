import assert from "node:assert/strict";
import test from "node:test";

import { BookWindow, MOST_HELD_MS, WINDOW_MS } from "../../../dashboard/assets/book/book_window.mjs";
import { PastBook } from "../../../dashboard/assets/book/past_book.mjs";
import { walk } from "../../../dashboard/assets/book/timeline.mjs";
import { bestFirst, Market, random, rowOfHistory, wholes } from "./market.mjs";

/** @import {Detection} from "../../../dashboard/types/frames.d.ts" */
/** @import {TrackedBook} from "../../../dashboard/assets/book/tracked_book.mjs" */

const SEEDS = Array.from({ length: 25 }, (_, index) => index + 1);

/** @param {TrackedBook | null} book @param {Market} market */
function assertSame(book, market) {
  const covered = market.covered();
  if (!book) throw new assert.AssertionError({ message: "the book is not known" });
  assert.deepEqual([book.u, book.low, book.high], [covered.u, covered.low, covered.high]);
  for (const side of [0, 1]) {
    const prices = bestFirst(covered.sides[side], side);
    assert.deepEqual(bestFirst(book.sides[side], side), prices);
    assert.deepEqual(prices.map((price) => book.sides[side].get(price)), prices.map((price) => covered.sides[side].get(price)));
    assert.equal(book.near[side].at(0), prices[0]);
    assert.equal(book.near[side].at(9), prices[9]);
  }
}

/** The book at `time` as the window has it, told as plainly as the market's. @param {BookWindow} known @param {number} time */
function sidesAt(known, time) {
  const book = new PastBook().at(known, time);
  return book && [book.u, book.low, book.high, ...[...book.prices, ...book.sizes].map((each) => Array.from(each))];
}

/** @param {Market} market @param {number} time */
function modelAt(market, time) {
  const book = market.at(time)?.book;
  if (!book) return null;
  const prices = book.sides.map(bestFirst);
  return [book.u, book.low, book.high, ...prices, ...prices.map((each, side) => each.map((price) => book.sides[side].get(price)))];
}

test("after each second the book is the market's, through growth, shrinking, quiet and dark seconds", () => {
  for (const seed of SEEDS) {
    const [market, known] = [new Market(seed), new BookWindow()];
    const whole = wholes(random(seed + 1000));
    for (let second = 0; second < 60; second += 1) {
      const dark = whole(0, 9) === 0;
      const { version } = known;
      known.apply(market.second({ dark, quiet: whole(0, 4) === 0, book: whole(0, 9) === 0 }));
      assert.ok(known.version > version);
      assert.equal(known.end, market.end);
      assert.equal(known.broken, false);
      if (dark) assert.equal(known.book, null);
      else assertSame(known.book, market);
    }
  }
});

test("a second without updates leaves the book known", () => {
  const [market, known] = [new Market(5), new BookWindow()];
  known.apply(market.second());
  for (let second = 0; second < 5; second += 1) known.apply(market.second({ quiet: true }));
  assertSame(known.book, market);
  assert.deepEqual(known.seconds.slice(1).map(({ changes }) => changes?.times.length), [0, 0, 0, 0, 0]);
  assert.deepEqual(sidesAt(known, market.end), modelAt(market, market.end));
});

test("a missed second leaves nothing known until the next whole book", () => {
  for (const seed of SEEDS) {
    const [market, known] = [new Market(seed), new BookWindow()];
    for (let second = 0; second < 5; second += 1) known.apply(market.second());
    do market.second({ gone: true }); while (known.book?.u === market.u);
    const frame = market.second();
    known.apply({ ...frame, book: null });
    if (frame.updates?.length) assert.equal(known.book, null);
    if (frame.updates?.length) assert.equal(known.broken, true);
    for (const ago of [0, 500, 1000, 1500, 1999]) if (frame.updates?.length) assert.equal(sidesAt(known, market.end - ago), null);
    known.apply(market.second({ book: true }));
    assertSame(known.book, market);
  }
});

test("an update within a second that does not follow gives up the whole second", () => {
  const [market, known] = [new Market(3), new BookWindow()];
  known.apply(market.second());
  let frame = market.second();
  while (!frame.updates || frame.updates.length < 3) {
    known.apply(frame);
    frame = market.second();
  }
  frame.updates.splice(1, 1);
  known.apply(frame);
  assert.equal(known.book, null);
  assert.equal(known.broken, true);
  assert.equal(known.seconds.at(-1)?.changes, null);
});

test("a book that is not what the ten levels say is not believed", () => {
  for (const seed of SEEDS) {
    const [market, known] = [new Market(seed), new BookWindow()];
    const whole = wholes(random(seed));
    for (let second = 0; second < 3; second += 1) known.apply(market.second());
    const frame = market.second({ book: whole(0, 1) === 0 });
    const levels = /** @type {import("../../../dashboard/types/frames.d.ts").Level[]} */ (whole(0, 1) ? frame.bid_levels : frame.ask_levels);
    const rank = whole(0, 9);
    levels[rank] = whole(0, 1) ? [levels[rank][0], levels[rank][1] + 0.001] : [levels[rank][0] + 1e-8, levels[rank][1]];
    known.apply(frame);
    assert.equal(known.book, null);
    assert.equal(known.broken, true);
    assert.deepEqual([known.seconds.at(-1)?.changes, known.seconds.at(-1)?.base], [null, null]);
    known.apply(market.second({ book: true }));
    assertSame(known.book, market);
  }
});

test("a history and the frame that brings it tell what their frames told one by one", () => {
  for (const seed of SEEDS) {
    const market = new Market(seed);
    const whole = wholes(random(seed + 7));
    const rows = Array.from({ length: 40 }, () => rowOfHistory(market.second({ dark: whole(0, 12) === 0, book: whole(0, 9) === 0 })));
    const known = new BookWindow();
    known.apply({ ...market.second(), history: rows });
    assertSame(known.book, market);
    assert.equal(known.seconds.length, 41);
    for (let count = 0; count < 60; count += 1) {
      const time = market.end - whole(0, 41_000);
      assert.deepEqual(sidesAt(known, time), modelAt(market, time), `seed ${seed}, ${market.end - time} ms ago`);
    }
  }
});

test("a history mends what was missed, and what is older stays", () => {
  for (const seed of SEEDS) {
    const [market, known] = [new Market(seed), new BookWindow()];
    for (let second = 0; second < 20; second += 1) known.apply(market.second({ book: second % 10 === 0 }));
    const oldest = known.seconds[0].row.timestamp;
    const rows = Array.from({ length: 8 }, (_, second) => rowOfHistory(market.second({ book: second === 3 })));
    known.apply({ ...market.second(), book: null, history: rows });
    assert.equal(known.broken, false);
    assert.equal(known.seconds[0].row.timestamp, oldest);
    assert.deepEqual(known.seconds.map(({ row }) => row.timestamp), Array.from({ length: 29 }, (_, index) => oldest + 1000 * index));
    assertSame(known.book, market);
  }
});

test("a history that begins behind a hole leaves the hole unknown, and mixes nothing", () => {
  for (const seed of SEEDS) {
    const [market, known] = [new Market(seed), new BookWindow()];
    for (let second = 0; second < 10; second += 1) known.apply(market.second());
    for (let second = 0; second < 5; second += 1) market.second({ gone: true });
    const rows = Array.from({ length: 4 }, () => rowOfHistory(market.second()));
    known.apply({ ...market.second(), history: rows });
    assertSame(known.book, market);
    for (let time = market.end - 20_500; time <= market.end; time += 37) {
      assert.deepEqual(sidesAt(known, time), modelAt(market, time), `seed ${seed}, ${market.end - time} ms ago`);
    }
  }
});

test("a whole book that does not follow on the one before takes its place", () => {
  for (const seed of SEEDS) {
    const [market, known] = [new Market(seed), new BookWindow()];
    for (let second = 0; second < 6; second += 1) known.apply(market.second());
    market.second({ gone: true });
    for (let second = 0; second < 6; second += 1) known.apply(market.second());
    for (let time = market.end - 13_500; time <= market.end; time += 23) {
      assert.deepEqual(sidesAt(known, time), modelAt(market, time), `seed ${seed}, ${market.end - time} ms ago`);
    }
  }
});

test("a whole book that covers more than the one before, at the same update, takes its place", () => {
  for (const seed of SEEDS) {
    const [market, known] = [new Market(seed), new BookWindow()];
    for (let second = 0; second < 3; second += 1) known.apply(market.second());
    market.lose(market.end);
    market.growth();
    for (let second = 0; second < 3; second += 1) known.apply(market.second());
    for (let time = market.end - 6000; time <= market.end; time += 23) assert.deepEqual(sidesAt(known, time), modelAt(market, time));
    /** @type {number[]} */
    const begun = [];
    walk(known.seconds, { begin: (_, base) => begun.push(base.low), update() {}, lose() {} });
    assert.equal(begun.length, 2);
    assert.ok(begun[1] < begun[0]);
  }
});

test("a history of another run replaces all", () => {
  const known = new BookWindow();
  const late = new Market(1, { start: 1_800_000_500_000 });
  for (let second = 0; second < 5; second += 1) known.apply(late.second());
  const early = new Market(2);
  const rows = Array.from({ length: 5 }, () => rowOfHistory(early.second()));
  known.apply({ ...early.second(), history: rows });
  assert.equal(known.seconds.length, 6);
  assert.equal(known.end, early.end);
  assertSame(known.book, early);
  known.apply({ ...late.second({ book: true }), history: [] });
  assert.equal(known.seconds.length, 1);
  assertSame(known.book, late);
});

test("where the engine's clock was set back, the seconds that come again replace those that were", () => {
  for (const seed of SEEDS) {
    const [market, known] = [new Market(seed), new BookWindow()];
    for (let second = 0; second < 20; second += 1) known.apply(market.second());
    const again = market.second({ quiet: true });
    known.apply({ ...again, timestamp: again.timestamp - 6000 });
    assert.equal(known.end, market.end - 6000);
    assert.deepEqual(known.seconds.map(({ row }) => row.timestamp), known.seconds.map(({ row }) => row.timestamp).toSorted((a, b) => a - b));
    assert.equal(new Set(known.seconds.map(({ row }) => row.timestamp)).size, known.seconds.length);
    assert.equal(known.broken, true);
    market.end -= 6000;
    known.apply(market.second({ book: true }));
    assertSame(known.book, market);
  }
});

test("the window keeps its length, and the whole book that it begins with", () => {
  const [market, known] = [new Market(11), new BookWindow()];
  for (let second = 0; second < 260; second += 1) {
    known.apply(market.second({ book: second % 30 === 0, dark: second === 100 }));
    assert.ok(known.seconds.length <= 180 + 31);
    assert.ok(known.oldest <= Math.max(known.begin, market.end - 1000 * (second + 1)));
    assert.ok(known.seconds[0].base || !known.seconds[0].changes);
  }
  for (let time = known.begin; time <= known.end; time += 331) assert.deepEqual(sidesAt(known, time), modelAt(market, time));
  assert.equal(known.begin, known.end - WINDOW_MS);
});

test("what a held view shows is kept, for ten minutes", () => {
  const [market, known] = [new Market(12), new BookWindow()];
  for (let second = 0; second < 200; second += 1) known.apply(market.second({ book: second % 30 === 0 }));
  const from = known.end - 100_000;
  known.heldFrom = from;
  for (let second = 0; second < 500; second += 1) known.apply(market.second({ book: second % 30 === 0 }));
  assert.ok(known.oldest <= from);
  assert.deepEqual(sidesAt(known, from), modelAt(market, from));
  assert.ok(sidesAt(known, from));
  for (let second = 0; second < 300; second += 1) known.apply(market.second({ book: second % 30 === 0 }));
  assert.ok(known.end - known.oldest <= MOST_HELD_MS + 31_000);
  known.heldFrom = Infinity;
  known.apply(market.second());
  assert.ok(known.seconds.length <= 180 + 31);
});

test("since() leads to every instant from there on", () => {
  for (const seed of SEEDS) {
    const [market, known] = [new Market(seed), new BookWindow()];
    const whole = wholes(random(seed));
    for (let second = 0; second < 50; second += 1) known.apply(market.second({ book: whole(0, 6) === 0, dark: whole(0, 9) === 0 }));
    for (let count = 0; count < 20; count += 1) {
      const from = market.end - whole(0, 51_000);
      const seconds = known.since(from);
      const time = whole(from, market.end);
      assert.deepEqual(new PastBook().at(Object.create(known, { seconds: { value: seconds } }), time), new PastBook().at(known, time));
    }
  }
});

test("another symbol begins with nothing, and is another version", () => {
  const [market, known] = [new Market(1), new BookWindow()];
  for (let second = 0; second < 5; second += 1) known.apply(market.second());
  known.heldFrom = 5;
  const { version } = known;
  known.clear();
  assert.equal(known.version, version + 1);
  assert.deepEqual(
    [known.seconds, known.frame, known.book, known.tick, known.broken, known.heldFrom], [[], null, null, 0, false, Infinity],
  );
  assert.ok(Number.isNaN(known.end) && Number.isNaN(known.oldest));
  const other = new Market(2, { tick: 1e4, mid: 31_000, start: 1_700_000_000_000 });
  known.apply(other.second());
  assertSame(known.book, other);
  assert.equal(known.tick, 1e4);
});

test("the tick is the frames', or what all prices are multiples of", () => {
  const known = new BookWindow();
  const coarse = new Market(1);
  known.apply(coarse.second());
  assert.equal(known.tick, 1e7);
  const fine = new Market(2, { tick: 1e6, mid: 6_000_000, start: coarse.end });
  for (let second = 0; second < 5; second += 1) known.apply(fine.second());
  assert.equal(known.tick, 1e6);
  assertSame(known.book, fine);
  known.clear();
  known.apply({ ...new Market(3).second(), tick_size: null });
  assert.equal(known.tick, 1e7);
});

test("levels far apart, and tiny and huge prices, are followed exactly", () => {
  for (const options of [{ gap: 2000 }, { tick: 1, mid: 2000 }, { tick: 1e8, mid: 4_000_000 }, { tick: 1e3, mid: 90_000, gap: 1 }]) {
    const [market, known] = [new Market(9, options), new BookWindow()];
    for (let second = 0; second < 40; second += 1) {
      known.apply(market.second());
      assertSame(known.book, market);
    }
  }
});

test("a frame that is kept carries none of what the seconds hold", () => {
  const [market, known] = [new Market(1), new BookWindow()];
  known.apply({ ...market.second(), history: [] });
  assert.deepEqual([known.frame?.history, known.frame?.updates, known.frame?.book, known.frame?.tape], [undefined, null, null, null]);
  assert.deepEqual([known.seconds[0].row.updates, known.seconds[0].row.book], [null, null]);
});

/** A detection as it fires. @param {string} id @param {number} magnitude @param {number | null} rank @returns {Detection} */
function fired(id, magnitude, rank) {
  const [started_at, price] = [Number(id), 60_000];
  return { id, kind: "sweep", event: "fired", side: "bid", price, started_at, time: started_at, reason: null, magnitude, rank, evidence: {} };
}

test("what is shown stays as long as it is in the window, though larger ones come, in a paused view and in one that follows", () => {
  const [market, known] = [new Market(7), new BookWindow()];
  const wanted = { kinds: new Set(["sweep"]), rank: 0.8 };
  const shown = () => known.wanted(wanted).map(({ id }) => id);
  const next = (/** @type {Detection[]} */ detections) => known.apply({ ...market.second(), detections });
  next([fired("1", 1, 0.85)]);
  assert.deepEqual(shown(), ["1"]);
  const more = Array.from({ length: 6 }, (_, index) => fired(String(index + 2), 2, 0.95));
  known.heldFrom = known.end - 1000;
  next(more);
  assert.deepEqual(shown(), ["1"]);
  assert.deepEqual(known.wanted({ ...wanted, rank: 1 }).map(({ id }) => id), []);
  known.heldFrom = Infinity;
  assert.deepEqual(shown(), ["1"]);
  assert.deepEqual(known.wanted({ ...wanted, rank: 0.801 }).map(({ id }) => id), [], "asked for otherwise, it was not shown before");
  for (let second = 0; second < 240; second += 1) known.apply({ ...market.second({ book: second % 30 === 0 }), detections: [] });
  assert.deepEqual(shown(), []);
});
