// Where an axis has its labels, never more than there is room for. Pure.

const MOST = 40;
const TIME_STEPS = [
  100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000,
];

/** Return {ticks, step}: round numbers between `low` and `high`, so that at most `room` of them fit; `step` is a multiple
 * of `least`. @param {number} low @param {number} high @param {number} room @param {number} [least]
 */
export function numberTicks(low, high, room, least = 0) {
  const count = Math.min(MOST, Math.max(1, Math.floor(room)));
  const raw = Math.max((high - low) / count, least, Math.abs(low) * 1e-12, 1e-300); // equal ends have a step, too
  const decade = 10 ** Math.floor(Math.log10(raw) + 1e-9);
  const step = decade * (/** @type {number} */ ([1, 2, 5, 10].find((factor) => factor * decade >= raw * (1 - 1e-9))));
  const ticks = [];
  const first = Math.ceil(low / step - 1e-9);
  for (let index = first; index * step <= high + step * 1e-9 && ticks.length < MOST; index += 1) {
    ticks.push(Number((index * step).toPrecision(14)));
  }
  return { ticks, step };
}

/** Return {ticks, step} in ms between two times, on round local times of day. @param {number} from @param {number} to
 * @param {number} room @param {number} zoneMs  ms that local time is ahead of UTC
 */
export function timeTicks(from, to, room, zoneMs) {
  const count = Math.min(MOST, Math.max(1, Math.floor(room)));
  const step = TIME_STEPS.find((each) => (to - from) / each <= count) ?? 6 * 3_600_000;
  const ticks = [];
  for (let at = Math.ceil((from + zoneMs) / step) * step; at <= to + zoneMs && ticks.length < MOST; at += step) {
    ticks.push(at - zoneMs);
  }
  return { ticks, step };
}

/** Return the decimals that multiples of `step` need. @param {number} step */
export function decimalsOfStep(step) {
  return Math.max(0, Math.min(8, Math.ceil(-Math.log10(step) - 1e-9)));
}
