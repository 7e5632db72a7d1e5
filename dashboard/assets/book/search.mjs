// Where in something sorted a condition begins to hold. Pure.

/** Return the first index from 0 on for which `holds`, and `count` where there is none. O(log count).
 * @param {number} count @param {(index: number) => boolean} holds  from some index on for all, before it for none
 */
export function firstWhere(count, holds) {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
