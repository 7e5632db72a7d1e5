// Which sizes the colours reach from and to: percentiles of what is seen, moved smoothly so that nothing flickers. Pure.

import { nthSmallest } from "../book/select.mjs";

/** @import {ScaleRange} from "./colour_maps.mjs" */

const SHARE = 0.15; // of the way to the new percentiles, each second

/** What a person set: percentiles (0 to 100), gamma, and absolute sizes in place of percentiles (null: none).
 * @typedef {{blackPercent: number, whitePercent: number, gamma: number, black: number | null, white: number | null}} ScaleSettings
 */

export class ColourScale {
  constructor() {
    /** @type {ScaleSettings} */
    this.settings = { blackPercent: 55, whitePercent: 98, gamma: 1.8, black: null, white: null };
    /** @type {[number, number] | null} percentiles as they are shown; null before the first */
    this.shown = null;
  }

  /** Choose the percentiles anew with the next sizes. */
  restart() {
    this.shown = null;
  }

  /** Hear the sizes that are seen. @param {Float32Array} sizes  all above 0; put in another order */
  see(sizes) {
    if (!sizes.length) return;
    const at = (/** @type {number} */ percent) => nthSmallest(sizes, Math.round((percent / 100) * (sizes.length - 1)));
    const wanted = [at(this.settings.blackPercent), at(this.settings.whitePercent)];
    const { shown } = this;
    this.shown = /** @type {[number, number]} */ (
      shown ? wanted.map((size, end) => shown[end] * (size / shown[end]) ** SHARE) : wanted
    );
  }

  /** The ends of the colours, in the unit of the sizes seen. @param {number} unit of the absolute sizes
   * @returns {ScaleRange}
   */
  range(unit) {
    const { black, white, gamma } = this.settings;
    const low = black !== null ? black * unit : this.shown ? this.shown[0] : unit * 1e-3;
    const high = white !== null ? white * unit : this.shown ? this.shown[1] : unit;
    const least = Math.max(low, 1e-12);
    return { black: least, white: Math.max(high, least * 1.001), gamma };
  }
}
