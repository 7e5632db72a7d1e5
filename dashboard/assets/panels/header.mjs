// The header: numbers, state and source. Numbers go out unless the page is live.

import { number, NONE, signed, time } from "../ui/formats.mjs";
import { byId, press, setText } from "../ui/dom.mjs";

/** @import {Frame} from "../../types/frames.d.ts" */

/** @type {Record<string, string>} */
export const STATES = { live: "LIVE", syncing: "SYNCING", stale: "STALE", disconnected: "DISCONNECTED" };

/** The numbers of one instant. @typedef {object} Numbers
 * @property {number | null} mid_price @property {number | null} spread @property {number | null} microprice
 * @property {number | null} imbalance @property {number | null} ofi
 */

/** What the header says: `note` is of the page, `numbers` are of `at` (ms) in the past, or of now where it is null. `held`: the view does not follow,
 * and ends so long before now.
 * @typedef {{frame: Frame | null, state: string, reason: string, note: string, decimals: number, numbers: Numbers | null, at: number | null,
 *   held: boolean, behindMs: number}} HeaderFacts
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

/** Say that trades are missing, where they are. @param {any} health */
function silence(health) {
  return health && health.trades.state !== "open" ? `no trades: ${health.trades.reason || health.trades.state}` : "";
}

/** Say what the stream is, and whether the view is held. @param {string} state @param {boolean} held @param {number} behindMs */
function showBadge(state, held, behindMs) {
  const live = state === "live";
  setText("state-word", held && live ? "HELD" : STATES[state]);
  setText("state-behind", held && live && behindMs >= 1000 ? `, ${number(behindMs / 1000, 0)} s behind` : "");
  setText("stream-state", held ? (live ? "● live" : "held") : "");
}

/** @param {HeaderFacts} facts */
export function showHeader({ frame, state, reason, note, decimals, numbers, at, held, behindMs }) {
  const live = state === "live";
  showNumbers(live || at !== null ? numbers : null, decimals);
  setText("numbers-at", at === null ? "" : `at ${time(at, 1)}`);
  const health = state === "disconnected" ? null : frame?.health;
  write("number-update-rate", health?.update_rate, (value) => `${number(value, 1)}/s`);
  write("number-latency", health?.latency_ms.median, (value) => `${number(value, 0)} ms`);
  showBadge(state, held, behindMs);
  const word = live ? silence(health) || note : reason;
  setText("reason", word);
  if (byId("reason").title !== word) byId("reason").title = word; // where it has no room
  showSource(frame, `${state}${held ? " held" : ""}`);
}

/** Have the window's title say the price, or that there is none. @param {Frame | null} frame @param {string} state @param {number} decimals */
export function showTitle(frame, state, decimals) {
  const price = state === "live" && frame?.mid_price ? number(frame.mid_price, decimals + 1) : STATES[state];
  const title = `${price} ${frame?.symbol ?? ""}`.trim();
  if (document.title !== title) document.title = title;
}

/** @param {Frame | null} frame @param {string} state  of the page, and whether it is held */
function showSource(frame, state) {
  byId("source").hidden = !frame;
  setText("source", frame ? frame.source.toUpperCase() : "");
  const page = byId("page");
  const name = `${state}${frame?.source === "simulated" ? " simulated" : ""}`;
  if (page.className !== name) page.className = name;
}

/** Show on the button of the map what it would do. @param {boolean} held */
export function showHold(held) {
  const button = byId("follow");
  if (button.getAttribute("aria-pressed") === String(held)) return;
  press(button, held);
  button.textContent = held ? "▶\uFE0E" : "❚❚";
  button.title = held ? "Go on with now (space)" : "Hold the view (space)";
}

/** Show over the map why nothing of now is shown, or nothing where it is live. @param {string} state @param {string} reason */
export function showVeil(state, reason) {
  byId("veil").hidden = state === "live";
  setText("veil-state", STATES[state]);
  setText("veil-reason", reason);
}
