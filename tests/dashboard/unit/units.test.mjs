import assert from "node:assert/strict";
import test from "node:test";

import { commonStep, decimalsOf, fromUnits, roundMultiple, toUnits } from "../../../dashboard/assets/book/units.mjs";
import { random, wholes } from "./market.mjs";

test("every price and size of eight decimals is a whole number of units, and comes back", () => {
  for (let seed = 1; seed <= 5000; seed += 1) {
    const whole = wholes(random(seed));
    const units = whole(0, 10 ** whole(1, 13));
    assert.equal(toUnits(Number((units / 1e8).toFixed(8))), units);
    assert.equal(fromUnits(units), units / 1e8);
  }
});

test("the common step divides all prices, and nothing larger does", () => {
  for (const tick of [1, 1e4, 5e5, 1e6, 1e7]) {
    for (let seed = 1; seed <= 50; seed += 1) {
      const whole = wholes(random(seed));
      const prices = Array.from({ length: 20 }, () => whole(1, 1e6) * tick);
      const step = commonStep(prices);
      assert.ok(prices.every((price) => price % step === 0) && step % tick === 0);
      assert.equal(commonStep(prices.map((price) => price / step)), 1);
    }
  }
  assert.equal(commonStep([]), 0);
  assert.equal(commonStep([12]), 12);
});

test("decimals are those that multiples of a step need", () => {
  for (const [step, wanted] of [[1e7, 1], [1e6, 2], [5e6, 2], [1e8, 0], [10e8, 0], [1, 8], [25e5, 3], [0, 2]]) assert.equal(decimalsOf(step), wanted, `${step}`);
});

test("round multiples are the next of 1, 2, 5, 10", () => {
  for (const [least, wanted] of [[-5, 1], [0, 1], [1, 1], [1.01, 2], [2, 2], [3, 5], [5.1, 10], [99, 100], [100.5, 200], [1e20, 1e15]]) {
    assert.equal(roundMultiple(least), wanted, `${least}`);
  }
});
