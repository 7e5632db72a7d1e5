// Prices and sizes as whole numbers of 1e-8, in which sums are exact and equal prices are equal. Pure.

const UNITS = 1e8;

/** @param {number} value  USDT or base asset @returns {number} whole units of 1e-8 */
export function toUnits(value) {
  return Math.round(value * UNITS);
}

/** @param {number} units @returns {number} */
export function fromUnits(units) {
  return units / UNITS;
}

/** Return the largest step, in units, that all of `prices` (units) are multiples of; 0 where there are none.
 * @param {Iterable<number>} prices
 */
export function commonStep(prices) {
  let step = 0;
  for (const price of prices) {
    let [a, b] = [price, step];
    while (b) [a, b] = [b, a % b];
    step = a;
    if (step === 1) break;
  }
  return step;
}

/** Return how many decimals a multiple of `step` (units) needs. @param {number} step */
export function decimalsOf(step) {
  let decimals = 8;
  for (let rest = step; rest > 0 && decimals > 0 && rest % 10 === 0; rest /= 10) decimals -= 1;
  return step > 0 ? decimals : 2;
}

/** Return the first of 1, 2, 5, 10, 20, 50 ... that is at least `least`. @param {number} least */
export function roundMultiple(least) {
  for (let decade = 1; decade < 1e15; decade *= 10) {
    for (const factor of [1, 2, 5]) if (factor * decade >= least) return factor * decade;
  }
  return 1e15;
}
