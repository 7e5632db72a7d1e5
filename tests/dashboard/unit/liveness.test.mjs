import assert from "node:assert/strict";
import test from "node:test";

import { Liveness } from "../../../dashboard/assets/feed/liveness.mjs";
import { random } from "./market.mjs";

const WALL = 1_800_000_000_000;

/** A page with both clocks, which hears frames whose times are by a right clock, 50 ms late. */
class Page {
  constructor() {
    this.live = new Liveness();
    this.true = 0; // ms that really passed
    this.asleep = 0; // ms in which the steady clock stood still
    this.set = 0; // ms by which somebody set the wall clock
    this.rate = 1; // of the steady clock
  }

  get steady() {
    return (this.true - this.asleep) * this.rate + 5000;
  }

  /** Let time go by, with frames or without. @param {number} seconds @param {boolean} [heard] */
  run(seconds, heard = true) {
    for (let second = 0; second < seconds; second += 1) {
      this.true += 1000;
      if (heard) this.live.heard(WALL + this.true - 50, this.steady);
      this.tick();
    }
  }

  tick() {
    this.live.tick(this.steady, WALL + this.true + this.set);
  }

  get trouble() {
    return this.live.trouble(this.steady, "BTCUSDT");
  }
}

test("before the first frame the page says so, and has no age", () => {
  const page = new Page();
  page.run(3, false);
  assert.equal(page.trouble, "no frame of BTCUSDT yet; connecting to the API");
  assert.ok(Number.isNaN(page.live.age(page.steady)));
});

test("while frames come there is no trouble; without them there is, after two and a half seconds", () => {
  const page = new Page();
  page.run(20);
  assert.equal(page.trouble, "");
  page.run(2, false);
  assert.equal(page.trouble, "");
  page.run(1, false);
  assert.match(page.trouble, /^no frame for 3 s/u);
  page.run(60, false);
  assert.match(page.trouble, /^no frame for 63 s/u);
  page.run(1);
  assert.equal(page.trouble, "");
});

test("a wall clock that is set ahead is doubted until the next frame, one set back never", () => {
  for (const jump of [2000, 60_000, 1e9]) {
    const page = new Page();
    page.run(5);
    page.set += jump;
    page.tick();
    assert.match(page.trouble, /slept, or its clock was set/u);
    page.run(1);
    assert.equal(page.trouble, "");
    page.set -= jump;
    page.tick();
    assert.equal(page.trouble, "");
    page.run(5);
    assert.equal(page.trouble, "");
    page.run(4, false);
    assert.match(page.trouble, /^no frame for 4 s/u);
  }
});

test("after a sleep through which the steady clock stood still, what was before is doubted", () => {
  const page = new Page();
  page.run(5);
  page.true += 3_600_000;
  page.asleep += 3_600_000;
  page.tick();
  assert.match(page.trouble, /slept/u);
  page.run(1);
  assert.equal(page.trouble, "");
  assert.ok(page.live.age(page.steady) < 1500);
  page.run(3, false);
  assert.match(page.trouble, /^no frame for 3 s/u);
});

test("a sleep that the steady clock went through makes the newest frame old", () => {
  const page = new Page();
  page.run(5);
  page.true += 3_600_000;
  page.tick();
  assert.match(page.trouble, /^no frame for 3600 s/u);
  page.run(1);
  assert.equal(page.trouble, "");
});

test("frames that were held up say their age when they come", () => {
  const page = new Page();
  page.run(5);
  const from = page.true;
  page.run(10, false);
  page.live.heard(WALL + from + 950, page.steady);
  assert.match(page.trouble, /^no frame for 9 s/u);
  page.run(1);
  assert.equal(page.trouble, "");
});

test("an engine whose clock was set back, or ahead, is believed again", () => {
  for (const jump of [-3_600_000, -5000, 3_600_000]) {
    const page = new Page();
    page.run(5);
    page.true += 1000;
    page.live.heard(WALL + page.true + jump, page.steady);
    page.tick();
    assert.equal(page.trouble, "");
    page.true += 1000;
    page.live.heard(WALL + page.true + jump, page.steady);
    page.tick();
    assert.equal(page.trouble, "");
  }
});

test("a steady clock that goes a little wrong tells no trouble after days, and still tells of silence", () => {
  for (const drift of [-5e-5, 5e-5]) {
    const page = new Page();
    page.rate = 1 + drift;
    page.run(3 * 86_400);
    assert.equal(page.trouble, "", `${drift}`);
    page.run(4, false);
    assert.match(page.trouble, /^no frame for/u);
  }
});

test("frames that come early or late by less than a second are no trouble", () => {
  const next = random(3);
  const page = new Page();
  for (let second = 1; second < 2000; second += 1) {
    page.live.heard(WALL + 1000 * second, 5000 + 1000 * second + 900 * next());
    page.live.tick(5000 + 1000 * second + 950, WALL + 1000 * second + 950);
    assert.equal(page.live.trouble(5000 + 1000 * second + 950, "X"), "");
  }
});

test("another symbol begins without a frame, but knows the clocks", () => {
  const page = new Page();
  page.run(5);
  page.live.reset();
  assert.match(page.trouble, /^no frame of BTCUSDT yet/u);
  page.run(1);
  assert.equal(page.trouble, "");
  page.set += 5000;
  page.tick();
  assert.match(page.trouble, /slept/u);
});
