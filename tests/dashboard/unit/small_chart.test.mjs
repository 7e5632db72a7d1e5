import assert from "node:assert/strict";
import test from "node:test";

import { upTicks } from "../../../dashboard/assets/panels/small_chart.mjs";

test("a chart of any height has a number on its axis, clear of the unit at its foot", () => {
  for (const font of [11, 12.5, 15]) {
    for (let height = 3 * font; height < 300; height += 3) {
      for (let high = 0.003; high < 1e6; high *= 1.37) {
        const { ticks, written } = upTicks(0, high, height, font);
        assert.ok(written.length > 0, `${high} in ${height} px`);
        for (const each of written) {
          assert.ok(ticks.includes(each) && each > 0 && each <= high * (1 + 1e-9));
          assert.ok((each / high) * height > font, `${each} of ${high} in ${height} px is over the unit`);
        }
      }
    }
  }
});
