// What a person chose: kept in the browser's storage, and in the address, so that a link carries the settings of its sender.

import { COLOUR_MAPS } from "../map/colour_maps.mjs";
import { KINDS } from "../book/detections.mjs";
import { FLOWS } from "../book/numbers.mjs";

const KEY = "liquidity";
export const TICKS = ["auto", "1", "2", "5", "10", "20", "50", "100", "200", "500", "1000"];
export const DEPTH_RANGES = /** @type {const} */ (["ten levels", "0.1 %", "0.5 %", "all known"]);

/** Each choice: its default, and which texts say it. @type {Record<string, {normal: string, allows: (text: string) => boolean}>} */
const CHOICES = {
  symbol: { normal: "", allows: (text) => text !== "" },
  theme: { normal: "dark", allows: (text) => ["dark", "light"].includes(text) },
  colours: { normal: COLOUR_MAPS[0], allows: (text) => /** @type {readonly string[]} */ (COLOUR_MAPS).includes(text) },
  ticks: { normal: "auto", allows: (text) => TICKS.includes(text) },
  top: { normal: "0", allows: (text) => ["0", "1"].includes(text) },
  vwap: { normal: "0", allows: (text) => ["0", "1"].includes(text) },
  flow: { normal: FLOWS[0], allows: (text) => /** @type {readonly string[]} */ (FLOWS).includes(text) },
  depth: { normal: "0.1 %", allows: (text) => /** @type {readonly string[]} */ (DEPTH_RANGES).includes(text) },
  kinds: { normal: Object.keys(KINDS).join(" "), allows: (text) => text.split(" ").every((kind) => kind === "none" || Object.hasOwn(KINDS, kind)) },
  notes: { normal: "none", allows: (text) => text.split(" ").every((kind) => kind === "none" || Object.hasOwn(KINDS, kind)) },
  rank: { normal: "0.8", allows: (text) => /^(0(\.\d+)?|1(\.0+)?)$/u.test(text) },
  black: { normal: "55 %", allows: isCutOff },
  white: { normal: "98 %", allows: isCutOff },
  gamma: { normal: "1.8", allows: (text) => Number(text) >= 0.2 && Number(text) <= 5 },
};

/** Say whether `text` is a percentile ("30 %") or a size above 0 ("2.5"). @param {string} text */
export function isCutOff(text) {
  const found = /^(\d+(?:\.\d+)?)\s*(%?)$/u.exec(text.trim());
  if (!found) return false;
  return found[2] ? Number(found[1]) <= 100 : Number(found[1]) > 0;
}

export class Preferences {
  /** `address` is what follows the ? of the page's. @param {string} address */
  constructor(address) {
    /** @type {Record<string, string>} */
    this.values = {};
    const kept = keptBefore();
    const asked = new URLSearchParams(address);
    for (const [name, { normal, allows }] of Object.entries(CHOICES)) {
      const said = [asked.get(name), kept[name]].find((text) => typeof text === "string" && allows(text));
      this.values[name] = typeof said === "string" ? said : normal;
    }
  }

  /** @param {string} name */
  get(name) {
    return this.values[name];
  }

  /** Keep a choice; one that is not allowed changes nothing. @param {string} name @param {string} text */
  set(name, text) {
    if (!CHOICES[name].allows(text)) return false;
    this.values[name] = text;
    try {
      window.history.replaceState(null, "", `?${this.address()}`);
      window.localStorage.setItem(KEY, JSON.stringify(this.values));
    } catch {
      // a browser that keeps nothing, or allows no more changes now: it lasts until the page is left
    }
    return true;
  }

  /** Return the choices as an address says them; those that are as always are left out. */
  address() {
    const said = Object.entries(this.values).filter(([name, text]) => name === "symbol" || text !== CHOICES[name].normal);
    return new URLSearchParams(said.filter(([name]) => name !== "notes")).toString();
  }
}

/** @returns {Record<string, unknown>} */
function keptBefore() {
  try {
    const kept = JSON.parse(window.localStorage.getItem(KEY) ?? "{}");
    return kept !== null && typeof kept === "object" ? kept : {};
  } catch {
    return {};
  }
}
