// The best prices of one side, sorted, while levels come and go: the touch and the tenth level at every update.

const KEPT = 48;

export class NearLevels {
  /** `sign` is 1 for asks, whose best price is the lowest, and -1 for bids. @param {1 | -1} sign */
  constructor(sign) {
    this.sign = sign;
    /** @type {number[]} signed prices, best first */
    this.prices = [];
    this.all = true; // whether no level lies beyond those kept
  }

  /** Take over all prices of a side; O(n log n). @param {Iterable<number>} prices */
  fill(prices) {
    const sorted = Float64Array.from(prices, (price) => price * this.sign).sort();
    this.prices = Array.from(sorted.subarray(0, KEPT));
    this.all = sorted.length <= KEPT;
  }

  /** Note that a level is there now. O(KEPT). @param {number} price */
  add(price) {
    const { prices, sign } = this;
    const signed = price * sign;
    if (!this.all && prices.length && signed > prices[prices.length - 1]) return;
    let at = prices.length;
    while (at > 0 && prices[at - 1] > signed) at -= 1;
    prices.splice(at, 0, signed);
    if (prices.length > KEPT) {
      prices.pop();
      this.all = false;
    }
  }

  /** Note that a level is gone; `levels` are all that are left. @param {number} price @param {Map<number, number>} levels */
  remove(price, levels) {
    const at = this.prices.indexOf(price * this.sign);
    if (at < 0) return;
    this.prices.splice(at, 1);
    if (!this.all && this.prices.length < 10) this.fill(levels.keys());
  }

  /** Return the price at a rank from 0, or of the last one there is; NaN where there is none. @param {number} rank */
  at(rank) {
    const { prices, sign } = this;
    return prices.length ? prices[Math.min(rank, prices.length - 1)] * sign : NaN;
  }
}
