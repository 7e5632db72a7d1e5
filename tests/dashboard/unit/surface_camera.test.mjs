import assert from "node:assert/strict";
import test from "node:test";

import { CEILING, FLOOR, SurfaceCamera } from "../../../dashboard/assets/panels/surface_camera.mjs";
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

const CORNERS = [FLOOR, CEILING].flatMap(({ x, y, z }) => [[x, y], [x, -y], [-x, y], [-x, -y]].map((at) => ({ x: at[0], y: at[1], z })));

test("whatever a hand does, all of the scene is in view and seen from above", () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const next = random(seed);
    const camera = new SurfaceCamera();
    for (let step = 0; step < 60; step += 1) {
      if (next() < 0.7) camera.turn((next() - 0.5) * 800, (next() - 0.5) * 800);
      else camera.move(4 ** (next() * 2 - 1));
      const aspect = 0.4 + 3 * next();
      const view = camera.camera(aspect);
      assert.ok(view.eye.z > view.center.z + 0.1 && view.eye.z > FLOOR.z + 0.1, "from above");
      for (const corner of CORNERS) for (const share of seen(corner, view, aspect)) assert.ok(Math.abs(share) <= 1 + 1e-9, `${seed} ${share}`);
    }
  }
});

test("as near as can be, the scene reaches to two edges of the picture that face each other", () => {
  for (const aspect of [0.5, 1.2, 2.5]) {
    const view = new SurfaceCamera().camera(aspect);
    const shares = CORNERS.map((corner) => seen(corner, view, aspect));
    const reach = [0, 1].map((axis) => Math.min(Math.max(...shares.map((at) => at[axis])), -Math.min(...shares.map((at) => at[axis]))));
    assert.ok(Math.abs(Math.max(...reach) - 1) < 1e-9, `${aspect}: ${reach}`);
  }
});

test("it goes away to a limit, and comes back to where it was", () => {
  const [camera, first] = [new SurfaceCamera(), new SurfaceCamera().camera(1.5)];
  for (let step = 0; step < 50; step += 1) camera.move(2);
  assert.ok(camera.zoom <= 3);
  camera.turn(500, 90);
  camera.reset();
  assert.deepEqual(camera.camera(1.5), first);
});
