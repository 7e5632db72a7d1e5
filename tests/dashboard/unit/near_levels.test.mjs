import assert from "node:assert/strict";
import test from "node:test";

import { NearLevels } from "../../../dashboard/assets/book/near_levels.mjs";
import { bestFirst, random, wholes } from "./market.mjs";

for (const [name, sign, side] of /** @type {[string, 1 | -1, number][]} */ ([["bids", -1, 0], ["asks", 1, 1]])) {
  test(`the ten best ${name} are those of sorting all, while levels come and go`, () => {
    for (let seed = 1; seed <= 30; seed += 1) {
      const whole = wholes(random(seed));
      const near = new NearLevels(sign);
      /** @type {Map<number, number>} */
      const levels = new Map();
      const span = [15, 60, 300, 5000][seed % 4];
      for (let count = whole(0, 1) * whole(0, 200); count > 0; count -= 1) levels.set(whole(1, span), 1);
      near.fill(levels.keys());
      for (let step = 0; step < 1500; step += 1) {
        const prefersLeaving = Math.floor(step / 300) % 2 === 1;
        const best = bestFirst(levels, side);
        const price = whole(0, 2) && best.length ? best[whole(0, Math.min(12, best.length - 1))] : whole(1, span);
        if (levels.has(price) && (prefersLeaving || whole(0, 3) === 0)) {
          levels.delete(price);
          near.remove(price, levels);
        } else if (!levels.has(price)) {
          levels.set(price, 1);
          near.add(price);
        }
        const sorted = bestFirst(levels, side);
        for (let rank = 0; rank < 10; rank += 1) {
          assert.equal(near.at(rank), sorted.length ? sorted[Math.min(rank, sorted.length - 1)] : NaN, `seed ${seed}, step ${step}`);
        }
      }
    }
  });
}

test("a side that was emptied and filled again is right", () => {
  const near = new NearLevels(1);
  const levels = new Map(Array.from({ length: 100 }, (_, price) => [price + 1, 1]));
  near.fill(levels.keys());
  for (let price = 1; price <= 100; price += 1) {
    levels.delete(price);
    near.remove(price, levels);
    assert.equal(near.at(0), price < 100 ? price + 1 : NaN);
  }
  for (let price = 100; price > 0; price -= 1) {
    near.add(price);
    assert.equal(near.at(0), price);
  }
});
