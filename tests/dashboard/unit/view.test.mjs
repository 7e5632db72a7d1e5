import assert from "node:assert/strict";
import test from "node:test";

import { msAColumn, ticksARow, View } from "../../../dashboard/assets/map/view.mjs";
import { random, wholes } from "./market.mjs";

/** @import {Limits} from "../../../dashboard/assets/map/view.mjs" */

const NOW = 1_800_000_000_000;

/** @param {Partial<Limits>} [other] @returns {Limits} */
function limitsOf(other) {
  return { oldest: NOW - 180_000, now: NOW, lowest: 59_000, highest: 61_000, tick: 0.1, windowMs: 180_000, ...other };
}

/** @param {Limits} limits @param {[number, number]} [path] */
function shown(limits, path = [59_990, 60_010]) {
  const view = new View();
  view.advance(limits, () => path);
  return view;
}

/** @param {View} view */
function assertSound({ range: { from, to, low, high } }) {
  for (const value of [from, to, low, high]) assert.ok(Number.isFinite(value));
  assert.ok(to > from && high > low, `${from} ${to} ${low} ${high}`);
}

/** @param {number} value @param {number} wanted @param {number} within */
function near(value, wanted, within) {
  assert.ok(Math.abs(value - wanted) <= within, `${value}, not ${wanted}`);
}

test("a view that follows has now near its right edge, and the whole window", () => {
  const view = shown(limitsOf());
  assert.ok(view.range.to > NOW && view.range.to < NOW + 0.03 * 180_000);
  near(view.range.from, NOW - 180_000, 1);
  for (let second = 1; second < 300; second += 1) {
    view.advance(limitsOf({ now: NOW + 1000 * second }), () => [59_990, 60_010]);
    near(view.range.from, NOW - 180_000 + 1000 * second, 1);
  }
});

test("a held view keeps its prices while more becomes known and the price moves on", () => {
  const view = shown(limitsOf());
  view.pause(limitsOf());
  const held = { ...view.range };
  const { lowest, highest } = limitsOf();
  /** @param {number} _from @param {number} to @returns {[number, number]} */
  const path = (_from, to) => [to > NOW ? 59_700 : 59_990, 60_010];
  for (const more of [100, 1000]) {
    view.advance(limitsOf({ now: NOW + 10 * more, lowest: lowest - more, highest: highest + more }), path);
    assert.deepEqual(view.range, held);
  }
  view.follow(limitsOf({ now: NOW + 20_000, lowest: lowest - 1000, highest: highest + 1000 }));
  view.advance(limitsOf({ now: NOW + 20_000, lowest: lowest - 1000, highest: highest + 1000 }), path);
  assert.ok(view.range.low < held.low);
});

test("zooming out hundreds of times ends at what there is", () => {
  for (const following of [true, false]) {
    const limits = limitsOf({ oldest: NOW - 400_000 });
    const view = shown(limits);
    if (!following) view.pause(limits);
    for (let step = 0; step < 500; step += 1) {
      view.zoomTime(1.2, NOW - 50_000, limits);
      view.zoomPrice(1.2, 60_100, limits);
      assertSound(view);
    }
    near(view.range.to - view.range.from, 400_000 * 1.02, 1);
    near(view.range.to, NOW + 8000, 200);
    near(view.range.high - view.range.low, 2500, 1e-6);
    near(view.range.low, 58_750, 1e-6);
  }
});

test("zooming in hundreds of times ends at some ticks and seconds, still around the pointer", () => {
  const limits = limitsOf();
  const view = shown(limits);
  view.pause(limits);
  for (let step = 0; step < 500; step += 1) {
    view.zoomTime(0.8, NOW - 50_000, limits);
    view.zoomPrice(0.8, 60_001, limits);
    assertSound(view);
  }
  near(view.range.to - view.range.from, 2000, 1e-3);
  near(view.range.high - view.range.low, 0.6, 1e-6);
  assert.ok(view.range.from < NOW - 50_000 && view.range.to > NOW - 50_000);
  assert.ok(view.range.low < 60_001 && view.range.high > 60_001);
});

test("what is under the pointer stays there while zooming, away from the ends", () => {
  const limits = limitsOf();
  const view = shown(limits);
  view.pause(limits);
  view.zoomTime(0.3, NOW - 90_000, limits);
  view.zoomPrice(0.3, 60_000, limits);
  const [time, price] = [NOW - 95_000, 60_003];
  const shares = () => [(time - view.range.from) / (view.range.to - view.range.from), (price - view.range.low) / (view.range.high - view.range.low)];
  const before = shares();
  for (const factor of [0.9, 0.7, 1.3]) {
    view.zoomTime(factor, time, limits);
    view.zoomPrice(factor, price, limits);
    shares().forEach((share, index) => near(share, before[index], 1e-6));
  }
});

test("zooming while following keeps now where it is", () => {
  const limits = limitsOf();
  const view = shown(limits);
  const ahead = () => (view.range.to - NOW) / (view.range.to - view.range.from);
  const before = ahead();
  for (const factor of [0.5, 0.5, 1.7, 0.1]) {
    view.zoomTime(factor, NOW - 170_000, limits);
    near(ahead(), before, 1e-9);
    assert.ok(view.following);
  }
});

test("a held view stays where it is while time goes on", () => {
  const view = shown(limitsOf());
  view.pause(limitsOf());
  const before = { ...view.range };
  for (let second = 1; second < 100; second += 1) view.advance(limitsOf({ now: NOW + 1000 * second }), () => [59_990, 60_010]);
  assert.deepEqual(view.range, before);
});

test("panned away from now the view follows no more; panned back it does", () => {
  const limits = limitsOf();
  const view = shown(limits);
  view.zoomTime(0.3, NOW, limits);
  const width = view.range.to - view.range.from;
  view.pan(-30_000, 0, limits);
  assert.equal(view.following, false);
  view.pan(10_000, 0, limits);
  assert.equal(view.following, false);
  view.pan(50_000, 0, limits);
  assert.equal(view.following, true);
  near(view.range.to - view.range.from, width, 1e-3);
  view.advance(limitsOf({ now: NOW + 1000 }), () => null);
  near(view.range.to - view.range.from, width, 1e-3);
});

test("a view that is zoomed while held and follows again has the width that was chosen", () => {
  const limits = limitsOf();
  for (const end of ["follow", "pan"]) {
    const view = shown(limits);
    for (let round = 0; round < 20; round += 1) {
      view.pause(limits);
      view.zoomTime(round ? 1 : 0.25, NOW - 20_000, limits);
      const width = view.range.to - view.range.from;
      if (end === "follow") view.follow(limits);
      else view.pan(200_000, 0, limits);
      view.advance(limits, () => null);
      assert.equal(view.following, true);
      near(view.range.to - view.range.from, width, 1e-3);
    }
    near(view.range.to - view.range.from, 0.25 * 180_000 * 1.02, 1e-3);
  }
});

test("panning ends at what there is", () => {
  const limits = limitsOf();
  const view = shown(limits);
  view.zoomTime(0.2, NOW, limits);
  view.zoomPrice(0.2, 60_000, limits);
  const [wide, high] = [view.range.to - view.range.from, view.range.high - view.range.low];
  for (const [ms, usdt] of [[-1e9, 1e9], [1e9, -1e9], [-1e9, -1e9]]) {
    view.pan(ms, usdt, limits);
    assertSound(view);
    near(view.range.to - view.range.from, wide, 1e-3);
    near(view.range.high - view.range.low, high, 1e-6);
    assert.ok(view.range.from >= limits.oldest - 1e-3 && view.range.to <= NOW + wide * 0.021);
    assert.ok(view.range.low >= 58_750 - 1e-6 && view.range.high <= 61_250 + 1e-6);
  }
});

test("the touch is seen wherever the mid goes, and nothing moves while it stays in the middle", () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const whole = wholes(random(seed));
    const tick = [0.1, 0.01, 0.0001, 1][seed % 4];
    const mids = Array.from({ length: 200 }, () => 0);
    let mid = whole(500, 600_000) * tick;
    const view = new View();
    for (let second = 0; second < 200; second += 1) {
      mid = Math.max(tick, mid + whole(-20, 20) * tick * (whole(0, 30) ? 1 : 100));
      mids[second] = mid;
      const seen = mids.slice(Math.max(0, second - 179), second + 1);
      const path = /** @type {[number, number]} */ ([Math.min(...seen), Math.max(...seen)]);
      const reach = whole(1, 5000) * tick;
      const limits = limitsOf({ now: NOW + 1000 * second, tick, lowest: Math.max(0, mid - reach), highest: mid + reach });
      view.advance(limits, () => path);
      assertSound(view);
      assert.ok(view.range.low <= path[0] && path[1] <= view.range.high && view.range.low >= 0);
    }
  }
  const view = shown(limitsOf());
  const before = { ...view.range };
  view.advance(limitsOf({ now: NOW + 1000 }), () => [59_991, 60_011]);
  assert.deepEqual([view.range.low, view.range.high], [before.low, before.high]);
});

test("chosen prices stay, until the fit is asked for", () => {
  const limits = limitsOf();
  const view = shown(limits);
  view.zoomPrice(0.5, 60_000, limits);
  const { low, high } = view.range;
  view.advance(limits, () => [60_500, 60_600]);
  assert.deepEqual([view.range.low, view.range.high], [low, high]);
  view.fitPricesAnew();
  view.advance(limits, () => [60_500, 60_600]);
  assert.ok(view.range.low < 60_500 && view.range.high > 60_600);
});

test("prices zoomed by hand go with the mid while time follows, and keep their height", () => {
  for (const share of [0.25, 1]) {
    const limits = limitsOf();
    const view = shown(limits);
    view.zoomPrice(0.1, 60_000, limits);
    const height = view.range.high - view.range.low;
    for (let second = 0; second < 300; second += 1) {
      const mid = 60_000 + 300 * Math.sin(second / 20);
      for (let step = 0; step < 200 && view.slide(mid, limits, share); step += 1) near(view.range.high - view.range.low, height, 1e-6);
      const at = (mid - view.range.low) / height;
      assert.ok(at >= 0.1 && at <= 0.9, `${second}: ${at}`);
    }
  }
});

test("the mid that stays in the middle of chosen prices moves nothing", () => {
  const limits = limitsOf();
  const view = shown(limits);
  view.zoomPrice(0.1, 60_000, limits);
  const before = { ...view.range };
  const height = before.high - before.low;
  for (const at of [0.11, 0.5, 0.89]) assert.equal(view.slide(before.low + at * height, limits, 0.5), false);
  assert.deepEqual(view.range, before);
});

test("prices that a hand moved stay, say where the mid is lost, and are brought back at once", () => {
  const limits = limitsOf();
  const view = shown(limits);
  view.zoomPrice(0.1, 60_000, limits);
  const height = view.range.high - view.range.low;
  assert.equal(view.lost(60_900), 0); // on its way
  view.pan(0, 400, limits);
  const before = { ...view.range };
  assert.equal(view.slide(60_000, limits, 1), false);
  assert.deepEqual(view.range, before);
  assert.deepEqual([60_000, 60_400, 60_900, null].map((mid) => view.lost(mid)), [-1, 0, 1, 0]);
  view.pause(limits);
  assert.equal(view.lost(60_000), 0);
  view.follow(limits);
  view.bringBack(60_000, limits);
  assert.equal(view.lost(60_000), 0);
  near((view.range.high + view.range.low) / 2, 60_000, 1e-6);
  near(view.range.high - view.range.low, height, 1e-6);
  assert.equal(view.keepsMid, true);
});

test("a view that is centred is held, shows what it is centred on, and nothing that is still to come", () => {
  for (const [span, time] of [[0.2, NOW - 60_000], [0.2, NOW - 100], [1, NOW - 100_000]]) {
    for (const held of [false, true]) {
      const limits = limitsOf();
      const view = shown(limits);
      view.zoomTime(span, NOW, limits);
      if (held) view.pause(limits);
      const width = view.range.to - view.range.from;
      view.centre(time, 60_123, limits);
      assert.equal(view.following, false);
      near(view.range.to - view.range.from, width, 1e-3);
      assert.ok(view.range.from < time && time < view.range.to && view.range.to <= NOW + 0.021 * width);
      near((view.range.high + view.range.low) / 2, 60_123, 1e-6);
      if (time === NOW - 60_000) near((view.range.from + view.range.to) / 2, time, 1e-3);
    }
  }
});

test("any gestures in any order leave a sound view, also of a book of one tick", () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const next = random(seed);
    const whole = wholes(next);
    const view = new View();
    let limits = limitsOf(seed % 3 ? {} : { lowest: 59_999.9, highest: 60_000, oldest: NOW - 1000 });
    view.advance(limits, () => [60_000, 60_000]);
    for (let step = 0; step < 300; step += 1) {
      const [factor, at] = [2 ** (6 * next() - 3), view.range.from + next() * (view.range.to - view.range.from)];
      const gestures = [
        () => view.zoomTime(factor, at, limits), () => view.zoomPrice(factor, 59_000 + 2000 * next(), limits),
        () => view.pan((next() - 0.5) * 1e5, (next() - 0.5) * 1e3, limits), () => view.pause(limits), () => view.follow(limits),
        () => view.fitTime(limits), () => view.fitPricesAnew(),
        () => view.centre(at, 59_000 + 2000 * next(), limits), () => view.slide(59_000 + 2000 * next(), limits, next()),
        () => view.bringBack(59_000 + 2000 * next(), limits),
        () => { limits = { ...limits, now: limits.now + 1000, oldest: limits.oldest + 1000 * whole(0, 1) }; },
      ];
      gestures[whole(0, gestures.length - 1)]();
      view.advance(limits, () => (whole(0, 5) ? [60_000, 60_000.1] : null));
      assertSound(view);
      assert.ok(view.range.to <= limits.now + (view.range.to - view.range.from) * 0.0201, `seed ${seed}, step ${step}`);
    }
  }
});

test("tight prices are those of the path, and what was shown before comes back", () => {
  const limits = limitsOf();
  const view = shown(limits);
  const before = { ...view.range };
  view.tighten(true, limits, [59_990, 60_010]);
  assert.ok(view.range.low < 59_990 && view.range.high > 60_010);
  assert.ok(view.range.high - view.range.low < 30, "little more than the path");
  view.advance(limits, () => [59_995, 60_012]);
  assert.ok(view.range.low < 59_995 && view.range.high > 60_012);
  view.tighten(false, limits, [59_990, 60_010]);
  assert.ok(view.range.high - view.range.low > (before.high - before.low) * 0.5);
  assert.equal(view.priceFits, true);

  view.zoomPrice(0.5, 60_000, limits);
  const chosen = { ...view.range };
  view.tighten(true, limits, [59_990, 60_010]);
  view.tighten(true, limits, [59_000, 61_000]);
  assert.ok(view.range.high - view.range.low < 30);
  view.tighten(false, limits, null);
  assert.deepEqual([view.range.low, view.range.high, view.priceFits], [chosen.low, chosen.high, false]);
});

test("another symbol is shown as tight as the one before, also before its first second", () => {
  const view = new View();
  view.tighten(true, limitsOf({ now: NaN, oldest: NaN }), null);
  view.advance(limitsOf(), () => [59_990, 60_010]);
  assert.ok(view.range.high - view.range.low < 30);
  view.reset();
  assert.equal(view.isTight, true);
});

test("before the first second nothing is shown, and another symbol begins anew", () => {
  const view = new View();
  view.advance(limitsOf({ now: NaN, oldest: NaN }), () => null);
  assert.equal(view.isSet, false);
  const used = shown(limitsOf());
  used.zoomTime(0.1, NOW, limitsOf());
  used.pan(-9999, 5, limitsOf());
  used.reset();
  assert.deepEqual({ ...used }, { ...new View() });
});

test("a row has the fewest ticks, and a column the fewest ms, that make it a pixel", () => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const next = random(seed);
    const tick = [0.1, 0.01, 0.0001, 1][seed % 4];
    const range = { from: NOW, to: NOW + 2000 + next() * 800_000, low: 100, high: 100 + tick * (6 + 50_000 * next()) };
    const pixels = 1 + Math.floor(next() * 3000);
    const ticks = ticksARow(range, tick, pixels);
    assert.match(String(ticks), /^[125]0*$/u);
    assert.ok((range.high - range.low) / (ticks * tick) <= pixels + 1e-6);
    const lesser = String(ticks).startsWith("5") ? ticks / 2.5 : ticks / 2;
    if (ticks > 1) assert.ok((range.high - range.low) / (lesser * tick) > pixels - 1e-6);
    const ms = msAColumn(range, pixels);
    assert.equal(ms % 100, 0);
    assert.ok(ms >= 100 && (range.to - range.from) / ms <= pixels + 1e-6);
    if (ms > 100) assert.ok((range.to - range.from) / (ms - 100) > pixels - 1e-6);
  }
  assert.equal(ticksARow({ from: 0, to: 1, low: 0, high: 60 }, 0.1, 600), 1);
  assert.equal(ticksARow({ from: 0, to: 1, low: 0, high: 60 }, 0.1, 0), 1000);
  assert.equal(msAColumn({ from: 0, to: 60_000, low: 0, high: 1 }, 600), 100);
  assert.equal(msAColumn({ from: 0, to: 60_000, low: 0, high: 1 }, 0), 60_000);
});

test("a view that is held shows nothing that came later, until a hand moves its time", () => {
  const limits = limitsOf();
  const view = shown(limits);
  assert.equal(view.endOf(limits.now), limits.now);
  view.pause(limits);
  const later = limits.now + 2000; // less than the room that is left free behind now
  assert.ok(view.range.to > later);
  assert.equal(view.endOf(later), limits.now);
  view.zoomTime(0.5, limits.now, limits);
  assert.equal(view.endOf(later), limits.now);
  view.pan(-100_000, 0, limits);
  assert.equal(view.endOf(later), view.range.to);
  view.follow({ ...limits, now: later });
  assert.equal(view.endOf(later), later);
});

test("a view knows when it left now, and forgets it once it is back", () => {
  const limits = limitsOf();
  const later = { ...limits, now: NOW + 60_000 };
  const centred = shown(limits);
  centred.centre(NOW - 90_000, 60_000, limits);
  centred.pan(-1000, 0, later);
  centred.pause(later);
  assert.equal(centred.leftAt, NOW);
  const panned = shown(limits);
  panned.pan(-100_000, 0, limits);
  assert.equal(panned.leftAt, NOW);
  panned.pan(500_000, 0, later);
  assert.deepEqual([panned.following, panned.leftAt], [true, Infinity]);
  centred.follow(later);
  assert.equal(centred.leftAt, Infinity);
});
