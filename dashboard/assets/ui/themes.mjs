// Colours of everything that is drawn but the cells. The page's own are in page.css, under the same names.

/** @typedef {import("../map/colour_maps.mjs").Theme} Theme */

export const THEMES = {
  dark: {
    back: "#0b111b", text: "#c3ccdb", faint: "#8793a7", grid: "rgba(150,168,196,0.10)", rule: "rgba(150,168,196,0.28)",
    hatchBack: "#0a0d14", hatch: "#1c2331", outline: "rgba(214,226,245,0.60)",
    bid: "#58b4ff", ask: "#ffa143", bidFill: "rgba(88,180,255,0.40)", askFill: "rgba(255,161,67,0.40)",
    bidBar: "rgba(70,150,225,0.75)", askBar: "rgba(224,134,44,0.75)",
    bidLine: "#9fd3ff", askLine: "#ffd39a",
    bought: "rgba(66,160,245,0.88)", sold: "rgba(232,116,48,0.88)", edge: "rgba(240,246,255,0.85)",
    line: "#d7deea", vwap: "#c9a6ff", detection: "#ff6fd8", order: "#ffffff", orderFill: "rgba(255,255,255,0.22)",
    crosshair: "rgba(226,234,248,0.75)", cross: "#c4cedd", tag: "#223049", tagText: "#eef3fb", now: "rgba(220,230,246,0.35)", box: "#5b677a",
  },
  light: {
    back: "#ffffff", text: "#27313f", faint: "#566173", grid: "rgba(40,54,74,0.09)", rule: "rgba(40,54,74,0.25)",
    hatchBack: "#eff1f4", hatch: "#d3d9e1", outline: "rgba(30,42,60,0.55)",
    bid: "#1465b0", ask: "#b05504", bidFill: "rgba(20,101,176,0.28)", askFill: "rgba(204,104,16,0.28)",
    bidBar: "rgba(52,122,192,0.72)", askBar: "rgba(216,124,38,0.72)",
    bidLine: "#0b4f92", askLine: "#8a3f00",
    bought: "rgba(18,96,176,0.85)", sold: "rgba(200,84,8,0.85)", edge: "rgba(255,255,255,0.95)",
    line: "#27313f", vwap: "#6a35b8", detection: "#b3128f", order: "#000000", orderFill: "rgba(0,0,0,0.16)",
    crosshair: "rgba(24,34,50,0.7)", cross: "#4a5768", tag: "#27313f", tagText: "#ffffff", now: "rgba(30,42,60,0.35)", box: "#b3bdca",
  },
};

export const FONT = 'ui-sans-serif, system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

/** Return a colour ("#rrggbb" or "rgba(r,g,b,a)") as shares of 1 with the alpha multiplied in, as WebGL blends.
 * @param {string} colour @returns {number[]}
 */
export function premultiplied(colour) {
  const [red, green, blue, alpha = 1] = colour.startsWith("#")
    ? [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16))
    : (colour.match(/[\d.]+/gu) ?? []).map(Number);
  return [red, green, blue].map((channel) => (channel / 255) * alpha).concat(alpha);
}
