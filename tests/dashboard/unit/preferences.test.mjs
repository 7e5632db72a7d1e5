import assert from "node:assert/strict";
import test from "node:test";

import { isCutOff, Preferences } from "../../../dashboard/assets/ui/preferences.mjs";

/** The values of a page with nothing kept and nothing asked for. */
const NORMAL = {
  symbol: "", theme: "dark", colours: "blue and orange", ticks: "auto", top: "0", vwap: "0", depth: "0.1 %",
  kinds: "wall sweep absorption layering iceberg exhaustion", notes: "none", black: "55 %", white: "98 %", gamma: "1.8", flow: "ofi_best", rank: "0.8",
};

/** Put a window in place that has kept `text`, and notes what is kept and which address is shown.
 * @param {string | null} text
 */
function windowWith(text) {
  const noted = { kept: text, address: "" };
  const localStorage = {
    getItem: () => noted.kept,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => { noted.kept = value; },
  };
  const history = { replaceState: (/** @type {string[]} */ ...said) => { noted.address = said[2]; } };
  Object.assign(globalThis, { window: { localStorage, history } });
  return noted;
}

test("without anything kept or asked for all is as always", () => {
  windowWith(null);
  const preferences = new Preferences("");
  assert.deepEqual(preferences.values, NORMAL);
  assert.equal(preferences.address(), "symbol=");
});

test("the address goes before what was kept, and that before what is normal", () => {
  windowWith(JSON.stringify({ theme: "light", ticks: "50", symbol: "ETHUSDT" }));
  const preferences = new Preferences("ticks=5&symbol=BTCUSDT");
  assert.deepEqual(preferences.values, { ...NORMAL, theme: "light", ticks: "5", symbol: "BTCUSDT" });
});

test("what is not allowed is as if it had not been said", () => {
  const forbidden = {
    theme: "pink", colours: "grey ", ticks: "3", top: "2", vwap: "true", depth: "1 %", kinds: "wall bogus", notes: "all", black: "-1", white: "101 %",
    gamma: "9", symbol: "", rank: "1.2",
  };
  windowWith(JSON.stringify(forbidden));
  assert.deepEqual(new Preferences(new URLSearchParams(forbidden).toString()).values, NORMAL);
  windowWith(null);
  const preferences = new Preferences("");
  for (const [name, text] of Object.entries(forbidden)) assert.equal(preferences.set(name, text), false, name);
  assert.deepEqual(preferences.values, NORMAL);
});

test("names that every object has are no kinds of detections", () => {
  windowWith(null);
  for (const text of ["toString", "wall constructor", "__proto__", "hasOwnProperty"]) {
    assert.equal(new Preferences("").set("kinds", text), false, text);
    assert.equal(new Preferences(`kinds=${text}`).get("kinds"), NORMAL.kinds, text);
    assert.equal(new Preferences("").set("notes", text), false, text);
  }
});

test("what is kept that is no text, or no choices at all, counts for nothing", () => {
  for (const text of ["", "{", "null", "5", "[]", '"dark"', '{"theme":5,"gamma":null,"black":["30 %"],"symbol":{}}', "true"]) {
    windowWith(text);
    assert.deepEqual(new Preferences("").values, NORMAL, text);
  }
});

test("a choice is kept, and a page that is opened anew has it", () => {
  const noted = windowWith(null);
  const preferences = new Preferences("");
  const chosen = {
    symbol: "ETHUSDT", theme: "light", colours: "one hue", ticks: "100", top: "1", vwap: "1", depth: "all known", kinds: "none", notes: "wall sweep",
    black: "2.5", white: "90 %", gamma: "0.5", flow: "ofi", rank: "0.35",
  };
  for (const [name, text] of Object.entries(chosen)) assert.equal(preferences.set(name, text), true, name);
  assert.deepEqual(new Preferences("").values, chosen);
  const address = noted.address.slice(1);
  windowWith(null);
  assert.deepEqual(new Preferences(address).values, { ...chosen, notes: "none" });
});

test("a browser that keeps nothing, or forbids to ask, still follows choices", () => {
  let address = "";
  const history = { replaceState: (/** @type {string[]} */ ...said) => { address = said[2]; } };
  const refuse = () => {
    throw new Error("SecurityError");
  };
  const stores = [{ localStorage: { getItem: refuse, setItem: refuse }, history }, Object.defineProperty({ history }, "localStorage", { get: refuse }), { history }];
  for (const store of stores) {
    Object.assign(globalThis, { window: store });
    const preferences = new Preferences("symbol=BTCUSDT");
    assert.equal(preferences.set("theme", "light"), true);
    assert.equal(preferences.get("theme"), "light");
    assert.equal(address, "?symbol=BTCUSDT&theme=light");
  }
});

test("a cut-off is a percentile or a size", () => {
  for (const text of ["0 %", "30 %", "30%", "99.5 %", "100 %", "2.5", " 7 ", "0.001"]) assert.equal(isCutOff(text), true, text);
  for (const text of ["", "%", "-1", "100.1 %", "0", "0.0", "1e3", "3,5", "NaN", "5 % x", "٣", ".5"]) assert.equal(isCutOff(text), false, text);
});
