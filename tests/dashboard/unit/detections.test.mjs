import assert from "node:assert/strict";
import test from "node:test";

import { figuresOf, isOpen, KINDS, latestDetections, nameOf, summaryOf } from "../../../dashboard/assets/book/detections.mjs";
import { emptyFrame } from "./market.mjs";

/** @import {Detection} from "../../../dashboard/types/frames.d.ts" */

/** @param {Partial<Detection>} other @returns {Detection} */
function entry(other) {
  return { id: "a", kind: "wall", event: "opened", side: "bid", price: 60_000, started_at: 5, time: 6, reason: null, evidence: {}, ...other };
}

/** @param {Detection[]} detections */
function row(...detections) {
  return { ...emptyFrame(1), detections };
}

test("a sweep is named by what its takers did, all else by the side of the book", () => {
  const names = [entry({ kind: "sweep", side: "ask" }), entry({ kind: "sweep", side: "bid" }), entry({}), entry({ kind: "iceberg", side: "ask" })];
  assert.deepEqual(names.map(nameOf), ["buy sweep", "sell sweep", "bid wall", "ask iceberg"]);
});

test("the latest entry of each is told, the one that began last first", () => {
  const found = latestDetections([
    row(entry({ id: "a", started_at: 1 }), entry({ id: "b", started_at: 9 })), row(entry({ id: "c", started_at: 4 })),
    row(entry({ id: "a", started_at: 1, event: "updated" }), entry({ id: "b", started_at: 9, event: "closed", reason: "traded" })),
  ]);
  assert.deepEqual(found.map(({ id, event }) => `${id} ${event}`), ["b closed", "c opened", "a updated"]);
  assert.deepEqual(found.map(isOpen), [false, true, true]);
  assert.deepEqual(latestDetections([]), []);
});

test("one that was interrupted keeps the figures that it had", () => {
  const interrupted = entry({ event: "closed", reason: "interrupted" });
  const [kept] = latestDetections([row(entry({ evidence: { size: 5 } })), row(interrupted)]);
  assert.deepEqual([kept.event, kept.evidence], ["closed", { size: 5 }]);
  assert.deepEqual(latestDetections([row(interrupted)])[0].evidence, {});
});

test("each kind's evidence is said in words", () => {
  const said = {
    wall: [{ size: 120, median_size: 10, held_ms: 4200 }, "120, 12 × the median, for 4.2 s"],
    sweep: [{ levels: 4, volume: 3.21, duration_ms: 12, last_price: 60_000.1 }, "4 levels, 3.21 in 12 ms, to 60,000.1"],
    absorption: [{ volume: 50, largest_size: 3, refills: 9 }, "took 50 where 3 showed at most, 9 refills"],
    layering: [{ levels: 3, changes: [5, 6, 7], traded_share: 0.02 }, "3 levels, changed 5, 6, 7 times, 2 % traded"],
    iceberg: [{ volume: 12, trade_count: 8, hidden_volume: 9 }, "took 12 in 8 trades, about 9 hidden"],
    exhaustion: [
      { depth_before: 90, depth_after: 9, spread: 1.5, direction: "up", mid: 60_001 }, "depth 90 to 9, spread 1.5, mid up to 60,001.0",
    ],
  };
  assert.deepEqual(Object.keys(said), Object.keys(KINDS));
  for (const [kind, [evidence, text]] of Object.entries(said)) {
    assert.equal(summaryOf({ kind, evidence: /** @type {Record<string, any>} */ (evidence) }, 1), text);
  }
  assert.equal(summaryOf({ kind: "wall", evidence: { lost: 7, traded: 2, held_ms: 900 } }, 1), "lost 7, of that traded 2, after 0.9 s");
});

test("kinds and figures that are not known are told as they came", () => {
  assert.equal(summaryOf({ kind: "spoof", evidence: { some_size: 1.5, at: [1, 2] } }, 1), "some size 1.5, at 1, 2");
  assert.equal(summaryOf({ kind: "layering", evidence: { levels: 2 } }, 1), "levels 2");
  assert.equal(summaryOf({ kind: "sweep", evidence: { levels: 2 } }, 1), "levels 2");
  for (const kind of ["toString", "constructor", "__proto__"]) assert.equal(summaryOf({ kind, evidence: { levels: 2 } }, 1), "levels 2");
});

test("figures have names in words and no exponents", () => {
  assert.deepEqual(
    figuresOf({ held_ms: 5, share: 1e-7, prices: [[1, 2.5], [3, 4]], direction: "up", none: null }),
    [["held ms", "5"], ["share", "0.0000001"], ["prices", "(1, 2.5), (3, 4)"], ["direction", "up"], ["none", "null"]],
  );
});
