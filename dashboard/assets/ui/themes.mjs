// Colours of everything that is drawn but the cells. The page's own are in page.css, under the same names.

/** @typedef {import("../map/colour_maps.mjs").Theme} Theme */

export const THEMES = {
  dark: {
    back: "#0b111b", text: "#dce3ee", faint: "#9aa3b5", grid: "rgba(150,168,196,0.09)", rule: "rgba(150,168,196,0.30)",
    hatchBack: "#0a0d14", hatch: "#1a2130", outline: "rgba(214,226,245,0.30)",
    bid: "#58b4ff", ask: "#ffa143", bidFill: "rgba(88,180,255,0.34)", askFill: "rgba(255,161,67,0.34)",
    bidBar: "rgba(70,150,225,0.80)", askBar: "rgba(224,134,44,0.80)", boughtBar: "#3f6f9f", soldBar: "#96642c",
    bidLine: "#7cc2ff", askLine: "#ffbe78", mid: "#ffffff", casing: "rgba(5,8,14,0.90)",
    bought: "rgba(74,170,255,0.78)", sold: "rgba(255,132,44,0.78)", edge: "rgba(240,246,255,0.75)",
    line: "#b9c4d6", aboveFill: "#1f4a76", belowFill: "#6d4013", plainFill: "#2b3850", aboveTag: "#1d5c9c", belowTag: "#8f4f10",
    vwap: "#c9a6ff", warn: "#ffd24a", detection: "#ff6fd8", order: "#ffffff", orderFill: "rgba(255,255,255,0.22)",
    crosshair: "rgba(226,234,248,0.75)", cross: "#c4cedd", tag: "#2a3a55", tagText: "#ffffff", heldTag: "#8794aa", heldTagText: "#060a11", now: "rgba(220,230,246,0.35)", box: "#5b677a",
  },
  light: {
    back: "#ffffff", text: "#1a2330", faint: "#566173", grid: "rgba(40,54,74,0.09)", rule: "rgba(40,54,74,0.28)",
    hatchBack: "#eff1f4", hatch: "#d3d9e1", outline: "rgba(30,42,60,0.30)",
    bid: "#1465b0", ask: "#b05504", bidFill: "rgba(20,101,176,0.25)", askFill: "rgba(204,104,16,0.25)",
    bidBar: "rgba(52,122,192,0.80)", askBar: "rgba(216,124,38,0.80)", boughtBar: "#8fb4d8", soldBar: "#e0b489",
    bidLine: "#0b4f92", askLine: "#8a3f00", mid: "#0b1018", casing: "rgba(255,255,255,0.90)",
    bought: "rgba(18,96,176,0.72)", sold: "rgba(200,84,8,0.72)", edge: "rgba(255,255,255,0.90)",
    line: "#4b5768", aboveFill: "#a8cbee", belowFill: "#f3c799", plainFill: "#cdd6e2", aboveTag: "#1465b0", belowTag: "#b05504",
    vwap: "#6a35b8", warn: "#8a5000", detection: "#b3128f", order: "#000000", orderFill: "rgba(0,0,0,0.16)",
    crosshair: "rgba(24,34,50,0.7)", cross: "#4a5768", tag: "#27313f", tagText: "#ffffff", heldTag: "#66738a", heldTagText: "#ffffff", now: "rgba(30,42,60,0.35)", box: "#b3bdca",
  },
};

export const FONT = 'system-ui, Inter, "Segoe UI", Roboto, Helvetica, Arial, sans-serif';

/** @type {Map<string, number[]>} told once: each picture asks for dozens */
const known = new Map();

/** Return a colour ("#rrggbb" or "rgba(r,g,b,a)") as shares of 1 with the alpha multiplied in, as WebGL blends.
 * @param {string} colour @returns {number[]}  the same for the same colour
 */
export function premultiplied(colour) {
  const before = known.get(colour);
  if (before) return before;
  const [red, green, blue, alpha = 1] = colour.startsWith("#")
    ? [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16))
    : (colour.match(/[\d.]+/gu) ?? []).map(Number);
  const told = [red, green, blue].map((channel) => (channel / 255) * alpha).concat(alpha);
  known.set(colour, told);
  return told;
}
