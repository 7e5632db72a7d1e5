// Smooths a grid, so that what is large and lasts stands out as a ridge. Pure.

const ACROSS = [1, 2, 3, 2, 1]; // weights of the columns around one
const DOWN = [1, 2, 1]; // and of the rows

/** Return the weighted mean of each value and those around it; null is a hole, which stays one and has no weight.
 * @param {(number | null)[][]} grid @returns {(number | null)[][]}
 */
export function smooth(grid) {
  const across = grid.map((row) => row.map((_, at) => mean(ACROSS, row, at)));
  const columns = grid[0]?.map((_, at) => across.map((row) => row[at])) ?? [];
  const down = columns.map((column) => column.map((_, line) => mean(DOWN, column, line)));
  return grid.map((_, line) => down.map((column) => column[line]));
}

/** Return the weighted mean of those around `at`; a hole stays one. @param {number[]} weights @param {(number | null)[]} values
 * @param {number} at
 */
function mean(weights, values, at) {
  if (values[at] === null) return null;
  let [sum, total] = [0, 0];
  const first = at - (weights.length - 1) / 2;
  for (let index = Math.max(0, -first); index < weights.length && first + index < values.length; index += 1) {
    const value = values[first + index];
    if (value === null) continue;
    sum += weights[index] * value;
    total += weights[index];
  }
  return sum / total;
}
