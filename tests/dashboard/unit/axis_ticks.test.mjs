import assert from "node:assert/strict";
import test from "node:test";

import { decimalsOfStep, numberTicks, timeTicks } from "../../../dashboard/assets/map/axis_ticks.mjs";
import { random } from "./market.mjs";

const ANY = [0, -1, 1, 1e-300, -1e-300, 5e-324, 1e-8, 0.1, 3.7, 60_000.1, -60_000, 1e15, 2 ** 53, 1e300, -1e300, Infinity, -Infinity, NaN];
const ROOMS = [-5, 0, 0.3, 1, 7.9, 40, 1e9, Infinity, NaN];

test("no input makes more than 40 labels", () => {
  for (const low of ANY) {
    for (const high of ANY) {
      for (const room of ROOMS) {
        for (const least of [0, 1e-8, 0.1, 1e6]) assert.ok(numberTicks(low, high, room, least).ticks.length <= 40);
        for (const zone of [0, 3_600_000, -34_200_000]) assert.ok(timeTicks(low, high, room, zone).ticks.length <= 40);
      }
    }
  }
});

test("where both ends are equal there is at most one label, and a step above 0", () => {
  for (const at of [0, 1, -3, 0.1, 60_000.1, 1e12]) {
    for (const least of [0, 0.1]) {
      const { ticks, step } = numberTicks(at, at, 10, least);
      assert.ok(step > 0, `${at} ${least}: ${step}`);
      assert.ok(ticks.length <= 1);
    }
    assert.ok(timeTicks(at, at, 10, 0).ticks.length <= 1);
  }
});

test("numbers are round, between the ends, and as many as fit", () => {
  for (let seed = 1; seed <= 3000; seed += 1) {
    const next = random(seed);
    const low = (next() - 0.5) * 10 ** (next() * 12 - 4);
    const high = low + Math.abs(low) * 10 ** (-next() * 5) + 10 ** (next() * 8 - 6);
    const room = 1 + next() * 45;
    const least = seed % 2 ? 0 : [0.1, 0.01, 1e-5, 5][seed % 4];
    const { ticks, step } = numberTicks(low, high, room, least);
    const label = `${low} ${high} ${room} ${least}`;
    assert.match(step.toExponential(8), /^[125]\.0+e/u, label);
    assert.ok(step >= least * (1 - 1e-9) && ticks.length <= Math.min(40, room + 1), label);
    assert.ok(step <= Math.max(2.5 * Math.max((high - low) / Math.min(40, Math.floor(room)), least) * (1 + 1e-6), 0), label);
    if (ticks.length < 40 && step < high - low) assert.ok(ticks.length >= Math.floor((high - low) / step - 1e-6), label);
    ticks.forEach((tick, index) => {
      assert.ok(tick >= low - step * 1e-6 && tick <= high + step * 1e-6, label);
      assert.ok(Math.abs(tick / step - Math.round(tick / step)) < 1e-4 * Math.max(1, Math.abs(tick / step) * 1e-9), label);
      if (index) assert.ok(tick > ticks[index - 1], label);
    });
  }
});

test("labels carry no dust of binary fractions", () => {
  assert.deepEqual(numberTicks(0, 1, 10).ticks.map(String), ["0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1"]);
  assert.deepEqual(numberTicks(59_999.95, 60_000.35, 10, 0.1).ticks.map(String), ["60000", "60000.1", "60000.2", "60000.3"]);
  assert.deepEqual(numberTicks(-1, 1, 4).ticks, [-1, -0.5, 0, 0.5, 1]);
});

test("times are round by the local clock, and between the ends", () => {
  for (let seed = 1; seed <= 1000; seed += 1) {
    const next = random(seed);
    const from = 1_800_000_000_000 + Math.floor(next() * 1e8);
    const to = from + 1 + Math.floor(10 ** (next() * 7));
    const room = 1 + next() * 45;
    const zone = [0, 3_600_000, 19_800_000, -12_600_000][seed % 4];
    const { ticks, step } = timeTicks(from, to, room, zone);
    assert.ok(ticks.length <= Math.min(40, room + 1));
    ticks.forEach((tick, index) => {
      assert.ok(tick >= from && tick <= to);
      assert.equal((tick + zone) % step, 0);
      if (index) assert.equal(tick - ticks[index - 1], step);
    });
  }
});

test("decimals are those that a step needs", () => {
  for (const [step, wanted] of [[0.1, 1], [0.5, 1], [0.01, 2], [0.02, 2], [1, 0], [50, 0], [0.001, 3], [1e-8, 8], [1e-12, 8], [1e9, 0], [0.2, 1]]) {
    assert.equal(decimalsOfStep(step), wanted, `${step}`);
    if (step >= 1e-8) assert.equal(Number(step.toFixed(wanted)), step);
  }
});
