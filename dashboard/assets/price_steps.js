// Price steps: which of a row's ladders is shown, and where its groups lie. Pure.
"use strict";
(function (liquidity) {
  const NARROW_AGAIN = 0.4; // an automatic step shrinks only once the range is this far inside the finer one

  /** Return {step, bids, asks} of a row at one of its ladders, or null where the row has none. */
  function ladderOf(row, index) {
    return row && row.status === "live" && row.ladders ? row.ladders[index] : null;
  }

  /** Return a ladder's cells: {step, low, high, mid, bids, asks}, bins counted in steps from price 0.
   *
   * Bin b is the price range [b, b + 1) x step. `bids` and `asks` map bins to sizes; bins between `low` and
   * `high` that are in neither are known to be empty, those outside are not known.
   */
  function cellsOf(ladder, mid) {
    const { step } = ladder;
    const bids = new Map();
    const asks = new Map();
    let low = Infinity;
    let high = -Infinity;
    for (const [price, size] of ladder.bids) {
      if (size === null) break;
      const bin = Math.round(price / step);
      bids.set(bin, size);
      low = Math.min(low, bin);
    }
    for (const [price, size] of ladder.asks) {
      if (size === null) break;
      const bin = Math.round(price / step) - 1; // an ask group ends at its price
      asks.set(bin, size);
      high = Math.max(high, bin);
    }
    return { step, low, high, mid, bids, asks };
  }

  /** Return {side, size, from, to} of the cell at `price`, or null where nothing is known. */
  function cellAt(cells, price) {
    const bin = Math.floor(price / cells.step + 1e-9);
    if (bin < cells.low || bin > cells.high) return null;
    const side = price < cells.mid ? "bid" : "ask";
    const sizes = side === "bid" ? cells.bids : cells.asks;
    return { side, size: sizes.get(bin) ?? 0, from: bin * cells.step, to: (bin + 1) * cells.step };
  }

  /** Return how far from the mid ten levels a side reach, USDT, at one ladder of a row. */
  function reach(ladder, mid) {
    const { bids, asks } = ladder;
    return Math.min(mid - bids[bids.length - 1][0], asks[asks.length - 1][0] - mid);
  }

  /** Return the index of the smallest step whose ten levels cover the window's mid range.
   *
   * `current` is the index chosen before (or null): a finer one is taken only once it has room to spare.
   */
  function chooseStep(rows, current) {
    const live = rows.filter((row) => row && row.status === "live" && row.ladders);
    if (!live.length) return current ?? 1;
    let [low, high] = [Infinity, -Infinity];
    for (const row of live) {
      low = Math.min(low, row.mid_price);
      high = Math.max(high, row.mid_price);
    }
    const newest = live[live.length - 1];
    const reaches = newest.ladders.map((ladder) => reach(ladder, newest.mid_price));
    const fits = (share) => {
      const index = reaches.findIndex((width) => width * share >= high - low);
      return index < 0 ? reaches.length - 1 : index;
    };
    const wanted = fits(1);
    if (current === null || wanted >= current) return wanted;
    return Math.min(current, fits(NARROW_AGAIN));
  }

  liquidity.priceSteps = { ladderOf, cellsOf, cellAt, chooseStep };
})((window.liquidity = window.liquidity || {}));
