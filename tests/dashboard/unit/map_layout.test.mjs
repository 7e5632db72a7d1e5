import assert from "node:assert/strict";
import test from "node:test";

import { mapLayout, partAt } from "../../../dashboard/assets/map/map_layout.mjs";

/** @import {Box} from "../../../dashboard/assets/map/gl_canvas.mjs" */

test("on any page the parts lie within the panel and none on another", () => {
  for (const width of [320, 390, 619, 620, 800, 1280, 1920, 3840]) {
    for (const height of [240, 299, 300, 420, 700, 1080, 2160]) {
      for (const font of [10, 12, 16]) {
        const { strips, ...parts } = mapLayout(width, height, font, 9);
        const boxes = [...Object.values(parts), ...strips].filter((box) => box.height > 0);
        const label = `${width} x ${height}, ${font}`;
        boxes.forEach((one, index) => {
          assert.ok(one.left >= 0 && one.top >= 0 && one.width > 0, label);
          assert.ok(one.left + one.width <= width + 1 && one.top + one.height <= height + 1, label);
          for (const other of boxes.slice(index + 1)) {
            const across = Math.min(one.left + one.width, other.left + other.width) - Math.max(one.left, other.left);
            const down = Math.min(one.top + one.height, other.top + other.height) - Math.max(one.top, other.top);
            assert.ok(across <= 1 || down <= 1, label);
          }
        });
        assert.ok(parts.map.height >= 40 && parts.map.width >= 40, label);
      }
    }
  }
});

test("on a notebook three strips are high enough to read, and the fourth is low", () => {
  const { strips, map, prices } = mapLayout(978, 680, 11, 9);
  assert.deepEqual(strips.map(({ height }) => height >= 40), [true, true, true, false]);
  assert.ok(map.height > 400 && prices.width >= 60 && prices.width <= 72);
});

test("each place is in the part that is drawn there", () => {
  const layout = mapLayout(1280, 700, 12, 9);
  const middle = (/** @type {Box} */ box) => partAt(layout, box.left + box.width / 2, box.top + box.height / 2);
  for (const name of /** @type {const} */ (["map", "lane", "prices", "book", "times", "corner"])) {
    assert.deepEqual(middle(layout[name]), { part: name, index: 0 });
  }
  assert.equal(middle(layout.traded).part, "book");
  layout.strips.forEach((box, index) => {
    assert.deepEqual(middle(box), { part: "strip", index });
    const border = partAt(layout, box.left + 5, box.top + box.height + 1); // to the next one
    assert.deepEqual(border, { part: "strip", index });
  });
  for (const [x, y] of [[-1, 5], [5, -1], [1281, 5], [5, 701]]) assert.equal(partAt(layout, x, y).part, "none");
});
