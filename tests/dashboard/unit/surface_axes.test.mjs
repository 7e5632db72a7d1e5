import assert from "node:assert/strict";
import test from "node:test";

import { roundPart, surfaceLabels } from "../../../dashboard/assets/panels/surface_axes.mjs";
import { SurfaceCamera } from "../../../dashboard/assets/panels/surface_camera.mjs";
import { random } from "./market.mjs";

const TICKS = {
  times: /** @type {[number, string][]} */ ([[1, "now"], [1 / 3, "−1 min"], [-1 / 3, "−2 min"]]),
  prices: /** @type {[number, string][]} */ ([[0.04, "mid"], [-0.4, "−20"], [0.4, "+20"]]),
  sizes: /** @type {[number, string][]} */ ([[1, "38.2 BTC"], [0, "19.1"]]),
};
const measure = (/** @type {string} */ text) => 6.6 * text.length;

test("from wherever it is seen no label is cut or covers another, and none of time or size is missing at first", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const next = random(seed);
    const camera = new SurfaceCamera();
    camera.font = 11;
    const isFirst = seed <= 20;
    if (!isFirst) camera.turn((next() - 0.5) * 900, (next() - 0.5) * 900);
    const [width, height] = [300 + 700 * next(), 150 + 400 * next()];
    const { labels } = surfaceLabels(camera, width, height, TICKS, measure);
    for (const [index, one] of labels.entries()) {
      assert.ok(one.x >= 0 && one.x + measure(one.text) <= width && one.y >= 5 && one.y <= height - 5);
      for (const other of labels.slice(index + 1)) {
        const apart = one.x + measure(one.text) < other.x || other.x + measure(other.text) < one.x || Math.abs(one.y - other.y) >= 11;
        assert.ok(apart, `${one.text} on ${other.text}`);
      }
    }
    const texts = labels.map(({ text }) => text);
    if (isFirst) for (const text of ["now", "−1 min", "−2 min", "38.2 BTC", "19.1", "mid"]) assert.ok(texts.includes(text), `${text} ${width} x ${height}`);
  }
});

test("sizes are written beside the scene, at the left of all of it", () => {
  const { edge: [foot, top], labels } = surfaceLabels(new SurfaceCamera(), 375, 250, TICKS, measure);
  assert.ok(top.y < foot.y);
  for (const { text, x } of labels.slice(-2)) assert.ok(x + measure(text) <= Math.max(foot.x, top.x), text);
});

test("prices are labelled at a round one about halfway", () => {
  for (let reach = 1e-6; reach < 1e6; reach *= 1.37) {
    const part = roundPart(reach);
    assert.ok(part <= 0.62 * reach * (1 + 1e-9) && part >= 0.24 * reach);
    assert.match(part.toPrecision(3), /^0?[.0]*[125]/u);
  }
});
