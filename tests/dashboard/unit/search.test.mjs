import assert from "node:assert/strict";
import test from "node:test";

import { firstWhere } from "../../../dashboard/assets/book/search.mjs";

test("it is the first index for which the condition holds, at either end too", () => {
  for (let count = 0; count < 20; count += 1) {
    for (let first = 0; first <= count; first += 1) {
      assert.equal(firstWhere(count, (index) => index >= first), first);
    }
  }
});
