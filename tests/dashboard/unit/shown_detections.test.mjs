import assert from "node:assert/strict";
import test from "node:test";

import { shownOf } from "../shown_detections.mjs";

/** @import {Detection} from "../../../dashboard/types/frames.d.ts" */

/** @param {string} id @param {number | null} rank @param {Detection["event"]} [event] @returns {Detection} */
function sweep(id, rank, event = "fired") {
  return { id, kind: "sweep", event, side: "bid", price: 60_000, started_at: 1, time: 2, reason: null, magnitude: 1, rank, evidence: {} };
}

test("what is listed stays, and is told once, with its second", () => {
  const second = [[], [sweep("a", null)], [sweep("b", null)], [], [sweep("c", 1), sweep("d", 0.5)]];
  assert.deepEqual(shownOf(second, 0.8), { shown: [{ id: "a", second: 1 }, { id: "c", second: 4 }], listed: (1 + 1 + 1 + 2) / 5 });
});

test("events of one life count once, and what comes once an old one has left the window counts too", () => {
  const seconds = Array.from({ length: 400 }, () => /** @type {Detection[]} */ ([]));
  seconds[0] = [sweep("a", null, "opened")];
  seconds[10] = [sweep("a", null, "updated")];
  seconds[20] = [sweep("a", null, "closed")];
  seconds[210] = [sweep("b", 0.99)];
  const { shown, listed } = shownOf(seconds, 0.8);
  assert.deepEqual(shown, [{ id: "a", second: 0 }, { id: "b", second: 210 }]);
  assert.equal(listed, (200 + 180) / 400);
});
