import assert from "node:assert/strict";
import test from "node:test";

import { Connection } from "../../../dashboard/assets/feed/connection.mjs";

/** A connection whose openings are noted, on a clock that ticks four times a second. */
class Line {
  constructor() {
    /** @type {number[]} */
    this.openings = [];
    /** @type {string[]} */
    this.urls = [];
    this.now = 1000;
    this.connection = new Connection("ws://host:1", (url) => {
      this.openings.push(this.now);
      this.urls.push(url);
    });
  }

  /** @param {number} ms @param {() => void} [each] */
  run(ms, each) {
    for (const end = this.now + ms; this.now < end;) {
      this.now += 250;
      each?.();
      this.connection.tick(this.now);
    }
  }

  hear() {
    return this.connection.heard(this.connection.url, this.now);
  }

  /** Ms between the openings. */
  get waits() {
    return this.openings.slice(1).map((at, index) => at - this.openings[index]);
  }
}

test("without a symbol nothing is opened", () => {
  const line = new Line();
  line.run(60_000);
  assert.deepEqual(line.openings, []);
});

test("each opening asks for updates at an address of its own", () => {
  const line = new Line();
  line.connection.follow("BTC/USDT", line.now);
  line.run(30_000, () => line.connection.lost());
  assert.equal(line.urls[0], "ws://host:1/ws/BTC%2FUSDT?updates=1&try=1");
  assert.equal(new Set(line.urls).size, line.urls.length);
});

test("one that closes at once is opened again after longer and longer waits, up to five seconds", () => {
  const line = new Line();
  line.connection.follow("BTCUSDT", line.now);
  line.run(60_000, () => line.connection.lost());
  [500, 1000, 2000, 4000].forEach((wait, index) => assert.ok(line.waits[index] > wait && line.waits[index] <= wait + 500, `${line.waits}`));
  for (const wait of line.waits.slice(4)) assert.ok(wait > 5000 && wait <= 5500);
  line.run(3_600_000, () => line.connection.lost());
  assert.ok((line.waits.at(-1) ?? 0) <= 5500);
});

test("one that is silent is opened again, not more often than every three and a half seconds", () => {
  const line = new Line();
  line.connection.follow("BTCUSDT", line.now);
  line.run(60_000);
  assert.ok(line.openings.length >= 10);
  for (const wait of line.waits) assert.ok(wait > 3500 && wait <= 5500);
});

test("one that speaks stays, and after ten seconds the waits begin anew", () => {
  const line = new Line();
  line.connection.follow("BTCUSDT", line.now);
  line.run(20_000, () => line.connection.lost());
  assert.ok(line.connection.attempts > 2);
  line.connection.closed = false;
  const { length } = line.openings;
  line.run(60_000, () => line.hear());
  assert.equal(line.openings.length, length);
  assert.equal(line.connection.attempts, 0);
  line.connection.lost();
  const lostAt = line.now;
  line.run(1000);
  assert.equal(line.openings[length] - lostAt, 250);
});

test("what comes from a connection given up counts for nothing", () => {
  const line = new Line();
  line.connection.follow("BTCUSDT", line.now);
  const { url } = line.connection;
  line.connection.follow("ETHUSDT", line.now);
  assert.equal(line.connection.heard(url, line.now), false);
  assert.equal(line.hear(), true);
});

test("a page that was asleep listens first", () => {
  const line = new Line();
  line.connection.follow("BTCUSDT", line.now);
  line.run(20_000, () => line.hear());
  const { length } = line.openings;
  line.now += 3_600_000;
  line.connection.tick(line.now);
  line.run(2000);
  assert.equal(line.openings.length, length);
  line.run(4000);
  assert.equal(line.openings.length, length + 1);
});

test("the history is asked for again at once, but not every second", () => {
  const line = new Line();
  line.connection.follow("BTCUSDT", line.now);
  line.run(4000, () => line.hear());
  line.connection.again(line.now);
  assert.equal(line.openings.length, 1);
  line.run(30_000, () => {
    line.hear();
    line.connection.again(line.now);
  });
  for (const wait of line.waits) assert.ok(wait >= 5000);
  assert.ok(line.openings.length >= 5);
});

test("another symbol is asked for at once, whatever the wait", () => {
  const line = new Line();
  line.connection.follow("BTCUSDT", line.now);
  line.run(20_000, () => line.connection.lost());
  const { length } = line.openings;
  line.connection.follow("ETHUSDT", line.now);
  assert.equal(line.openings.length, length + 1);
  assert.equal(line.connection.attempts, 0);
  assert.equal(line.connection.closed, false);
});
