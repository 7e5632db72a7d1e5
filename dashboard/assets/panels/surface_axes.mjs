// What is written around the surface: times, prices and sizes, beside those edges of the scene that lie before it. Pure.

import { CEILING, FLOOR } from "./surface_camera.mjs";

/** @import {Point, SurfaceCamera} from "./surface_camera.mjs" */

/** A label: the middle of its height is at `y`, its `align` side at `x`.
 * @typedef {{text: string, x: number, y: number, align: CanvasTextAlign}} Label
 */

/** Each axis's ticks: where along it, from -1 to 1, and what they say.
 * @typedef {{times: [number, string][], prices: [number, string][], sizes: [number, string][]}} Ticks
 */

const BESIDE = 1.15; // font heights from an edge to the middle of its labels

/** Return the labels of a scene as a camera sees it in a panel (px), and the edge of the sizes from its foot to its top. A label
 * that would cover one before it is left out; `measure` says how wide a text is.
 * @param {SurfaceCamera} camera @param {number} width @param {number} height @param {Ticks} ticks @param {(text: string) => number} measure
 */
export function surfaceLabels(camera, width, height, ticks, measure) {
  const { font } = camera;
  const { back } = camera.axes;
  const seen = (/** @type {Point} */ point) => camera.placeOf(point, width, height);
  /** @type {{label: Label, left: number}[]} */
  const labels = [];
  const add = (/** @type {Label} */ label) => {
    const wide = measure(label.text);
    const start = label.x - (label.align === "right" ? wide : label.align === "center" ? wide / 2 : 0);
    const left = Math.max(1, Math.min(width - wide - 1, start));
    const y = Math.max(font * 0.6, Math.min(height - font * 0.6, label.y));
    const isFree = labels.every((other) => (
      left > other.left + measure(other.label.text) + 3 || left + wide + 3 < other.left || Math.abs(y - other.label.y) > font * 1.1
    ));
    if (isFree) labels.push({ label: { ...label, x: left, y, align: "left" }, left });
  };
  const beside = (/** @type {Point} */ on, /** @type {Point} */ out, /** @type {string} */ text) => {
    const [at, to] = [seen(on), seen(out)];
    const [right, down] = [to.x - at.x, to.y - at.y].map((part) => part / Math.max(1e-9, Math.hypot(to.x - at.x, to.y - at.y)));
    const align = right > 0.35 ? "left" : right < -0.35 ? "right" : "center";
    add({ text, x: at.x + right * font * 0.7, y: at.y + (down > 0 ? Math.max(down, 0.3) : down) * font * BESIDE, align });
  };
  const [nearX, nearY] = [Math.sign(back.x) || 1, Math.sign(back.y) || 1];
  const z = FLOOR.z;
  for (const [at, text] of ticks.times) {
    const y = nearY * FLOOR.y;
    beside({ x: at * FLOOR.x, y, z }, { x: at * FLOOR.x, y: y * 1.1, z }, text);
  }
  for (const [at, text] of ticks.prices) {
    const x = nearX * FLOOR.x;
    beside({ x, y: at * FLOOR.y, z }, { x: x * 1.1, y: at * FLOOR.y, z }, text);
  }
  const edge = sizesEdge(camera, width, height);
  for (const [at, text] of ticks.sizes) {
    const { x, y } = seen({ ...edge, z: at * CEILING.z });
    add({ text, x: x - font * 0.6, y, align: "right" });
  }
  return { labels: labels.map(({ label }) => label), edge: [seen({ ...edge, z }), seen({ ...edge, z: CEILING.z })] };
}

/** The upright edge that is seen at the very left: nothing of the scene lies behind its labels.
 * @param {SurfaceCamera} camera @param {number} width @param {number} height
 */
function sizesEdge(camera, width, height) {
  const corners = [[1, 1], [1, -1], [-1, 1], [-1, -1]].map(([x, y]) => ({ x: x * FLOOR.x, y: y * FLOOR.y, z: 0 }));
  const left = (/** @type {Point} */ corner) => camera.placeOf(corner, width, height).x;
  return corners.reduce((most, corner) => (left(corner) < left(most) ? corner : most));
}

/** Return the round price that is about half of the way to `reach` (USDT). @param {number} reach */
export function roundPart(reach) {
  const decade = 10 ** Math.floor(Math.log10(reach * 0.62));
  return decade * ([5, 2, 1].find((factor) => factor * decade <= reach * 0.62) ?? 1);
}
