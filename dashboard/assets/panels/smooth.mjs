// Smooths a grid, so that what is large and lasts stands out as a ridge. Pure.

const ACROSS = [1, 2, 3, 2, 1]; // weights of the columns around one
const DOWN = [1, 2, 1]; // and of the rows

/** Return the weighted mean of each value and those around it; null is a hole, which stays one and has no weight.
 * @param {(number | null)[][]} grid @returns {(number | null)[][]}
 */
export function smooth(grid) {
  const across = grid.map((row) => row.map((value, at) => value === null ? null : mean(ACROSS, (off) => row[at + off])));
  return across.map((row, line) => row.map((value, at) => value === null ? null : mean(DOWN, (off) => across[line + off]?.[at])));
}

/** @param {number[]} weights @param {(off: number) => number | null | undefined} valueAt @returns {number} */
function mean(weights, valueAt) {
  let [sum, total] = [0, 0];
  weights.forEach((weight, index) => {
    const value = valueAt(index - (weights.length - 1) / 2);
    if (value === null || value === undefined) return;
    sum += weight * value;
    total += weight;
  });
  return sum / total;
}
