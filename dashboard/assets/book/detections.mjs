// Detections: the latest of each, and what its evidence says in a few words. Pure.

import { number, ratio, size } from "../ui/formats.mjs";

/** @import {Detection, Row} from "../../types/frames.d.ts" */

/** All kinds, and the mark of each on the map. @type {Record<string, string>} */
export const KINDS = {
  wall: "■", sweep: "▲", absorption: "●", layering: "≡", iceberg: "◆", exhaustion: "✕",
};

/** Return the latest entry of each detection in the rows, the one that began last first. @param {Row[]} rows */
export function latestDetections(rows) {
  /** @type {Map<string, Detection>} */
  const byId = new Map();
  for (const row of rows) {
    for (const entry of row.detections ?? []) {
      const known = byId.get(entry.id);
      // One that was interrupted has no figures of its own.
      const bare = entry.event === "closed" && entry.reason === "interrupted" && known;
      byId.set(entry.id, bare ? { ...entry, evidence: known.evidence } : entry);
    }
  }
  return Array.from(byId.values()).sort((a, b) => b.started_at - a.started_at);
}

/** @param {Detection} entry */
export function isOpen({ event }) {
  return event === "opened" || event === "updated";
}

/** Return what a detection is in two words: a sweep by what its takers did, all else by the side of the book it is about.
 * @param {Pick<Detection, "kind" | "side">} entry
 */
export function nameOf({ kind, side }) {
  if (kind === "sweep") return side === "ask" ? "buy sweep" : "sell sweep";
  return `${side} ${kind}`;
}

/** What each kind's evidence says; sizes in base asset, prices in USDT.
 * @type {Record<string, (evidence: Record<string, any>, price: (value: number) => string) => string>}
 */
const SUMMARIES = {
  wall: (e) => (
    e.lost === undefined
      ? `${size(e.size)}, ${ratio(e.size / e.median_size)} the median, for ${seconds(e.held_ms)}`
      : `lost ${size(e.lost)}, of that traded ${size(e.traded)}, after ${seconds(e.held_ms)}`
  ),
  sweep: (e, price) => `${e.levels} levels, ${size(e.volume)} in ${e.duration_ms} ms, to ${price(e.last_price)}`,
  absorption: (e) => `took ${size(e.volume)} where ${size(e.largest_size)} showed at most, ${e.refills} refills`,
  layering: (e) => `${e.levels} levels, changed ${e.changes.join(", ")} times, ${number(100 * e.traded_share, 0)} % traded`,
  iceberg: (e) => `took ${size(e.volume)} in ${e.trade_count} trades, about ${size(e.hidden_volume)} hidden`,
  exhaustion: (e, price) => (
    `depth ${size(e.depth_before)} to ${size(e.depth_after)}, spread ${price(e.spread)}, mid ${e.direction} to ${price(e.mid)}`
  ),
};

/** Return what a detection's evidence says in a few words, with prices of so many decimals.
 * @param {Pick<Detection, "kind" | "evidence">} entry @param {number} decimals
 */
export function summaryOf({ kind, evidence }, decimals) {
  let summary = "";
  try {
    if (Object.hasOwn(SUMMARIES, kind)) summary = SUMMARIES[kind](evidence, (value) => number(value, decimals));
  } catch {
    // a kind, or figures, that this page does not know
  }
  if (summary && !/NaN|undefined/u.test(summary)) return summary;
  return Object.entries(evidence).map(([key, value]) => `${key.replaceAll("_", " ")} ${figure(value)}`).join(", ");
}

/** Return [name, text] of every figure of the evidence. @param {Record<string, any>} evidence @returns {[string, string][]} */
export function figuresOf(evidence) {
  return Object.entries(evidence).map(([key, value]) => [key.replaceAll("_", " "), figure(value)]);
}

/** @param {unknown} value @returns {string} */
function figure(value) {
  if (typeof value === "number") return Number.isInteger(value) ? String(value).replace("-", "−") : number(value, 8, 0);
  if (Array.isArray(value)) return value.map((each) => (Array.isArray(each) ? `(${figure(each)})` : figure(each))).join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** @param {number} ms */
function seconds(ms) {
  return `${number(ms / 1000, 1)} s`;
}
