// Trades as the bubbles of shape_layer.js: [second since the epoch, price, diameter]. Pure.
"use strict";
(function (liquidity) {
  const PRINTS_A_SECOND = 3; // the largest ones; more would only cover one another
  const SMALLEST = 3; // px
  const LARGEST = 20; // px

  /** Return the largest prints of each second, {buy, sell} by the taker's side, with areas by size.
   *
   * The smaller ones of a window are left out, and the very largest do not make all others small.
   */
  function tradeBubbles(rows) {
    const prints = rows.flatMap((row) => row?.trades?.largest.slice(0, PRINTS_A_SECOND) ?? []);
    const sizes = prints.map(([, size]) => size).sort((a, b) => a - b);
    const at = (share) => sizes[Math.floor(share * (sizes.length - 1))];
    const [smallest, reference] = [at(0.4) || 0, at(0.99) || 1];
    const bubbles = { buy: [], sell: [] };
    for (const [price, size, side, time] of prints) {
      if (size < smallest) continue;
      const share = Math.sqrt(Math.min(1, size / reference));
      bubbles[side].push([time / 1000, price, SMALLEST + (LARGEST - SMALLEST) * share]);
    }
    return bubbles;
  }

  liquidity.tradeBubbles = tradeBubbles;
})((window.liquidity = window.liquidity || {}));
