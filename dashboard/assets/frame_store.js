// The last 180 seconds, one row a second, as the frames told them.
"use strict";
(function (liquidity) {
  const WINDOW_SECONDS = 180;

  /** Return the part of a frame that a row keeps; the history's own rows have the same keys. */
  function rowOf(frame) {
    const { timestamp, status, reason, mid_price, spread, imbalance, ofi, microprice } = frame;
    const { bid_levels, ask_levels, trades, detections, ladders } = frame;
    return {
      timestamp, status, reason, mid_price, spread, imbalance, ofi, microprice,
      bid_levels, ask_levels, trades, detections, ladders,
    };
  }

  class FrameStore {
    constructor() {
      this.clear();
    }

    /** Forget everything: another symbol follows. */
    clear() {
      this.rows = new Map(); // by second
      this.frame = null;
      this.missed = 0;
    }

    /** Take a frame; returns the seconds whose rows are new or changed. */
    apply(frame) {
      const second = frame.timestamp / 1000;
      const before = this.frame ? this.frame.timestamp / 1000 : null;
      const changed = [];
      for (const row of frame.history || []) {
        this.rows.set(row.timestamp / 1000, row);
        changed.push(row.timestamp / 1000);
      }
      if (before !== null && second < before) this.forgetAfter(second); // the engine's clock was set back
      if (before !== null && !frame.history && second > before + 1) this.missed += second - before - 1;
      this.rows.set(second, rowOf(frame));
      changed.push(second);
      this.frame = frame;
      for (const old of this.rows.keys()) if (old <= second - WINDOW_SECONDS) this.rows.delete(old);
      return changed;
    }

    forgetAfter(second) {
      for (const later of this.rows.keys()) if (later > second) this.rows.delete(later);
    }

    /** The second that the newest frame closes, or null. */
    get newest() {
      return this.frame ? this.frame.timestamp / 1000 : null;
    }

    /** Return one entry for each second of the window, oldest first: a row, or null where none is known. */
    window() {
      const newest = this.newest;
      if (newest === null) return [];
      const rows = [];
      for (let second = newest - WINDOW_SECONDS + 1; second <= newest; second += 1) {
        rows.push(this.rows.get(second) || null);
      }
      return rows;
    }
  }

  liquidity.WINDOW_SECONDS = WINDOW_SECONDS;
  liquidity.FrameStore = FrameStore;
})((window.liquidity = window.liquidity || {}));
