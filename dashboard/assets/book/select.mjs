// The n-th smallest of many numbers, without sorting all of them: for that a picture has no time. Pure.

/** Return the value that sorting would put at `rank`; linear on average. The values are put in another order.
 * @param {Float32Array} values  no NaN among them @param {number} rank  from 0
 */
export function nthSmallest(values, rank) {
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const pivot = values[(low + high) >> 1];
    let [left, right] = [low, high];
    while (left <= right) {
      while (values[left] < pivot) left += 1;
      while (values[right] > pivot) right -= 1;
      if (left > right) break;
      [values[left], values[right]] = [values[right], values[left]];
      left += 1;
      right -= 1;
    }
    if (rank <= right) high = right;
    else if (rank >= left) low = left;
    else break; // all between are the pivot
  }
  return values[rank];
}
