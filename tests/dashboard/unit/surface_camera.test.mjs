import assert from "node:assert/strict";
import test from "node:test";

import { CEILING, FLOOR, LABEL, SurfaceCamera } from "../../../dashboard/assets/panels/surface_camera.mjs";
import { random } from "./market.mjs";

/** @typedef {import("../../../dashboard/assets/panels/surface_camera.mjs").Point} Point */

const HALF_ANGLE = Math.tan(Math.PI / 8);

/** Return how far a point lies from the middle of the picture, as shares of its half: across and upwards.
 * @param {Point} point @param {ReturnType<SurfaceCamera["camera"]>} camera @param {number} aspect
 */
function seen(point, { eye, center }, aspect) {
  const less = (/** @type {Point} */ a, /** @type {Point} */ b) => ({ x: a.x - b.x, y: a.y - b.y, z: a.z - b.z });
  const dot = (/** @type {Point} */ a, /** @type {Point} */ b) => a.x * b.x + a.y * b.y + a.z * b.z;
  const cross = (/** @type {Point} */ a, /** @type {Point} */ b) => (
    { x: a.y * b.z - a.z * b.y, y: a.z * b.x - a.x * b.z, z: a.x * b.y - a.y * b.x }
  );
  const unit = (/** @type {Point} */ a) => {
    const length = Math.sqrt(dot(a, a));
    return { x: a.x / length, y: a.y / length, z: a.z / length };
  };
  const ahead = unit(less(center, eye));
  const right = unit(cross(ahead, { x: 0, y: 0, z: 1 }));
  const from = less(point, eye);
  const depth = dot(from, ahead);
  assert.ok(depth > 0.05, "behind the eye");
  return [dot(from, right) / depth / HALF_ANGLE / aspect, dot(from, cross(right, ahead)) / depth / HALF_ANGLE];
}

/** Return how far each corner reaches, as shares of what the panel has for it: 1 is its very edge.
 * @param {SurfaceCamera} camera @param {number} width @param {number} height
 */
function reaches(camera, width, height) {
  const view = camera.camera(width, height);
  assert.ok(view.eye.z > view.center.z + 0.1 && view.eye.z > FLOOR.z + 0.1, "from above");
  return [FLOOR, CEILING].flatMap((of) => [[1, 1], [1, -1], [-1, 1], [-1, -1]].flatMap(([x, y]) => {
    const [across, up] = seen({ x: x * of.x, y: y * of.y, z: of.z }, view, width / height);
    const left = [1 - (2 * LABEL.across * camera.font) / width, 1 - (2 * (of === FLOOR ? LABEL.floor : LABEL.ceiling) * camera.font) / height];
    return [Math.abs(across) / left[0], Math.abs(up) / left[1]];
  }));
}

test("whatever a hand does, all of the scene and its labels are in view and seen from above", () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const next = random(seed);
    const camera = new SurfaceCamera();
    for (let step = 0; step < 60; step += 1) {
      if (next() < 0.7) camera.turn((next() - 0.5) * 800, (next() - 0.5) * 800);
      else camera.move(4 ** (next() * 2 - 1));
      const all = reaches(camera, 200 + 900 * next(), 130 + 600 * next());
      assert.ok(Math.max(...all) <= 1 + 1e-9, `${seed} ${Math.max(...all)}`);
    }
  }
});

test("as near as can be, something reaches to an edge", () => {
  for (const [width, height] of [[350, 150], [350, 700], [900, 500]]) {
    assert.ok(Math.max(...reaches(new SurfaceCamera(), width, height)) > 1 - 1e-9, `${width} x ${height}`);
  }
});

test("it goes away to a limit, and comes back to where it was", () => {
  const [camera, first] = [new SurfaceCamera(), new SurfaceCamera().camera(300, 200)];
  for (let step = 0; step < 50; step += 1) camera.move(2);
  assert.ok(camera.zoom <= 3);
  camera.turn(500, 90);
  camera.reset();
  assert.deepEqual(camera.camera(300, 200), first);
});

test("a point of the scene is where Plotly's camera shows it", () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const next = random(seed);
    const camera = new SurfaceCamera();
    camera.turn((next() - 0.5) * 800, (next() - 0.5) * 800);
    const [width, height] = [200 + 900 * next(), 130 + 600 * next()];
    const point = { x: (2 * next() - 1) * FLOOR.x, y: (2 * next() - 1) * FLOOR.y, z: (2 * next() - 1) * CEILING.z };
    const [across, up] = seen(point, camera.camera(width, height), width / height);
    const { x, y } = camera.placeOf(point, width, height);
    assert.ok(Math.abs(x - (width / 2) * (1 + across)) < 1e-6 && Math.abs(y - (height / 2) * (1 - up)) < 1e-6);
  }
});
