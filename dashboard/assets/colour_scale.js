// Colours of sizes: two ramps, told apart by people who see no red or green, and a robust range. Pure.
"use strict";
(function (liquidity) {
  const ENTRIES = 256;

  // Each stop: position, red, green, blue. The first is "known and empty".
  const RAMPS = {
    dark: {
      bid: [[0, 13, 19, 33], [0.25, 16, 52, 98], [0.55, 22, 111, 187], [0.8, 72, 180, 245], [1, 214, 243, 255]],
      ask: [[0, 24, 17, 18], [0.25, 84, 40, 14], [0.55, 178, 88, 18], [0.8, 250, 159, 50], [1, 255, 240, 205]],
    },
    light: {
      bid: [[0, 238, 243, 249], [0.25, 186, 214, 240], [0.55, 92, 157, 215], [0.8, 26, 98, 172], [1, 5, 36, 84]],
      ask: [[0, 251, 244, 236], [0.25, 251, 214, 165], [0.55, 240, 152, 62], [0.8, 196, 92, 12], [1, 104, 38, 2]],
    },
  };

  function between(stops, at) {
    const upper = stops.find(([position]) => position >= at) || stops[stops.length - 1];
    const lower = stops[Math.max(0, stops.indexOf(upper) - 1)];
    const share = upper === lower ? 0 : (at - lower[0]) / (upper[0] - lower[0]);
    return [1, 2, 3].map((channel) => Math.round(lower[channel] + share * (upper[channel] - lower[channel])));
  }

  /** Return both ramps as RGBA bytes: 256 entries for bids, then 256 for asks. */
  function lookUpTable(theme) {
    const table = new Uint8Array(2 * ENTRIES * 4);
    ["bid", "ask"].forEach((side, row) => {
      for (let entry = 0; entry < ENTRIES; entry += 1) {
        table.set([...between(RAMPS[theme][side], entry / (ENTRIES - 1)), 255], (row * ENTRIES + entry) * 4);
      }
    });
    return table;
  }

  /** Return a Plotly colour scale from the strongest bid (-1) over nothing (0) to the strongest ask (1). */
  function diverging(theme) {
    const text = (side, at) => `rgb(${between(RAMPS[theme][side], at).join(",")})`;
    const steps = [0.95, 0.75, 0.5, 0.25, 0.05];
    return [
      ...steps.map((at) => [(1 - at) / 2, text("bid", at)]),
      [0.4999, text("bid", 0)], [0.5, text("ask", 0)],
      ...steps.toReversed().map((at) => [(1 + at) / 2, text("ask", at)]),
    ].map(([at, colour], index, all) => [index === 0 ? 0 : index === all.length - 1 ? 1 : at, colour]);
  }

  /** Return the sizes at two percentiles (0 to 100) of `sizes`, or null where there are none above 0. */
  function rangeOf(sizes, lowPercent, highPercent) {
    const sorted = Float64Array.from(sizes).filter((size) => size > 0).sort();
    if (!sorted.length) return null;
    const at = (percent) => sorted[Math.round((percent / 100) * (sorted.length - 1))];
    const low = at(lowPercent);
    const high = at(highPercent);
    return high > low ? [low, high] : [low, low * 1.001];
  }

  /** Return where in the scale, 0 to 1, a size lies. The layer's shader does the same. */
  function positionOf(size, [low, high], logarithmic) {
    if (!(size > 0)) return 0;
    const share = logarithmic ? Math.log(size / low) / Math.log(high / low) : (size - low) / (high - low);
    // What is there is never drawn as if nothing were.
    return Math.min(1, Math.max(0.04, share));
  }

  liquidity.colourScale = { ENTRIES, lookUpTable, diverging, rangeOf, positionOf };
})((window.liquidity = window.liquidity || {}));
