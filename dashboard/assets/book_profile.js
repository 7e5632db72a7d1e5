// One second's book beside the map: bars, cumulative sizes and the mid, as the boxes of shape_layer.js. Pure.
//
// Sizes (base asset) run to the right and prices (USDT) upwards; `cells` is what price_steps.js returns.
"use strict";
(function (liquidity) {
  const sum = (sizes) => [...sizes.values()].reduce((total, size) => total + size, 0);

  /** Return one bar a group of a side's sizes. */
  function bars(cells, sizes) {
    return [...sizes].map(([bin, size]) => [0, bin * cells.step, size, (bin + 1) * cells.step]);
  }

  /** Return a side's cumulative sizes as a stepped line away from the touch; `side` is bid or ask. */
  function cumulative(cells, sizes, side) {
    const bins = [...sizes.keys()].sort((a, b) => (side === "bid" ? b - a : a - b));
    const points = [];
    let total = 0;
    for (const bin of bins) {
      const [near, far] = side === "bid" ? [bin + 1, bin] : [bin, bin + 1];
      points.push([total, near * cells.step]);
      total += sizes.get(bin);
      points.push([total, near * cells.step], [total, far * cells.step]);
    }
    return liquidity.lineThrough(points);
  }

  /** Return the largest size of one group. */
  function largest(cells) {
    return Math.max(...cells.bids.values(), ...cells.asks.values());
  }

  /** Return the size of the side that has more of it. */
  function deepest(cells) {
    return Math.max(sum(cells.bids), sum(cells.asks));
  }

  /** Return a line at the mid, as long as the longest bar. */
  function midLine(cells) {
    return [[0, cells.mid, largest(cells), cells.mid]];
  }

  /** Return the box of what a simulated order takes: from the mid to the worst price that it reaches. */
  function orderBox({ filled, mid_price: mid, worst_price: worst }) {
    return [[0, Math.min(mid, worst), filled, Math.max(mid, worst)]];
  }

  liquidity.bookProfile = { orderBox, bars, cumulative, midLine, largest, deepest };
})((window.liquidity = window.liquidity || {}));
