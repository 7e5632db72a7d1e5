// Detections: the latest of each, how it is called, and what its evidence says in a few words. Pure.

import { duration, number, ratio, size, utc } from "../ui/formats.mjs";

/** @import {Detection, Row} from "../../types/frames.d.ts" */

/** All kinds, and the mark of each on the map. @type {Record<string, string>} */
export const KINDS = {
  wall: "■", sweep: "▲", absorption: "●", layering: "≡", iceberg: "◆", exhaustion: "✕",
};

/** What each kind is, for those who see its mark. @type {Record<string, string>} */
export const MEANINGS = {
  wall: "a level far larger than most, which has stood for seconds",
  sweep: "a taker who ate three or more levels at once; ▲ bought, ▼ sold",
  absorption: "takers hit one price with more than it showed, and it was refilled instead of giving way",
  layering: "neighbouring large levels that change all the time and hardly trade; a suspicion",
  iceberg: "far more traded at a price than it ever showed; a suspicion",
  exhaustion: "a side of the book that emptied, and the price that broke out through it",
};

/** What each ending means. @type {Record<string, string>} */
export const ENDINGS = {
  consumed: "Traded away: trades explain at least half of the loss",
  pulled: "Cancelled: trades do not explain the loss",
  unexplained: "Lost while not all trades were known, so that nobody can say whether it was traded or cancelled",
  out_of_range: "It left the ten best levels, beyond which the detectors do not look",
  gave_way: "The price went through it",
  moved_away: "The price moved away from it, to the other side",
  ended: "Nothing more happened there",
  interrupted: "The book or the trades were lost, so that it could not be followed any further",
};

/** Return the taker's side of a sweep, and the book's side of all else: what a detection has its colour by.
 * @param {Pick<Detection, "kind" | "side">} entry @returns {"bid" | "ask"}
 */
export function colourSide({ kind, side }) {
  if (kind !== "sweep") return side;
  return side === "ask" ? "bid" : "ask"; // who eats asks buys
}

/** Return what a detection is called: "buy sweep", "bid wall". @param {Pick<Detection, "kind" | "side">} entry */
export function nameOf({ kind, side }) {
  return kind === "sweep" ? `${side === "ask" ? "buy" : "sell"} sweep` : `${side} ${kind}`;
}

/** Return the mark of a detection on the map. @param {Pick<Detection, "kind" | "side">} entry */
export function markOf({ kind, side }) {
  if (kind === "sweep" && side === "bid") return "▼";
  return Object.hasOwn(KINDS, kind) ? KINDS[kind] : "•";
}

/** Kinds whose figures at the end are of a window in which it no longer was so: they would deny what was found. One that was
 * interrupted has no figures of its own.
 */
const TOLD_WHILE_OPEN = new Set(["absorption", "layering", "iceberg"]);

/** Return the latest entry of each detection in the rows, with the figures that tell what was found and the highest rank that it
 * was told with; the one that began last first. @param {Row[]} rows
 */
export function latestDetections(rows) {
  /** @type {Map<string, Detection>} */
  const byId = new Map();
  for (const row of rows) {
    for (const entry of row.detections ?? []) {
      const known = byId.get(entry.id);
      const bare = known && entry.event === "closed" && (entry.reason === "interrupted" || TOLD_WHILE_OPEN.has(entry.kind));
      const rank = highest(known?.rank, entry.rank);
      byId.set(entry.id, bare || rank !== (entry.rank ?? null) ? { ...entry, rank, evidence: bare ? known.evidence : entry.evidence } : entry);
    }
  }
  return Array.from(byId.values()).sort((a, b) => b.started_at - a.started_at);
}

/** @param {number | null | undefined} a @param {number | null | undefined} b */
function highest(a, b) {
  return typeof a === "number" && typeof b === "number" ? Math.max(a, b) : a ?? b ?? null;
}

/** What a person chose to see: kinds, and in which share of the minutes one is to exceed all others of its kind; 0 for all.
 * @typedef {{kinds: Set<string>, rank: number}} Wanted
 */

const WHOLE_S = 180; // of a window in which something is always shown

/** Return the detections of the wanted kinds that stand out. Of a kind that comes n times a minute these are the ones whose rank
 * to the power of n, the chance that a minute brings none that is larger, is at least the wanted one: so of each kind about as few
 * are shown, however often it comes. As long as it has no ranks, the largest one is shown of a kind that comes at most once a
 * minute. Where that leaves nothing of a whole window, the largest of the rarest kind is shown.
 * @param {Detection[]} entries  the latest of each @param {Wanted} wanted @param {number} seconds  in which they came
 */
export function wantedDetections(entries, { kinds, rank: least }, seconds) {
  const asked = entries.filter(({ kind }) => kinds.has(kind));
  if (least === 0) return asked;
  const minutes = Math.max(60, seconds) / 60;
  const groups = Object.keys(KINDS).map((kind) => asked.filter((entry) => entry.kind === kind)).filter(({ length }) => length);
  const found = new Set(groups.flatMap((group) => outstanding(group, group.length / minutes, least)));
  if (!found.size && groups.length && seconds >= WHOLE_S) found.add(largest(groups.sort((a, b) => a.length - b.length)[0]));
  return asked.filter((entry) => found.has(entry) && !isNamedTwice(entry, found));
}

/** Return those that a list shows which showed `before` (ids): the wanted ones, and what was shown as long as it is in the window. Others
 * that come make fewer of a kind stand out, but no row leaves while it is read, unless an absorption tells of the same.
 * @param {Detection[]} entries  the latest of each @param {Wanted} wanted @param {number} seconds @param {Set<string>} before
 */
export function shownDetections(entries, wanted, seconds, before) {
  const found = new Set(wantedDetections(entries, wanted, seconds));
  if (wanted.rank === 0) return Array.from(found); // all of them
  const shown = new Set(entries.filter((entry) => found.has(entry) || before.has(entry.id)));
  return entries.filter((entry) => shown.has(entry) && !isNamedTwice(entry, shown));
}

/** @param {Detection[]} group  of one kind @param {number} often  times a minute @param {number} least */
function outstanding(group, often, least) {
  const first = largest(group);
  return group.filter((entry) => (typeof entry.rank === "number" ? entry.rank ** often >= least : often <= 1 && entry === first));
}

/** @param {Detection[]} group  the one that began last first; of equals that one */
function largest(group) {
  return group.reduce((most, entry) => (entry.magnitude > most.magnitude ? entry : most));
}

/** Whether an absorption that is shown tells of the same trades as an iceberg: at the touch they look alike.
 * @param {Detection} entry @param {Set<Detection>} shown
 */
function isNamedTwice({ kind, side, price, started_at: began, time }, shown) {
  return kind === "iceberg" && Array.from(shown).some((other) => (
    other.kind === "absorption" && other.side === side && other.price === price && other.started_at <= time && other.time >= began
  ));
}

/** @param {Detection} entry */
export function isOpen({ event }) {
  return event === "opened" || event === "updated";
}

/** How the figures of an evidence are said. @typedef {{price: (value: number) => string, size: (value: number) => string}} Units */

/** What each kind's evidence says. @type {Record<string, (evidence: Record<string, any>, units: Units) => string>} */
const SUMMARIES = {
  wall: (e, { size: amount }) => (
    e.lost === undefined
      ? `${amount(e.size)}, ${ratio(e.size / e.median_size)} the median, after ${duration(e.held_ms)}`
      : `lost ${amount(e.lost)}, of that traded ${amount(e.traded)}, after ${duration(e.held_ms)}`
  ),
  sweep: (e, { price, size: amount }) => `${e.levels} levels, ${amount(e.volume)} in ${number(e.duration_ms, 0)} ms, to ${price(e.last_price)}`,
  absorption: (e, { size: amount }) => `took ${amount(e.volume)} where at most ${amount(e.largest_size)} showed, ${e.refills} refills`,
  layering: (e) => `${e.levels} levels, changed ${e.changes.join(", ")} times${e.traded_share === null ? "" : `, ${number(100 * e.traded_share, 0)} % traded`}`,
  iceberg: (e, { size: amount }) => `took ${amount(e.volume)} in ${e.trade_count} trades${e.hidden_volume === null ? "" : `, about ${amount(e.hidden_volume)} hidden`}`,
  exhaustion: (e, { price, size: amount }) => (
    `depth ${size(e.depth_before)} to ${amount(e.depth_after)}, spread ${price(e.spread)}, mid ${e.direction} to ${price(e.mid)}`
  ),
};

/** @param {number} decimals  of prices @param {string} base  the base asset's name @returns {Units} */
function unitsOf(decimals, base) {
  return { price: (value) => number(value, decimals), size: (value) => `${size(value)} ${base}`.trim() };
}

/** Return what a detection's evidence says in a few words, with prices of so many decimals.
 * @param {Pick<Detection, "kind" | "evidence">} entry @param {number} decimals @param {string} base  the base asset's name
 */
export function summaryOf({ kind, evidence }, decimals, base) {
  let summary = "";
  try {
    if (Object.hasOwn(SUMMARIES, kind)) summary = SUMMARIES[kind](evidence, unitsOf(decimals, base));
  } catch {
    // a kind, or figures, that this page does not know
  }
  if (summary && !/NaN|undefined/u.test(summary)) return summary;
  return figuresOf(evidence, decimals, base).map(([name, text]) => `${name} ${text}`).join(", ");
}

const PRICES = ["spread", "median_spread", "mid", "range_low", "range_high", "first_price", "last_price", "level_prices", "price"];
const SIZES = [
  "size", "sizes", "sizes_before", "first_size", "largest_size", "median_size", "threshold", "size_before", "size_after", "lost", "traded", "volume",
  "refilled", "visible_loss", "hidden_volume", "depth_before", "depth_after", "median_depth",
];
const TIMES = ["decline_began"];

/** Return [name, text] of every figure of the evidence, with its unit. @param {Record<string, any>} evidence
 * @param {number} decimals  of prices @param {string} base  the base asset's name @returns {[string, string][]}
 */
export function figuresOf(evidence, decimals, base) {
  const units = unitsOf(decimals, base);
  return Object.entries(evidence).map(([key, value]) => {
    const name = key.replace(/_ms$/u, "").replace("_bps", "").replaceAll("_", " ");
    return [name, figure(key, value, units)];
  });
}

/** @param {string} key @param {unknown} value @param {Units} units @returns {string} */
function figure(key, value, units) {
  if (Array.isArray(value)) {
    if (key === "trades" && value.every((each) => Array.isArray(each) && each.length === 4)) {
      return value.map(([, price, amount]) => `${size(amount)} at ${units.price(price)}`).join("; ");
    }
    return value.map((each) => (Array.isArray(each) ? `(${figure("", each, units)})` : figure(key, each, units))).join(", ");
  }
  if (typeof value === "string") return value;
  if (value === null) return "not known";
  if (typeof value !== "number") return JSON.stringify(value);
  if (PRICES.includes(key)) return units.price(value);
  if (SIZES.includes(key)) return units.size(value);
  if (TIMES.includes(key)) return utc(value, 3);
  if (key.endsWith("_ms")) return value < 1000 ? `${number(value, 0)} ms` : duration(value);
  if (key.includes("_bps")) return `${number(value, 2)} bp`;
  if (key.endsWith("_share")) return `${number(100 * value, 1, 0)} %`;
  return Number.isInteger(value) ? String(value) : number(value, 8, 0);
}

/** Say below the list what it leaves out, so that an empty one is not taken for a market in which nothing happens.
 * @param {number} shown @param {number} all  of `seconds` @param {number} seconds
 */
export function hintOf(shown, all, seconds) {
  if (!all) return `None in the last ${seconds} seconds.`;
  if (shown === all) return "";
  return `${all - shown}${shown ? " more" : ""} in the last ${seconds} seconds not shown: smaller, or of no chosen kind.`;
}
