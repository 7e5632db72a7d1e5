// Colours of sizes. Each map is told apart by people who see no red or green, and says known-empty plainly. Pure.

/** @typedef {"dark" | "light"} Theme */
/** @typedef {[position: number, red: number, green: number, blue: number]} Stop */

export const ENTRIES = 256;
export const COLOUR_MAPS = /** @type {const} */ (["blue and orange", "one hue", "grey"]);
const LEAST = 0.05; // what is there is never drawn as if nothing were

/** @type {Record<Theme, Record<string, {bid: Stop[], ask: Stop[]}>>} */
const RAMPS = {
  dark: {
    "blue and orange": {
      bid: [[0, 9, 13, 23], [0.05, 10, 20, 37], [0.3, 14, 54, 106], [0.6, 28, 122, 205], [0.82, 106, 193, 255], [1, 235, 248, 255]],
      ask: [[0, 9, 13, 23], [0.05, 26, 17, 16], [0.3, 88, 43, 10], [0.6, 196, 100, 20], [0.82, 255, 178, 84], [1, 255, 246, 226]],
    },
    "one hue": {
      bid: [[0, 9, 13, 23], [0.05, 16, 32, 38], [0.3, 16, 68, 74], [0.6, 24, 140, 134], [0.82, 110, 214, 188], [1, 240, 255, 244]],
      ask: [[0, 9, 13, 23], [0.05, 16, 32, 38], [0.3, 16, 68, 74], [0.6, 24, 140, 134], [0.82, 110, 214, 188], [1, 240, 255, 244]],
    },
    grey: {
      bid: [[0, 12, 12, 12], [0.05, 34, 34, 34], [0.5, 110, 110, 110], [1, 255, 255, 255]],
      ask: [[0, 12, 12, 12], [0.05, 34, 34, 34], [0.5, 110, 110, 110], [1, 255, 255, 255]],
    },
  },
  light: {
    "blue and orange": {
      bid: [[0, 250, 251, 253], [0.05, 236, 243, 251], [0.3, 176, 208, 240], [0.6, 74, 145, 215], [0.82, 20, 84, 158], [1, 3, 28, 74]],
      ask: [[0, 250, 251, 253], [0.05, 250, 243, 232], [0.3, 250, 209, 156], [0.6, 236, 142, 50], [0.82, 184, 82, 8], [1, 92, 32, 2]],
    },
    "one hue": {
      bid: [[0, 250, 251, 253], [0.05, 224, 240, 238], [0.3, 168, 214, 208], [0.6, 56, 158, 150], [0.82, 8, 98, 98], [1, 2, 42, 48]],
      ask: [[0, 250, 251, 253], [0.05, 224, 240, 238], [0.3, 168, 214, 208], [0.6, 56, 158, 150], [0.82, 8, 98, 98], [1, 2, 42, 48]],
    },
    grey: {
      bid: [[0, 255, 255, 255], [0.05, 232, 232, 232], [0.5, 140, 140, 140], [1, 0, 0, 0]],
      ask: [[0, 255, 255, 255], [0.05, 232, 232, 232], [0.5, 140, 140, 140], [1, 0, 0, 0]],
    },
  },
};

/** @param {Stop[]} stops @param {number} at */
function between(stops, at) {
  const upper = stops.find(([position]) => position >= at) ?? stops[stops.length - 1];
  const lower = stops[Math.max(0, stops.indexOf(upper) - 1)];
  const share = upper === lower ? 0 : (at - lower[0]) / (upper[0] - lower[0]);
  const channel = (/** @type {1 | 2 | 3} */ index) => Math.round(lower[index] + share * (upper[index] - lower[index]));
  return [channel(1), channel(2), channel(3)];
}

/** Return a map's colours as RGBA bytes: 256 entries for bids, then 256 for asks. Entry 0 is "known and empty".
 * @param {Theme} theme @param {string} name
 */
export function lookUpTable(theme, name) {
  const table = new Uint8Array(2 * ENTRIES * 4);
  for (const [row, side] of /** @type {const} */ ([[0, "bid"], [1, "ask"]])) {
    for (let entry = 0; entry < ENTRIES; entry += 1) {
      const colour = between(RAMPS[theme][name][side], entry / (ENTRIES - 1));
      table.set([...colour, 255], (row * ENTRIES + entry) * 4);
    }
  }
  return table;
}

/** Return a Plotly colour scale from the strongest bid (-1) over nothing (0) to the strongest ask (1).
 * @param {Theme} theme @param {string} name
 */
export function diverging(theme, name) {
  const { bid, ask } = RAMPS[theme][name];
  const text = (/** @type {Stop[]} */ stops, /** @type {number} */ at) => `rgb(${between(stops, at).join(",")})`;
  const steps = [1, 0.75, 0.5, 0.3, 0.12];
  return [
    ...steps.map((at) => [(1 - at) / 2, text(bid, at)]),
    [0.4999, text(bid, 0.08)], [0.5001, text(ask, 0.08)],
    ...steps.toReversed().map((at) => [(1 + at) / 2, text(ask, at)]),
  ];
}

/** Return where in a scale, 0 to 1, a size lies: by its logarithm between black and white point, to the power of gamma.
 * The layer's shader does the same. @param {number} size @param {ScaleRange} range
 */
export function positionOf(size, { black, white, gamma }) {
  if (!(size > 0)) return 0;
  const share = Math.min(1, Math.max(0, Math.log(size / black) / Math.log(white / black)));
  return Math.max(LEAST, share ** gamma);
}

/** Sizes at both ends of the colours, and the power of what lies between.
 * @typedef {{black: number, white: number, gamma: number}} ScaleRange
 */
