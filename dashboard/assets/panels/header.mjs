// The header: numbers, state and source. Numbers go out unless the page is live.

import { number, NONE, signed, time } from "../ui/formats.mjs";
import { byId, setText } from "../ui/dom.mjs";

/** @import {Frame} from "../../types/frames.d.ts" */

/** @type {Record<string, string>} */
export const STATES = { live: "LIVE", syncing: "SYNCING", stale: "STALE", disconnected: "DISCONNECTED" };

/** The numbers of one instant. @typedef {object} Numbers
 * @property {number | null} mid_price @property {number | null} spread @property {number | null} microprice
 * @property {number | null} imbalance @property {number | null} ofi
 */

/** What the header says: `numbers` are of `at` (ms) in the past, or of now where it is null.
 * @typedef {{frame: Frame | null, state: string, reason: string, decimals: number, numbers: Numbers | null, at: number | null,
 *   behindMs: number}} HeaderFacts
 */

/** @param {string} id @param {number | null | undefined} value @param {(value: number) => string} text */
function write(id, value, text) {
  setText(id, value === null || value === undefined ? NONE : text(value));
}

/** @param {Numbers | null} numbers @param {number} decimals */
function showNumbers(numbers, decimals) {
  write("mid-price", numbers?.mid_price, (value) => number(value, decimals + 1));
  write("number-spread", numbers?.spread, (value) => number(value, decimals));
  write("number-microprice", numbers?.microprice, (value) => number(value, decimals + 1));
  write("number-imbalance", numbers?.imbalance, (value) => signed(value, 2));
  write("number-ofi", numbers?.ofi, (value) => signed(value, 2));
}

/** @param {HeaderFacts} facts */
export function showHeader({ frame, state, reason, decimals, numbers, at, behindMs }) {
  const live = state === "live";
  showNumbers(live || at !== null ? numbers : null, decimals);
  setText("numbers-at", at === null ? "" : `at ${time(at, 1)}`);
  const health = state === "disconnected" ? null : frame?.health;
  write("number-update-rate", health?.update_rate, (value) => `${number(value, 1)}/s`);
  write("number-latency", health?.latency_ms.median, (value) => `${number(value, 0)} ms`);
  const behind = live && behindMs >= 1000 ? `, ${number(behindMs / 1000, 0)} s behind` : "";
  setText("state", `${STATES[state]}${behind}`);
  const silent = live && health && health.trades.state !== "open" ? `no trades: ${health.trades.reason || health.trades.state}` : "";
  setText("reason", live ? silent : reason);
  showSource(frame, state);
  document.title = live && frame?.mid_price
    ? `${number(frame.mid_price, decimals + 1)} ${frame.symbol}` : `${STATES[state]} ${frame?.symbol ?? ""}`;
}

/** @param {Frame | null} frame @param {string} state */
function showSource(frame, state) {
  byId("source").hidden = !frame;
  setText("source", frame ? frame.source.toUpperCase() : "");
  const page = byId("page");
  const name = `${state}${frame?.source === "simulated" ? " simulated" : ""}`;
  if (page.className !== name) page.className = name;
}

/** Show over the map why nothing of now is shown, or nothing where it is live. @param {string} state @param {string} reason */
export function showVeil(state, reason) {
  byId("veil").hidden = state === "live";
  setText("veil-state", STATES[state]);
  setText("veil-reason", reason);
}
