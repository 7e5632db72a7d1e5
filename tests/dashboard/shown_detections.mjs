// What the page's list shows of detections, second by second: by the page's own rule, for measurements.
//
// node shown_detections.mjs 0.8 < seconds.json > shown.json
//
// Reads an array of the detections of each second, writes the id and the latest entry of each that was ever listed, in the
// order in which they came into the list, the number of the second in which they did, and how many were listed in the mean.

import { argv, stdin, stdout } from "node:process";
import { json } from "node:stream/consumers";

import { KINDS, latestDetections, shownDetections } from "../../dashboard/assets/book/detections.mjs";
import { WINDOW_MS } from "../../dashboard/assets/book/book_window.mjs";
import { emptyFrame } from "./unit/market.mjs";

/** @import {Detection} from "../../dashboard/types/frames.d.ts" */

const SECONDS = WINDOW_MS / 1000;

/** @param {Detection[][]} seconds @param {number} rank */
export function shownOf(seconds, rank) {
  const wanted = { kinds: new Set(Object.keys(KINDS)), rank };
  const rows = seconds.map((detections, second) => ({ ...emptyFrame(second), detections }));
  /** @type {Map<string, {id: string, second: number}>} */
  const shown = new Map();
  /** @type {Detection[]} */
  let list = [];
  let listed = 0;
  for (let second = 0; second < rows.length; second += 1) {
    const known = rows.slice(Math.max(0, second + 1 - SECONDS), second + 1);
    const found = shownDetections(latestDetections(known), wanted, known.length, new Set(list.map(({ id }) => id)));
    list = found;
    listed += found.length;
    for (const { id } of found.toReversed()) if (!shown.has(id)) shown.set(id, { id, second });
  }
  return { shown: Array.from(shown.values()), listed: listed / rows.length };
}

if (argv[1] === import.meta.filename) {
  stdout.write(JSON.stringify(shownOf(/** @type {Detection[][]} */ (await json(stdin)), Number(argv[2]))));
}
